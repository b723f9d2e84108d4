"""Octets to messages and back (spec sections 3 to 5)."""

import re
from collections.abc import Callable

from attrs import define, field

from chatproto._errors import ErrorCode, LocalProtocolError, RemoteProtocolError
from chatproto._message import (
    CONTROL,
    HANDLE,
    SERVER_HANDLE,
    EndOfStream,
    Error,
    Join,
    Joined,
    Kind,
    Left,
    Message,
    Quit,
    Role,
    Text,
    Violation,
    Welcome,
    checked_text,
)
from chatproto.limits import CONTENT_MAX, HOLD_MAX, LINE_MAX, TEXT_MAX

_LF, _NUL, _CR = 0x0A, 0x00, 0x0D

_VERSION = r" chat/([1-9][0-9]{0,2})"
_WORDS = r"((?: [\x21-\x7e]+)*)"
_HANDLES = rf"((?: {HANDLE.pattern})+)"

# Which texts are commands, by sender (CMD-1): the form, and how it becomes a message.
_Form = tuple[re.Pattern[str], Callable[[str, re.Match[str]], Message]]
_JOIN: _Form = (
    re.compile(rf"\\join{_VERSION}{_WORDS}"),
    lambda handle, form: Join(handle, int(form[1]), form[2].split()),
)
_QUIT: _Form = (re.compile(r"\\quit"), lambda handle, _: Quit(handle))
_FROM_SERVER: list[_Form] = [
    (
        re.compile(rf"\\welcome{_VERSION} (turns|relay){_WORDS}"),
        lambda _, form: Welcome(int(form[1]), Kind(form[2]), form[3].split()),
    ),
    (re.compile(rf"\\joined{_HANDLES}"), lambda _, form: Joined(form[1].split())),
    (re.compile(rf"\\left{_HANDLES}"), lambda _, form: Left(form[1].split())),
    (re.compile(rf"\\error ([a-z-]+){_WORDS}"), lambda _, form: Error(form[1], form[2].split())),
    _QUIT,
]


def _forms(handle: str, sender: Role, first: bool) -> list[_Form]:
    if sender is Role.CLIENT:
        return [_JOIN, _QUIT] if first else [_QUIT]
    return _FROM_SERVER if handle.upper() == SERVER_HANDLE else []


def decode(content: bytes, sender: Role, *, first: bool = False) -> Message:
    r"""The message in one line's content (without its line end), sent by ``sender``.

    ``first`` tells that it is a client's first line, the only one that can be a
    ``\join`` (CMD-2). Raises RemoteProtocolError with the first code of ERR-4 that
    fits, up to ``encoding``.
    """
    if len(content) > CONTENT_MAX:
        raise RemoteProtocolError(ErrorCode.TOO_LONG)
    head, divider, tail = content.partition(b">")
    handle = head.decode("latin-1")
    if not divider or not HANDLE.fullmatch(handle):
        raise RemoteProtocolError(ErrorCode.MALFORMED)
    if len(tail) > TEXT_MAX:
        raise RemoteProtocolError(ErrorCode.TOO_LONG)
    try:
        text = tail.decode()
    except UnicodeDecodeError:
        raise RemoteProtocolError(ErrorCode.ENCODING) from None
    if CONTROL.search(text):
        raise RemoteProtocolError(ErrorCode.ENCODING)
    if text.startswith("\\"):
        for form, make in _forms(handle, sender, first):
            if match := form.fullmatch(text):
                return make(handle, match)
    return Text(handle, text)


def encode(message: Message) -> bytes:
    """The line that carries the message, with its LF (LINE-1).

    Raises LocalProtocolError if the words of a command make it too long.
    """
    match message:
        case Text(handle, text):
            pass
        case Join(handle, version, words):
            text = " ".join(("\\join", f"chat/{version}", *words))
        case Quit(handle):
            text = "\\quit"
        case Welcome(version, kind, words):
            handle, text = SERVER_HANDLE, " ".join(("\\welcome", f"chat/{version}", kind, *words))
        case Joined(handles):
            handle, text = SERVER_HANDLE, " ".join(("\\joined", *handles))
        case Left(handles):
            handle, text = SERVER_HANDLE, " ".join(("\\left", *handles))
        case Error(code, words):
            handle, text = SERVER_HANDLE, " ".join(("\\error", code, *words))
    octets = text.encode()
    if len(octets) > TEXT_MAX:
        raise LocalProtocolError(f"a command has at most {TEXT_MAX} octets, not {len(octets)}")
    return b"%b>%b\n" % (handle.encode(), octets)


def is_command(text: Text, sender: Role) -> bool:
    """Whether the peer would take this text, said by ``sender`` later than in the
    first line, for a command.
    """
    return decode(encode(text)[:-1], sender) != text


def cut_text(text: str) -> list[str]:
    """The text in pieces of at most 500 octets, cut between code points, none lost.

    An empty text is one empty piece. Raises LocalProtocolError for a text that has
    no octets at all in UTF-8 (a lone surrogate).
    """
    try:
        rest = text.encode()
    except UnicodeEncodeError as error:
        raise LocalProtocolError(
            f"a text is well-formed Unicode (position {error.start + 1} is not)"
        ) from None
    pieces = []
    while len(rest) > TEXT_MAX:
        end = TEXT_MAX
        while rest[end] & 0xC0 == 0x80:  # inside a code point
            end -= 1
        pieces.append(rest[:end].decode())
        rest = rest[end:]
    return [*pieces, rest.decode()]


# A line that is certainly a text: ASCII, of a legal length, and no command. Most are.
_PLAIN_LINE = re.compile(
    rb"(%b)>(?!\\)([\t -~]{0,%d}+)\n" % (HANDLE.pattern.encode(), TEXT_MAX)
).match


# Lines with no content (LINE-6): a flood of them is passed over at once.
_EMPTY_LINES = re.compile(rb"(?:\r?\n|\0)++").match


@define
class Decoder:
    """Takes a stream in any pieces and yields what is in it, in the end EndOfStream.

    ``sender`` is the end that we listen to. From a client a violation is the last
    that is heard of the stream but its end; from a server only ``too-long`` is, other
    lines at fault are yielded as violations and decoding goes on (ERR-7, ERR-8).
    """

    sender: Role
    handle: str | None = field(default=None, init=False)
    """The handle that the client is bound to: its first line's, to the octet."""
    discarding: bool = field(default=False, init=False)
    """Whether nothing but the end is yielded any more."""
    _held: bytearray = field(factory=bytearray, init=False)
    _start: int = field(default=0, init=False)
    """Where in _held the next line begins: what stands before it has been yielded."""
    _scanned: int = field(default=0, init=False)
    """So far into the next line there is no line end."""
    _ended: bool = field(default=False, init=False)
    _finished: bool = field(default=False, init=False)

    def receive(self, data: bytes) -> None:
        """Store octets of the stream; ``b""`` is its end.

        Raises LocalProtocolError for octets after the end.
        """
        if self._ended and data:
            raise LocalProtocolError("the stream has ended; nothing can come after that")
        self._ended = not data
        if not self.discarding:
            self._held += data

    def next_event(self) -> Message | Violation | EndOfStream | None:
        """The next message, violation, or the end; None when octets are needed."""
        while not self.discarding:
            line = _PLAIN_LINE(self._held, self._start) if not self._scanned else None
            if line is not None:
                handle, text = line.groups()
                name = handle.decode()
                if name == self.handle or self.sender is Role.SERVER:
                    self._start = line.end()
                    return checked_text(name, text.decode())
            content = self._next_content()
            if content is None:
                break
            if len(content) > CONTENT_MAX:
                return self._violation(ErrorCode.TOO_LONG, content)
            if content:
                return self._decoded(content)
            if empty := _EMPTY_LINES(self._held, self._start):
                self._start = empty.end()
        if self._ended and not self._finished:
            self._finished = True
            unfinished = len(self._held)
            self._held.clear()
            return EndOfStream(unfinished)
        return None

    def discard(self) -> None:
        """Yield nothing any more but the end."""
        self.discarding = True
        self._held.clear()

    @property
    def unfinished(self) -> int:
        """Octets held of an unfinished line, once next_event() has returned None."""
        return len(self._held)

    def _next_content(self) -> bytes | None:
        """The content of the next line, or more than 511 octets of one that is too long."""
        held, start = self._held, self._start
        scanned, limit = start + self._scanned, start + LINE_MAX + 1
        end = held.find(_LF, scanned, limit)
        nul = held.find(_NUL, scanned, limit if end < 0 else end)
        if nul >= 0:
            end = nul
        elif end < 0:
            if start:
                del held[:start]
                self._start = 0
            size = len(held)
            # A CR in the 512th place may still turn out to belong to the line end.
            if size > HOLD_MAX or (size == HOLD_MAX and held[-1] != _CR):
                return bytes(held[:LINE_MAX])
            self._scanned = size
            return None
        stop = end
        if nul < 0 and end > start and held[end - 1] == _CR:
            stop -= 1
        self._start, self._scanned = end + 1, 0
        return bytes(held[start:stop])

    def _decoded(self, content: bytes) -> Message | Violation:
        try:
            message = decode(content, self.sender, first=self.handle is None)
            if self.sender is Role.CLIENT:
                self._bind(message)
        except RemoteProtocolError as error:
            return self._violation(error.code, content)
        return message

    def _bind(self, message: Message) -> None:
        assert isinstance(message, Text | Join | Quit)  # all that decode() makes of a client's
        if message.handle.upper() == SERVER_HANDLE:
            raise RemoteProtocolError(ErrorCode.HANDLE_RESERVED)
        if self.handle is None:
            self.handle = message.handle
        elif message.handle != self.handle:
            raise RemoteProtocolError(ErrorCode.HANDLE_CHANGED)

    def _violation(self, code: ErrorCode, content: bytes) -> Violation:
        if self.sender is Role.CLIENT or code is ErrorCode.TOO_LONG:
            self.discard()
        return Violation(code, content)
