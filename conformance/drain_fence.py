"""Asks the kernel whether a peer on this host has read what was sent to it.

Pieces that are sent do not arrive as pieces, unless each waits until the one before is read.
Linux tells that over netlink (SOCK_DIAG) about any socket of this host. Elsewhere a short
pause has to do, and the report says so.
"""

import contextlib
import select
import socket
import struct
import time

_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20
_INFO = 2  # the attribute INET_DIAG_INFO, a struct tcp_info
_INFO_HEADER = 16 + 72
"""Octets of the netlink header and of the inet_diag_msg before the attributes."""
_RECEIVED_AT = 128
"""Where tcp_info has tcpi_bytes_received."""
_HEARING = (1, 4, 5)
"""The states in which a peer may still read: established, or only its own side has ended."""
_PAUSE_SECONDS = 0.002


class DrainFence:
    """One netlink socket for all questions, or none where there is none."""

    def __init__(self) -> None:
        self._netlink: socket.socket | None = None
        with contextlib.suppress(OSError, AttributeError):
            self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _DIAG)
            self._netlink.settimeout(1)
        self.exact = self._netlink is not None
        """Whether the kernel could be asked every time."""

    def close(self) -> None:
        """Close the netlink socket."""
        if self._netlink is not None:
            self._netlink.close()

    def wait(self, own: socket.socket, sent: int, seconds: float) -> bool:
        """Wait until the peer has read all ``sent`` octets or is gone; False if it is too late."""
        deadline = time.monotonic() + seconds
        probes = 0
        while (done := self._drained(own, sent)) is False and time.monotonic() < deadline:
            probes += 1
            if probes > 20:
                select.select([], [], [], 0.0002)
        if done is None:
            self.exact = False
            select.select([], [], [], _PAUSE_SECONDS)
        return done is not False

    def _drained(self, own: socket.socket, sent: int) -> bool | None:
        """None where nobody can tell."""
        if self._netlink is None:
            return None
        try:
            peer, name = own.getpeername(), own.getsockname()
            answer = self._ask(peer, name)
        except (OSError, ValueError):
            return None
        kind = struct.unpack_from("=H", answer, 4)[0]
        if kind != _BY_FAMILY:  # no such socket: the peer has closed, or is on another host
            return True if name[0] == peer[0] else None
        state, queued = answer[17], struct.unpack_from("=I", answer, 16 + 56)[0]
        if state not in _HEARING:
            return True
        at = _INFO_HEADER
        while at + 4 <= len(answer):
            length, attribute = struct.unpack_from("=HH", answer, at)
            if attribute == _INFO and length >= 4 + _RECEIVED_AT + 8:
                received = struct.unpack_from("=Q", answer, at + 4 + _RECEIVED_AT)[0]
                return bool(received >= sent and queued == 0)
            at += max(4, (length + 3) & ~3)
        return None

    def _ask(self, source: tuple[str, int], destination: tuple[str, int]) -> bytes:
        assert self._netlink is not None
        six = ":" in source[0]
        family = socket.AF_INET6 if six else socket.AF_INET
        packed = [
            socket.inet_pton(family, each[0]).ljust(16, b"\0") for each in (source, destination)
        ]
        identity = struct.pack("!HH", source[1], destination[1]) + b"".join(packed)
        identity += struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
        request = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 1 << (_INFO - 1), 0, 0xFFFFFFFF)
        body = request + identity
        self._netlink.send(struct.pack("=IHHII", 16 + len(body), _BY_FAMILY, 1, 1, 0) + body)
        return self._netlink.recv(8192)
