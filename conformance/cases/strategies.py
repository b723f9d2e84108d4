"""What is sent: lengths first, edges on purpose, contents from telling fragments."""

import string
from typing import Any

from hypothesis import strategies as st

from conformance.cases.register import Draw
from conformance.spec import invisible

EDGES = (0, 1, 2, 498, 499, 500)
FRAGMENTS = (
    "a", "word", ">", ">>", " ", "\t", "\\", "\\quit", "\\quitting", "\\join", "\\error", "'", '"',
    "%s%n", "$HOME", "&amp;", "<b>",
    "é", "e\u0301", "€", "😀", "\u00a0", "\u2028", "\ufeff", "\u200b", "שלום",
    "\u202e", "ﬁ", "\uffff", "0", "-", "ÿ", "ß",
)  # fmt: skip
NEAR_COMMANDS = (
    "\\", "\\o/", "\\quit ", " \\quit", "\\Quit", "\\quitting time", "\\join us", "\\joined",
    "\\join", "\\join chat/0", "\\join chat/01", "\\join chat/1000", "\\join chat/1 ",
    "\\Join chat/1", "\\error", "\\error Code", "\\left", "\\welcome", "\\welcome chat/1",
    "\\quit\t", "/quit", "quit", "\\\\quit", "\\join chat/1é", "\\join chat/1  x",
)  # fmt: skip
SERVER_COMMANDS = (
    "\\error full", "\\left bob", "\\joined bob carl", "\\welcome chat/1 relay here=0",
    "\\welcome chat/1 turns", "\\error x y z",
)  # fmt: skip
FORBIDDEN = [chr(each) for each in (*range(1, 9), *range(11, 32), *range(0x7F, 0xA0)) if each != 13]
"""Control characters that are no line end, CR left aside, one by one."""
BAD_UTF8 = (
    b"\x80", b"\xbf", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf",
    b"\xf0\x80\x80\xaf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff", b"\xfe", b"\xc3",
    b"\xe2\x82", b"\xf0\x9f\x98", b"caf\xe9", b"\xc3(", b"\xe2(\xa1",
)  # fmt: skip
BAD_TEXTS = (
    *BAD_UTF8,
    *(b"x%sy" % each.encode() for each in FORBIDDEN),
    *(b"%s" % each.encode() for each in FORBIDDEN[::5]),
    *(b"x%sy" % each for each in BAD_UTF8[:10]),
    b"\rx", b"x\ry",
)  # fmt: skip
"""Every class of what no text may have."""
BAD_HANDLES = (
    b"", b"abcdefghijk", b"bob smith", b"-bob", b"_bob", b".bob", b"b\xc3\xb6b", b"bo:b", b" bob",
    b"bob ", b"b\\b", b"bob\t", b"b@b",
)  # fmt: skip

_FIRST = string.ascii_letters + string.digits
_REST = _FIRST + "-_."


@st.composite
def handles(draw: Draw) -> str:
    """Legal handles that are not the server's; 1 and 10 octets often."""
    size = draw(st.sampled_from((1, 10, 3, 2, 9)))
    rest = draw(st.text(_REST, min_size=size - 1, max_size=size - 1))
    handle = draw(st.sampled_from(_FIRST)) + rest
    return f"x{handle[1:]}" if handle.upper() == "SERVER" else handle


@st.composite
def texts(draw: Draw, most: int = 500) -> str:
    """Legal texts that are no commands: the length in octets first, then what fills it."""
    length = draw(
        st.one_of(st.sampled_from([e for e in EDGES if e <= most]), st.integers(0, min(most, 60)))
    )
    pieces = draw(st.lists(st.sampled_from(FRAGMENTS), max_size=8)) if length else []
    text = cut("".join(pieces), length)
    text += "x" * (length - len(text.encode()))
    return f"-{text[1:]}" if text.startswith("\\") else text


INVISIBLE = ("\ufeff", "\u200b", "\u202e", "\u2028", "\uffff")
"""A program may show these as something else at a terminal (TERM-3)."""


MADE_VISIBLE = tuple(dict.fromkeys(chr(point) for ends in invisible() for point in ends))
"""Characters that a terminal is to be shown as code points (TERM-13): the ends of each range."""


def visible(text: str) -> str:
    """A text with these as code points."""
    return "".join(f"<U+{ord(each):04X}>" if each in MADE_VISIBLE else each for each in text)


@st.composite
def plain_texts(draw: Draw, most: int = 500) -> str:
    """Legal texts that a terminal has to show as they are."""
    text: str = draw(texts(most))
    for each in INVISIBLE:
        text = text.replace(each, "?" * len(each.encode()))
    return text


def cut(text: str, octets: int) -> str:
    """Its beginning of at most so many octets, whole code points."""
    return text.encode()[:octets].decode(errors="ignore")


@st.composite
def cuts(draw: Draw, octets: bytes) -> list[int]:
    """Where to cut: nowhere, at telling places, or at every octet of a short stream."""
    anchors = {e for at, each in enumerate(octets) if each in b"\n\r\0>" for e in (at, at + 1)}
    anchors |= {at for at, each in enumerate(octets) if 0x80 <= each < 0xC0}
    anchors |= {1, 511, 512, 513}
    places = sorted(each for each in anchors if 0 < each < len(octets))
    how: list[Any] = [st.just([])]
    if places:
        how.append(st.lists(st.sampled_from(places), min_size=1, max_size=6, unique=True))
    if 1 < len(octets) <= 60:
        how.append(st.just(list(range(1, len(octets)))))
    return sorted(draw(st.one_of(*how)))
