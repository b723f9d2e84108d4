"""Scripts for a relay: knows who is there, and so what each of them has to receive."""

from dataclasses import dataclass
from typing import Self

from conformance.operations import Script

LF = b"\n"


@dataclass
class Member:
    """One of our connections, as the relay has to see it."""

    handle: str = ""
    joined: bool = False


class Room(Script):
    """Every operation waits for all its effects, so that what is next is certain."""

    def __init__(self, *, fresh: bool = False, **start: object) -> None:
        super().__init__(fresh=fresh, **start)
        self.members: dict[str, Member] = {}

    def _others(self, who: str) -> list[str]:
        return [each for each in self.members if each != who]

    def _announce(self, who: str, what: str, handle: str, about: str) -> None:
        for other in self._others(who):
            if self.members[other].joined:
                self.expect(other, what, handle, about=about)

    def join(self, who: str, handle: str = "", about: str = "JOIN-1", words: bytes = b"") -> Self:
        r"""Connect and ``\join``; the others are told."""
        self.connect(who)
        return self.join_connected(who, handle or who.lower(), about, words)

    def join_connected(
        self, who: str, handle: str, about: str = "JOIN-1", words: bytes = b"", version: int = 1
    ) -> Self:
        r"""``\join`` on a connection that is there."""
        self.send(who, b"%s>\\join chat/%d%s\n" % (handle.encode(), version, words))
        return self.joined(who, handle, about)

    def joined(self, who: str, handle: str, about: str = "JOIN-1") -> Self:
        r"""What follows a ``\join`` that was sent."""
        return self._joined(who, handle, about)

    def _joined(self, who: str, handle: str, about: str, **more: object) -> Self:
        bound = [member.handle for member in self.members.values() if member.handle]
        self.members[who] = Member(handle, joined=True)
        self.add("expect", at=who, event=["welcome", "relay", bound], about=about, **more)
        self._announce(who, "joined", handle, "RELAY-7")
        return self

    def join_interrupted(self, who: str, by: str, text: str) -> Self:
        r"""``\join``; once the welcome is there ``by`` speaks, and the roster still comes first."""
        handle = who.lower()
        self.connect(who).send(who, f"{handle}>\\join chat/1\n".encode())
        line = f"{self.members[by].handle}>{text}\n".encode()
        self._joined(who, handle, "RELAY-6", then={"at": by, "octets": line})
        return self.heard(by, text, about="RELAY-6")

    def silent(self, who: str, about: str = "RELAY-5") -> Self:
        """Connect and say nothing; it hears the others from the first token on."""
        by = next(each for each, member in self.members.items() if member.handle)
        self.connect(who)
        self.add("admit", at=who, by=by, others=self._others(by), about=about)
        self.members[who] = Member()
        return self

    def speak(
        self,
        who: str,
        text: str,
        about: str | list[str] = "RELAY-1",
        ending: bytes = LF,
        cuts: list[int] | None = None,
    ) -> Self:
        """Say one text, and see all others receive it."""
        handle = self.members[who].handle.encode()
        self.send(who, handle + b">" + text.encode() + ending, cuts)
        return self.heard(who, text, about=about)

    def heard(self, who: str, *texts: str, about: str | list[str] = "RELAY-1") -> Self:
        """Others receive texts that were sent."""
        about = about or "RELAY-1"
        for text in texts:
            for other in self._others(who):
                self.expect(other, "text", self.members[who].handle, text, about=about)
        return self

    def bind(self, who: str, handle: str, text: str, about: str = "RELAY-1") -> Self:
        """The first text of a silent connection."""
        self.send(who, f"{handle}>{text}\n".encode())
        self.members[who].handle = handle
        self._announce(who, "joined", handle, "RELAY-7")
        return self.heard(who, text, about=about)

    def gone(self, who: str, about: str = "CLOSE-5") -> Self:
        """The others see its handle leave."""
        member = self.members.pop(who)
        if member.handle:
            self._announce(who, "left", member.handle, about)
        return self

    def quit(self, who: str, about: str = "CLOSE-5") -> Self:
        r"""``\quit``, both ends, and the announcement."""
        self.send(who, self.members[who].handle.encode() + b">\\quit\n").end(who)
        return self.expect_end(who).gone(who, about)

    def refused(self, who: str, code: str, about: str | list[str] = "ERR-1") -> Self:
        r"""What was sent is answered by ``\error CODE`` and the end of the stream."""
        self.expect(who, "error", code, about=about).expect_end(who, ["CLOSE-1", "ERR-1"])
        if who in self.members:
            self.gone(who)
        return self

    def heard_by(self, who: str, handle: str, text: str, about: str = "RELAY-1") -> Self:
        """One of them receives a text."""
        return self.expect(who, "text", handle, text, about=about)

    def speak_except(self, who: str, text: str, deaf: str, about: str) -> Self:
        """Say a text that all receive but one, who does not read."""
        self.send(who, f"{self.members[who].handle}>{text}\n".encode())
        for other in self._others(who):
            if other != deaf:
                self.heard_by(other, self.members[who].handle, text, about)
        return self
