"""Texts that were typed and are not yet sent: one a turn while turns hold."""

from collections import deque

from attrs import define, field

from chatproto._codec import cut_text, is_command
from chatproto._errors import LocalProtocolError
from chatproto._message import Quit, Role, Text
from chatproto._session import Session


@define
class Outbox:
    """What waits to be said in a session, in order, at either end.

    The shell calls ``take()`` after everything that may have changed whose turn it is.
    """

    session: Session
    handle: str
    """Who speaks."""
    leaving: bool = field(default=False, init=False)
    _waiting: deque[Text] = field(factory=deque, init=False)

    def __len__(self) -> int:
        """Texts that wait."""
        return len(self._waiting)

    def say(self, text: str) -> None:
        """Queue a text; one of more than 500 octets is cut (CLIENT-5, TURN-9).

        Raises LocalProtocolError, with a sentence for a person, and queues nothing,
        if it has control characters, if it is a command, or if the server would
        have to send a piece that is one (CMD-6).
        """
        role = self.session.role
        pieces = cut_text(text)
        if (
            role is Role.CLIENT
            and len(pieces) > 1
            and is_command(Text(self.handle, pieces[-1]), role)
        ):
            pieces[-1] = pieces[-2][-1] + pieces[-1]
            pieces[-2] = pieces[-2][:-1]
        texts = [Text(self.handle, piece) for piece in pieces]
        for piece in texts:
            if is_command(piece, role):
                raise LocalProtocolError(f"{piece.text[:20]!r} would be taken for a command")
        self._waiting += texts

    def leave(self) -> None:
        r"""Say ``\quit`` once nothing waits any more (CLIENT-10)."""
        self.leaving = True

    def take(self) -> bytes:
        """The octets that may be sent now."""
        octets = b""
        while self._waiting and self.session.may_send_text():
            octets += self.session.send(self._waiting.popleft())
        if self.leaving and not self._waiting and self.session.welcomed:
            octets += self.session.send(Quit(self.handle))
        return octets

    def drop(self) -> list[str]:
        """Forget what waits, and return it (TURN-12, CLIENT-12)."""
        texts = [text.text for text in self._waiting]
        self._waiting.clear()
        return texts
