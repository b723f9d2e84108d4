"""Acts on TLS itself: handshakes that hang or have to fail, records in pieces, streams cut off."""

import itertools
import socket
import time

from conformance.acts.person import listen_up
from conformance.acts.wire import accepted, bare_connection
from conformance.deviation import InconclusiveError, UnsupportedError
from conformance.executor import Executor, act
from conformance.lower_tester import Connection
from conformance.operations import Operation
from conformance.target import shake
from conformance.tls import Tls, TlsSocket, client_hello, hello_in_pieces
from conformance.trace import escape

_HANDSHAKE_SECONDS = 5.0
_SPEAKING_SECONDS = 0.3
"""So long a target may take to say what it must not say."""


def _tls(run: Executor) -> Tls:
    assert run.target.tls is not None  # cases of TLS are not run without
    return run.target.tls


@act
def hang(run: Executor, operation: Operation) -> None:
    """Connect, send a beginning of a handshake's first octets (or all), and leave it there."""
    name = operation["at"]
    pieces = operation.get("pieces")
    begin = hello_in_pieces() if pieces else client_hello()[: operation.get("octets")]
    connection = run.network.take(name, bare_connection(run, operation)[0])
    connection.paused = True
    # All of it at once, though nobody may read yet.
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * len(begin))
    sent = connection.send(begin)
    run.trace.add(name, run.middle, "event", b"", f"{sent} octets of a handshake")


@act
def begin_handshake(run: Executor, operation: Operation) -> None:
    """Connect, and begin a handshake that ``finish_handshake`` brings to its end."""
    raw, host = bare_connection(run, operation)
    shaking = _tls(run).connect(raw, host)
    shaking.hello()
    run.network.take(operation["at"], shaking).paused = True
    run.trace.add(operation["at"], run.middle, "event", b"", "begins a handshake")


@act
def finish_handshake(run: Executor, operation: Operation) -> None:
    """Do the rest of it."""
    connection = run.network.connections[operation["at"]]
    assert isinstance(connection.socket, TlsSocket)
    try:
        shake(connection.socket, _HANDSHAKE_SECONDS)
    except InconclusiveError as error:
        connection.ending = "closed by us"
        run.deviate(operation, "no handshake", str(error), "a handshake of TLS 1.3")
    connection.paused = False
    run.trace.add(connection.name, run.middle, "event", b"", "finishes it")


@act
def turned_away(run: Executor, operation: Operation) -> None:
    """A server sends us nothing of chat/1, whatever we send.

    With ``bare`` we speak no TLS; else we show a certificate ``shows``, or offer a ``version``
    with which there must be no handshake.
    """
    name = operation["at"]
    raw, host = bare_connection(run, operation)
    how = {each: operation[each] for each in ("shows", "version") if each in operation}
    words = " ".join(how.values()) or "no TLS"
    if not operation.get("bare"):
        try:
            raw = _tls(run).connect(raw, host, **how)
        except ValueError as error:  # there are no certificates for an attached server
            raise UnsupportedError(str(error)) from None
    _see_turned_away(run, operation, raw, words)
    if name in run.network.connections:
        connection = run.network.connections[name]
        run.network.send(connection, operation["octets"], [], _SPEAKING_SECONDS)
        _hear_nothing(run, operation, connection)
        connection.reset()


@act
def refuses_us(run: Executor, operation: Operation) -> None:
    """A client under test sends us nothing of chat/1, for what we show or offer; and ends."""
    raw = accepted(run, operation)
    listen_up(run, {})
    how = {each: operation[each] for each in ("shows", "version") if each in operation}
    _see_turned_away(run, operation, _tls(run).accept(raw, **how), " ".join(how.values()))
    if operation["at"] in run.network.connections:
        connection = run.network.connections[operation["at"]]
        _hear_nothing(run, operation, connection)
        connection.end()


def _see_turned_away(
    run: Executor, operation: Operation, connected: socket.socket, words: str
) -> None:
    """There is a connection only if there is a handshake, which an old version must not have."""
    name = operation["at"]
    if isinstance(connected, TlsSocket):
        try:
            shake(connected, _HANDSHAKE_SECONDS)
        except InconclusiveError:
            run.trace.add(run.middle, name, "event", b"", f"no handshake ({words})")
            return
    run.trace.add(name, run.middle, "event", b"", f"connects ({words})")
    connection = run.network.take(name, connected)
    if "version" in operation:
        connection.reset()
        run.deviate(operation, "old version", f"it takes TLS {words}", "no handshake")


def _hear_nothing(run: Executor, operation: Operation, connection: Connection) -> None:
    """No line, nor a part of one; an alert of TLS that an end without TLS hears is none."""
    deadline = time.monotonic() + _SPEAKING_SECONDS
    while connection.readable and (left := deadline - time.monotonic()) > 0:
        run.network.wait(left, connection)
    said = b"".join(connection.lines) + connection.rest
    if b">" in said:
        text = f'{connection.name} received "{escape(said)}"'
        run.deviate(operation, "it spoke", text, "nothing of chat/1")


@act
def ended_within(run: Executor, operation: Operation) -> None:
    """It ends a connection in this time, in whatever way."""
    connection = run.network.connections[operation["at"]]
    connection.paused = False
    seconds = operation["seconds"]
    deadline = time.monotonic() + seconds
    while connection.readable and (left := deadline - time.monotonic()) > 0:
        run.network.wait(left, connection)
    if not connection.ending:
        run.deviate(operation, "stays open", f"after {seconds} s it is still open", "an end")


@act
def send_sealed(run: Executor, operation: Operation) -> None:
    """Octets in one record, which is itself cut: its pieces are reads of their own."""
    connection = run.network.connections[operation["at"]]
    assert isinstance(connection.socket, TlsSocket)
    record = connection.socket.sealed(operation["octets"])
    edges = [0, *(cut for cut in operation["record_cuts"] if cut < len(record)), len(record)]
    note = f"one record in {len(edges) - 1} writes"
    run.trace.add(connection.name, run.middle, "octets", operation["octets"], note)
    for start, stop in itertools.pairwise(edges):
        connection.socket.sendall_raw(record[start:stop])
        run.network.drained(connection, 1.0)


@act
def cut(run: Executor, operation: Operation) -> None:
    """End TCP's stream without close_notify."""
    run.network.connections[operation["at"]].cut()
