"""Acts that wait for something at a connection, and judge it."""

import contextlib
import select
import time

from conformance import oracle
from conformance.acts.person import settle
from conformance.acts.reception import check, event_at, expect_event, matches, say
from conformance.executor import Executor, act
from conformance.operations import Operation
from conformance.spec import limits
from conformance.trace import escape

_HANDSHAKE_SECONDS = 2.0
_RESET_SECONDS = 0.05
"""So long a reset is waited for that would answer octets which nobody reads."""


@act
def expect(run: Executor, operation: Operation) -> None:
    """The next thing that comes there is this event."""
    expect_event(run, operation, run.network.connections[operation["at"]], operation["event"])


@act
def expect_piece(run: Executor, operation: Operation) -> None:
    """Some text of this handle."""
    connection = run.network.connections[operation["at"]]
    want = ["text", operation["handle"]]
    check(run, operation, connection, want, event_at(run, operation, connection, want))


@act
def expect_pieces(run: Executor, operation: Operation) -> None:
    """A long text in pieces, each a text of section 3; none lost, none a command.

    With ``nudge`` each piece but the first comes only after these octets were sent.
    """
    connection = run.network.connections[operation["at"]]
    left: str = operation["text"]
    want = ["text", operation["handle"]]
    nudge: bytes = operation.get("nudge", b"")
    while left:
        got = event_at(run, operation, connection, want)
        check(run, operation, connection, want, got)
        if not got[2] or not left.startswith(got[2]):
            run.deviate(
                operation,
                "another piece",
                f"the piece {say(got)}",
                f'a beginning of "{escape(left.encode())}"',
            )
        left = left[len(got[2]) :]
        if left and nudge:
            quiet(run, {**operation, "seconds": 0.03})
            run.network.send(connection, nudge, [], run.patience)


@act
def expect_any_order(run: Executor, operation: Operation) -> None:
    """These events come, in any order."""
    connection = run.network.connections[operation["at"]]
    left = [list(each) for each in operation["events"]]
    while left:
        got = event_at(run, operation, connection, left[0])
        found = [each for each in left if matches(each, got)]
        check(run, operation, connection, found[0] if found else left[0], got)
        left.remove(found[0])


@act
def expect_last_of(run: Executor, operation: Operation) -> None:
    """Events like ``least`` may come until the wanted one does."""
    connection = run.network.connections[operation["at"]]
    for _ in range(operation.get("most", 8)):
        got = event_at(run, operation, connection, operation["event"])
        if matches(operation["event"], got):
            return
        check(run, operation, connection, operation["least"], got)
    check(run, operation, connection, operation["event"], got)


@act
def quiet(run: Executor, operation: Operation) -> None:
    """Nothing is there, or comes within ``seconds``."""
    connection = run.network.connections[operation["at"]]
    line = run.network.line(connection, operation.get("seconds", 0.0))
    if line is not None:
        event = oracle.server_line(line.removesuffix(b"\n"))
        if event[0] == "error" and event[1] == "idle":
            operation = {**operation, "about": ["ERR-9"]}
        run.deviate(
            operation, "it spoke", f'{connection.name} received "{escape(line)}"', "silence"
        )
    if connection.ending in ("end", "reset", "cut"):
        run.deviate(
            operation, connection.ending, f"{connection.name} was ended", "an open connection"
        )


@act
def await_(run: Executor, operation: Operation) -> None:
    """Wait until something comes."""
    connection = run.network.connections[operation["at"]]
    deadline = time.monotonic() + operation["seconds"]
    while not connection.lines and connection.readable:
        if not run.network.wait(max(0.0, deadline - time.monotonic()), connection):
            return


@act
def hear_end(run: Executor, operation: Operation) -> None:
    """It ends its side, or closes; what it may still say before is no matter here."""
    connection = run.network.connections[operation["at"]]
    while run.network.line(connection, run.patience) is not None:
        pass
    if not connection.ending:
        run.deviate(operation, "stays open", "it keeps the connection", "an end")


@act
def says_nothing(run: Executor, operation: Operation) -> None:
    """It ends without one octet over whatever connection it makes meanwhile."""
    assert run.listener is not None
    program = run.person_side
    run.listener.settimeout(0.01)
    connection = None
    deadline = time.monotonic() + max(8.0, run.patience)
    while time.monotonic() < deadline and not program.ended(0.0 if connection else 0.01):
        if connection is None:
            with contextlib.suppress(OSError):
                connected = run.listener.accept()[0]
                if run.target.tls is not None:
                    connected = run.target.tls.accept(connected)
                    connected.handshake(_HANDSHAKE_SECONDS)
                connection = run.network.take("S", connected)
            continue
        line = run.network.line(connection, 0.05)
        if line is not None or connection.rest:
            got = escape(line or connection.rest)
            run.deviate(operation, "it spoke", f'it sent "{got}"', "nothing")
        if connection.ending:
            connection.end()
            return


@act
def reads_on(run: Executor, operation: Operation) -> None:
    """After its end of stream the target still reads what it may not yet refuse (CLOSE-1)."""
    connection = run.network.connections[operation["at"]]
    soon = connection.ended_at + 0.7 * limits()["DRAIN_MIN_SECONDS"]
    broken = select.poll()
    broken.register(connection.socket, 0)
    for octets in (b"x" * 1000, b"y" * operation["octets_more"], b"z"):
        sent = run.network.send(connection, octets, [], 0.3)
        reset = broken.poll(_RESET_SECONDS * 1000)
        if time.monotonic() > soon:
            return
        if reset or connection.ending == "reset" or sent < len(octets):
            run.deviate(
                operation,
                "closed early",
                "it closed its socket with input unread, within a second of its end",
                "that it reads and discards for 1 second or 262,144 octets",
            )


@act
def closed_within(run: Executor, operation: Operation) -> None:
    """After its end it does not wait for ours without limit."""
    connection = run.network.connections[operation["at"]]
    connection.paused = False
    settle(run, {**operation, "seconds": operation["seconds"]})
    for _ in range(2):
        run.network.send(connection, b"x", [], 0.1)
        run.network.drained(connection, 0.05)
    if connection.ending != "reset":
        about = f"after {operation['seconds']} s its socket is still open"
        run.deviate(operation, "stays open", about, "that it closes after 30 s at the latest")
