"""Values: what the two ends say to each other, and what else is learnt from a stream.

All are frozen and validated when made: a message that exists can be sent.
Making one that breaks spec section 3 raises LocalProtocolError.
"""

import re
from collections.abc import Callable, Iterable
from enum import Enum, StrEnum
from typing import Any

from attrs import field, frozen

from chatproto._errors import ErrorCode, LocalProtocolError
from chatproto.limits import HANDLE_MAX, TEXT_MAX, VERSION

SERVER_HANDLE = "SERVER"


class Role(Enum):
    """The two ends of a connection."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def peer(self) -> "Role":
        """The other end."""
        return Role.SERVER if self is Role.CLIENT else Role.CLIENT


class Kind(StrEnum):
    r"""The kinds of server, as ``\welcome`` names them."""

    TURNS = "turns"
    RELAY = "relay"


HANDLE_PATTERN = rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{HANDLE_MAX - 1}}}"
"""A handle (LINE-3), as a regular expression."""
HANDLE = re.compile(HANDLE_PATTERN)
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_WORD = re.compile(r"[\x21-\x7e]+")
_CODE = re.compile(r"[a-z-]+")


def check_handle(handle: str) -> None:
    """Raise LocalProtocolError, with a sentence for a person, if it breaks LINE-3."""
    if not HANDLE.fullmatch(handle):
        raise LocalProtocolError(
            f"a handle is 1 to {HANDLE_MAX} ASCII letters, digits, '-', '_' or '.', "
            "the first a letter or digit"
        )


def check_text(text: str) -> None:
    """Raise LocalProtocolError, with a sentence for a person, if it breaks LINE-4."""
    if bad := CONTROL.search(text):
        raise LocalProtocolError(
            f"a text has no control characters (there is U+{ord(bad[0]):04X} "
            f"at position {bad.start() + 1})"
        )
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise LocalProtocolError(
            f"a text is well-formed Unicode (position {error.start + 1} is not)"
        ) from None
    if size > TEXT_MAX:
        raise LocalProtocolError(f"a text has at most {TEXT_MAX} octets, not {size}")


def _by(check: Callable[[Any], None]) -> Callable[[Any, Any, Any], None]:
    """The check as attrs wants a validator."""
    return lambda _self, _attribute, value: check(value)


def _check_version(version: int) -> None:
    if not 1 <= version <= 999:
        raise LocalProtocolError(f"a version is 1 to 999, not {version}")


def _check_words(words: tuple[str, ...]) -> None:
    for word in words:
        if not _WORD.fullmatch(word):
            raise LocalProtocolError(f"a word is visible ASCII without blanks, not {word!r}")


def _check_code(code: str) -> None:
    if not _CODE.fullmatch(code):
        raise LocalProtocolError(f"a code is small letters and '-', not {code!r}")


def _check_handles(handles: tuple[str, ...]) -> None:
    if not handles:
        raise LocalProtocolError("at least one handle")
    for handle in handles:
        check_handle(handle)


def _strings(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)


@frozen
class Text:
    """What somebody said (LINE-1 to LINE-4)."""

    handle: str = field(validator=_by(check_handle))
    text: str = field(validator=_by(check_text))


_new_text, _set_handle, _set_text = (
    Text.__new__,
    Text.handle.__set__,  # type: ignore[attr-defined]
    Text.text.__set__,  # type: ignore[attr-defined]
)


def checked_text(handle: str, text: str) -> Text:
    """A Text whose parts have been checked already: for the decoder, which has done that."""
    message = _new_text(Text)
    _set_handle(message, handle)
    _set_text(message, text)
    return message


@frozen
class Join:
    r"""``\join``: the client's first line, asking for presence (JOIN-4)."""

    handle: str = field(validator=_by(check_handle))
    version: int = field(default=VERSION, validator=_by(_check_version))
    words: tuple[str, ...] = field(default=(), converter=_strings, validator=_by(_check_words))


@frozen
class Quit:
    r"""``\quit``: ``handle`` leaves; the server's handle is SERVER."""

    handle: str = field(validator=_by(check_handle))


@frozen
class Welcome:
    r"""``\welcome``: the server's answer to ``\join`` (JOIN-1, JOIN-2)."""

    version: int = field(validator=_by(_check_version))
    kind: Kind = field(converter=Kind)
    words: tuple[str, ...] = field(default=(), converter=_strings, validator=_by(_check_words))


@frozen
class Joined:
    r"""``\joined``: these handles are here (RELAY-6, RELAY-7)."""

    handles: tuple[str, ...] = field(converter=_strings, validator=_by(_check_handles))


@frozen
class Left:
    r"""``\left``: these handles are gone (RELAY-7)."""

    handles: tuple[str, ...] = field(converter=_strings, validator=_by(_check_handles))


@frozen
class Error:
    r"""``\error``: the connection ends, and why. The code may be an unknown one (ERR-6)."""

    code: str = field(validator=_by(_check_code))
    words: tuple[str, ...] = field(default=(), converter=_strings, validator=_by(_check_words))


@frozen
class Violation:
    """A line that the peer must not send, or its beginning (spec section 5)."""

    code: ErrorCode
    line: bytes
    """The octets of it that were read, without the line end."""


@frozen
class Ignored:
    """A command of the server that was out of place (CMD-5)."""

    command: "Message"


@frozen
class EndOfStream:
    """The peer ended its sending side."""

    unfinished: int
    """Octets of an unfinished line, dropped (LINE-9)."""


Message = Text | Join | Quit | Welcome | Joined | Left | Error
Event = Message | Violation | Ignored | EndOfStream
