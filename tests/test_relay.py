"""The relay's core: its rules, and that the fast path has the effects of the careful one."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import (
    Admit,
    Announce,
    Effect,
    End,
    ErrorCode,
    Forward,
    LocalProtocolError,
    Relay,
    Tell,
)
from tests import strategies
from tools import spec_text

Effects = list[Effect[str]]


def flat(effects: Effects) -> Effects:
    """The effects with neighbouring forwards of one sender as one."""
    merged: Effects = []
    for effect in effects:
        last = merged[-1] if merged else None
        if (
            isinstance(effect, Forward)
            and isinstance(last, Forward)
            and effect.excepted == last.excepted
        ):
            merged[-1] = Forward(last.octets + effect.octets, last.excepted)
        else:
            merged.append(effect)
    return merged


def room(*who: str) -> Relay[str]:
    relay: Relay[str] = Relay(clients_max=64)
    for key in who:
        assert relay.connect(key) == []
    return relay


def lines_of_one() -> st.SearchStrategy[bytes]:
    """Mostly well-behaved chunks of one client, of the kind that the fast path is for."""
    texts = strategies.texts().map(lambda text: b"ann>" + text.encode() + b"\n")
    return st.lists(texts, max_size=6).map(b"".join)


steps = st.lists(
    st.tuples(st.sampled_from("ABC"), lines_of_one() | strategies.streams()), max_size=6
)


@given(steps)
def test_any_cut_has_the_same_effects(steps: list[tuple[str, bytes]]) -> None:
    """Octet by octet everything takes the careful path."""
    whole, cut = room(*"ABC"), room(*"ABC")
    for who, octets in steps:
        in_pieces: Effects = []
        for octet in octets:
            in_pieces += cut.receive(who, bytes([octet]))
        assert flat(whole.receive(who, octets) if octets else []) == flat(in_pieces)


@given(lines_of_one(), st.data())
def test_well_behaved_lines_are_forwarded_as_they_are(octets: bytes, data: st.DataObject) -> None:
    relay = room("A", "B")
    relay.receive("A", b"ann>\\join chat/1\n")
    place = data.draw(st.integers(0, len(octets)))
    effects: Effects = []
    for piece in (octets[:place], octets[place:]):
        effects += relay.receive("A", piece) if piece else []
    if b">\\quit\n" not in octets:
        assert flat(effects) == ([Forward(octets, "A")] if octets else [])


def test_a_plain_client_is_announced_with_its_first_text() -> None:
    relay = room("A", "B")
    assert relay.receive("A", b"ann>hi\n") == [
        Announce(b"SERVER>\\joined ann\n", "A"),
        Forward(b"ann>hi\n", "A"),
    ]


def test_joining_is_announced_and_admitted_with_the_roster() -> None:
    relay = room("A", "B", "C")
    relay.receive("A", b"ann>hi\n")
    relay.receive("C", b"carl>\\join chat/1\n")
    assert relay.receive("B", b"bob>\\join chat/9 x\n") == [
        Announce(b"SERVER>\\joined bob\n", "B"),
        Admit(b"SERVER>\\welcome chat/1 relay here=2\nSERVER>\\joined ann carl\n", "B"),
    ]


def test_the_roster_of_many_is_cut_into_legal_lines() -> None:
    relay: Relay[int] = Relay()
    for number in range(200):
        relay.connect(number)
        relay.receive(number, b"h%09d>hi\n" % number)
    relay.connect(999)
    admit = relay.receive(999, b"ann>\\join chat/1\n")[-1]
    assert isinstance(admit, Admit)
    welcome, *roster = admit.octets.splitlines()
    assert welcome == b"SERVER>\\welcome chat/1 relay here=200"
    assert all(len(line) <= len(b"SERVER>") + 500 for line in roster)
    named = b" ".join(line.removeprefix(b"SERVER>\\joined ") for line in roster).split()
    assert sorted(named) == [b"h%09d" % number for number in range(200)]


@pytest.mark.parametrize("first", [b"ANN>hi\n", b"ann>\\join chat/1\n", b"Ann>hi\nAnn>discarded\n"])
def test_a_handle_is_held_by_one_at_a_time(first: bytes) -> None:
    relay = room("A", "B", "C")
    relay.receive("A", b"ann>hi\n")
    assert relay.receive("B", first) == [
        Tell(b"SERVER>\\error handle-taken\n", "B"),
        End("B", ErrorCode.HANDLE_TAKEN),
    ]
    assert relay.receive("B", b"Ann>late\n") == []
    relay.receive("A", b"")
    assert relay.receive("C", first)[0] == Announce(
        b"SERVER>\\joined " + first.partition(b">")[0] + b"\n", "C"
    )


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"ann>1\noops\nann>2\n", ErrorCode.MALFORMED),
        (b"ann>1\nann>\xff\nann>2\n", ErrorCode.ENCODING),
        (b"ann>1\nann>\xc2\x85\nann>2\n", ErrorCode.ENCODING),
        (b"ann>1\nann>\x1b\nann>2\n", ErrorCode.ENCODING),
        (b"ann>1\nann>" + b"x" * 501 + b"\nann>2\n", ErrorCode.TOO_LONG),
        (b"ann>1\nann>" + b"x" * 508, ErrorCode.TOO_LONG),
        (b"ann>1\nbob>2\n", ErrorCode.HANDLE_CHANGED),
        (b"ann>1\nSERVER>2\n", ErrorCode.HANDLE_RESERVED),
    ],
)
def test_a_violation_ends_it_and_what_came_before_counts(octets: bytes, code: ErrorCode) -> None:
    for first in (b"", b"ann>0\n"):  # unbound, and bound: the fast path is tried
        relay = room("A", "B")
        relay.receive("A", first) if first else []
        effects = relay.receive("A", octets)
        assert effects[-4:] == [
            Forward(b"ann>1\n", "A"),
            Tell(b"SERVER>\\error %b\n" % code.encode(), "A"),
            End("A", code),
            Announce(b"SERVER>\\left ann\n", "A"),
        ]


@pytest.mark.parametrize("last", [b"ann>\\quit\n", b""])
def test_leaving_is_announced_once(last: bytes) -> None:
    relay = room("A", "B")
    relay.receive("A", b"ann>hi\n")
    assert relay.receive("A", last) == [
        End("A", None),
        Announce(b"SERVER>\\left ann\n", "A"),
    ]
    assert relay.receive("A", b"") == relay.end("A") == []


def test_who_bound_nothing_is_never_announced() -> None:
    relay = room("A", "B")
    assert relay.receive("A", b"ann>\\quit\n") == [End("A", None)]
    assert relay.receive("B", b"") == [End("B", None)]


def test_line_ends_are_made_lf() -> None:
    relay = room("A", "B")
    relay.receive("A", b"ann>hi\n")
    assert relay.receive("A", b"ann>1\r\nann>2\n\0ann>3\0\n\r\n") == [
        Forward(b"ann>1\nann>2\nann>3\n", "A")
    ]


def test_the_operator_says_kicks_and_stops() -> None:
    relay = room("A", "B")
    relay.receive("A", b"Ann>hi\n")
    assert relay.say("hello") == [Forward(b"SERVER>hello\n", None)]
    assert relay.say("x" * 501) == [Forward(b"SERVER>" + b"x" * 500 + b"\nSERVER>x\n", None)]
    for wrong in ("\\error full", "\\quit", "a\x1b", "x" * 500 + "\\joined ann"):
        with pytest.raises(LocalProtocolError):
            relay.say(wrong)
    with pytest.raises(LocalProtocolError, match="nobody has the handle bob"):
        relay.kick("bob")
    assert relay.kick("aNN")[:2] == [
        Tell(b"SERVER>\\error removed\n", "A"),
        End("A", ErrorCode.REMOVED),
    ]
    assert relay.stop() == [Tell(b"SERVER>\\quit\n", "B"), End("B", None)]
    assert len(relay) == 0


def test_when_full_the_oldest_without_a_handle_ends_or_the_new_one() -> None:
    relay: Relay[int] = Relay(clients_max=64)
    for number in range(64):
        relay.connect(number)
        if number != 5:
            relay.receive(number, b"h%d>hi\n" % number)
    told = Tell(b"SERVER>\\error full\n", 5)
    assert relay.connect(64) == [told, End(5, ErrorCode.FULL)]
    relay.receive(64, b"late>hi\n")
    assert relay.connect(65) == [Tell(told.octets, 65), End(65, ErrorCode.FULL)]
    assert len(relay) == 64
    with pytest.raises(LocalProtocolError):
        Relay(clients_max=63)


# How each event of the spec's table comes about, for a connection A whose handle is ann.
CAUSES: dict[str, Callable[[Relay[str]], Effects]] = {
    "JOIN": lambda relay: relay.receive("A", b"ann>\\join chat/1\n"),
    "TEXT": lambda relay: relay.receive("A", b"ann>hi\n"),
    "TAKEN": lambda relay: relay.receive("A", b"BOB>hi\n"),
    "QUIT": lambda relay: relay.receive("A", b"ann>\\quit\n"),
    "END": lambda relay: relay.receive("A", b""),
    "VIOLATION": lambda relay: relay.receive("A", b"oops\n"),
    "OVERFLOW": lambda relay: relay.end("A", ErrorCode.TOO_SLOW),
    "FULL": lambda relay: [effect for n in range(63) for effect in relay.connect(str(n))],
    "REMOVE": lambda relay: relay.kick("ann"),
    "STOP": lambda relay: [effect for effect in relay.stop() if concerns_a(effect)],
}
WAYS = {"SILENT": [], "PLAIN": ["TEXT"], "JOINED": ["JOIN"]}
NAMES = {Forward: "FORWARD", Announce: "ANNOUNCE", Admit: "ADMIT", Tell: "TELL", End: "END"}


def concerns_a(effect: Effect[str]) -> bool:
    return "A" in (getattr(effect, "receiver", ""), getattr(effect, "connection", ""))


@pytest.mark.parametrize(
    "row", spec_text.table("relay-transitions"), ids=lambda row: f"{row['state']} {row['event']}"
)
def test_the_table_of_the_spec(row: dict[str, str]) -> None:
    relay = room("A", "B")
    relay.receive("B", b"bob>hi\n")
    for event in WAYS[row["state"]]:
        CAUSES[event](relay)
    effects = CAUSES[row["event"]](relay)
    assert ", ".join(NAMES[type(effect)] for effect in effects) == row["effects"]
    assert (relay.receive("A", b"ann>hi\n") == []) == (row["next"] == "ENDED")


def test_the_table_of_the_spec_is_complete() -> None:
    """All states with all events, but for those that exclude each other."""
    impossible = {
        ("SILENT", "REMOVE"),
        *((s, e) for s in ("PLAIN", "JOINED") for e in ("JOIN", "TAKEN", "FULL")),
    }
    rows = [(row["state"], row["event"]) for row in spec_text.table("relay-transitions")]
    assert sorted(rows) == sorted({(s, e) for s in WAYS for e in CAUSES} - impossible)
