"""The first inputs of each target: what is known to be worth trying."""

from collections.abc import Callable, Iterable

from chatproto import Role
from fuzz.client import Act
from fuzz.files import KINDS, STRANGE
from fuzz.source import counted
from tests import vectors

_LENGTHS = (b"", b"\x01", b"\x02\x05", b"\x00\x03", b"\x0d")
"""Lengths of the pieces that a stream is cut into."""

_WELCOMES = (
    b"SERVER>\\welcome chat/1 relay\n",
    b"SERVER>\\welcome chat/1 turns\n",
    b"SERVER>\\welcome chat/2 relay\n",
    b"",
)


def decoder() -> Iterable[bytes]:
    """Each vector, cut in one of several ways."""
    for number, vector in enumerate(vectors.load()):
        lengths = _LENGTHS[number % len(_LENGTHS)]
        yield bytes([vector.sender is Role.SERVER, len(lengths)]) + lengths + vector.octets


def session() -> Iterable[bytes]:
    """What a server says in the vectors, heard in conversations of several kinds."""
    heard = [each.octets for each in vectors.load() if each.sender is Role.SERVER]
    for number, octets in enumerate(heard):
        welcome = _WELCOMES[number % len(_WELCOMES)]
        yield b"".join(
            [
                *(counted(b"ann"), bytes([Act.JOIN, Act.HEAR]), counted(welcome)),
                *(bytes([Act.SAY]), counted(b"hello"), bytes([Act.HEAR]), counted(octets)),
                *(
                    bytes([Act.SAY]),
                    counted(b"x" * 500),
                    bytes([Act.UNANSWERED, Act.QUIT, Act.HEAR]),
                ),
                *(counted(b"SERVER>\\quit\n"), bytes([Act.END, Act.HEAR, 0])),
            ]
        )
    yield counted(b"") + bytes([Act.NAME]) + counted(b"bob") + bytes([Act.SAY]) + counted(b"plain")


def outbox() -> Iterable[bytes]:
    """Texts of all sizes around a limit, of characters of all sizes."""
    for character in ("x", "é", "€", "😀", "x\\quit"):
        for times in (128, 129, 160, 255):
            fragment = counted((character * 9).encode())
            yield bytes([times]) + fragment + counted(b"\\quit") + bytes([times - 128, 3])
    for size in (249, 250, 251):
        yield b"\x80" + counted(b"x" * 250) + counted(b"x" * size) + b"\x01"


def turns() -> Iterable[bytes]:
    """What a client says in the vectors, and answers to it."""
    for vector in vectors.load():
        if vector.sender is Role.CLIENT:
            heard = counted(vector.octets)
            yield b"\xff" + heard + b"\x00\x02\x02\xff" + heard + b"\xff\x00" + b"\x07\x0b"


def relay() -> Iterable[bytes]:
    """Two who talk: what they say comes from the vectors."""
    ann, bob = 0, 8
    for vector in vectors.load():
        if vector.sender is Role.CLIENT:
            yield b"".join(
                [
                    *(b"\x06", bytes([ann]), bytes([bob])),
                    *(bytes([ann + 1]), counted(b"ann>\\join chat/1\nann>")),
                    *(bytes([bob + 1]), counted(b"bob>one\nbob>two\n")),
                    *(bytes([ann + 1]), counted(b"three\nann>four\n")),
                    *(bytes([bob + 2]), counted(b"bob>" + b"x" * 90), b"\x07"),
                    *(bytes([ann]), bytes([ann + 1]), counted(vector.octets), bytes([bob + 3])),
                ]
            )
    for text in (b"\\quit", b"\xc2\x85", b"\xff", b"\r", b"\t", b"x" * 501, b"\\join chat/1"):
        chunk = counted(b"ann>one\nann>" + text + b"\nann>two\n")
        bound = bytes([6, ann, ann + 1]) + counted(b"ann>hi\n")
        yield bound + bytes([ann + 1]) + chunk
        yield bound + bytes([ann + 2]) + chunk + b"\x07"
    yield (
        bytes([6, ann, ann + 2]) + counted(b"ann>hi") + b"\x03" + bytes([ann + 6]) + counted(b"ANN")
    )
    yield bytes([6, ann, 7, 15, ann, ann + 5]) + counted("é".encode() * 400) + bytes([ann + 4, 7])


def reception() -> Iterable[bytes]:
    """Each operation, and what a server says in the vectors."""
    for number, vector in enumerate(vectors.load()):
        wanted = bytes([number % 30, (number + 7) % 30])
        yield bytes([number % 3, len(wanted)]) + wanted + vector.octets
    for number in range(30):
        said = b"b>~0\nSERVER>\\welcome chat/1 relay here=2\nSERVER>\\joined b c\nb>hi\nb>ho\n"
        yield bytes([0, 1, number]) + said
        yield bytes([0, 1, number]) + said[5:]
        yield bytes([0, 1, number]) + b"b>000000xxxxxxxxxxx\n" * 3 + b"SERVER>\\error too-slow\n"


def screen() -> Iterable[bytes]:
    """Colours, titles, prompts, and what a program says when it dies."""
    for shown in (
        b"b>hi\nb>hi\r\n",
        b"\x1b[1;31mb>hi\x1b[m\n",
        b"\x1b]0;title\x07b>hi\n",
        b"> typing\rb>hi\n\xff\xfe",
        b"Traceback (most recent call last):\nValueError: no\n",
    ):
        for number in range(9):
            yield bytes([2, number, (number + 1) % 9]) + counted(b"error: no licence\n") + shown


def report() -> Iterable[bytes]:
    """Texts that mean something to a terminal, a browser or a shell."""
    for text in (
        "\x1b[31m\u202eevil\u200b",
        "</script><script>alert(1)</script>",
        "printf 'a\\n' | nc \"$HOST\" 1",
        '"a>" "x"*500 "\\n"',
        "שלום é 漢字 😀" * 4,
        "\udcff\x85\ufeff",
    ):
        written = counted(text.encode("utf-8", "surrogateescape"))
        step = bytes([9, 0, 1, 0, 1]) + written + written
        yield bytes([1, 0, 1]) + written + bytes([20, 4]) + step * 4 + written * 20


def files() -> Iterable[bytes]:
    """A good file of each kind, and each value of it replaced by each strange one."""
    for number, kind in enumerate(KINDS.values()):
        yield bytes([number, 0]) + kind.write(kind.good).encode()
        for place in range(40):
            for strange in range(len(STRANGE) + 1):
                yield bytes([number, 1, 0, place, strange])
    for deep in (b"[" * 9000, b"a = " + b"[" * 3000, b'{"a":' * 3000):
        for number in range(len(KINDS)):
            yield bytes([number, 0]) + deep


SEEDS: dict[str, Callable[[], Iterable[bytes]]] = {
    "wire": decoder,
    "session": session,
    "outbox": outbox,
    "decoder": decoder,
    "client": session,
    "turns": turns,
    "relay": relay,
    "reception": reception,
    "screen": screen,
    "report": report,
    "files": files,
}
