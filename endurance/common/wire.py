"""The client's end of one connection, as raw octets: it keeps to no protocol."""

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Callable
from typing import Self

from attrs import frozen

from endurance.common.tls import Tls

HOST = "127.0.0.1"
KEPT = 600
"""Octets that are kept of what came: the last line is among them."""
_ERROR = re.compile(rb"(?:^|\n)SERVER>\\error ([a-z-]+)[^\n]*\n$")


@frozen
class Place:
    """Where a server is reached, and how."""

    port: int
    tls: Tls | None = None


class Wire(asyncio.Protocol):
    """A connection that sends anything, and in the end tells how the server ended it.

    ``hear`` is called with the octets that come, and with none at the end. Used as a
    context manager it leaves no connection behind.
    """

    def __init__(self, hear: Callable[[bytes], None] | None = None) -> None:
        self._hear = hear
        self._socket: socket.socket
        self._transport: asyncio.Transport
        self._end: str | None = None
        self._changed = asyncio.Event()
        self._tail = b""
        self.lines = 0
        """Line ends that came."""

    @classmethod
    async def to(
        cls, place: Place, hear: Callable[[bytes], None] | None = None, *, buffer: int = 0
    ) -> Self:
        """Connect; with a small receive buffer if one is given. Raises OSError."""
        loop = asyncio.get_running_loop()
        connecting = socket.socket()
        try:
            connecting.setblocking(False)
            if buffer:
                connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            await loop.sock_connect(connecting, (HOST, place.port))
            if place.tls:
                over_tls = connecting = place.tls.over(connecting, HOST)
                await over_tls.handshake()
            _, wire = await loop.create_connection(lambda: cls(hear), sock=connecting)
            wire._socket = connecting
        except BaseException:
            connecting.close()
            raise
        return wire

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.reset()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        self._tail = (self._tail + data[-KEPT:])[-KEPT:]
        self.lines += data.count(b"\n")
        self._changed.set()
        if self._hear:
            self._hear(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed; an end of the server's stream closes it, too."""
        self._end = "reset" if exc else "left"
        self._changed.set()
        if self._hear:
            self._hear(b"")

    # What its user calls

    def send(self, octets: bytes) -> None:
        """Hand octets to the system, now as far as it takes them; none once it has ended."""
        if not self._transport.is_closing():
            self._transport.write(octets)

    def send_beneath(self, octets: bytes) -> None:
        """Send octets on TCP's own stream, beneath TLS if there is any."""
        if not self._transport.is_closing():
            with contextlib.suppress(OSError):  # it was reset meanwhile, or is full
                socket.socket.send(self._socket, octets)

    def end(self) -> None:
        """End our side of the stream."""
        if not self._transport.is_closing():
            with contextlib.suppress(OSError):  # it was reset meanwhile
                self._transport.write_eof()

    def close(self) -> None:
        """Close the socket, whatever is unread."""
        self._transport.close()

    def reset(self) -> None:
        """End it with a reset."""
        if not self._transport.is_closing():
            self._transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        self._transport.abort()

    def stop_reading(self) -> None:
        """Leave what comes to the system."""
        self._transport.pause_reading()

    def go_on_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    async def until_lines(self, count: int) -> None:
        """Wait until so many lines came, or the end."""
        while self.lines < count and self._end is None:
            self._changed.clear()
            await self._changed.wait()

    async def until_ended(self) -> str:
        r"""Wait for the end of the connection: the code of ``\error`` if that came last, or
        ``left``, or ``reset``.
        """
        while self._end is None:
            self._changed.clear()
            await self._changed.wait()
        error = _ERROR.search(self._tail)
        return error[1].decode() if error else self._end
