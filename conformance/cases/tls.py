r"""Cases for TLS itself. Who connects must be served, or turned away; others must not notice it.

All other cases are run over TLS as they are.
"""

from collections.abc import Callable
from functools import wraps
from typing import Self, TypeVar

from hypothesis import strategies as st

from conformance.cases import strategies as some
from conformance.cases.chat import Chat
from conformance.cases.register import Build, Draw, case
from conformance.cases.room import Member, Room
from conformance.cases.sessions import Sessions
from conformance.operations import Script
from conformance.spec import CLIENT, RELAY, TURNS, limits

S = TypeVar("S", bound=Script)
HANGING = (None, 0, 1, 5, 60, 200)
"""So many octets of a handshake are sent before it hangs; None is all of the first flight."""
IN_PIECES = 16
"""So many handshakes come in very small records."""
INTRUSIONS = (
    b"z>\\join chat/1\nz>hello\n",
    b"z>hello\n",
    b"z>\\quit\n",
    b"\nz>hello\n" * 400,
    b"\x16\x03\x01z>hello\n",
)
"""What must have no effect: nobody is called z because of it."""
DISTRUSTED = ("foreign", "other name", "common name", "expired")
RECORD_MORE = 22
"""Octets that a record has besides those that are inside."""


class RelayDoor(Room):
    """A witness W is inside. Whoever is served is the next that W hears of."""

    def opened(self) -> Self:
        """There is somebody who would notice."""
        return self.join("W")

    def serves(self, who: str = "Z") -> Self:
        """Somebody new gets in, and is heard."""
        return self.join(who).speak(who, "served")

    def leaves(self, who: str) -> Self:
        """An end that is no good one, and yet one."""
        self.gone(who, "TLS-8")
        return self.join("B", who.lower()).speak("B", "served")


class TurnsDoor(Sessions):
    """Nobody is inside, so that whoever gets in is served at once."""

    def opened(self) -> Self:
        """There is nobody."""
        return self

    def serves(self, who: str = "Z") -> Self:
        """The session of somebody new."""
        return self.join(who).quit(who)

    def leaves(self, who: str) -> Self:
        """An end that is no good one, and yet one."""
        del who
        return self.serves()


Door = RelayDoor | TurnsDoor


def servers(
    *proves: str, share: float = 0, every: int = 0, profile: str = "quick", asked: bool = False
) -> Callable[[Callable[[Draw, Door], Script]], None]:
    """Register a case for relays and for turn servers."""

    def register(build: Callable[[Draw, Door], Script]) -> None:
        for kind, door in ((RELAY, RelayDoor), (TURNS, TurnsDoor)):
            add = case(
                kind, *proves, share=share, every=every, profile=profile, tls=True, asked=asked
            )
            add(_of(build, door))

    return register


def _of(build: Callable[[Draw, Door], Script], door: type[RelayDoor] | type[TurnsDoor]) -> Build:
    @wraps(build)
    def made(draw: Draw) -> Script:
        return build(draw, door())

    return made


@servers("TLS-1")
def old_version(draw: Draw, door: Door) -> Script:
    """Who offers TLS 1.2 and nothing newer gets no handshake; others are served."""
    del draw
    door.opened().on("TLS-1")
    return door.add("turned_away", at="A", version="1.2", octets=INTRUSIONS[0]).serves()


@servers("TLS-2", every=len(INTRUSIONS))
def without_tls(draw: Draw, door: Door) -> Script:
    """Octets of chat/1 without TLS have no effect, and nothing of chat/1 comes back."""
    door.opened().on("TLS-2")
    octets = draw(st.sampled_from(INTRUSIONS))
    return door.add("turned_away", at="A", bare=True, octets=octets).serves()


@case(RELAY, "TLS-2", share=0, tls=True)
def before_the_handshake(draw: Draw) -> Script:
    """Who has not finished his handshake hears nothing of what is said meanwhile."""
    del draw
    room = Room().join("W").join("B").on("TLS-2").add("begin_handshake", at="A")
    room.add("fence", at="A").speak("W", "before").add("finish_handshake", at="A")
    room.add("admit", at="A", by="W", others=["B"])
    room.members["A"] = Member()
    return room.speak("W", "after")


@case(TURNS, "TLS-2", share=0, tls=True)
def no_place_before_the_handshake(draw: Draw) -> Script:
    """Who has not finished his handshake has no place among those who wait."""
    del draw
    script = Sessions().on("TLS-2").add("begin_handshake", at="A").add("fence", at="A")
    script.join("B").quit("B").add("finish_handshake", at="A").send("A", b"a>\\join chat/1\n")
    script.handles["A"] = "a"
    return script.welcome("A").quit("A")


@servers("TLS-3", asked=True)
def no_certificate(draw: Draw, door: Door) -> Script:
    """Who shows no certificate is turned away where one is asked for."""
    del draw
    door.opened().on("TLS-3")
    return door.add("turned_away", at="A", shows="nothing", octets=INTRUSIONS[0]).serves()


@servers("TLS-3", asked=True)
def foreign_certificate(draw: Draw, door: Door) -> Script:
    """Who shows a certificate of another authority is turned away."""
    del draw
    door.opened().on("TLS-3")
    return door.add("turned_away", at="A", shows="foreign", octets=INTRUSIONS[0]).serves()


@servers("TLS-4", share=0.3)
def handshakes_that_hang(draw: Draw, door: Door) -> Script:
    """While handshakes hang at several places, and others fail, everybody else is served."""
    door.opened().on("TLS-4")
    places = draw(st.permutations(HANGING))
    for number, octets in enumerate(places):
        door.add("hang", at=f"H{number}", octets=octets)
    door.serves("A").add("turned_away", at="B", bare=True, octets=INTRUSIONS[1]).serves("C")
    for number in range(len(places)):
        door.reset(f"H{number}")
    return door.serves("Z")


@servers("TLS-4")
def handshakes_in_pieces(draw: Draw, door: Door) -> Script:
    """While long handshakes come in records of one octet each, everybody else is served."""
    del draw
    door.opened().on("TLS-4")
    for number in range(IN_PIECES):
        door.add("hang", at=f"H{number}", pieces=True)
    door.serves("A")
    for number in range(IN_PIECES):
        door.reset(f"H{number}")
    return door.serves("Z")


@servers("TLS-5", profile="standard")
def handshake_has_an_end(draw: Draw, door: Door) -> Script:
    """A handshake that hangs is ended after 10 seconds, one that never began as well."""
    del draw
    door.opened().on("TLS-5").add("hang", at="A").add("hang", at="B", octets=0)
    seconds = limits()["HANDSHAKE_SECONDS"] + 3
    return door.add("ended_within", at="A", seconds=seconds).add("ended_within", at="B", seconds=3)


@servers("TLS-7", every=3)
def says_that_it_ends(draw: Draw, door: Door) -> Script:
    r"""After an error, \quit, or the other side's end: close_notify comes before TCP's end."""
    how = draw(st.sampled_from([b"a>\\quit\n", b"bad\n", b""]))
    door.opened().join("A")
    if how:
        door.send("A", how)
    if how == b"bad\n":
        door.expect("A", "error", "malformed", about="ERR-1")
    else:
        door.end("A")
    return door.expect_end("A", "TLS-7")


@servers("TLS-8", "CLOSE-4", every=2)
def cut_off(draw: Draw, door: Door) -> Script:
    """A client whose stream ends without close_notify has left."""
    door.opened().join("A").on("TLS-8")
    if draw(st.booleans()):
        door.send("A", b"a>unfinished").add("fence", at="A")
    return door.add("cut", at="A").leaves("A")


# Records


@case(RELAY, "STREAM-1", share=0.5, tls=True)
def cut_records(draw: Draw) -> Script:
    """Several lines in one record, and the record itself cut anywhere: the same lines."""
    texts = draw(st.lists(some.texts(20), min_size=1, max_size=5))
    room = Room().join("W").join("A")
    return _sealed(draw, room, "A", "a", texts).heard("A", *texts, about="STREAM-1")


@case(TURNS, "STREAM-1", share=0, operator=True, tls=True)
def cut_record(draw: Draw) -> Script:
    """A record that is itself cut anywhere is a text."""
    text = draw(some.plain_texts(20))
    script = _sealed(draw, Sessions().join("A"), "A", "a", [text])
    return script.seen("A", text, about="STREAM-1").reply("A", "re").quit("A")


@case(CLIENT, "STREAM-1", share=1, tls=True)
def cut_records_of_a_server(draw: Draw) -> Script:
    """Several lines in one record, and the record itself cut anywhere: the same lines."""
    texts = draw(st.lists(some.plain_texts(20), min_size=2, max_size=5))
    chat = _sealed(draw, Chat().begin().welcome("relay"), "S", "bob", texts)
    for text in texts:
        chat.shown(f"bob>{text}".encode(), about="STREAM-1")
    return chat.leave()


def _sealed(draw: Draw, script: S, who: str, handle: str, texts: list[str]) -> S:
    octets = "".join(f"{handle}>{text}\n" for text in texts).encode()
    places = st.integers(1, len(octets) + RECORD_MORE - 1)
    cuts = sorted(draw(st.sets(places, min_size=1, max_size=6)))
    return script.add("send_sealed", at=who, octets=octets, record_cuts=cuts)


# Clients


@case(CLIENT, "TLS-1", "TERM-5", share=0, tls=True)
def server_of_an_old_version(draw: Draw) -> Script:
    """A server that has only TLS 1.2 is told nothing, and the status is 1."""
    del draw
    chat = Chat().type(b"ann", b"hello")
    return chat.add("refuses_us", at="S", version="1.2", about="TLS-1").exits(1, "TLS-1")


@case(CLIENT, "TLS-6", every=len(DISTRUSTED), tls=True)
def server_that_is_not_trusted(draw: Draw) -> Script:
    """Another authority, another name, a certificate that has expired: nothing is sent."""
    chat = Chat().on("TLS-6").type(b"ann", b"hello")
    chat.add("refuses_us", at="S", shows=draw(st.sampled_from(DISTRUSTED)))
    return chat.exits(1, "TLS-6").add("told")


@case(CLIENT, "TLS-7", share=0, tls=True)
def says_that_it_leaves(draw: Draw) -> Script:
    """Before a leaving client ends TCP's stream it says close_notify."""
    del draw
    chat = Chat().begin().welcome("relay").says("bob", "hi").type(b"\\quit")
    chat.expect("S", "quit", "ann", about="JOIN-9")
    return chat.expect_end("S", "TLS-7").end("S").exits(0, "TERM-5")


@case(CLIENT, "TLS-8", "CLOSE-4", "TERM-5", share=0, tls=True)
def cut_off_unwelcomed(draw: Draw) -> Script:
    """An end without close_notify is no good one where an end would be: status 1."""
    del draw
    chat = Chat().begin().types("one").says("SERVER", "x")
    return chat.add("cut", at="S").exits(1, ["TLS-8", "TERM-5"])


@case(CLIENT, "TLS-8", share=0, tls=True)
def lines_before_the_cut(draw: Draw) -> Script:
    """Lines that came before it are shown."""
    del draw
    chat = Chat().begin().welcome("relay").says("bob", "hi").send("S", b"bob>last\nbob>cu")
    chat.add("cut", at="S").exits(1, ["TLS-8"]).shown(b"bob>last", about="TLS-8")
    return chat.not_shown(b"bob>cu", about="TLS-8")
