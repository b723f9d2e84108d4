r"""The relay's core (spec section 8): octets of connections in, effects out.

The unit of work is the chunk. What one read brought of a well-behaved client is many
whole lines, and what goes out is the same octets: one regular expression and one UTF-8
check accept them together (the fast path). Whatever they do not accept is taken line by
line through the decoder (the careful path), with the same effects.
"""

import re
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from attrs import define, field

from chatproto._codec import Decoder, cut_text, encode, is_command
from chatproto._errors import ErrorCode, LocalProtocolError
from chatproto._message import (
    HANDLE,
    SERVER_HANDLE,
    EndOfStream,
    Error,
    Join,
    Joined,
    Kind,
    Left,
    Quit,
    Role,
    Text,
    Violation,
    Welcome,
)
from chatproto.limits import RELAY_CLIENTS_MIN, TEXT_MAX, VERSION

K = TypeVar("K", bound=Hashable)


@define
class Forward(Generic[K]):
    """Lines for every open connection but the sender, and for the operator's screen."""

    octets: bytes
    excepted: K | None
    """Its sender; None: the operator."""


@define
class Announce(Generic[K]):
    """Lines of presence, for every joined connection but the one they are about."""

    octets: bytes
    excepted: K
    """Whom they are about."""


@define
class Tell(Generic[K]):
    """Lines for one connection, behind everything that was forwarded before."""

    octets: bytes
    receiver: K


@define
class Admit(Generic[K]):
    r"""``\welcome`` and the roster for one connection, which hears of presence from
    here on (RELAY-6, RELAY-7).
    """

    octets: bytes
    receiver: K


@define
class End(Generic[K]):
    """The connection has ended (CLOSE-5).

    What was forwarded and told before is still delivered; then its sending side is
    ended, and what still comes is discarded (CLOSE-1).
    """

    connection: K
    code: ErrorCode | None
    """Why, if it was ended by an error."""


Effect = Forward[K] | Announce[K] | Tell[K] | Admit[K] | End[K]

_TEXT = rb"[^\n]{0,%d}+\n" % TEXT_MAX
_CHUNK = re.compile(rb"(%b>)%b(?:\1%b)*+" % (HANDLE.pattern.encode(), _TEXT, _TEXT))
# Makes every control but HTAB and LF a 1, so that one search finds them all.
_MARK_CONTROLS = bytes(
    1 if (octet < 0x20 or octet == 0x7F) and octet not in b"\t\n" else octet for octet in range(256)
)
_C1 = re.compile(rb"\xc2[\x80-\x9f]")
_QUIT = b">\\quit\n"


def _is_fast(chunk: bytes, beginning: bytes) -> bool:
    """Whether the chunk is whole legal lines with this beginning, none a command."""
    if len(chunk) <= len(beginning) + TEXT_MAX:
        # No line of it can be too long: that each has the beginning can be counted.
        if not chunk.startswith(beginning) or chunk.count(b"\n") > 1 + chunk.count(
            b"\n" + beginning
        ):
            return False
    else:
        match = _CHUNK.fullmatch(chunk)
        if match is None or match[1] != beginning:
            return False
    if _QUIT in chunk or 1 in chunk.translate(_MARK_CONTROLS):
        return False
    if chunk.isascii():
        return True
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return _C1.search(chunk) is None


@define(eq=False)
class _Member:
    """What the relay knows of one open connection."""

    decoder: Decoder = field(factory=lambda: Decoder(Role.CLIENT))
    handle: str | None = None
    beginning: bytes = b""
    """Of each of its lines: the handle and ``>``; empty before it has bound one."""
    unfinished: bool = False
    """Whether the decoder holds the beginning of a line."""


@define
class Relay(Generic[K]):
    """All connections of a relay, by whatever key the shell knows them.

    Every method returns what is to be done, in order: that order is the relay's one
    total order (RELAY-4). A connection that has ended is no longer known here; what
    comes from it has no effects.
    """

    clients_max: int = 1024
    """Open connections; at least 64 (RELAY-16)."""
    _members: dict[K, _Member] = field(factory=dict, init=False)
    _by_handle: dict[str, K] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        if self.clients_max < RELAY_CLIENTS_MIN:
            raise LocalProtocolError(f"a relay takes at least {RELAY_CLIENTS_MIN} clients")

    # What happens to connections

    def connect(self, who: K) -> list[Effect[K]]:
        """A connection is there. When it is full, it or the oldest without a handle ends."""
        full: list[Effect[K]] = []
        if len(self._members) >= self.clients_max:
            nameless = (key for key, member in self._members.items() if member.handle is None)
            ending = next(nameless, None)
            if ending is None:
                return [Tell(encode(Error(ErrorCode.FULL)), who), End(who, ErrorCode.FULL)]
            full = self.end(ending, ErrorCode.FULL)
        self._members[who] = _Member()
        return full

    def receive(self, who: K, data: bytes) -> list[Effect[K]]:
        """Octets came from it; ``b""`` is the end of its stream, or a reset (CLOSE-4)."""
        member = self._members.get(who)
        if member is None:
            return []
        effects: list[Effect[K]] = []
        if member.unfinished and data:  # first the line that is under way
            rest, line_feed, data = data.partition(b"\n")
            self._take(who, member, rest + line_feed, effects)
            if not data:
                return effects
        whole = data.rfind(b"\n") + 1
        if whole and member.beginning and not member.unfinished:
            chunk = data[:whole]
            if _is_fast(chunk, member.beginning):
                _forward(effects, chunk, who)
                data = data[whole:]
                if not data:
                    return effects
        self._take(who, member, data, effects)
        return effects

    def end(self, who: K, code: ErrorCode | None = None) -> list[Effect[K]]:
        r"""End it: with an error, or because it has left, or is gone.

        The release of its handle, its ``\left`` and the end of delivery to it are
        one event (CLOSE-5).
        """
        member = self._members.pop(who, None)
        if member is None:
            return []
        member.beginning = b""  # nothing of it is fast any more
        effects: list[Effect[K]] = []
        if code is not None:
            effects.append(Tell(encode(Error(code)), who))
        effects.append(End(who, code))
        if member.handle is not None:
            del self._by_handle[member.handle.lower()]
            effects.append(Announce(encode(Left([member.handle])), who))
        return effects

    # What the operator does

    def say(self, text: str) -> list[Effect[K]]:
        """The operator's text, to all (RELAY-19).

        Raises LocalProtocolError, with a sentence for a person, if it cannot be sent.
        """
        texts = [Text(SERVER_HANDLE, piece) for piece in cut_text(text)]
        for piece in texts:
            if is_command(piece, Role.SERVER):
                raise LocalProtocolError(f"{piece.text[:20]!r} would be taken for a command")
        return [Forward(b"".join(map(encode, texts)), None)]

    def kick(self, handle: str) -> list[Effect[K]]:
        """End the connection of this handle, letter case aside (RELAY-20).

        Raises LocalProtocolError if nobody has it.
        """
        who = self._by_handle.get(handle.lower())
        if who is None:
            raise LocalProtocolError(f"nobody has the handle {handle}")
        return self.end(who, ErrorCode.REMOVED)

    def stop(self) -> list[Effect[K]]:
        r"""Say ``\quit`` to all and end all (STOP-1)."""
        effects: list[Effect[K]] = []
        for who in self._members:
            effects += [Tell(encode(Quit(SERVER_HANDLE)), who), End(who, None)]
        self._members.clear()
        self._by_handle.clear()
        return effects

    # What is known

    def handle(self, who: K) -> str | None:
        """The handle that it has bound, if any."""
        member = self._members.get(who)
        return member.handle if member is not None else None

    def __len__(self) -> int:
        """Open connections."""
        return len(self._members)

    # The careful path

    def _take(self, who: K, member: _Member, data: bytes, effects: list[Effect[K]]) -> None:
        member.decoder.receive(data)
        while who in self._members and (event := member.decoder.next_event()) is not None:
            match event:
                case Text():
                    if member.handle is not None or self._bind(who, member, event, effects):
                        _forward(effects, encode(event), who)
                case Join():
                    if self._bind(who, member, event, effects):
                        self._admit(who, member, effects)
                case Violation(code):
                    effects += self.end(who, code)
                case Quit() | EndOfStream():
                    effects += self.end(who)
                case _:
                    raise AssertionError(event)  # a decoder of a client yields nothing else
        member.unfinished = member.decoder.unfinished > 0

    def _bind(self, who: K, member: _Member, first: Text | Join, effects: list[Effect[K]]) -> bool:
        folded = first.handle.lower()
        if folded in self._by_handle:
            effects += self.end(who, ErrorCode.HANDLE_TAKEN)
            return False
        self._by_handle[folded] = who
        member.handle, member.beginning = first.handle, first.handle.encode() + b">"
        effects.append(Announce(encode(Joined([first.handle])), who))
        return True

    def _admit(self, who: K, member: _Member, effects: list[Effect[K]]) -> None:
        others = [m.handle for m in self._members.values() if m.handle and m is not member]
        welcome = encode(Welcome(VERSION, Kind.RELAY, [f"here={len(others)}"]))
        effects.append(Admit(welcome + b"".join(_roster(others)), who))


def _forward(effects: list[Effect[K]], octets: bytes, sender: K) -> None:
    r"""Add a Forward; one chunk where the last effect was of the same sender."""
    if effects and type(last := effects[-1]) is Forward:
        last.octets += octets
    else:
        effects.append(Forward(octets, sender))


def _roster(handles: Iterable[str]) -> Iterable[bytes]:
    r"""``\joined`` lines that keep the limit of a text (RELAY-6)."""
    line: list[str] = []
    size = 0
    for handle in handles:
        if line and size + 1 + len(handle) > TEXT_MAX - len(r"\joined"):
            yield encode(Joined(line))
            line, size = [], 0
        line.append(handle)
        size += 1 + len(handle)
    if line:
        yield encode(Joined(line))
