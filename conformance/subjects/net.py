"""Sockets, standard input and output: what all subjects have in common.

A :class:`Connection` ends as section 6 wants it, a :class:`Screen` is never waited for, a
:class:`Keyboard` gives the lines that somebody types. A :class:`Server` is a loop around them;
a relay and a turn server say what becomes of what it hears.
"""

import argparse
import contextlib
import errno
import fcntl
import math
import os
import re
import select
import signal
import socket
import ssl
import struct
import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from conformance.spec import invisible
from conformance.subjects import tls, wire
from conformance.subjects.catalogue import Bug, Oddity, bug
from conformance.subjects.tls import Files, TlsSocket

READ_MAX = 65536
DRAIN_SECONDS = 2.0
"""Discarding stops after this; it may after 1 second and has to after 30 (CLOSE-1)."""
FLUSH_SECONDS = 20.0
"""A client has this long to read the last words that wait for it."""
SCREEN_LINES_MAX = 20_000
RECORDS = b"\x14\x15\x16\x17"
"""The first octets of TLS's records."""
LINGER_NOT = struct.pack("ii", 1, 0)
"""SO_LINGER: close by a reset."""
_INVISIBLE = re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in invisible())}]")


class Connection:
    """A socket, what is to be sent on it, and how it ends."""

    def __init__(self, sock: socket.socket | TlsSocket, bug: str = "", odd: str = "") -> None:
        self.sock = sock
        self.bug = bug
        self.odd = odd
        self.out = bytearray()
        """What is still to be sent."""
        self.ended = False
        """Nothing more will be said, and what is heard is discarded."""
        self.said_end = False
        self.heard_end = False
        self.closed = False
        self.was_reset = False
        self.deadline = math.inf
        self._latest = math.inf
        self._discarded = 0
        self._in_line = False
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        notice_vanished_peer(sock)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self.sock.fileno()

    def say(self, line: bytes) -> None:
        """Queue a line."""
        if not self.closed and not self.said_end:
            self.out += line

    def wants_to_read(self) -> bool:
        """Whether there can be anything to read."""
        return not self.heard_end and not self.closed

    @property
    def hidden(self) -> bool:
        """Whether there is something to read that the system does not know of."""
        return isinstance(self.sock, TlsSocket) and self.sock.hidden

    def _owes(self) -> bool:
        return isinstance(self.sock, TlsSocket) and self.sock.owes

    def wants_to_write(self) -> bool:
        """Whether something waits to be sent, be it only the end."""
        if self._owes() and not self.closed:
            return True
        if self.bug == "ends-no-side" and not self.out and not self.heard_end:
            return False
        return not self.closed and (bool(self.out) or (self.ended and not self.said_end))

    def read(self, most: int = READ_MAX) -> list[bytes]:
        """What has come, an empty piece for the end of the stream."""
        step = {"reads-one-octet": 1, "reads-512-octets": 512}.get(self.odd, most)
        if self.bug == "closes-with-input-unread":
            most = step = 512
        pieces: list[bytes] = []
        for _ in range(max(1, min(most, 4096) // step)):
            try:
                pieces.append(self.sock.recv(step))
            except BlockingIOError:
                break
            except OSError as error:  # a reset is an end of the stream (CLOSE-4), a cut too (TLS-8)
                if self.bug == "dies-of-reset":
                    raise
                cut = self.bug == "cut-unnoticed" and isinstance(error, ssl.SSLError)
                if self.bug == "reset-unnoticed" or cut:
                    self.heard_end = True  # and nobody is told
                    break
                self.was_reset = True
                self.out.clear()
                pieces.append(b"")
            if not pieces[-1]:
                self.heard_end = True
                break
        return pieces

    def discard(self, octets: bytes) -> None:
        """Note that what came after the end was discarded."""
        self._discarded += len(octets)
        if self.odd == "drains-one-second" and self._discarded >= 262_144:
            self.close()

    def flush(self) -> None:
        """Send what can be sent without waiting; then the end, if this connection has ended."""
        try:
            if self.bug == "waits-for-slow-reader":
                self.sock.setblocking(True)
            while self.out:
                length = self._length_to_send()
                sent = self.sock.send(self.out[:length])
                if self.bug == "short-write" and sent < length:
                    sent = length
                del self.out[:sent]
                if self.odd == "writes-in-two-pieces":
                    break
            if isinstance(self.sock, TlsSocket):
                self.sock.flush()
        except BlockingIOError:
            return
        except OSError:
            if self.bug == "dies-of-reset":
                raise
            self.was_reset = True
            self.out.clear()
            self.said_end = True
            return
        if self.ended and not self.out:
            self.say_end()

    def _length_to_send(self) -> int:
        if self.odd != "writes-in-two-pieces":
            return min(len(self.out), READ_MAX)
        line = self.out.find(b"\n") + 1
        self._in_line = not self._in_line and line > 1
        return max(1, line // 2) if self._in_line else max(1, line)

    def end(self) -> None:
        """End this side once everything is said, then discard until the end of the stream."""
        self.ended = True
        if self.odd == "ends-both-directions" and self.heard_end:
            self.out.clear()
        self.deadline = min(self._latest, time.monotonic() + FLUSH_SECONDS)

    def say_end(self) -> None:
        """End this side (CLOSE-1)."""
        if self.said_end:
            return
        if self.bug == "ends-by-reset":
            self.close_by_reset()
            return
        if self.bug == "closes-with-input-unread":
            self.close()
            return
        if self.bug == "ends-no-side" and not self.heard_end:
            return
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except BlockingIOError:  # until close_notify has been sent
            return
        except OSError:
            pass
        self.said_end = True
        seconds = {"drains-one-second": 1.0, "drains-thirty-seconds": 29.0}.get(
            self.odd, DRAIN_SECONDS
        )
        if self._latest < math.inf:
            seconds = 1.0
        self.deadline = min(self._latest, time.monotonic() + seconds)
        if self.bug == "drains-for-ever":
            self.deadline = math.inf
        if self.odd == "ends-both-directions":
            self.close()

    def hurry(self, deadline: float) -> None:
        """Be closed by then, and discard no longer than has to be."""
        self._latest = deadline
        self.deadline = min(self.deadline, time.monotonic() + 1.0 if self.said_end else deadline)

    def tick(self, now: float) -> None:
        """Close when both sides have ended, or it takes too long."""
        if (self.said_end and self.heard_end) or now >= self.deadline:
            self.close()

    def close(self) -> None:
        """Close the socket."""
        if self.odd == "resets-after-drain" and self.heard_end and not self._unsent():
            self.close_by_reset()
        self.closed = True
        self.sock.close()

    def _unsent(self) -> int:
        """Octets that the peer's system has not got yet; a reset would lose them."""
        if self.closed:
            return 0
        return int.from_bytes(fcntl.ioctl(self.sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)

    def close_by_reset(self) -> None:
        """Close so that a reset is sent."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self.closed = True
        self.sock.close()


def notice_vanished_peer(sock: socket.socket | TlsSocket) -> None:
    """Have the system notice within 90 seconds that the peer vanished (CLOSE-7, CLOSE-8)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = (
        ("TCP_KEEPIDLE", 30),
        ("TCP_KEEPINTVL", 15),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 75_000),
    )
    for name, value in options:
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def ready(
    readers: Sequence[Any], writers: Sequence[Any], seconds: float
) -> tuple[list[Any], list[Any]]:
    """Who can read and write, once somebody can; what TLS hides from the system is there now."""
    hidden = [each for each in readers if getattr(each, "hidden", False)]
    wait = 0.0 if hidden else None if seconds == math.inf else max(0.0, seconds)
    readable, writable, _ = select.select(readers, writers, [], wait)
    return [*hidden, *readable], writable


class Screen:
    """Standard output, written by a thread of its own: nobody waits for it."""

    def __init__(self, bug: str = "", odd: str = "") -> None:
        self.bug = bug
        self.odd = odd
        self._on_terminal = os.isatty(1)
        self._lines: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._busy = False
        self._unshown = 0
        threading.Thread(target=self._write_for_ever, daemon=True).start()

    def show(self, handle: bytes, text: bytes) -> None:
        """Show a text (TERM-3, TERM-13)."""
        if self._on_terminal and self.bug != "shows-invisible":
            text = visible(text)
        line = handle + b">" + text
        if self.bug == "shows-blank-after-handle":
            line = handle + b"> " + text
        if self.bug == "shows-without-handle":
            line = text
        if self.bug == "shows-something-behind":
            line += b" "
        if self.bug == "shows-nothing":
            return
        before = {
            "prompts": b"$ ",
            "colours": b"\x1b[0m\x1b[1;36m",
            "notices": b"* a text of %d octets:\n" % len(text),
        }.get(self.odd, b"")
        self._put(before + line + b"\n")
        if self.bug == "shows-twice":
            self._put(line + b"\n")

    def note(self, sentence: str) -> None:
        """Tell something that nobody said."""
        self._put(f"* {sentence}\n".encode("ascii", "replace"))

    def full(self) -> bool:
        """Whether so much waits to be shown that there should not come more."""
        return len(self._lines) > SCREEN_LINES_MAX // 2

    def announce(self, port: int) -> None:
        """Say that clients can connect now (TERM-10)."""
        self._put(b"Listening on port %d\n" % port)

    def close(self, seconds: float = 1.0) -> None:
        """Give what waits so long to be shown."""
        with self._changed:
            self._changed.wait_for(lambda: not self._lines and not self._busy, seconds)

    def _put(self, line: bytes) -> None:
        if self.bug == "waits-for-screen":
            os.write(1, line)
            return
        with self._changed:
            if len(self._lines) >= SCREEN_LINES_MAX:
                self._unshown += 1
                return
            if self._unshown:
                self._lines.append(b"* %d lines could not be shown\n" % self._unshown)
                self._unshown = 0
            self._lines.append(line)
            self._changed.notify_all()

    def _write_for_ever(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._lines)
                octets = b"".join(self._lines)
                self._lines.clear()
                self._busy = True
            with contextlib.suppress(OSError):  # nobody looks at it any more
                while octets:
                    octets = octets[os.write(1, octets) :]


def visible(text: bytes) -> bytes:
    """A text with each invisible or reordering character as its code point."""
    written = text.decode(errors="surrogateescape")  # a bug may let it be no UTF-8
    written = _INVISIBLE.sub(lambda found: f"<U+{ord(found[0]):04X}>", written)
    return written.encode(errors="surrogateescape")


class Keyboard:
    """Standard input, line by line (TERM-2)."""

    def __init__(self, bug: str = "") -> None:
        self.bug = bug
        self.lines: deque[bytes] = deque()
        self.ended = False
        self.at_terminal = os.isatty(0)
        self._held = b""

    def fileno(self) -> int:
        """The descriptor of standard input."""
        return 0

    def read(self) -> None:
        """Take what was typed; only when there is something, or the end."""
        try:
            octets = os.read(0, READ_MAX)
        except OSError:
            octets = b""
        if octets:
            *lines, self._held = (self._held + octets).split(b"\n")
            if self.bug == "typed-lines-glued" and lines:
                lines = lines[:1]
        else:
            self.ended = True
            lines = [self._held] if self._held and self.bug != "typed-last-line-lost" else []
            self._held = b""
        if self.bug != "typed-cr-kept":
            lines = [line.removesuffix(b"\r") for line in lines]
        if self.bug == "typed-empty-line-ignored":
            lines = [line for line in lines if line]
        self.lines.extend(lines)

    def forget(self) -> int:
        """Drop what was typed and not taken; how many lines it was."""
        count = len(self.lines)
        self.lines.clear()
        if self.at_terminal:
            import termios  # not every system has it

            termios.tcflush(0, termios.TCIFLUSH)
        return count


class Signals:
    """SIGINT and SIGTERM, as something to wait for."""

    def __init__(self, bug: str = "") -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda _number, _frame: None)
        if bug == "sigint-ignored":
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        if bug == "sigterm-kills":
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if bug == "sigint-kills":
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        if bug == "dies-of-sigpipe":
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)

    def fileno(self) -> int:
        """Readable after a signal."""
        return self._reader.fileno()

    def read(self) -> bool:
        """Whether there was a signal that ends the program."""
        with contextlib.suppress(BlockingIOError):
            return bool({signal.SIGINT, signal.SIGTERM} & set(self._reader.recv(64)))
        return False


def listen(port: int, bug: str = "") -> list[socket.socket]:
    """Listen at the loopback addresses; OSError if IPv4's is not free."""
    listening: list[socket.socket] = []
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            sock = socket.socket(family)
            if bug != "no-reuse-of-address":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, port))
            sock.listen(128)
        except OSError:
            if not listening:
                raise
            sock.close()
            continue
        sock.setblocking(False)
        port = sock.getsockname()[1]
        listening.append(sock)
    return listening


class Server:
    """A loop that hears connections, the operator and signals."""

    def __init__(self, bug: str = "", odd: str = "", files: Files | None = None) -> None:
        self.bug = bug
        self.odd = odd
        self._context = tls.server_context(files, bug, odd) if files else None
        self._shaking: dict[TlsSocket, float] = {}
        """Whose handshake has not ended, and when it has to; they are no connections yet."""
        self.connections: list[Connection] = []
        self.screen = Screen(bug, odd)
        self.keyboard = Keyboard(bug)
        self.stop_by = math.inf
        """When the server has to be down; it is stopping from the moment that this is known."""
        self._listening: list[socket.socket] = []
        self._put_off: list[tuple[float, Callable[[], None]]] = []
        self._status = 0

    # What a relay and a turn server do differently.

    def accepted(self, sock: socket.socket | TlsSocket) -> Connection:
        """Take a new connection."""
        raise NotImplementedError

    def heard(self, connection: Connection, octets: bytes) -> None:
        """Take what a connection says; nothing at the end of its stream."""
        raise NotImplementedError

    def typed(self) -> None:
        """Take the lines at the keyboard, or its end."""
        raise NotImplementedError

    def wants_typed(self) -> bool:
        """Whether the operator is listened to."""
        return True

    def wants_to_hear(self, connection: Connection) -> bool:
        """Whether the connection is listened to."""
        return connection.wants_to_read()

    def last_words(self, connection: Connection) -> None:
        """Say what is to be said when the server stops."""
        connection.say(wire.to_line(wire.SERVER, wire.QUIT, self.bug))
        connection.end()

    def clock(self, _now: float) -> float:
        """Do what time brings; when there is something to do again."""
        raise NotImplementedError

    # What they have in common.

    def run(self, port: int) -> int:
        """Serve until somebody stops it; the exit status."""
        signals = Signals(self.bug)
        try:
            if self.bug == "ignores-port":
                port = 0
            if self.bug == "announces-too-early":
                self.screen.announce(port)
                self.screen.close()
                time.sleep(0.5)
            self._listening = listen(port, self.bug)
        except OSError as error:
            self.screen.note(f"cannot listen: {error.strerror}")
            self.screen.close()
            if error.errno == errno.EADDRINUSE and self.bug == "port-in-use-status-0":
                return 0
            return 1
        if self.bug != "announces-too-early":
            port = port if self.bug == "announces-port-0" else self._listening[0].getsockname()[1]
            self.screen.announce(port)
        while not self._is_down():
            self._once(signals)
        self.screen.close()
        return self._status

    def stop(self) -> None:
        """Stop as in section 11."""
        if self.stop_by < math.inf:
            return
        now = time.monotonic()
        self.stop_by = now + (9.0 if self.bug == "stop-takes-nine-seconds" else 4.0)
        self._status = 1 if self.bug == "stop-with-status-1" else 0
        for sock in self._listening:
            sock.close()
        self._listening = []
        for connection in self.connections:
            if self.bug == "stop-drops-queue":
                connection.out.clear()
            if not connection.ended:
                if self.bug == "stop-without-quit":
                    connection.end()
                else:
                    self.last_words(connection)
            connection.hurry(self.stop_by)

    def _is_down(self) -> bool:
        if self.stop_by == math.inf:
            return False
        if self.bug == "stop-takes-nine-seconds":
            return time.monotonic() >= self.stop_by
        return not self.connections or time.monotonic() >= self.stop_by

    def _once(self, signals: Signals) -> None:
        """Wait for something, then do all that can be done."""
        readers: list[Signals | Keyboard | Connection | socket.socket | TlsSocket] = [signals]
        now = time.monotonic()
        self._do_due(now)
        until = self._until(now)
        if not self.keyboard.ended and self.wants_typed() and self.stop_by == math.inf:
            readers.append(self.keyboard)
        hearing = [each for each in self.connections if self.wants_to_hear(each)]
        if self._draining_alone():
            hearing = [each for each in hearing if each.ended]
        writing = [each for each in self.connections if each.wants_to_write()]
        readers += [*hearing, *self._shakers(), *self._listening]
        readable, writable = ready(readers, writing, until - now)
        if self.odd == "late":
            time.sleep(0.02)
        if signals in readable and signals.read():
            for sock in self._listening:  # who has connected before is told as well
                self._accept(sock)
            self.stop()
        for connection in writable:
            connection.flush()
        for connection in hearing:
            if connection in readable and not connection.closed:
                self.hear(connection)
        if self.keyboard in readable:
            self.keyboard.read()
            self.typed()
        for sock in self._listening:
            if sock in readable:
                self._accept(sock)
        for secured in self._shakers():
            if secured in readable or time.monotonic() >= self._shaking[secured]:
                self._shake(secured)
        for connection in self.connections:
            if connection.wants_to_write():
                connection.flush()
            if connection.was_reset and not connection.heard_end:
                self._notice_reset(connection)
            connection.tick(time.monotonic())
        self.connections = [each for each in self.connections if not each.closed]

    def _notice_reset(self, connection: Connection) -> None:
        """A reset that a write met is an end of the stream as well (CLOSE-4)."""
        connection.heard_end = True
        if not connection.ended and self.bug not in ("reset-unnoticed", "waits-for-vanished"):
            self.heard(connection, b"")

    def put_off(self, seconds: float, what: Callable[[], None]) -> None:
        """Do something later."""
        self._put_off.append((time.monotonic() + seconds, what))

    def _do_due(self, now: float) -> None:
        due = [what for when, what in self._put_off if when <= now]
        self._put_off = [(when, what) for when, what in self._put_off if when > now]
        for what in due:
            what()

    def _until(self, now: float) -> float:
        """When there is something to do even if nothing comes."""
        return min(
            self.clock(now),
            self.stop_by,
            *(each.deadline for each in self.connections),
            *self._shaking.values(),
            *(when for when, _ in self._put_off),
        )

    def hear(self, connection: Connection) -> None:
        """Read what has come on a connection."""
        for octets in self._octets(connection):
            if not connection.ended:
                self.heard(connection, octets)
            else:
                connection.discard(octets)

    def _octets(self, connection: Connection) -> Iterator[bytes]:
        yield from connection.read()
        while self.bug == "drowns" and connection.wants_to_read() and not connection.closed:
            if not select.select([connection], [], [], 0)[0]:
                return
            yield from connection.read()

    def _draining_alone(self) -> bool:
        """Whether one connection's discarding holds up all the others: it must not (CLOSE-3)."""
        if self.bug != "drain-holds-up-others":
            return False
        return any(each.said_end and not each.heard_end for each in self.connections)

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                sock, _address = listening.accept()
            except OSError:  # nobody is there any more, or no descriptor is free
                return
            if self._context is None:
                self.connections.append(self.accepted(sock))
            else:
                self._accept_tls(TlsSocket(sock, self._context, bug=self.bug, odd=self.odd))

    def _accept_tls(self, secured: TlsSocket) -> None:
        """Wait for the end of its handshake, and for nothing else meanwhile (TLS-4)."""
        if self.bug == "counts-unfinished-handshake":
            self.connections.append(self.accepted(secured))
            return
        for_ever = self.bug == "handshake-for-ever"
        seconds = math.inf if for_ever else tls.HANDSHAKE_SECONDS
        self._shaking[secured] = time.monotonic() + seconds
        while self.bug == "handshake-blocks" and secured in self._shaking:
            select.select([secured], [], [])
            self._shake(secured)

    def _shakers(self) -> list[TlsSocket]:
        shaking = list(self._shaking)
        return shaking[:1] if self.bug == "handshakes-in-turn" else shaking

    def _shake(self, secured: TlsSocket) -> None:
        """Go on with a handshake; its end begins a connection, or is the end of it (TLS-2)."""
        try:
            if (
                self.bug == "takes-plain-octets"
                and secured.sock.recv(1, socket.MSG_PEEK) not in RECORDS
            ):
                del self._shaking[secured]
                self.connections.append(self.accepted(secured.sock))
            elif secured.shake():
                del self._shaking[secured]
                self.connections.append(self.accepted(secured))
            elif time.monotonic() >= self._shaking[secured]:
                raise TimeoutError
        except OSError:
            if self.bug == "dies-of-failed-handshake":
                raise
            del self._shaking[secured]
            secured.close()


class ArgumentsError(Exception):
    """Wrong arguments, and the status to end with."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def chosen(
    parser: argparse.ArgumentParser, arguments: list[str]
) -> tuple[int, str, str, Files | None]:
    """What a server's command line says: port, bug, oddity, TLS; ArgumentsError (TERM-11)."""
    for name in ("--tls-cert", "--tls-key", "--tls-client-ca"):
        parser.add_argument(name, metavar="FILE")
    parser.add_argument("ports", metavar="PORT", nargs="*")
    options = parser.parse_args(arguments)
    status = 1 if options.bug == "wrong-arguments-status-1" else 2
    if len(options.ports) != 1 or not re.fullmatch("[0-9]{1,5}", options.ports[0]):
        raise ArgumentsError(status)
    port = int(options.ports[0])
    if port > 65535:
        raise ArgumentsError(status)
    files = Files(options.tls_cert, options.tls_key, options.tls_client_ca)
    return port, options.bug, options.odd, files if files.cert else None


SERVER_BUGS: tuple[Bug, ...] = (
    *tls.SERVER_BUGS,
    bug("short-write", "STREAM-2", "It drops what the system did not take of a write."),
    bug("sends-cr-lf", "LINE-1", "It ends its lines with CR LF."),
    bug("sends-nul", "LINE-1", "It ends its lines with NUL."),
    bug("sends-no-line-end", "LINE-1", "It ends no line."),
    bug("sends-blank-after-handle", "LINE-1 LINE-10", "It puts a blank behind the >."),
    bug("ends-by-reset", "CLOSE-1", "It resets the connection after its last word."),
    bug("closes-with-input-unread", "CLOSE-1", "It closes straight after its last word."),
    bug("ends-no-side", "CLOSE-1", "It waits for the end of the stream before it ends its own."),
    bug(
        "drains-for-ever", "CLOSE-1", "It waits without limit for the end of the stream.", slow=True
    ),
    bug("drain-holds-up-others", "CLOSE-3", "While it discards it hears nobody else."),
    bug("dies-of-reset", "CLOSE-4", "A reset ends the program."),
    bug("reset-unnoticed", "CLOSE-4", "It does not take a reset for an end of the stream."),
    bug("no-reuse-of-address", "TERM-12", "It does not set SO_REUSEADDR."),
    bug("port-in-use-status-0", "TERM-11", "It ends with status 0 when the port is in use."),
    bug("wrong-arguments-status-1", "TERM-11", "It ends with status 1 for wrong arguments."),
    bug("announces-port-0", "TERM-10", "It announces port 0, not the port that it got."),
    bug("announces-too-early", "TERM-10", "It announces its port half a second too early."),
    bug("sigint-ignored", "STOP-1", "It ignores SIGINT."),
    bug("sigint-kills", "STOP-1", "SIGINT kills it."),
    bug("sigterm-kills", "STOP-1", "SIGTERM kills it."),
    bug("stop-without-quit", "STOP-1", "When it stops it sends no quit."),
    bug("stop-with-status-1", "STOP-1", "After a signal it ends with status 1."),
    bug("stop-takes-nine-seconds", "STOP-2", "It takes nine seconds to stop."),
    bug("dies-of-sigpipe", "TERM-6", "SIGPIPE kills it."),
    bug("typed-cr-kept", "TERM-2", "It takes the CR of a typed line for text."),
    bug("typed-last-line-lost", "TERM-2", "It loses a last typed line without LF."),
    bug("typed-empty-line-ignored", "TERM-2", "It ignores an empty typed line."),
    bug(
        "typed-lines-glued",
        "TERM-2 TURN-14",
        "Of several lines typed at once it takes only the first.",
    ),
    bug("shows-blank-after-handle", "TERM-9", "It shows a blank behind the >."),
    bug("shows-without-handle", "TERM-9", "It shows texts without handles."),
    bug("shows-something-behind", "TERM-9", "It shows a blank behind the text."),
    bug("shows-invisible", "TERM-13", "It shows invisible characters at a terminal as they are."),
    bug("long-text-sent-whole", "TURN-9 LINE-4", "It sends a typed text of over 500 octets whole."),
    bug("long-text-truncated", "TURN-9", "It sends only 500 octets of a long typed text."),
    bug("cuts-characters", "TURN-9 LINE-4", "It cuts a long text within characters."),
    bug("cut-loses-an-octet", "TURN-9", "Where it cuts a long text an octet is lost."),
    bug("sends-typed-controls", "TURN-9 TURN-11", "It sends control characters that were typed."),
    bug("sends-typed-bad-utf-8", "TURN-9 TURN-11", "It sends typed octets that are no UTF-8."),
    bug("sends-typed-command", "CMD-6", "It sends a typed text that is one of its commands."),
    bug("sends-command-as-piece", "CMD-6", "It sends a piece of a long text that is a command."),
    bug("refuses-in-silence", "TURN-11", "It refuses a typed line and tells nobody."),
    bug("server-in-small-letters", "LINE-13", "It writes its own handle as Server."),
    bug("error-untold", "ERR-1", "It answers a violation by an end without an error."),
    bug("error-without-end", "ERR-1", "After an error it goes on."),
    bug("error-not-last", "ERR-1", "It says good-bye after an error."),
    bug("code-encoding-wrong", "ERR-1", "It says malformed where it should say encoding."),
    bug("code-too-long-wrong", "ERR-1", "It says malformed where it should say too-long."),
    bug("code-reserved-wrong", "ERR-1", "It says handle-taken where it should say reserved."),
    bug("code-changed-wrong", "ERR-1", "It says malformed where it should say handle-changed."),
    bug("code-in-capitals", "ERR-1", "It writes the code of an error in capitals."),
    bug("drops-lines-before-error", "ERR-2", "It drops lines that one read brought before it."),
    bug("goes-on-after-violation", "ERR-3", "It takes the lines that follow a violation."),
    bug("echoes-version", "JOIN-2", "It welcomes with the version that it was asked for."),
    bug("welcomes-plain-client", "JOIN-3", "It welcomes a client that did not join."),
    bug("welcomes-twice", "JOIN-1", "It welcomes twice."),
    bug("never-welcomes", "JOIN-1", "It does not answer a join."),
    bug("speaks-before-welcome", "JOIN-1", "It says hello before its welcome."),
)
"""What a server can do wrong whatever its kind."""

SERVER_ODDITIES: tuple[Oddity, ...] = (
    *tls.SERVER_ODDITIES,
    Oddity("reads-one-octet", "It reads 1 octet at a time.", "STREAM-1: reads mean nothing."),
    Oddity("reads-512-octets", "It reads 512 octets at a time.", "STREAM-1: reads mean nothing."),
    Oddity("late", "It does everything 20 ms late.", "No requirement is as quick."),
    Oddity("writes-in-two-pieces", "It writes each line in two pieces.", "STREAM-1."),
    Oddity("resets-after-drain", "After its drain it closes by a reset.", "CLOSE-1: it may close."),
    Oddity("drains-one-second", "It discards for 1 second or 262,144 octets.", "CLOSE-1: MAY."),
    Oddity(
        "drains-thirty-seconds", "It discards for nearly 30 seconds.", "CLOSE-1: at the latest."
    ),
    Oddity("extra-words", "Words follow its welcome and its errors.", "CMD-4: extensions."),
    Oddity("prompts", "A prompt stands before each text that it shows.", "TERM-3: may stand."),
    Oddity("colours", "It shows texts in colours.", "TERM-3: colours may stand before it."),
    Oddity("notices", "A notice precedes each text that it shows.", "TERM-3: lines of its own."),
)
"""What a server may do whatever its kind."""
