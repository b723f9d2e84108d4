"""Codec: any cut gives the same events, and what is decoded is encoded to the same octets."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import (
    Decoder,
    EndOfStream,
    Error,
    Join,
    Joined,
    Kind,
    Left,
    LocalProtocolError,
    Message,
    Quit,
    RemoteProtocolError,
    Role,
    Text,
    Welcome,
    cut_text,
    decode,
    encode,
    limits,
)
from tests import strategies, vectors


@given(strategies.streams(), st.data(), st.sampled_from(Role))
def test_any_cut_of_a_stream_gives_the_same_events(
    octets: bytes, data: st.DataObject, sender: Role
) -> None:
    whole = vectors.decoded([octets] if octets else [], sender)
    places = data.draw(strategies.cuts(octets))
    assert vectors.decoded(vectors.cut(octets, places), sender) == whole
    assert vectors.decoded(vectors.cut(octets, range(len(octets))), sender) == whole


@given(strategies.contents(), st.sampled_from(Role), st.booleans())
def test_what_is_decoded_is_encoded_to_the_same_octets(
    content: bytes, sender: Role, first: bool
) -> None:
    try:
        message = decode(content, sender, first=first)
    except RemoteProtocolError:
        return
    if isinstance(message, Welcome | Joined | Left | Error):
        content = b"SERVER" + content[6:]  # heard in any letter case, said in capitals
    assert encode(message) == content + b"\n"


@given(strategies.messages())
def test_what_is_encoded_is_decoded_to_the_same_message(message: Message) -> None:
    sender = Role.CLIENT if isinstance(message, Join) else Role.SERVER
    octets = encode(message)
    assert len(octets) <= limits.LINE_MAX
    heard = decode(octets[:-1], sender, first=True)
    assert heard == message or isinstance(message, Text)


@given(strategies.long_texts())
def test_a_long_text_is_cut_between_code_points_and_nothing_is_lost(text: str) -> None:
    pieces = cut_text(text)
    assert "".join(pieces) == text
    assert all(len(piece.encode()) <= limits.TEXT_MAX for piece in pieces)
    assert all(len((a + b[0]).encode()) > limits.TEXT_MAX for a, b in pairwise(pieces))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Text("", "x"),
        lambda: Text("a b", "x"),
        lambda: Text("a" * 11, "x"),
        lambda: Text("ann\n", "x"),
        lambda: Text("ann", "x" * 501),
        lambda: Text("ann", "é" * 251),
        lambda: Text("ann", "a\nb"),
        lambda: Text("ann", "\x1b"),
        lambda: Text("ann", "\x85"),
        lambda: Text("ann", "\ud800"),
        lambda: Join("ann", 0),
        lambda: Join("ann", 1000),
        lambda: Join("ann", 1, ("a b",)),
        lambda: Join("ann", 1, ("",)),
        lambda: Welcome(1, Kind.TURNS, ("é",)),
        lambda: Joined(()),
        lambda: Left(("a:b",)),
        lambda: Error("Too-Long"),
        lambda: Error(""),
        lambda: Quit("-"),
        lambda: encode(Joined(["abcdefghij"] * 50)),
        lambda: cut_text("\udc80"),
    ],
)
def test_what_cannot_be_sent_cannot_be_made(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(LocalProtocolError):
        wrong()


def test_nothing_comes_after_the_end() -> None:
    decoder = Decoder(Role.CLIENT)
    decoder.receive(b"")
    assert decoder.next_event() == EndOfStream(0)
    assert decoder.next_event() is None
    with pytest.raises(LocalProtocolError):
        decoder.receive(b"x")


def test_discarding_holds_nothing() -> None:
    decoder = Decoder(Role.CLIENT)
    decoder.receive(b"oops\n" + b"x" * 1000)
    decoder.next_event()
    decoder.receive(b"y" * 100_000)
    assert decoder.next_event() is None
    assert decoder.unfinished == 0
