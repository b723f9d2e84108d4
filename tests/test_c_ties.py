"""The C core against the spec, the vectors and the Python core."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import (
    SERVER_HANDLE,
    TRANSITIONS,
    ErrorCode,
    Join,
    Kind,
    LocalProtocolError,
    Outbox,
    Role,
    Session,
    Text,
    Welcome,
    encode,
)
from reference._terminal_text import visible
from tests import c_library, strategies, vectors
from tools import spec_text


def test_limits() -> None:
    rows = spec_text.table("limits")
    assert c_library.limits() == {row["name"]: int(row["value"]) for row in rows}


def test_codes() -> None:
    assert c_library.codes() == list(ErrorCode)


def test_transitions() -> None:
    assert c_library.transitions() == {
        (str(state), role.value, str(act)): str(following)
        for role, table in TRANSITIONS.items()
        for state, row in table.items()
        for act, following in row.items()
    }


def test_each_character_is_shown_at_a_terminal_as_by_python() -> None:
    """TERM-13, for every code point that UTF-8 can encode."""
    surrogates = range(0xD800, 0xE000)
    points = [point for point in range(sys.maxunicode + 1) if point not in surrogates]
    everything = "".join(map(chr, points)).encode()
    assert c_library.visible(everything) == visible(everything)


@given(st.binary(max_size=40) | st.text("a\u00ad\u202e\U000e0001é😀", max_size=20).map(str.encode))
def test_any_octets_are_shown_at_a_terminal_as_by_python(octets: bytes) -> None:
    """TERM-13; in C a sentence of the system may be no UTF-8, which stays as it is."""
    shown = c_library.visible(octets)
    try:
        expected = visible(octets)
    except UnicodeDecodeError:
        return
    assert shown == expected


@pytest.mark.parametrize("vector", vectors.load(), ids=lambda vector: vector.name)
def test_vectors_however_they_are_cut(vector: vectors.Vector) -> None:
    for pieces in vectors.every_cut(vector.octets):
        found = c_library.decode(pieces, vector.sender.value)
        assert found == (vector.results, vector.unfinished)


@given(strategies.streams(), st.data(), st.sampled_from(Role))
def test_any_stream_is_decoded_as_by_python(
    octets: bytes, data: st.DataObject, sender: Role
) -> None:
    pieces = vectors.cut(octets, data.draw(strategies.cuts(octets)))
    assert c_library.decode(pieces, sender.value) == vectors.decoded(pieces, sender)


@given(st.sampled_from(strategies.HANDLES + strategies.BAD_HANDLES), strategies.contents())
def test_a_text_is_encoded_as_by_python(handle: str, content: bytes) -> None:
    text = content.partition(b">")[2]
    try:
        expected = encode(Text(handle, text.decode()))
    except (LocalProtocolError, UnicodeDecodeError):
        expected = b""
    if handle.upper() == SERVER_HANDLE:
        expected = b""  # a client's encoder (LINE-12)
    assert c_library.encode_text(handle.encode(), text) == expected


@given(strategies.long_texts(), st.sampled_from(["", "\\quit", "x\\quit", "\\quit "]))
def test_a_typed_text_is_cut_as_by_python(text: str, tail: str) -> None:
    session = Session(Role.CLIENT)
    session.send(Join("ann"))
    session.receive(encode(Welcome(1, Kind.RELAY)))
    session.next_event()
    outbox = Outbox(session, "ann")
    try:
        outbox.say(text + tail)
    except LocalProtocolError:
        return  # \quit alone, which is no text
    pieces = [line.partition(b">")[2] for line in outbox.take().split(b"\n")[:-1]]
    assert c_library.cut((text + tail).encode()) == pieces
