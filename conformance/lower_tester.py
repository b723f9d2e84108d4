"""The suite's end of the socket: every wait has a deadline, every read a bound.

Over TLS its octets are those inside, and a cut is one between records.
"""

import contextlib
import itertools
import selectors
import socket
import struct
import sys
import time
from collections import deque

from conformance import tls
from conformance.drain_fence import DrainFence
from conformance.tls import CutError, TlsSocket
from conformance.trace import Trace
from conformance.upper_tester import Program

_READ_OCTETS = 65536
_HELD_MAX = 4 << 20
_HELD_LINES_MAX = 50_000
"""Octets and lines that are held of one connection; a target that floods is left alone then."""
_LINE_MAX = 65536
"""Octets after which a line without end is given up."""

_LAST_ACK_AT = 56
"""Where tcp_info has tcpi_last_ack_recv, in milliseconds."""


def _heard_before(connected: socket.socket) -> float:
    """Seconds since the system had a segment of the peer; 0 where it does not tell."""
    if sys.platform != "linux":
        return 0.0
    try:
        info = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 60)
        return float(struct.unpack_from("=I", info, _LAST_ACK_AT)[0]) / 1000
    except (OSError, struct.error):
        return 0.0


class Connection:
    """One connection to the target: whole lines as they came, and how it ended."""

    def __init__(self, name: str, peer: str, connected: socket.socket, trace: Trace) -> None:
        self.name = name
        self.peer = peer
        self.socket = connected
        self.trace = trace
        self.socket.setblocking(False)
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines: deque[bytes] = deque()
        """Contents with their line end, in the order in which they came."""
        self.rest = b""
        self.received = 0
        self.sent = 0
        self.ending = ""
        """``end`` after the end of the stream, ``reset`` after a reset; over TLS ``cut`` after an
        end without close_notify."""
        self.ended_at = 0.0
        """When its end came, however late it was read."""
        self.paused = False
        """Whether it has stopped reading."""
        self.first_line_taken = False
        self.half_closed = False

    def read(self) -> None:
        """Take what is there."""
        while self.readable:
            try:
                octets = self.socket.recv(_READ_OCTETS)
            except BlockingIOError:
                return
            except CutError:
                self._end("cut", "end of stream without close_notify")
                return
            except OSError as error:
                over_tls = isinstance(self.socket, TlsSocket)
                self._end("reset", f"reset ({tls.words(error)})" if over_tls else "reset")
                return
            if not octets:
                self._end("end", "end of stream")
                return
            self.received += len(octets)
            self._split(octets)

    def _split(self, octets: bytes) -> None:
        *whole, rest = (self.rest + octets).split(b"\n")
        self.rest = rest
        for content in whole:
            line = content + b"\n"
            self.lines.append(line)
            self.trace.add(self.peer, self.name, "octets", line)
        if len(rest) > _LINE_MAX:
            self.lines.append(rest)
            self.rest = b""

    def _end(self, how: str, words: str) -> None:
        self.ending = how
        self.ended_at = time.monotonic() - _heard_before(self.socket)
        self.trace.add(self.peer, self.name, "event", b"", words)
        if not self.trace.complete:
            self.trace.closing = f"{self.peer} ended the connection to {self.name} by {words}"

    def send(self, octets: bytes) -> int:
        """Send a beginning of them; how many the system has taken. OSError as of a socket."""
        sent = self.socket.send(octets)
        self.sent += sent
        return sent

    @property
    def on_wire(self) -> int:
        """Octets of TCP's stream that were sent, those of TLS with them."""
        return self.socket.written if isinstance(self.socket, TlsSocket) else self.sent

    @property
    def flooded(self) -> bool:
        """Whether so much has come that no more of it is read."""
        return self.received >= _HELD_MAX or len(self.lines) >= _HELD_LINES_MAX

    @property
    def readable(self) -> bool:
        """Whether waiting for it makes sense."""
        return not self.ending and not self.paused and not self.flooded

    def end(self) -> None:
        """End the sending side."""
        self.trace.add(self.name, self.peer, "event", b"", "ends its stream")
        self.half_closed = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """End TCP's stream without close_notify."""
        self.trace.add(self.name, self.peer, "event", b"", "ends TCP's stream, no close_notify")
        self.half_closed = True
        assert isinstance(self.socket, TlsSocket)
        with contextlib.suppress(OSError):
            self.socket.cut()

    def reset(self) -> None:
        """Close by a reset."""
        self.trace.add(self.name, self.peer, "event", b"", "resets")
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
        self.ending = self.ending or "closed by us"

    def close(self) -> None:
        """Close at once, whatever is unread."""
        self.trace.add(self.name, self.peer, "event", b"", "closes")
        self.socket.close()
        self.ending = self.ending or "closed by us"


class Network:
    """All connections of one run of a case, read together while one of them is waited for."""

    def __init__(self, trace: Trace, fence: DrainFence, peer: str) -> None:
        self.trace = trace
        self.fence = fence
        self.peer = peer
        self.connections: dict[str, Connection] = {}
        self.screen: Program | None = None
        """Read meanwhile, so that a target that waits for its screen is not held up by us."""

    def take(self, name: str, connected: socket.socket) -> Connection:
        """A new connection under this name."""
        connection = Connection(name, self.peer, connected, self.trace)
        self.connections[name] = connection
        return connection

    def read_all(self) -> None:
        """Take what is there, everywhere."""
        for connection in self.connections.values():
            if not connection.ending:
                connection.read()

    def wait(self, seconds: float, wanted: Connection, *, writing: bool = False) -> bool:
        """Wait until something happened at the wanted connection; False when the time is over."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            for connection in self.connections.values():
                if connection.readable:
                    events = selectors.EVENT_READ
                    events |= selectors.EVENT_WRITE if writing and connection is wanted else 0
                    selector.register(connection.socket, events, connection)
                elif writing and connection is wanted and not connection.ending:
                    selector.register(connection.socket, selectors.EVENT_WRITE, connection)
            outputs = self.screen.outputs() if self.screen and selector.get_map() else []
            for output in outputs:
                selector.register(output, selectors.EVENT_READ, None)
            while selector.get_map() and (left := deadline - time.monotonic()) > 0:
                ready = selector.select(left)
                for key, _ in ready:
                    if key.data is None:
                        assert self.screen is not None
                        self.screen.read()
                        if key.fd not in self.screen.outputs():
                            selector.unregister(key.fileobj)
                        continue
                    key.data.read()
                    if not key.data.readable:
                        selector.unregister(key.fileobj)
                if any(key.data is wanted for key, _ in ready):
                    return True
        return False

    def wait_any(self, seconds: float) -> bool:
        """Wait until something comes anywhere, on the screen too; False when the time is over."""
        with selectors.DefaultSelector() as selector:
            for connection in self.connections.values():
                if connection.readable:
                    selector.register(connection.socket, selectors.EVENT_READ, connection)
            for output in self.screen.outputs() if self.screen else []:
                selector.register(output, selectors.EVENT_READ, self.screen)
            ready = selector.select(seconds) if selector.get_map() else []
            for key, _ in ready:
                key.data.read()
        return bool(ready)

    def line(self, connection: Connection, seconds: float) -> bytes | None:
        """Its next line; None if none came in this time, or its stream ended."""
        deadline = time.monotonic() + seconds
        while not connection.lines:
            connection.read()
            if connection.lines:
                break
            left = deadline - time.monotonic()
            if left <= 0 or not connection.readable or not self.wait(left, connection):
                break
        return connection.lines.popleft() if connection.lines else None

    def send(self, connection: Connection, octets: bytes, cuts: list[int], seconds: float) -> int:
        """Send in pieces, each once the one before is read; the number of octets sent.

        A peer that does not read a piece in time gets the other ones at once.
        """
        edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(octets)}), len(octets)]
        done = 0
        fenced = len(edges) > 2
        for start, stop in itertools.pairwise(edges):
            piece = octets[start:stop]
            self.trace.add(connection.name, self.peer, "octets", piece, "one write")
            sent = self._send_whole(connection, piece, seconds)
            done += sent
            if sent < len(piece):
                break
            if fenced:
                fenced = self.drained(connection, min(seconds, 1.0))
        return done

    def _send_whole(self, connection: Connection, octets: bytes, seconds: float) -> int:
        deadline = time.monotonic() + seconds
        done = 0
        while done < len(octets) and connection.ending in ("", "end"):
            try:
                done += connection.send(octets[done : done + 65536])
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0 or not self.wait(left, connection, writing=True):
                    break
            except OSError:
                connection.read()
                if not connection.ending or connection.ending == "end":
                    connection.ending = "reset"
                break
        return done

    def drained(self, connection: Connection, seconds: float) -> bool:
        """Wait until the target has read all that was sent there; False if it is too late."""
        return self.fence.wait(connection.socket, connection.on_wire, seconds)

    def close(self, seconds: float) -> bool:
        """End all politely: True if the target ended all of them too, in this time."""
        deadline = time.monotonic() + seconds
        well = True
        for connection in self.connections.values():
            if connection.ending != "closed by us" and not connection.half_closed:
                with contextlib.suppress(OSError):
                    connection.socket.shutdown(socket.SHUT_WR)
        for connection in self.connections.values():
            connection.paused = False
            while not connection.ending:
                connection.lines.clear()
                connection.received = 0
                left = deadline - time.monotonic()
                if left <= 0 or not self.wait(left, connection):
                    well = False
                    break
            connection.socket.close()
        return well
