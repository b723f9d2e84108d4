"""One connection of a server: octets between the socket and its session."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Protocol

from chatproto import (
    EndOfStream,
    Error,
    ErrorCode,
    Event,
    Join,
    Message,
    Quit,
    Role,
    Session,
    Text,
    Violation,
    encode,
    limits,
)
from reference._door import Caller
from reference._view import LOG, visible

DRAIN_SECONDS = 5
"""How long the end of the peer's stream is waited for, at most (CLOSE-1)."""
_READ = memoryview(bytearray(limits.READ_MAX_OCTETS))
"""What every read goes into first: a buffer of its own for each leaves the heap in pieces."""


class Owner(Protocol):
    """Who is told what happens to a connection."""

    def connected(self, connection: "Connection") -> None:
        """It is there."""

    def arrived(self, connection: "Connection") -> None:
        """Octets came, or the end, or what was written has gone out."""

    def gone(self, connection: "Connection") -> None:
        """Its socket is closed."""


class Connection(asyncio.BufferedProtocol):
    """The server's end of one connection. ``session`` says what was heard."""

    def __init__(self, owner: Owner, caller: Caller, left: Callable[[Caller], None]) -> None:
        self._owner = owner
        self._caller = caller
        self._left = left
        self._transport: asyncio.Transport
        self.session = Session(Role.SERVER)
        self.peer = caller.name
        self.silent = True
        """Whether no octet has come yet."""
        self.blocked = False
        """Whether what was written has not been handed to the system whole (TURN-10)."""
        self.came_at = self.heard_at = time.monotonic()
        """When the first octet came; when a line last came, or went; in seconds."""
        self.unfinished_since: float | None = None
        self._ended = False  # the peer's stream
        self._discarded = -1  # octets, once we discard
        self._patience: asyncio.TimerHandle | None = None  # with the peer's end of the stream

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(0)
        self.log("connected")
        self._owner.connected(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 (asyncio's)
        return _READ

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(_READ[:nbytes])
        if self._discarded >= 0:
            self._discarded += len(data)
            if self._discarded >= limits.DRAIN_MIN_OCTETS:
                self._transport.abort()
            return
        if self.silent:
            self.silent = False
            self.came_at = time.monotonic()
        held = self.session.held
        self.session.receive(data)
        if self.session.held > held:
            self.heard_at = time.monotonic()
        self._watch_unfinished(line_came=self.session.held > held)
        self._read_or_wait()
        self._owner.arrived(self)

    def eof_received(self) -> bool:
        self._end_of_stream("end of stream")
        return True  # the other direction stays open

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_of_stream("reset" if exc else "closed")
        if self._patience:
            self._patience.cancel()  # it would keep all this in memory until its time
        self.log("closed")
        self._left(self._caller)
        self._owner.gone(self)

    def pause_writing(self) -> None:
        self.blocked = True

    def resume_writing(self) -> None:
        self.blocked = False
        self._owner.arrived(self)

    # What the owner calls

    def next_event(self) -> Event | None:
        """What the client said next, as far as it is to be taken now."""
        before = self.session.state
        event = self.session.next_event()
        match event:
            case None:
                return None
            case Text() | Join() | Quit():
                self.log("<", encode(event)[:-1])
            case Violation(code, line):
                self.log(f"< {code}:", line)
            case EndOfStream(unfinished) if unfinished:
                self.log(f"unfinished line of {unfinished} octets dropped")
        self._log_state(before)
        self._read_or_wait()
        return event

    def send(self, message: Message) -> None:
        """Say it. Raises LocalProtocolError if it may not be said."""
        before = self.session.state
        self.write(self.session.send(message))
        self._log_state(before)

    def write(self, octets: bytes) -> None:
        """Send lines that the session has made."""
        for line in octets.splitlines():
            self.log(">", line)
        self.heard_at = time.monotonic()
        self._transport.write(octets)

    def dismiss(self, code: ErrorCode) -> None:
        r"""Say ``\error`` and close."""
        self.send(Error(code))
        self.close()

    def close(self) -> None:
        """End our side, discard what still comes, then close (CLOSE-1, CLOSE-3)."""
        before = self.session.state
        self.session.end()
        self._log_state(before)
        self.unfinished_since = None
        self._discarded = 0
        if self._ended:
            self._transport.close()
            return
        with contextlib.suppress(OSError):  # it was reset meanwhile
            self._transport.write_eof()
        self._transport.resume_reading()
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(DRAIN_SECONDS, self._transport.abort)

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def log(self, what: str, octets: bytes | None = None) -> None:
        """Tell the debug view."""
        if octets is None:
            LOG.debug("%s %s", self.peer, what)
        else:
            LOG.debug("%s %s %s", self.peer, what, visible(octets))

    def _log_state(self, before: str) -> None:
        if self.session.state != before:
            self.log(f"{before} -> {self.session.state}")

    def _end_of_stream(self, how: str) -> None:
        if self._ended:
            return
        self._ended = True
        self.log(how)
        if self._discarded >= 0:
            self._transport.close()
            return
        self.unfinished_since = None
        self.session.receive(b"")
        self._owner.arrived(self)

    def _watch_unfinished(self, *, line_came: bool) -> None:
        if not self.session.unfinished:
            self.unfinished_since = None
        elif line_came or self.unfinished_since is None:
            self.unfinished_since = time.monotonic()

    def _read_or_wait(self) -> None:
        if self._transport.is_closing():
            return
        if self.session.wants_input:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()
