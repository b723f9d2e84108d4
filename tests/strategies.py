"""Hypothesis strategies that really reach the limits: length first, then content."""

from hypothesis import strategies as st

from chatproto import Error, Join, Joined, Kind, Left, Message, Quit, Text, Welcome

FRAGMENTS = [
    ">", " ", "\t", "\\", "\\quit", "\\quitting", "\\join chat/1", "\\join us", "\\error full",
    "\\welcome chat/1 relay", "\\welcome chat/1 turns x", "\\joined ann bob", "\\left ann", "é",
    "€", "😀", "\u2028", "\ufeff", "e\u0301", "\u202e", "\u00a0", "x",
]  # fmt: skip
BAD = [
    b"\x80", b"\xc0\xaf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82",
    b"\xff", b"\x1b", b"\x7f", b"\xc2\x85", b"\r", b"\x07",
]  # fmt: skip
HANDLES = ["ann", "Ann", "b", "abcdefghij", "SERVER", "server", "0.-_"]
BAD_HANDLES = ["", "-a", "a b", "abcdefghijk", "é"]
LENGTHS = [0, 1, 2, 498, 499, 500, 501, 505, 509, 510, 511, 512, 513, 600]


@st.composite
def texts(draw: st.DrawFn, *, longest: int = 500) -> str:
    """Legal texts; often of just the longest size."""
    length = draw(st.sampled_from([n for n in LENGTHS if n <= longest]) | st.integers(0, longest))
    text = "".join(draw(st.lists(st.sampled_from(FRAGMENTS), max_size=4)))
    while len(text.encode()) > length:
        text = text[:-1]
    filler = draw(st.sampled_from(["x", "é", "€", "😀"]))
    room = length - len(text.encode())
    filling = filler * (room // len(filler.encode()))
    return text + filling + "x" * (room - len(filling.encode()))


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Contents of lines, legal and not."""
    handle = draw(st.sampled_from(HANDLES) | st.sampled_from(BAD_HANDLES))
    text = draw(texts(longest=600)).encode()
    kind = draw(st.sampled_from(["as it is", "as it is", "command", "bad octets", "no >"]))
    if kind == "command":
        text = draw(st.sampled_from(FRAGMENTS)).encode()
    elif kind == "bad octets":
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(BAD)) + text[place:]
    return handle.encode() + (b"" if kind == "no >" else b">") + text


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Some lines, the last perhaps unfinished."""
    ends = st.sampled_from([b"\n", b"\n", b"\r\n", b"\0", b"\n\0", b"\r\r\n", b"\r\0"])
    octets = b"".join(content + draw(ends) for content in draw(st.lists(contents(), max_size=5)))
    return octets + draw(st.sampled_from([b"", b"\r", b"ann>un"]) | contents())


def cuts(octets: bytes) -> st.SearchStrategy[set[int]]:
    """Places to cut at: anywhere, and around what matters."""
    near = {
        place + shift
        for place in range(len(octets))
        if octets[place : place + 1] in (b"\n", b"\r", b"\0", b">") or place in (510, 511, 512)
        for shift in (0, 1)
    }
    return st.sets(st.sampled_from(sorted(near | {0, len(octets)})) | st.integers(0, len(octets)))


def long_texts() -> st.SearchStrategy[str]:
    return st.lists(texts(), max_size=5).map("".join)


def messages() -> st.SearchStrategy[Message]:
    handles = st.sampled_from([handle for handle in HANDLES if handle.upper() != "SERVER"])
    words = st.lists(st.sampled_from(["a", "here=3", "\\x", "~", "x" * 40]), max_size=5)
    several = st.lists(handles, min_size=1, max_size=40)
    versions = st.sampled_from([1, 9, 10, 999])
    return st.one_of(
        st.builds(Text, handles, texts()),
        st.builds(Join, handles, versions, words),
        st.just(Quit("SERVER")),
        st.builds(Welcome, versions, st.sampled_from(Kind), words),
        st.builds(Joined, several),
        st.builds(Left, several),
        st.builds(Error, st.sampled_from(["full", "no-such-code", "-"]), words),
    )
