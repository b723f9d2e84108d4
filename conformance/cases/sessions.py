"""Scripts for a turn server: clients one after the other, and what its operator types."""

from typing import Self

from conformance.operations import Script


class Sessions(Script):
    """A client's handle is its name in small letters, unless another one is given."""

    def __init__(self, *, fresh: bool = False, **start: object) -> None:
        super().__init__(fresh=fresh, **start)
        self.handles: dict[str, str] = {}

    def arrive(self, who: str, handle: str = "", more: bytes = b"") -> Self:
        r"""Connect and say ``\join``, and wait for nothing."""
        self.handles[who] = handle or who.lower()
        self.connect(who)
        return self.send(who, self.handles[who].encode() + b">\\join chat/1\n" + more)

    def welcome(self, who: str, about: str | list[str] = "JOIN-1") -> Self:
        """Its session begins."""
        return self.expect(who, "welcome", 1, "turns", about=about)

    def join(self, who: str, handle: str = "", about: str | list[str] = "JOIN-1") -> Self:
        """Connect, and be welcomed at once."""
        return self.arrive(who, handle).welcome(who, about)

    def plain(self, who: str) -> Self:
        """Connect without a word."""
        self.handles[who] = who.lower()
        return self.connect(who)

    def line(self, who: str, text: str) -> bytes:
        """One line of a client."""
        return f"{self.handles[who]}>{text}\n".encode()

    def text(self, who: str, text: str, about: str | list[str] = "TERM-9") -> Self:
        """Say a text, and see it on the operator's screen."""
        return self.send(who, self.line(who, text)).seen(who, text, about=about)

    def seen(self, who: str, *texts: str, about: str | list[str] = "TERM-9") -> Self:
        """Texts stand on the operator's screen, in this order."""
        for text in texts:
            self.shown(f"{self.handles[who]}>{text}".encode(), about=about)
        return self

    def hear(self, who: str, text: str, about: str | list[str] = "TURN-5") -> Self:
        """A reply arrives."""
        return self.expect(who, "text", "SERVER", text, about=about)

    def reply(self, who: str, text: str, about: str | list[str] = "TURN-5") -> Self:
        """The operator types a reply, and it arrives."""
        return self.type(text.encode()).hear(who, text, about)

    def turn(self, who: str, text: str = "ping", about: str | list[str] = "TURN-5") -> Self:
        """A text and its reply."""
        return self.text(who, text, about).reply(who, f"re {text}"[:60], about)

    def quit(self, who: str) -> Self:
        r"""``\quit``, and both ends."""
        return self.send(who, self.line(who, "\\quit")).end(who).expect_end(who)

    def refused(self, who: str, code: str, about: str | list[str] = "ERR-1") -> Self:
        r"""What was sent is answered by ``\error CODE`` and the end of the stream."""
        self.expect(who, "error", code, about=about)
        return self.expect_end(who, ["CLOSE-1", "ERR-1"]).end(who)

    def next_session(self, about: str | list[str], who: str = "Z") -> Self:
        """The positive control: the next client is served as if nothing had been."""
        return self.join(who, about=about).turn(who, "next", about).quit(who)
