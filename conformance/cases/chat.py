"""Scripts for a client program: what its user types, and what we, its server, say."""

from typing import Any, Self

from conformance.operations import Script


class Chat(Script):
    """One run of a client. We are its server, at the connection ``S``."""

    def __init__(self, **start: Any) -> None:
        super().__init__(fresh=True, **start)
        self.handle = ""

    def begin(self, handle: str = "ann", about: str = "JOIN-4") -> Self:
        """The user types a handle, and the client connects and joins."""
        self.handle = handle
        self.type(handle.encode()).accept("S", about="TERM-1")
        return self.expect("S", "join", handle, 1, about=about)

    def welcome(self, kind: str, words: bytes = b"") -> Self:
        r"""Say ``\welcome``."""
        here = b" here=0" if kind == "relay" and not words else words
        return self.command(b"\\welcome chat/1 %s%s" % (kind.encode(), here))

    def command(self, text: bytes) -> Self:
        """Say something as the server."""
        return self.send("S", b"SERVER>" + text + b"\n")

    def types(self, *texts: str, about: str | list[str] = "TERM-1") -> Self:
        """The user types texts, and each arrives."""
        self.type(*(text.encode() for text in texts))
        return self.said(*texts, about=about)

    def said(self, *texts: str, about: str | list[str] = "TERM-1") -> Self:
        """Texts of the user arrive."""
        for text in texts:
            self.expect("S", "text", self.handle, text, about=about)
        return self

    def says(self, handle: str, text: str, about: str | list[str] = "TERM-3") -> Self:
        """A text that we send is shown."""
        self.send("S", f"{handle}>{text}\n".encode())
        return self.shown(f"{handle}>{text}".encode(), about=about)

    def holds_back(self, about: str | list[str]) -> Self:
        """It says nothing for a moment."""
        return self.add("quiet", at="S", seconds=0.1, about=about)

    def leave(self, status: int = 0, about: str = "TERM-5") -> Self:
        r"""The user types ``\quit``: so does the client, ends its stream, and then itself."""
        self.type(b"\\quit").expect("S", "quit", self.handle, about="JOIN-9")
        return self.expect_end("S", "CLOSE-1").end("S").exits(status, about)

    def stops(self, status: int = 0, about: str | list[str] = "TERM-5") -> Self:
        """It ends its side and itself; whatever it still says first is no matter."""
        return self.add("discard", at="S").end("S").exits(status, about)

    def dismissed(self, status: int, about: str | list[str] = "TERM-5") -> Self:
        r"""We say ``\quit`` and end; so it ends."""
        return self.command(b"\\quit").end("S").exits(status, about)
