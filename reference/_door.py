"""The way in: takes connections within bounds, after TLS's handshake if there is one.

Whoever is over a bound is sent away at once, so that nobody inside notices (LIMIT-1).
"""

import asyncio
import contextlib
import errno
import ipaddress
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import define, field, frozen

from chatproto import Error, ErrorCode, encode, limits
from reference._limit_log import LimitLog
from reference._sockets import notice_vanished_peers
from reference._tls import TlsSocket, reason

ACCEPTS_IN_A_TURN = 1024
REFUSALS_IN_A_TURN = 4
"""Whoever floods with connections gets no more of a turn; the others have theirs."""
BURST_SECONDS = 10
"""An address that was quiet may open at once what it may in so many seconds."""
ADDRESSES_MAX = 4096
"""After so many addresses those that have been quiet are forgotten."""
IPV6_SITE_BITS = 64
SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
FULL_HOUSE = "too many connections"
FULL = encode(Error(ErrorCode.FULL))


@frozen
class Bounds:
    """How many connections are taken; 0 is no bound for one address."""

    connections: int
    per_address: int
    per_second: float
    """So many new ones a second from one address."""
    handshakes: int
    """So many unfinished ones; then one gives way: the oldest of the origin that has most."""


@frozen
class Caller:
    """Who connected: as people are told of it, and as whom it counts."""

    name: str
    origin: str


def caller(address: tuple[Any, ...]) -> Caller:
    """The peer of this address; those of one IPv6 site count as one."""
    host = address[0].removeprefix("::ffff:")
    origin = host
    if ":" in host:
        site = (host.partition("%")[0], IPV6_SITE_BITS)
        origin = str(ipaddress.IPv6Network(site, strict=False))
    return Caller(f"({host}, {address[1]})", origin)


@define(eq=False)
class Door:
    """Takes connections from a listening socket, and gives each to ``admit``."""

    listening: socket.socket
    bounds: Bounds
    tls: ssl.SSLContext | None
    admit: Callable[[socket.socket, Caller], None]
    watch: Callable[[], object]
    """Begin to call ``accept`` when somebody waits at the listening socket."""
    ignore: Callable[[], object]
    """Stop that."""
    log: LimitLog
    _inside: Counter[str] = field(factory=Counter, init=False)
    """Open sockets of each origin, from here until ``left``."""
    _admitted: int = field(default=0, init=False)
    """Of them those that are in: an unfinished handshake takes nobody's place (TLS-2)."""
    _due: dict[str, float] = field(factory=dict, init=False)
    """Up to when an origin's connections have used up its rate."""
    _forget_at: float = field(default=0.0, init=False)
    _handshakes: dict[asyncio.Task[None], Caller] = field(factory=dict, init=False)
    _resumption: asyncio.TimerHandle | None = field(default=None, init=False)
    _open: bool = field(default=False, init=False)

    def open(self) -> None:
        """Begin."""
        self.listening.setblocking(False)
        self._open = True
        self.watch()

    def close(self) -> None:
        """Take nobody any more; unfinished handshakes end."""
        if not self._open:
            return
        self._open = False
        if self._resumption is None:
            self.ignore()
        else:
            self._resumption.cancel()
        self.listening.close()
        for task in self._handshakes:
            task.cancel()

    def left(self, who: Caller) -> None:
        """The socket of somebody who was admitted is closed."""
        self._admitted -= 1
        self._forget(who)

    def _forget(self, who: Caller) -> None:
        self._inside[who.origin] -= 1
        if not self._inside[who.origin]:
            del self._inside[who.origin]

    def accept(self) -> None:
        """Take all that wait, but for a flood of those that are turned away."""
        refusals = 0
        for _ in range(ACCEPTS_IN_A_TURN):
            try:
                connected, address = self.listening.accept()
            except OSError as error:
                if error.errno in SCARCE:
                    self._pause(error)
                return
            who = caller(address)
            connected.setblocking(False)
            if too_many := self._refusal(who):
                self._turn_away(connected, who, too_many)
                refusals += 1
                if refusals == REFUSALS_IN_A_TURN:
                    return
                continue
            with contextlib.suppress(OSError):  # it has gone already
                notice_vanished_peers(connected)
            self._inside[who.origin] += 1
            if self.tls is None:
                self._let_in(connected, who)
            else:
                self._begin_handshake(connected, self.tls, who)

    def _let_in(self, connected: socket.socket, who: Caller) -> None:
        self._admitted += 1
        try:
            self.admit(connected, who)
        except MemoryError:
            self._admitted -= 1
            self._give_up(connected, who)

    def _give_up(self, connected: socket.socket, who: Caller) -> None:
        """There is no memory for it; the others need not notice (LIMIT-2)."""
        connected.close()
        self._forget(who)
        self.log.say("sent away, no memory for it", who.name)

    def _pause(self, error: OSError) -> None:
        """Others wait in the system's queue until something has been closed (LIMIT-2)."""
        self.log.say("no connection can be taken for now", str(error.strerror))
        self.ignore()
        self._resumption = asyncio.get_running_loop().call_later(1, self._resume)

    def _resume(self) -> None:
        self._resumption = None
        self.watch()

    # Bounds

    def _refusal(self, who: Caller) -> str:
        """Which bound somebody is over, if any."""
        if self._is_full():
            return FULL_HOUSE
        if 0 < self.bounds.per_address <= self._inside[who.origin]:
            return "too many connections from one address"
        if self.bounds.per_second and not self._in_time(who.origin):
            return "too many connections a second from one address"
        return ""

    def _is_full(self) -> bool:
        return self._admitted >= self.bounds.connections

    def _in_time(self, origin: str) -> bool:
        """Whether its rate allows another one now (the generic cell rate algorithm)."""
        now = time.monotonic()
        each = 1 / self.bounds.per_second
        due = max(now, self._due.get(origin, now))
        if due > now + max(0, BURST_SECONDS - each):
            return False
        if len(self._due) >= ADDRESSES_MAX and now >= self._forget_at:
            self._due = {who: until for who, until in self._due.items() if until > now}
            self._forget_at = now + 1
        self._due[origin] = due + each
        return True

    def _turn_away(self, connected: socket.socket, who: Caller, why: str) -> None:
        if self.tls is None or isinstance(connected, TlsSocket):
            with contextlib.suppress(OSError):
                connected.send(FULL)
        connected.close()
        self.log.say(f"sent away, {why}", who.name)

    # Handshakes

    def _begin_handshake(
        self, connected: socket.socket, context: ssl.SSLContext, who: Caller
    ) -> None:
        if len(self._handshakes) >= self.bounds.handshakes:
            self._end_one_handshake()
        try:
            over_tls = TlsSocket(connected, context)
            task = asyncio.get_running_loop().create_task(_shake_hands(over_tls))
        except (MemoryError, ssl.SSLError):  # OpenSSL has a name of its own for it
            self._give_up(connected, who)
            return
        self._handshakes[task] = who
        task.add_done_callback(partial(self._end_handshake, over_tls, who))

    def _end_handshake(self, connected: TlsSocket, who: Caller, task: asyncio.Task[None]) -> None:
        self._handshakes.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.log.say("no TLS handshake", f"{who.name} {reason(error)}")
        if task.cancelled() or error is not None or not self._open:
            connected.close()
            self._forget(who)
        elif self._is_full():
            self._turn_away(connected, who, FULL_HOUSE)
            self._forget(who)
        else:
            self._let_in(connected, who)

    def _end_one_handshake(self) -> None:
        """Whoever floods with them loses by it, and nobody else (TLS-4)."""
        unfinished = Counter(who.origin for who in self._handshakes.values())
        ((most, _),) = unfinished.most_common(1)
        task, who = next(each for each in self._handshakes.items() if each[1].origin == most)
        self.log.say("sent away, too many unfinished handshakes", who.name)
        del self._handshakes[task]
        task.cancel()


async def _shake_hands(connected: TlsSocket) -> None:
    async with asyncio.timeout(limits.HANDSHAKE_SECONDS):
        await connected.handshake()
