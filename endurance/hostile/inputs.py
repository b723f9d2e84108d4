"""One hostile input: octets in pieces, and how the connection ends after them."""

import random
from enum import Enum, auto

from attrs import frozen

from tests.vectors import cut

OCTETWISE_MAX = 2000
"""More octets than that are not sent one by one."""
_SPICE = (
    *(b"\n", b"\r", b"\0", b">", b"\\", b"\x1b", b"\x7f", b"\xc2\x85", b"\r\n", b"\n\n", b"\t"),
    *(b">\\quit\n", b">\\join chat/1\n", b"SERVER>", b"\\error full", b"\xef\xbb\xbf", b"x" * 511),
    *(b"\x80", b"\xc0\xaf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff"),
)


class Ending(Enum):
    """What comes behind the octets."""

    END = auto()
    """The end of our stream; the server's is waited for."""
    RESET = auto()
    CLOSE = auto()
    """A socket closed without a thought: what the server sent unread makes it a reset."""


@frozen
class Input:
    """What is done to a server on one connection."""

    pieces: list[bytes]
    ending: Ending = Ending.END
    silence: float = 0.0
    """Seconds before the ending."""
    bare: bool = False
    """Whether it speaks no TLS where others do."""
    beneath: bytes = b""
    """Octets of TCP's own stream behind the pieces, where the others are inside TLS."""


def delivered(chance: random.Random, octets: bytes) -> Input:
    """The octets whole, cut at some places, or one by one."""
    size = len(octets)
    match chance.randrange(3):
        case 0:
            return Input([octets])
        case 1 if size <= OCTETWISE_MAX:
            return Input(cut(octets, range(size)))
        case _:
            return Input(cut(octets, [chance.randrange(size + 1) for _ in range(4)]))


def mutated(chance: random.Random, octets: bytes, other: bytes) -> bytes:
    """With some of it damaged, moved, doubled, or taken from elsewhere."""
    for _ in range(chance.randint(1, 4)):
        start, end = sorted(chance.randrange(len(octets) + 1) for _ in range(2))
        before, part, after = octets[:start], octets[start:end], octets[end:]
        octets = chance.choice(
            (
                before + after,
                before + part + part + after,
                before + part[::-1] + after,
                before + chance.choice(_SPICE) + part + after,
                before + chance.randbytes(len(part) % 8) + after,
                before + _with_a_bit_turned(chance, part) + after,
                before + other[start:],
                before,
            )
        )
    return octets


def _with_a_bit_turned(chance: random.Random, octets: bytes) -> bytes:
    if not octets:
        return octets
    place = chance.randrange(len(octets))
    turned = octets[place] ^ (1 << chance.randrange(8))
    return octets[:place] + bytes([turned]) + octets[place + 1 :]
