"""Every class of hostile inputs: a name, and how one of it is made by chance."""

import random
from collections.abc import Callable
from functools import partial

from attrs import evolve

from endurance.hostile.inputs import Ending, Input, delivered, mutated
from endurance.hostile.samples import (
    BAD_UTF8,
    HANDSHAKES,
    client_hello,
    corpora,
    legal_streams,
    vectors,
)
from tests.vectors import cut

Make = Callable[[random.Random, bytes], Input]
"""By chance, for a visitor of this handle of three letters."""

RANDOM_MAX = 2_000
LONG_MAX = 400_000
EMPTY_MAX = 60_000
TINY_MIN, TINY_MAX = 1_000, 2_000
SILENCE_SECONDS = 0.05
RECORD_TYPES = (*range(20, 25), 0, 255)
"""Those that TLS has, and others."""
_LINE_ENDS = (b"\n", b"\r\n", b"\0", b"\n\0")


def _as(handle: bytes, octets: bytes) -> bytes:
    """Spoken by somebody else than Ann: many are there at a time."""
    return octets.replace(b"ann", handle).replace(b"Ann", handle.title())


def _collected(streams: list[bytes], chance: random.Random, handle: bytes) -> Input:
    """As it is, or mutated."""
    octets = _as(handle, chance.choice(streams))
    if chance.random() < 0.5:
        octets = mutated(chance, octets, _as(handle, chance.choice(streams)))
    return delivered(chance, octets)


def _mutated(streams: list[bytes], chance: random.Random, handle: bytes) -> Input:
    octets, other = (_as(handle, stream) for stream in chance.choices(streams, k=2))
    return delivered(chance, mutated(chance, octets, other))


def _random_octets(chance: random.Random, _handle: bytes) -> Input:
    return delivered(chance, chance.randbytes(chance.randrange(RANDOM_MAX)))


def _long_lines(chance: random.Random, handle: bytes) -> Input:
    size = int(512 * (LONG_MAX / 512) ** chance.random())
    filler = chance.choice((b"x", b">", b"\r", "é".encode(), b"\xff", b" "))
    beginning = chance.choice((b"", handle + b">", handle + b">hi\n" + handle + b">"))
    line = beginning + filler * (size // len(filler))
    return Input([line + chance.choice((b"", *_LINE_ENDS))])


def _no_line_ends(chance: random.Random, handle: bytes) -> Input:
    return Input([handle + b">hello, anybody"] * chance.randint(1, 40))


def _nuls(chance: random.Random, handle: bytes) -> Input:
    line = chance.choice((handle + b">hel\0lo\n", handle + b">\0", handle + b"\0>hi\n", b"\r\0"))
    return delivered(chance, b"\0" * chance.randrange(200) + line * chance.randint(1, 20))


def _bad_utf8(chance: random.Random, handle: bytes) -> Input:
    before, after = ("é€😀x"[: chance.randrange(5)].encode() for _ in range(2))
    line = handle + b">" + before + chance.choice(BAD_UTF8) + after + b"\n"
    return delivered(chance, handle + b">hello\n" + line + handle + b">more\n")


def _empty_lines(chance: random.Random, handle: bytes) -> Input:
    end = chance.choice(_LINE_ENDS)
    return Input([end * chance.randrange(EMPTY_MAX) + handle + b">still here\n"])


def _tiny_segments(chance: random.Random, handle: bytes) -> Input:
    size = chance.randint(TINY_MIN, TINY_MAX)
    line = handle + b">" + "piece by piece €\n".encode()
    return Input(cut((line * (size // len(line) + 1))[:size], range(size)))


def _ends_anywhere(streams: list[bytes], chance: random.Random, handle: bytes) -> Input:
    stream = _as(handle, chance.choice(streams))
    sent = delivered(chance, stream[: chance.randrange(len(stream) + 1)])
    return Input(sent.pieces, chance.choice(list(Ending)))


def _silence(chance: random.Random, _handle: bytes) -> Input:
    return Input([], chance.choice(list(Ending)), chance.uniform(0, SILENCE_SECONDS))


def _repeated_joins(chance: random.Random, handle: bytes) -> Input:
    handles = (handle, handle, handle.upper(), b"by0", b"BY1", b"SERVER")
    words = (b"chat/1", b"chat/1", b"chat/999", b"chat/0", b"chat/1 " + b"w " * 200, b"")
    joins = [
        b"%b>\\join %b\n" % (chance.choice(handles), chance.choice(words))
        for _ in range(chance.randint(2, 30))
    ]
    return delivered(chance, b"".join(joins))


def _without_tls(makes: list[Make], chance: random.Random, handle: bytes) -> Input:
    return evolve(chance.choice(makes)(chance, handle), bare=True)


def _bad_handshake(chance: random.Random, _handle: bytes) -> Input:
    """A client's first octets up to any place, damaged or not."""
    octets = client_hello()
    if chance.random() < 0.5:
        octets = mutated(chance, octets, chance.choice(HANDSHAKES))
    sent = delivered(chance, octets[: chance.randrange(len(octets) + 1)])
    silence = chance.choice((0, 0, SILENCE_SECONDS))
    return Input(sent.pieces, chance.choice(list(Ending)), silence, bare=True)


def _bad_record(chance: random.Random, handle: bytes) -> Input:
    """After lines that nobody doubts."""
    hello = handle + b">hello\n"
    content = chance.randbytes(chance.randrange(400))
    size = chance.choice((len(content), len(content) + 1, 0, 16_640, 65_535))
    header = bytes([chance.choice(RECORD_TYPES)]) + b"\x03\x03" + size.to_bytes(2)
    beneath = chance.choice((header + content, content, hello))
    return Input([hello], chance.choice(list(Ending)), beneath=beneath)


def classes() -> dict[str, Make]:
    """All that a stream can be, by name."""
    legal, found = legal_streams(), corpora()
    by_name: dict[str, Make] = {
        f"vectors: {name}": partial(_collected, streams) for name, streams in vectors().items()
    }
    by_name |= {
        "dialogues, mutated": partial(_mutated, legal),
        "ended anywhere": partial(_ends_anywhere, legal),
        "random octets": _random_octets,
        "very long lines": _long_lines,
        "no line ends": _no_line_ends,
        "NULs": _nuls,
        "bad UTF-8": _bad_utf8,
        "empty lines": _empty_lines,
        "tiny segments": _tiny_segments,
        "silence": _silence,
        "other protocols": partial(_collected, list(HANDSHAKES)),
        "repeated joins": _repeated_joins,
    }
    return by_name | ({"corpora of fuzzers": partial(_collected, found)} if found else {})


def classes_over_tls() -> dict[str, Make]:
    """All of them inside TLS, and what is done to TLS itself."""
    inside = classes()
    return inside | {
        "TLS: none": partial(_without_tls, list(inside.values())),
        "TLS: bad handshakes": _bad_handshake,
        "TLS: bad records": _bad_record,
    }
