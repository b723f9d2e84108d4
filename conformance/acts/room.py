"""Acts that need many clients of a relay at once."""

import itertools
import time
from collections import deque

from conformance import oracle
from conformance.acts.reception import check, event_at, expect_event, nothing_came, say
from conformance.acts.wire import connect
from conformance.executor import Executor, act
from conformance.lower_tester import Connection
from conformance.operations import Operation
from conformance.spec import limits
from conformance.trace import escape

_TOKEN_SECONDS = 0.02
"""So long a new connection is waited for before another token is sent to it."""


@act
def admit(run: Executor, operation: Operation) -> None:
    """Tokens of ``by`` until the silent ``at`` receives one; the others see each of them."""
    connection = run.network.connections[operation["at"]]
    by = run.network.connections[operation["by"]]
    deadline = time.monotonic() + run.patience
    handle = run.own_handle[by.name]
    first = last = next(run.counter)
    line = None
    while line is None:
        run.network.send(by, f"{handle}>~{last}\n".encode(), [], run.patience)
        line = run.network.line(connection, _TOKEN_SECONDS)
        if line is not None:
            break
        if time.monotonic() > deadline or connection.ending:
            run.deviate(
                operation,
                connection.ending or "missing",
                f"{connection.name}, which has said nothing, hears nothing",
                f"a text of {handle} at {connection.name}",
            )
        last = next(run.counter)
    heard = oracle.server_line(line.removesuffix(b"\n"))
    number = str(heard[2])[1:] if heard[0] == "text" else ""
    begin = int(number) if number.isascii() and number.isdigit() else last
    check(run, operation, connection, ["text", handle, f"~{begin}"], heard)
    for number_ in range(begin + 1, last + 1):
        expect_event(run, operation, connection, ["text", handle, f"~{number_}"])
    for other in operation["others"]:
        for number_ in range(first, last + 1):
            expect_event(
                run, operation, run.network.connections[other], ["text", handle, f"~{number_}"]
            )


@act
def storm(run: Executor, operation: Operation) -> None:
    """All speak at once; each hears each other's texts once, in one order."""
    texts: dict[str, list[str]] = operation["texts"]
    handles = {who: run.own_handle[who] for who in texts}
    left = {who: [f"{handles[who]}>{text}\n".encode() for text in texts[who]] for who in texts}
    for who, size in operation["bursts"]:
        octets = b"".join(left[who][:size])
        del left[who][:size]
        if octets:
            run.network.send(run.network.connections[who], octets, [], 5)
    heard = {who: _hear_storm(run, operation, who, texts, handles) for who in operation["all"]}
    merged: list[tuple[str, str]] = max(heard.values(), key=len, default=[])
    place = {line: at for at, line in enumerate(merged)}
    for who, lines in heard.items():
        places = [place[line] for line in lines if line in place]
        if places != sorted(places):
            at = next(i for i, (a, b) in enumerate(itertools.pairwise(places)) if a > b)
            common = [line for line in lines if line in place]
            run.deviate(
                {**operation, "at": who, "about": ["RELAY-4"]},
                "another order",
                f"{who} heard {common[at][1]!r} before {common[at + 1][1]!r}, others not",
                "the same order at all receivers",
            )


def _hear_storm(
    run: Executor,
    operation: Operation,
    who: str,
    texts: dict[str, list[str]],
    handles: dict[str, str],
) -> list[tuple[str, str]]:
    connection = run.network.connections[who]
    speaker = {handle: name for name, handle in handles.items()}
    due = {handles[name]: deque(texts[name]) for name in texts if name != who}
    lines: list[tuple[str, str]] = []
    blamed = {**operation, "at": who}
    while any(due.values()):
        want = next([handle, queue[0]] for handle, queue in due.items() if queue)
        got = event_at(run, blamed, connection, ["text", *want])
        if got[0] == "text" and speaker.get(got[1]) == who:
            about = {**blamed, "about": ["RELAY-2"]}
            run.deviate(about, "its own line back", f"{who} heard {say(got)}", "others' lines")
        if got[0] != "text" or not due.get(got[1]) or due[got[1]][0] != got[2]:
            ahead = got[0] == "text" and got[2] in due.get(got[1], ())
            about = {**blamed, "about": ["RELAY-1", *(["RELAY-4"] if ahead else [])]}
            queue = due.get(got[1] if got[0] == "text" else "") or deque([want[1]])
            run.deviate(
                about,
                "lost or reordered" if ahead else "another line",
                f"{who} heard {say(got)}",
                f"the text {queue[0]!r}",
            )
        due[got[1]].popleft()
        lines.append((got[1], got[2]))
    return lines


@act
def bulk(run: Executor, operation: Operation) -> None:
    """``by`` sends this many lines of this size; ``readers`` read all of them meanwhile."""
    by = run.network.connections[operation["by"]]
    handle = run.own_handle[by.name]
    count, size = operation["lines"], operation["size"]
    lines = [
        f"{handle}>{number:06d}".encode().ljust(size - 1, b"x") + b"\n" for number in range(count)
    ]
    readers = [run.network.connections[each] for each in operation["readers"]]
    heard = dict.fromkeys(operation["readers"], 0)
    deadline = time.monotonic() + operation.get("seconds", 10) + run.patience
    for start in range(0, count, 64):
        octets = b"".join(lines[start : start + 64])
        if run.network.send(by, octets, [], 10) < len(octets):
            break
        for reader in readers:
            while reader.lines or _ready(reader):
                _hear_bulk(run, operation, reader, lines, heard)
    for reader in readers:
        while heard[reader.name] < count:
            if time.monotonic() > deadline:
                run.deviate(
                    {**operation, "at": reader.name},
                    "held up",
                    f"{reader.name} has {heard[reader.name]} of {count} lines",
                    "all of them",
                )
            _hear_bulk(run, operation, reader, lines, heard)


def _ready(connection: Connection) -> bool:
    connection.read()
    return bool(connection.lines)


def _hear_bulk(
    run: Executor,
    operation: Operation,
    reader: Connection,
    lines: list[bytes],
    heard: dict[str, int],
) -> None:
    number = heard[reader.name]
    want = lines[min(number, len(lines) - 1)]
    reader.received = 0
    line = run.network.line(reader, max(run.patience, 1.0))
    if line == f"SERVER>\\left {operation.get('gone')}\n".encode():
        return
    if number == len(lines) or line != want:
        what = "nothing" if line is None else f'"{escape(line)}"'
        run.deviate(
            {**operation, "at": reader.name},
            "missing" if line is None else "another line",
            f"{reader.name} received {what} as line {number + 1} of {len(lines)}",
            f'"{escape(want)}"' if number < len(lines) else "no more",
        )
    heard[reader.name] += 1


@act
def catch_up(run: Executor, operation: Operation) -> None:
    """Who had stopped reading finds the lines of a bulk: all, or a beginning and too-slow."""
    connection = run.network.connections[operation["at"]]
    handle = run.own_handle[operation["by"]]
    connection.paused = False
    size = operation["size"]
    for number in range(operation["lines"]):
        connection.received = 0
        line = run.network.line(connection, max(run.patience, 1.0))
        want = f"{handle}>{number:06d}".encode().ljust(size - 1, b"x") + b"\n"
        if line == want:
            continue
        dropped = line and oracle.server_line(line[:-1])[:2] == ["error", "too-slow"]
        if dropped and number * size >= operation["at_least"]:
            return
        what = "nothing" if line is None else f'"{escape(line)}"'
        run.deviate(
            operation,
            "not all delivered",
            f"{what} came as line {number + 1}, after {number * size:,} octets",
            f'"{escape(want)}"',
        )


@act
def not_drowned(run: Executor, operation: Operation) -> None:
    """The text of a modest client comes before half of a flood."""
    connection = run.network.connections[operation["at"]]
    flooder = run.network.connections[operation["flooder"]]
    octets = 0
    deadline = time.monotonic() + max(10.0, run.patience)
    want = ["text", *operation["text"]]
    while time.monotonic() < deadline:
        connection.received = 0
        line = run.network.line(connection, run.patience)
        if line is None:
            nothing_came(run, operation, connection, want)
        if oracle.server_line(line[:-1]) == want:
            break
        octets += len(line)
    if octets > max(6 * limits()["READ_MAX_OCTETS"], flooder.sent // 2):
        run.deviate(
            operation,
            "drowned",
            f"{octets:,} of {flooder.sent:,} octets of the flood came first",
            "the modest client's text long before",
        )
    flooder.reset()
    left = ["left", run.own_handle[flooder.name]]
    while time.monotonic() < deadline and line is not None:
        connection.received = 0
        line = run.network.line(connection, run.patience)
        if line is not None and oracle.server_line(line[:-1]) == [left[0], [left[1]]]:
            return
    run.stale = True


@act
def crowd(run: Executor, operation: Operation) -> None:
    """Connect until one connection is ended: it has to be told that it is full."""
    for number in range(operation["most"]):
        name = f"N{number}"
        connect(run, {**operation, "at": name})
        connection = run.network.connections[name]
        run.network.send(connection, f"n{number}>\\join chat/1\n".encode(), [], 1)
        line = run.network.line(connection, run.patience)
        event = oracle.server_line(line[:-1]) if line else ["nothing"]
        if event[0] != "welcome":
            check(run, {**operation, "at": name}, connection, ["error", "full"], event)
            return
