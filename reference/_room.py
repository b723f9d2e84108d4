"""The relay's sockets: reads chunks, and sends once to each connection in each turn.

What one turn of the loop brought is gathered, in the relay's order, and then written
once to each connection. All who said nothing in this turn share one bytes object. So
the cost is per connection and turn, not per line.
"""

import contextlib
import logging
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from attrs import Factory, define

from chatproto import (
    Admit,
    Announce,
    Effect,
    End,
    ErrorCode,
    Forward,
    Relay,
    Tell,
    limits,
)
from reference._direct_selector import DirectSelector, Ready
from reference._door import Bounds, Caller, Door
from reference._limit_log import LimitLog
from reference._tls import PIECE_OCTETS, TlsSocket
from reference._view import LOG, log_lines

GATHER_MAX = 262_144
"""Octets gathered before they are written, also within one turn."""
COPIED_MAX = 16_384
"""Octets that are copied to leave somebody's own out; more are sent in two pieces."""
PIECES_AT_ONCE = 64
"""Queued pieces handed to the system by one call."""
KEPT_MAX = PIECE_OCTETS + limits.LINE_MAX
"""Octets still sent to somebody who is ended for all (LIMIT-3); TLS may have begun a record."""
DRAIN_SECONDS = 5
"""How long the end of a stream is waited for after ours (CLOSE-1)."""

_READ = memoryview(bytearray(limits.READ_MAX_OCTETS))
"""What every read goes into first: a buffer of its own for each leaves the heap in pieces."""


@define(eq=False)
class Peer:
    """One connection: what is queued for it, and how it is ending."""

    socket: socket.socket
    send: Callable[[bytes | memoryview], int]
    """The socket's own, looked up once."""
    caller: Caller
    start: int
    """From which gathered entry on it is a receiver, in this turn."""
    allowance: float
    """Octets that it may still send at once (RELAY-15)."""
    refilled_at: float
    joined: bool = False
    unsent: deque[bytes | memoryview] = Factory(deque)
    unsent_size: int = 0
    watched: int = selectors.EVENT_READ
    ended: bool = False
    """Nothing more is delivered; what is queued still goes out."""
    finished: bool = False
    """Its side of the stream has ended."""
    shut: bool = False
    """Our side of the stream has ended."""
    discarded: int = 0
    deadline: float = 0.0

    @property
    def name(self) -> str:
        """As people are told of it."""
        return self.caller.name


class Room:
    """All connections of a relay, served by a selector."""

    def __init__(
        self,
        relay: Relay[Peer],
        selector: DirectSelector,
        listening: socket.socket,
        show: Callable[[bytes], None],
        log: LimitLog,
        *,
        bounds: Bounds,
        tls: ssl.SSLContext | None,
        queue_max: int,
        queue_total_max: int,
        rate: float,
    ) -> None:
        self._relay = relay
        self._show = show
        self._log = log
        self._queue_max = queue_max
        self._queue_total_max = queue_total_max
        self._queued = 0
        """Octets that wait for all together."""
        self._rate = rate
        self._burst = max(rate, limits.QUEUE_MIN_OCTETS)
        self.peers: set[Peer] = set()
        """Those that texts are delivered to."""
        self.ending: set[Peer] = set()
        """Those that have ended, and whose socket is not closed yet."""
        self._gathered: list[Forward[Peer] | Announce[Peer]] = []
        self._gathered_size = 0
        self._presence = False
        """Whether lines of presence are among what is gathered."""
        self._late: set[Peer] = set()
        """Peers that do not get all that is gathered: they came, or were told, meanwhile."""
        self._paused: dict[Peer, float] = {}
        """Peers that are not read before a time, because of their rate."""
        self._selector = selector
        selector.serve = self._serve
        self._door = Door(
            listening,
            bounds,
            tls,
            self._take,
            partial(selector.register, listening, selectors.EVENT_READ, None),
            partial(selector.unregister, listening),
            log,
        )
        self._door.open()
        self._debug = LOG.isEnabledFor(logging.DEBUG)

    # One turn

    def _serve(self, ready: Ready) -> None:
        """Do what the sockets are ready for."""
        for key, _ in ready:
            if key.data is None:
                # First: who connected before a text was sent hears it (RELAY-5).
                self._door.accept()
                self._selector.hand_back()  # for handshakes
        for key, events in ready:
            peer: Peer | None = key.data
            if peer is None:
                continue
            if events & peer.watched & selectors.EVENT_READ:
                try:
                    self._read(peer)
                except MemoryError:
                    self._give_up(peer)
            if events & peer.watched & selectors.EVENT_WRITE:
                self._send_queued(peer)
            if self._gathered_size >= GATHER_MAX:
                self.flush()
        self.flush()

    def tick(self) -> None:
        """Do what is due by time; to be called a few times a second."""
        now = time.monotonic()
        for peer, then in list(self._paused.items()):
            if now >= then:
                del self._paused[peer]
                self._watch(peer, peer.watched | selectors.EVENT_READ)
        for peer in list(self.ending):
            if now >= peer.deadline:
                self._close(peer)

    def close_door(self) -> None:
        """Take no more connections."""
        self._door.close()

    def close_idle_endings(self) -> None:
        """Close those that have ended and have nothing left to send (a shutdown's haste)."""
        for peer in list(self.ending):
            if not peer.unsent:
                self._close(peer)

    def close_all(self) -> None:
        """Close everything at once."""
        for peer in [*self.peers, *self.ending]:
            self._close(peer)
        self.close_door()

    # Coming

    def _take(self, connected: socket.socket, caller: Caller) -> None:
        peer = Peer(
            connected, connected.send, caller, len(self._gathered), self._burst, time.monotonic()
        )
        if self._gathered:
            self._late.add(peer)
        self._selector.register(connected, selectors.EVENT_READ, peer)
        self.peers.add(peer)
        LOG.debug("%s connected", peer.name)
        try:
            self.apply(self._relay.connect(peer))
            self.flush()
        except MemoryError:
            self._give_up(peer)

    # Hearing

    def _read(self, peer: Peer) -> None:
        try:
            octets = bytes(_READ[: peer.socket.recv_into(_READ)])
        except BlockingIOError:
            self._charge(peer, b"")
            return
        except OSError as error:
            LOG.debug("%s %s", peer.name, error.strerror)
            octets = b""
        if peer.ended:
            self._discard(peer, octets)
        else:
            if self._debug:
                log_lines(peer.name, "<", octets)
            self.apply(self._relay.receive(peer, octets))
            if not octets:
                self._finish(peer)
        if octets:
            self._charge(peer, octets)

    def _charge(self, peer: Peer, octets: bytes) -> None:
        """What it sent counts, with all that TLS adds."""
        own = peer.socket
        peer.allowance -= own.taken if isinstance(own, TlsSocket) else len(octets)
        if peer.allowance < 0 and self._rate and peer.watched & selectors.EVENT_READ:
            self._slow_down(peer)

    def _slow_down(self, peer: Peer) -> None:
        now = time.monotonic()
        peer.allowance += (now - peer.refilled_at) * self._rate
        peer.allowance = min(peer.allowance, self._burst)
        peer.refilled_at = now
        if peer.allowance < 0:
            self._paused[peer] = now - peer.allowance / self._rate
            self._watch(peer, peer.watched & ~selectors.EVENT_READ)

    def _discard(self, peer: Peer, octets: bytes) -> None:
        peer.discarded += len(octets) if peer.shut else 0
        if not octets:
            self._finish(peer)
        elif peer.discarded >= limits.DRAIN_MIN_OCTETS:
            self._close(peer)

    def _finish(self, peer: Peer) -> None:
        """Its stream has ended; once all is sent, the socket can be closed."""
        peer.finished = True
        self._watch(peer, peer.watched & ~selectors.EVENT_READ)
        if not peer.unsent:
            self._close(peer)

    def _give_up(self, peer: Peer) -> None:
        """There is no memory for it; the others need not notice (LIMIT-2)."""
        self._log.say("sent away, no memory for it", peer.name)
        self._forget_unsent(peer)
        self.apply(self._relay.receive(peer, b""))
        self._close(peer)

    # Delivering

    def apply(self, effects: list[Effect[Peer]]) -> None:
        """Do what the relay's core says, in its order."""
        for effect in effects:
            if type(effect) is Forward:
                self._gathered.append(effect)
                self._gathered_size += len(effect.octets)
                self._show(effect.octets)
            elif type(effect) is Announce:
                self._gathered.append(effect)
                self._gathered_size += len(effect.octets)
                self._presence = True
            elif type(effect) is Tell:
                self._tell(effect.receiver, effect.octets)
            elif type(effect) is Admit:
                self._tell(effect.receiver, effect.octets)
                effect.receiver.joined = True
            elif type(effect) is End:
                self._end(effect.connection, effect.code)

    def _tell(self, peer: Peer, octets: bytes) -> None:
        self._catch_up(peer)
        self._append(peer, octets)
        self._late.add(peer)

    def _catch_up(self, peer: Peer) -> None:
        """Queue for it what was gathered up to now."""
        octets = b"".join(
            entry.octets
            for entry in self._gathered[peer.start :]
            if entry.excepted is not peer and (peer.joined or type(entry) is Forward)
        )
        peer.start = len(self._gathered)
        if octets:
            self._append(peer, octets)

    def _append(self, peer: Peer, octets: bytes | memoryview) -> None:
        peer.unsent.append(octets)
        peer.unsent_size += len(octets)
        self._queued += len(octets)

    def flush(self) -> None:
        """Write to everyone what was gathered for them."""
        late, self._late = self._late, set()
        for peer in late:
            if not peer.ended:
                self._catch_up(peer)
                self._send_queued(peer)
                peer.start = 0
        if not self._gathered:
            return
        everything, spans = texts, text_spans = _joined(self._gathered)
        if self._presence:
            self._presence = False
            texts, text_spans = _joined(
                [entry for entry in self._gathered if type(entry) is Forward]
            )
        self._gathered = []
        self._gathered_size = 0
        overflowed = []
        octets: bytes | memoryview
        for peer in self.peers - late if late else self.peers:
            octets = everything if peer.joined else texts
            if peer in spans:
                own = (spans if peer.joined else text_spans).get(peer, ())
                if len(own) == 1 and len(octets) > COPIED_MAX and not peer.unsent:
                    octets = _send_around(peer.socket, octets, own[0])
                else:
                    octets = _without(octets, own)
            if not octets:
                continue
            if peer.unsent:
                self._append(peer, octets)
                if peer.unsent_size > self._queue_max:
                    overflowed.append(peer)
                continue
            try:
                sent = peer.send(octets)
            except BlockingIOError:
                sent = 0
            except OSError:
                continue  # a reset: reading tells it
            if sent != len(octets):
                self._queue(peer, memoryview(octets)[sent:])
                if peer.unsent_size > self._queue_max:
                    overflowed.append(peer)
        for peer in overflowed:
            self._overflow(peer, self._queue_max, "it read too slowly")
        if self._queued > self._queue_total_max:
            self._relieve()
        if self._gathered or self._late:  # by those that were ended
            self.flush()

    def _queue(self, peer: Peer, octets: bytes | memoryview) -> None:
        self._append(peer, octets)
        self._watch(peer, peer.watched | selectors.EVENT_WRITE)

    def _relieve(self) -> None:
        """End those for whom most is queued, until the bound for all is kept (LIMIT-3)."""
        for peer in sorted(self.peers, key=lambda each: each.unsent_size, reverse=True):
            if self._queued <= self._queue_total_max or peer.unsent_size <= KEPT_MAX:
                break
            self._overflow(peer, KEPT_MAX, "too much was queued for all")

    def _overflow(self, peer: Peer, bound: int, why: str) -> None:
        """Drop whole lines at the end, so that a bound holds, and end it (RELAY-12)."""
        dropped = []
        while peer.unsent_size > bound:
            dropped.append(peer.unsent.pop())
            peer.unsent_size -= len(dropped[-1])
            self._queued -= len(dropped[-1])
        room = bound - peer.unsent_size
        first = bytes(dropped[-1][:room])
        self._append(peer, first[: first.rfind(b"\n") + 1])
        self._log.say(f"sent away, {why}", peer.name)
        self.apply(self._relay.end(peer, ErrorCode.TOO_SLOW))

    def _send_queued(self, peer: Peer) -> None:
        while peer.unsent:
            pieces = [peer.unsent[index] for index in range(min(len(peer.unsent), PIECES_AT_ONCE))]
            try:
                sent = peer.socket.sendmsg(pieces)
            except BlockingIOError:
                self._watch(peer, peer.watched | selectors.EVENT_WRITE)
                return
            except OSError:
                self._forget_unsent(peer)
                break
            peer.unsent_size -= sent
            self._queued -= sent
            while peer.unsent and sent >= len(peer.unsent[0]):
                sent -= len(peer.unsent.popleft())
            if sent:
                peer.unsent[0] = memoryview(peer.unsent[0])[sent:]
        if peer.watched & selectors.EVENT_WRITE:
            self._watch(peer, peer.watched & ~selectors.EVENT_WRITE)
        if peer.ended:
            self._end_sending(peer)

    def _forget_unsent(self, peer: Peer) -> None:
        self._queued -= peer.unsent_size
        peer.unsent.clear()
        peer.unsent_size = 0

    # Going

    def _end(self, peer: Peer, code: ErrorCode | None) -> None:
        if peer not in self.peers and peer not in self.ending:
            return
        LOG.debug("%s has ended%s", peer.name, f": {code}" if code else "")
        self._catch_up(peer)
        self.peers.discard(peer)
        self._late.discard(peer)
        self._paused.pop(peer, None)
        self.ending.add(peer)
        peer.ended = True
        peer.deadline = time.monotonic() + limits.DRAIN_MAX_SECONDS
        self._watch(peer, peer.watched | selectors.EVENT_READ)
        self._send_queued(peer)

    def _end_sending(self, peer: Peer) -> None:
        """Once all is sent: end our side; then only the other's end is waited for."""
        if peer.unsent or peer.shut or peer not in self.ending:
            return
        if peer.finished:
            self._close(peer)
            return
        peer.shut = True
        peer.deadline = min(peer.deadline, time.monotonic() + DRAIN_SECONDS)
        with contextlib.suppress(OSError):
            peer.socket.shutdown(socket.SHUT_WR)

    def _close(self, peer: Peer) -> None:
        if peer not in self.ending and peer not in self.peers:
            return
        self.ending.discard(peer)
        self.peers.discard(peer)
        self._paused.pop(peer, None)
        self._watch(peer, 0)
        self._forget_unsent(peer)
        peer.socket.close()
        self._door.left(peer.caller)
        LOG.debug("%s closed", peer.name)

    def _watch(self, peer: Peer, events: int) -> None:
        if events == peer.watched:
            return
        if not peer.watched:
            self._selector.register(peer.socket, events, peer)
        elif not events:
            self._selector.unregister(peer.socket)
        else:
            self._selector.modify(peer.socket, events, peer)
        peer.watched = events


_Spans = dict[Peer | None, list[tuple[int, int]]]


def _joined(entries: Sequence[Forward[Peer] | Announce[Peer]]) -> tuple[bytes, _Spans]:
    """All octets together, and which of them are not for whom."""
    if len(entries) == 1:
        (entry,) = entries
        return entry.octets, {entry.excepted: [(0, len(entry.octets))]}
    spans: _Spans = {}
    end = 0
    for entry in entries:
        start, end = end, end + len(entry.octets)
        spans.setdefault(entry.excepted, []).append((start, end))
    return b"".join([entry.octets for entry in entries]), spans


def _send_around(to: socket.socket, octets: bytes, span: tuple[int, int]) -> bytes | memoryview:
    """Send all but the span, without copying it; what could not be sent."""
    start, end = span
    view = memoryview(octets)
    try:
        sent = to.sendmsg((view[:start], view[end:]))
    except OSError:
        sent = 0  # sending what is left tells why
    if sent == len(octets) - (end - start):
        return b""
    return memoryview(_without(octets, [span]))[sent:]


def _without(octets: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    """The octets but for these spans."""
    if len(spans) == 1:
        ((start, end),) = spans
        return octets[:start] + octets[end:]
    pieces = []
    kept = 0
    for start, end in spans:
        pieces.append(octets[kept:start])
        kept = end
    pieces.append(octets[kept:])
    return b"".join(pieces)
