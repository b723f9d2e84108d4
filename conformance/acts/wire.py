"""Acts of the lower tester: connecting, sending, ending, not reading."""

import contextlib
import selectors
import socket
import time

from conformance.deviation import InconclusiveError
from conformance.executor import Executor, act
from conformance.lower_tester import Connection
from conformance.operations import Operation
from conformance.target import shake
from conformance.tls import TlsSocket

_CONNECT_SECONDS = 5.0
_ACCEPT_SECONDS = 8.0


@act
def connect(run: Executor, operation: Operation) -> None:
    """Connect to the target, and do the handshake of TLS where it speaks TLS.

    With ``bare`` it is a connection of TCP; ``shows`` names the certificate that is shown.
    """
    program = run.program
    name = operation["at"]
    try:
        connected, host = bare_connection(run, operation)
        if run.target.tls is not None and not operation.get("bare"):
            connected = run.target.tls.connect(connected, host, operation.get("shows", ""))
            shake(connected, _CONNECT_SECONDS)
    except InconclusiveError as error:
        if program is None or not run.target.operable:
            raise
        program.ended(0.3)
        run.deviate(operation, "not reached", str(error), "a server that takes connections")
    run.network.take(name, connected)
    over = " over TLS" if isinstance(connected, TlsSocket) else ""
    run.trace.add(name, run.middle, "event", b"", f"connects{over}")


def bare_connection(run: Executor, operation: Operation) -> tuple[socket.socket, str]:
    """A connection of TCP to the target, and the host that it is to."""
    address = run.target.address(len(run.network.connections), run.port or run.target.port)
    slow = operation.get("slow", False)
    return run.target.connect(address, _CONNECT_SECONDS, slow=slow), address[0]


@act
def accept(run: Executor, operation: Operation) -> None:
    """Take the connection of a client under test, and do the handshake of TLS if it speaks that."""
    connected = accepted(run, operation)
    if run.target.tls is not None:
        connected = run.target.tls.accept(connected)
        try:
            shake(connected, _CONNECT_SECONDS)
        except InconclusiveError as error:
            run.deviate(operation, "no handshake", str(error), "a handshake of TLS 1.3")
    run.network.take(operation["at"], connected)


def accepted(run: Executor, operation: Operation) -> socket.socket:
    """A connection of TCP from the client under test."""
    assert run.listener is not None
    run.listener.setblocking(False)
    deadline = time.monotonic() + _ACCEPT_SECONDS * run.target.patience
    ended = False
    while True:
        with contextlib.suppress(BlockingIOError):
            return run.listener.accept()[0]
        left = deadline - time.monotonic()
        if ended or left <= 0:
            run.deviate(operation, "no connection", "it does not connect", "a connection")
        ended = run.program is not None and not run.program.alive
        _look(run, 0.0 if ended else min(left, 0.05))


def _look(run: Executor, seconds: float) -> None:
    """Wait for a connection, and read meanwhile what the program writes."""
    with selectors.DefaultSelector() as selector:
        for each in (run.listener, *(run.program.outputs() if run.program else ())):
            selector.register(each, selectors.EVENT_READ)
        selector.select(seconds)
    if run.program is not None:
        run.program.read()


@act
def send(run: Executor, operation: Operation) -> None:
    """Send octets; at each cut wait until the target has read what came before."""
    connection = run.network.connections[operation["at"]]
    octets: bytes = operation["octets"]
    if connection.name not in run.own_handle:
        run.own_handle[connection.name] = octets.partition(b">")[0].decode(errors="replace")
    run.network.send(connection, octets, operation.get("cuts", []), max(run.patience, 5.0))


@act
def send_and_end(run: Executor, operation: Operation) -> None:
    """Octets and the end of the stream: in one segment, where the system can hold them back."""
    _send_last(run, operation).end()


@act
def send_and_close(run: Executor, operation: Operation) -> None:
    """The same, and whatever comes then is answered by a reset."""
    _send_last(run, operation).close()


def _send_last(run: Executor, operation: Operation) -> Connection:
    connection = run.network.connections[operation["at"]]
    if hasattr(socket, "TCP_CORK"):
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    send(run, operation)
    return connection


@act
def flood(run: Executor, operation: Operation) -> None:
    """Send as many of these octets as the system takes without waiting, or all."""
    connection = run.network.connections[operation["at"]]
    octets = operation["octets"] * operation["times"]
    sent = 0
    with contextlib.suppress(OSError):
        while sent < len(octets):
            sent += connection.send(octets[sent : sent + 262_144])
    note = f"{sent:,} octets at once"
    run.trace.add(connection.name, run.middle, "octets", octets[:200], note)


@act
def send_blocks(run: Executor, operation: Operation) -> None:
    """The target stops reading before it has taken so many octets."""
    connection = run.network.connections[operation["at"]]
    octets = operation["octets"] * operation["times"]
    sent = run.network.send(connection, octets, [], 0.6)
    if sent == len(octets):
        run.deviate(operation, "reads on", f"it took {sent:,} octets", "that it stops reading")


@act
def fence(run: Executor, operation: Operation) -> None:
    """Wait until the target has read all that was sent there."""
    connection = run.network.connections[operation["at"]]
    seconds = operation.get("seconds", run.patience)
    run.network.drained(connection, seconds)


@act
def end(run: Executor, operation: Operation) -> None:
    """End the sending side."""
    run.network.connections[operation["at"]].end()


@act
def reset(run: Executor, operation: Operation) -> None:
    """Close by a reset."""
    run.network.connections[operation["at"]].reset()


@act
def close(run: Executor, operation: Operation) -> None:
    """Close both sides; whatever comes then is answered by a reset."""
    run.network.connections[operation["at"]].close()


@act
def forget(run: Executor, operation: Operation) -> None:
    """Close a connection that has ended, so that its name is free."""
    connection = run.network.connections.pop(operation["at"])
    connection.socket.close()
    run.own_handle.pop(connection.name, None)


@act
def pause(run: Executor, operation: Operation) -> None:
    """Stop reading."""
    run.network.connections[operation["at"]].paused = True


@act
def resume(run: Executor, operation: Operation) -> None:
    """Read again."""
    run.network.connections[operation["at"]].paused = False
