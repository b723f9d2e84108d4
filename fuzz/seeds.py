"""The first inputs of each target: what is known to be worth trying."""

from collections.abc import Callable, Iterable

from chatproto import Role
from fuzz.source import counted
from tests import vectors

_LENGTHS = (b"", b"\x01", b"\x02\x05", b"\x00\x03", b"\x0d")
"""Lengths of the pieces that a stream is cut into."""

_HEAR, _NAME, _JOIN, _SAY, _QUIT, _UNANSWERED, _END = range(7)
_WELCOMES = (b"SERVER>\\welcome chat/1 relay\n", b"SERVER>\\welcome chat/1 turns\n", b"")


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
                *(counted(b"ann"), bytes([_JOIN, _HEAR]), counted(welcome)),
                *(bytes([_SAY]), counted(b"hello"), bytes([_HEAR]), counted(octets)),
                *(bytes([_SAY]), counted(b"x" * 500), bytes([_UNANSWERED, _QUIT, _HEAR])),
                *(counted(b"SERVER>\\quit\n"), bytes([_END, _HEAR, 0])),
            ]
        )
    yield counted(b"") + bytes([_NAME]) + counted(b"bob") + bytes([_SAY]) + counted(b"plain")


def outbox() -> Iterable[bytes]:
    """Texts of all sizes around a limit, of characters of all sizes."""
    for character in ("x", "é", "€", "😀", "x\\quit"):
        for times in (128, 129, 160, 255):
            fragment = counted((character * 9).encode())
            yield bytes([times]) + fragment + counted(b"\\quit") + bytes([times - 128, 3])


SEEDS: dict[str, Callable[[], Iterable[bytes]]] = {
    "wire": decoder,
    "session": session,
    "outbox": outbox,
}
