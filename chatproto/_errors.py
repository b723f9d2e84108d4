r"""What can go wrong: the codes of ``\error``, and the exceptions of this package."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """The codes of spec section 5; the value is the code on the wire."""

    TOO_LONG = "too-long"
    MALFORMED = "malformed"
    ENCODING = "encoding"
    HANDLE_RESERVED = "handle-reserved"
    HANDLE_CHANGED = "handle-changed"
    HANDLE_TAKEN = "handle-taken"
    TOO_SLOW = "too-slow"
    FULL = "full"
    IDLE = "idle"
    REMOVED = "removed"


class ProtocolError(Exception):
    """Somebody did what the spec forbids; one of the two below."""


class LocalProtocolError(ProtocolError):
    """We were asked to do what the spec forbids. Nothing was changed by it."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the spec forbids; ``code`` says what."""

    def __init__(self, code: ErrorCode) -> None:
        super().__init__(str(code))
        self.code = code
