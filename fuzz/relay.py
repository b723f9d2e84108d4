"""The relay's core: however the octets of its connections are cut, it has the same effects.

Whole chunks may go the fast path, single octets never do. What it forwards is besides what the
suite's oracle reads in the stream.
"""

from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Any

from chatproto import (
    Admit,
    Announce,
    Effect,
    End,
    ErrorCode,
    Forward,
    LocalProtocolError,
    Relay,
    Tell,
)
from conformance import oracle
from fuzz.source import Source


class Act(IntEnum):
    """What happens next; most are of one connection."""

    CONNECT, RECEIVE, LINES, FINISH, END, SAY, KICK, STOP_OR_CROWD = range(8)


_CONNECTIONS = 5
_CROWD = 64
_CODES = (None, *ErrorCode)


def fuzz(octets: bytes) -> None:
    """A length of pieces, then acts; most are of one of five connections."""
    size = Source(octets).number() + 1
    whole = _Run(octets, lambda chunk: [chunk])
    whole.check_forwarded()
    for cut in (1, size):
        pieces = _Run(octets, partial(_cut, cut))
        assert pieces.effects == whole.effects, f"in pieces of {cut} it has other effects"


def _cut(size: int, chunk: bytes) -> list[bytes]:
    return [chunk[at : at + size] for at in range(0, len(chunk), size)]


class _Run:
    """One relay, fed with the acts of an input, its chunks cut in some way."""

    def __init__(self, octets: bytes, cut: Callable[[bytes], list[bytes]]) -> None:
        self.relay: Relay[int] = Relay(_CROWD)
        self.cut = cut
        self.effects: list[Any] = []
        self.keys = dict.fromkeys(range(_CONNECTIONS), -1)
        self.streams: dict[int, bytes] = {}
        self.open: set[int] = set()
        self.count = 0
        source = Source(octets[1:])
        while source:
            self._act(source)

    def _act(self, source: Source) -> None:
        """One of them connects, sends, sends lines, ends, or is ended; or the operator acts."""
        number = source.number()
        act, who = Act(number % len(Act)), number // len(Act) % _CONNECTIONS
        match act:
            case Act.CONNECT:
                self._connect(who)
            case Act.RECEIVE:
                self._receive(who, source.counted())
            case Act.LINES:
                self._receive(who, (source.counted() + b"\n") * (source.number() % 8))
            case Act.FINISH:
                self._take(self.relay.receive(self.keys[who], b""))
            case Act.END:
                code = _CODES[source.number() % len(_CODES)]
                self._take(self.relay.end(self.keys[who], code))
            case Act.SAY:
                text = source.counted().decode("utf-8", "surrogateescape")
                self._try(lambda: self.relay.say(text))
            case Act.KICK:
                handle = source.counted().decode("latin-1")
                self._try(lambda: self.relay.kick(handle))
            case _ if who:
                self._take(self.relay.stop())
            case _:
                while len(self.relay) < _CROWD:
                    self._connect(0)

    def _connect(self, slot: int) -> None:
        key = self.count
        self.count += 1
        self.keys[slot] = key
        self.streams[key] = b""
        self.open.add(key)
        self._take(self.relay.connect(key))
        assert len(self.relay) <= _CROWD, "there are more connections than may be"

    def _receive(self, slot: int, chunk: bytes) -> None:
        key = self.keys[slot]
        if key in self.open:
            self.streams[key] += chunk
        for piece in self.cut(chunk) if chunk else ():  # no octets would be the end
            self._take(self.relay.receive(key, piece))

    def _try(self, act: Callable[[], list[Effect[int]]]) -> None:
        try:
            self._take(act())
        except LocalProtocolError as error:
            self.effects.append(str(error))

    def _take(self, effects: list[Effect[int]]) -> None:
        for effect in effects:
            self._take_one(effect)

    def _take_one(self, effect: Effect[int]) -> None:
        match effect:
            case Forward(octets, sender):
                last = self.effects[-1] if self.effects else None
                if isinstance(last, Forward) and last.excepted == sender:
                    self.effects[-1] = Forward(last.octets + octets, sender)
                    return
            case End(key):
                assert key in self.open, "what has ended ends again"
                self.open.remove(key)
            case Tell(_, key) | Admit(_, key):
                assert key in self.open, "what has ended is told something"
            case Announce():
                pass
        self.effects.append(effect)

    def check_forwarded(self) -> None:
        """Of each stream its texts, in order, up to where it was ended; and only legal lines."""
        forwarded = dict.fromkeys(self.streams, b"")
        for effect in self.effects:
            if isinstance(effect, Forward) and effect.excepted is not None:
                forwarded[effect.excepted] += effect.octets
            if not isinstance(effect, str | End):
                events, rest = oracle.split(effect.octets)
                assert not rest, "half a line is said"
                for content in events:
                    assert not oracle.defect(content), "a line that is none is said"
        for key, stream in self.streams.items():
            texts = [event for event in oracle.from_client(stream)[0] if event[0] == "text"]
            lines = "".join(f"{handle}>{text}\n" for _, handle, text in texts).encode()
            if key in self.open:
                assert forwarded[key] == lines, "it forwards something else than the texts"
            else:
                assert lines.startswith(forwarded[key]), "it forwards what is no text"
