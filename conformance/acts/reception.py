"""What comes at a connection is read as events and compared with what should come."""

import itertools
from collections import deque
from typing import NoReturn

from conformance import oracle
from conformance.acts.wire import send
from conformance.executor import Executor, also
from conformance.lower_tester import Connection
from conformance.operations import Operation
from conformance.spec import CLIENT, RELAY
from conformance.trace import escape

_ENDED = {
    "end": "ended the stream",
    "reset": "reset the connection",
    "cut": "ended the stream without close_notify",
}


def expect_event(
    run: Executor, operation: Operation, connection: Connection, want: oracle.Event
) -> None:
    """The next thing that comes there is this event, or its deviation is raised."""
    if want[0] == "end":
        expect_end(run, operation, connection)
    elif want[0] == "welcome" and run.target.kind == RELAY:
        expect_roster(run, operation, connection, want)
    else:
        check(run, operation, connection, want, event_at(run, operation, connection, want))


def event_at(
    run: Executor, operation: Operation, connection: Connection, want: oracle.Event
) -> oracle.Event:
    """The next event; a presence line of many handles is as many events."""
    pending = run.pending.setdefault(connection.name, deque())
    if not pending:
        line = run.network.line(connection, run.patience)
        if line is None:
            nothing_came(run, operation, connection, want)
        pending.extend(read_line(run, operation, connection, line))
    return pending.popleft()


def nothing_came(
    run: Executor, operation: Operation, connection: Connection, want: oracle.Event
) -> NoReturn:
    """Raises the deviation that there is no line where this event should be."""
    expected = say(want)
    name = connection.name
    if connection.rest:
        text = f'{name} received "{escape(connection.rest)}" without a line end'
        about = list(dict.fromkeys(["LINE-1", *operation.get("about", [])]))
        run.deviate({**operation, "about": about}, "unfinished line", text, expected)
    if connection.ending:
        how = _ENDED[connection.ending]
        operation = also(operation, "TLS-7") if connection.ending == "cut" else operation
        run.deviate(operation, connection.ending, f"{name}: the {run.middle} {how}", expected)
    if _overtaken(run, connection, want):
        run.trace.hints.append("A later line of the same sender came: it is lost, not late.")
    run.deviate(operation, "missing", f"nothing came at {name}", expected)


def _overtaken(run: Executor, connection: Connection, want: oracle.Event) -> bool:
    """Whether a witness, sent behind the text that does not come, comes instead of it."""
    senders = [who for who, handle in run.own_handle.items() if [handle] == want[1:2]]
    if run.target.kind != RELAY or want[0] != "text" or not senders:
        return False
    sender = run.network.connections.get(senders[0])
    if sender is None or sender.ending:
        return False
    witness = f"{want[1]}>~witness\n".encode()
    run.network.send(sender, witness, [], run.patience)
    return run.network.line(connection, run.patience) == witness


def read_line(
    run: Executor, operation: Operation, connection: Connection, line: bytes
) -> list[oracle.Event]:
    """The events of a line; one that no implementation may send is a deviation."""
    content = line.removesuffix(b"\n")
    if run.target.kind == CLIENT:
        event = oracle.client_line(content, first=not connection.first_line_taken)
        connection.first_line_taken = True
        broken = event[0] == "violation"
        events = [event]
    else:
        event = oracle.server_line(content)
        broken = event[0] == "violation"
        handle = content.partition(b">")[0].decode(errors="replace")
        if not broken and oracle.is_server(handle) and handle != oracle.SERVER:
            run.deviate(
                {**operation, "about": ["LINE-13"]},
                "not in capitals",
                f'{connection.name} received "{escape(line)}"',
                "the handle SERVER in capitals",
            )
        several = event[0] in ("joined", "left")
        events = [[event[0], each] for each in event[1]] if several else [event]
    if broken:
        ended_badly = content.endswith(b"\r") or b"\0" in content or event[1] == "malformed"
        about = "LINE-1" if ended_badly else "LINE-4"
        own = operation.get("about") or []
        run.deviate(
            {**operation, "about": [*own, *([] if about in own else [about])]},
            "ill-formed line",
            f'{connection.name} received "{escape(line)}", which is {event[1]}',
            "a line of section 3",
        )
    return events


def check(
    run: Executor,
    operation: Operation,
    connection: Connection,
    want: oracle.Event,
    got: oracle.Event,
) -> None:
    """Raises the deviation, if what came is not what is wanted."""
    before, run.last[connection.name] = run.last.get(connection.name), got
    if matches(want, got):
        return
    overtaken = any(
        matches(want, oracle.server_line(line[:-1]))
        for line in itertools.islice(connection.lines, 50)
    )
    later = ", and only later what was expected" if overtaken else ""
    symptom, requirement = "another line", ""
    if got[0] == "error":
        symptom = f"error {got[1]}"
    elif got[0] == "text" and got[1] == run.own_handle.get(connection.name):
        symptom, requirement = "its own line back", "RELAY-2"
    elif _has_blank(run, want, got):
        symptom, requirement = "a blank behind the handle", "LINE-1"
    elif got == before:
        symptom = "twice"
    elif want[0] == "text" == got[0] and want[1] == got[1]:
        symptom = "another text"
    operation = also(operation, requirement) if requirement else operation
    if symptom == "error idle":
        operation = {**operation, "about": ["ERR-9"]}
    run.deviate(operation, symptom, f"{connection.name} received {say(got)}{later}", say(want))


def _has_blank(run: Executor, want: oracle.Event, got: oracle.Event) -> bool:
    """Whether it would be the wanted line without the blanks behind its ``>``."""
    if got[0] != "text" or not got[2].startswith(" "):
        return False
    content = f"{got[1]}>{got[2].lstrip(' ')}".encode()
    if run.target.kind == CLIENT:
        return matches(want, oracle.client_line(content, first=want[0] == "join"))
    return matches(want, oracle.server_line(content))


def expect_end(run: Executor, operation: Operation, connection: Connection) -> None:
    """Nothing more comes but the end of the stream; over TLS a reset is not judged (CLOSE-1)."""
    line = run.network.line(connection, run.patience)
    pending = run.pending.get(connection.name)
    if pending:
        run.deviate(operation, "more lines", f"{say(pending[0])} came", "the end of stream")
    if line is not None:
        run.deviate(
            operation,
            "more lines",
            f'{connection.name} received "{escape(line)}" after what should be the last line',
            "the end of the stream",
        )
    if connection.ending == "end" and not connection.rest:
        return
    if connection.ending == "cut":
        operation = also(operation, "TLS-7")
    elif run.target.tls is not None and (connection.ending == "reset" or not run.judges(operation)):
        return
    what = {
        "": "the connection stays open",
        "reset": "the connection was reset",
        "cut": "its stream ended without close_notify",
        "end": f'an unfinished "{escape(connection.rest)}" came',
    }[connection.ending]
    run.deviate(operation, connection.ending or "stays open", what, "the end of the stream")


def expect_roster(
    run: Executor, operation: Operation, connection: Connection, want: oracle.Event
) -> None:
    """``["welcome", "relay", HANDLES]``; null for handles that nobody cares about."""
    got = event_at(run, operation, connection, want)
    check(run, operation, connection, ["welcome", 1, "relay"], got)
    here = [word[5:] for word in got[3] if word.startswith("here=")]
    roster: list[str] = []
    if "then" in operation:
        send(run, {"op": "send", **operation["then"]})
    about = also(operation, "RELAY-6")
    if len(here) != 1 or not (here[0].isascii() and here[0].isdigit()):
        run.deviate(about, "no here=N", f"the welcome is {say(got)}", "one word here=N")
    while len(roster) < int(here[0]):
        presence = event_at(run, about, connection, ["joined", "…"])
        if presence[0] != "joined":
            run.deviate(
                about,
                "roster cut",
                f"after {len(roster)} of {here[0]} handles came {say(presence)}",
                f"{here[0]} handles straight after the welcome",
            )
        roster.append(presence[1])
    if want[2] is not None and sorted(roster) != sorted(want[2]):
        run.deviate(
            about,
            "wrong roster",
            f"the roster is {' '.join(sorted(roster)) or 'empty'}",
            f"{' '.join(sorted(want[2])) or 'an empty roster'}",
        )


def matches(want: oracle.Event, got: oracle.Event) -> bool:
    """Whether the beginning of an event is the wanted one; null stands for anything."""
    return len(got) >= len(want) and all(
        each is None or each == other for each, other in zip(want, got, strict=False)
    )


def say(event: oracle.Event) -> str:
    """An event as the octets of a line, about."""
    match event:
        case ["text", handle, text]:
            return f'"{escape(f"{handle}>{text}".encode())}"'
        case ["text", handle]:
            return f"a text of {handle}"
        case ["end"]:
            return "the end of the stream"
        case ["quit", *rest]:
            return f'"{rest[0] if rest and rest[0] else oracle.SERVER}>\\\\quit"'
        case ["join", handle, *_]:
            return f'"{handle}>\\\\join chat/1"'
        case ["violation", code]:
            return f"a line that is {code}"
        case [name, *words]:
            flat = [
                str(each)
                for word in words
                if word is not None
                for each in (word if isinstance(word, list) else [word])
            ]
            if name == "welcome" and flat and flat[0].isdigit():
                flat[0] = f"chat/{flat[0]}"
            return f'"SERVER>\\\\{" ".join([name, *flat])}"'
    return str(event)
