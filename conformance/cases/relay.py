"""Cases for relays. ``W`` is the witness, who has joined; what comes first at W decides."""

from hypothesis import strategies as st

from conformance.cases import strategies as some
from conformance.cases.faults import ORDER, VIOLATIONS
from conformance.cases.register import NOT_TESTED, Draw, case
from conformance.cases.room import Room
from conformance.operations import Script
from conformance.spec import RELAY

NOT_TESTED[RELAY] |= {
    "CLOSE-7": "needs a network that loses packets",
    "RELAY-15": "how an operator sets the rate is left to the program",
    "LIMIT-1": "the bounds are the operator's, and the suite comes from one address",
    "LIMIT-2": "needs a target's system without descriptors or memory",
    "LIMIT-3": "a MAY, and its bound is too much to queue in a test",
    "LIMIT-4": "what and where the log is, is left to the program",
}


def _pair() -> Room:
    """A witness W, and A."""
    return Room().join("W").join("A")


def _witness(room: Room, about: str | list[str]) -> Room:
    """W speaks; at each other this comes next, or something came that must not."""
    return room if len(room.members) < 2 else room.speak("W", "witness", about=about)


# Lines


@case(RELAY, "STREAM-1", share=2)
def cuts(draw: Draw) -> Script:
    """The same octets, cut anywhere, give the same lines."""
    texts = draw(st.lists(some.texts(40), min_size=1, max_size=4))
    octets = "".join(f"a>{text}\n" for text in texts).encode()
    room = _pair().send("A", octets, draw(some.cuts(octets)))
    return room.heard("A", *texts, about="STREAM-1")


@case(RELAY, "STREAM-1", "RELAY-1")
def pieces_of_two(draw: Draw) -> Script:
    """A piece of one client's line, a line of another's, then the rest."""
    first, second = draw(some.texts(30)), draw(some.texts(30))
    octets = f"a>{first}\n".encode()
    at = draw(st.integers(1, len(octets) - 1))
    room = _pair().join("B")
    room.send("A", octets[:at]).add("fence", at="A")
    room.speak("B", second, about="STREAM-1").send("A", octets[at:])
    return room.heard("A", first, about="STREAM-1")


@case(RELAY, "LINE-2", "LINE-10")
def first_separator(draw: Draw) -> Script:
    """The first > divides, all others are text."""
    text = draw(st.text(">a \\", min_size=1, max_size=12)).replace("\\", "/")
    return _pair().speak("A", f">{text}", about="LINE-2")


@case(RELAY, "LINE-3", "RELAY-3", "LINE-10")
def handles_are_kept(draw: Draw) -> Script:
    """Every legal handle is taken and passed on as it is."""
    handle = draw(some.handles().filter(lambda each: each.upper() != "WITNESS"))
    room = Room().join("W", "witness").on("LINE-3", "RELAY-3", "LINE-10")
    return room.join("A", handle).speak("A", "hi")


@case(RELAY, "LINE-1", "LINE-4", "LINE-10", "RELAY-3", share=2)
def texts_are_kept(draw: Draw) -> Script:
    """Every legal text, of every length, arrives octet for octet, with LF behind it."""
    text = draw(some.texts())
    room = Room().on("RELAY-3", "LINE-10", "LINE-4", "LINE-1").join("W").join("A")
    return room.speak("A", text)


@case(RELAY, "LINE-10", "RELAY-3", share=0.7)
def blanks_and_forms(draw: Draw) -> Script:
    """No trimming, no normalisation, no change of letter case."""
    text = draw(
        st.sampled_from(
            [
                " a",
                "a ",
                "\ta\t",
                " ",
                "",
                "  ",
                "e\u0301",
                "é",
                "ﬁ",
                "A",
                "İ",
                "\ufeffa",
                "a\u200b",
            ]
        )
    )
    return _pair().speak("A", text, about=["LINE-10", "RELAY-3", "LINE-4"])


@case(RELAY, "LINE-5", every=54)
def line_ends(draw: Draw) -> Script:
    """LF, CR LF and NUL end a line; every other CR is content, and forbidden."""
    text = draw(st.sampled_from(["", "x", "x y ", "\u2028", "\u2029x", "é"]))
    bad = [b"\r\r\n", b"\r\0", b"\rx\n", b"\xc2\x85\n", b"\x0b\n", b"\x0c\n"]
    ending = draw(st.sampled_from([b"\n", b"\r\n", b"\0", *bad]))
    room = _pair()
    if ending not in bad:
        octets = f"a>{text}".encode() + ending + f"a>{text}!".encode() + ending
        return room.send("A", octets).heard("A", text, f"{text}!", about="LINE-5")
    room.send("A", b"a>" + text.encode() + ending)
    return _witness(room.refused("A", "encoding", about=["LINE-5", "ERR-1"]), "LINE-5")


@case(RELAY, "LINE-5", "STREAM-1", share=0.7)
def line_ends_cut(draw: Draw) -> Script:
    """A CR and its LF in two reads, a NUL alone: the same lines."""
    octets = b"a>x\r\na>y\0a>z\n\r\na>\r\n"
    room = _pair().send("A", octets, draw(some.cuts(octets)))
    return room.heard("A", "x", "y", "z", "", about=["STREAM-1", "LINE-5"])


@case(RELAY, "LINE-6")
def empty_lines(draw: Draw) -> Script:
    r"""Lines with no content are no lines, before the \join too."""
    empties = st.lists(st.sampled_from([b"\n", b"\r\n", b"\0"]), max_size=4).map(b"".join)
    room = Room().join("W").connect("A")
    room.send("A", draw(empties) + b"a>\\join chat/1\n").joined("A", "a", about="LINE-6")
    room.send("A", draw(empties) + b"a>x\n" + draw(empties)).heard("A", "x", about="LINE-6")
    return _witness(room, "LINE-6")


@case(RELAY, "LINE-7", "ERR-4", "LINE-4", share=2)
def lengths(draw: Draw) -> Script:
    """Content of 511 octets is taken, of 512 is not, and is refused without a line end."""
    handle = draw(st.sampled_from(["a", "abcdefghi", "abcdefghij"]))
    size = draw(st.sampled_from([498, 499, 500, 501, 502, 510, 511]))
    ending = draw(st.sampled_from([b"\n", b"\r\n", b"\0"]))
    room = Room().join("W").join("A", handle)
    text = max(0, size - len(handle) - 1)
    octets = b"%s>%s" % (handle.encode(), b"x" * text)
    room.send("A", octets + ending, draw(some.cuts(octets + ending)))
    if text > 500:
        return room.refused("A", "too-long", about=["LINE-4", "ERR-1", "ERR-4", "LINE-7"])
    return room.heard("A", "x" * text, about="LINE-7")


@case(RELAY, "LINE-7", "ERR-1")
def too_long_unfinished(draw: Draw) -> Script:
    """The 512th octet of content decides, not a line end; a CR there does not yet."""
    size = draw(st.sampled_from([512, 513, 600, 5000]))
    room = _pair()
    if size == 512 and draw(st.booleans()):
        octets = b"x" * 511 + b"\r"
        room.send("A", octets).add("fence", at="A")
        _witness(room, "LINE-7").send("A", b"\n")
        return room.refused("A", "malformed", about="LINE-7")
    octets = draw(st.sampled_from([b"a>", b""])) + b"x" * size
    return room.send("A", octets[:size]).refused("A", "too-long", about="LINE-7")


@case(RELAY, "LINE-9")
def unfinished_line(draw: Draw) -> Script:
    """What the end of the stream cuts is no message."""
    rest = draw(st.sampled_from([b"a>cut", b"a>", b"a", b"a>x\r", b"a>\\quit", b"a>" + b"x" * 400]))
    room = _pair().send("A", b"a>whole\n" + rest).heard("A", "whole", about="LINE-9")
    room.end("A").expect_end("A", "CLOSE-6").gone("A", "LINE-9")
    return _witness(room, "LINE-9")


@case(RELAY, "LINE-11", "RELAY-9", "RELAY-8", "ERR-1")
def same_handle(draw: Draw) -> Script:
    """A handle that another connection has is taken, letter case aside."""
    handle = draw(some.handles().filter(lambda each: each.lower() != "w"))
    again = draw(st.sampled_from([handle, handle.upper(), handle.lower(), handle.swapcase()]))
    line = draw(st.sampled_from([b"\\join chat/1", b"hello", b"\\joining"]))
    room = Room().join("W").join("A", handle).connect("B")
    room.send("B", again.encode() + b">" + line + b"\n")
    about = ["RELAY-9", "ERR-1"] if again == handle else ["LINE-11", "RELAY-9"]
    room.refused("B", "handle-taken", about=about)
    return _witness(room, ["RELAY-8", *about])


# Commands


NEAR = (*some.NEAR_COMMANDS, *some.SERVER_COMMANDS, "say \\quit", "x\\quit", "\\nick x", "\\who")


@case(RELAY, "CMD-1", every=len(NEAR))
def near_commands(draw: Draw) -> Script:
    """A text is a command only whole; commands of the server are texts from a client."""
    text = draw(st.sampled_from(NEAR))
    return _witness(_pair().on("CMD-1").speak("A", text).speak("A", "y"), "CMD-1")


@case(RELAY, "CMD-1", "JOIN-3", every=len(NEAR))
def near_commands_first(draw: Draw) -> Script:
    """The same for the first line: it binds a plain client."""
    text = draw(st.sampled_from(NEAR))
    room = Room().join("W").silent("A").on("CMD-1").bind("A", "a", text)
    return _witness(room, ["CMD-1", "JOIN-3"])


@case(RELAY, "CMD-2")
def second_join(draw: Draw) -> Script:
    r"""A later \join is an ordinary text, after a first text too."""
    text = draw(st.sampled_from(["\\join chat/1", "\\join chat/2 x", "\\join chat/999"]))
    if draw(st.booleans()):
        return _witness(_pair().speak("A", text, about="CMD-2"), "CMD-2")
    room = Room().join("W").silent("A").bind("A", "a", "first").speak("A", text, about="CMD-2")
    return _witness(room, "CMD-2")


@case(RELAY, "CMD-4", "JOIN-2", "JOIN-1")
def words_of_join(draw: Draw) -> Script:
    r"""Words behind \join are ignored, and every version is answered with chat/1."""
    words = draw(st.sampled_from(["", " x", " a=b \\quit", " " + "w" * 300, " > >> !~"]))
    version = draw(st.sampled_from([1, 2, 10, 999]))
    room = Room().join("W").connect("A")
    room.on(*(["CMD-4"] if words else []), *(["JOIN-2"] if version > 1 else []), "JOIN-1")
    return room.join_connected("A", "a", "JOIN-1", words.encode(), version).speak("A", "x")


@case(RELAY, "JOIN-1", "RELAY-6")
def one_welcome(draw: Draw) -> Script:
    r"""\join and a text in one segment: one \welcome, the roster, then what others say."""
    texts = draw(st.lists(some.texts(10), max_size=3))
    room = Room().join("W").connect("A")
    octets = b"a>\\join chat/1\n" + "".join(f"a>{text}\n" for text in texts).encode()
    room.on("JOIN-1").send("A", octets, draw(some.cuts(octets)))
    room.joined("A", "a").heard("A", *texts)
    return _witness(room, "JOIN-1")


@case(RELAY, "JOIN-3", "RELAY-8", "RELAY-5")
def plain_clients(draw: Draw) -> Script:
    """Who did not join is told no presence; who said nothing is not announced."""
    room = Room().join("W").silent("A")
    bound = draw(st.booleans())
    if bound:
        room.on("JOIN-3").bind("A", "a", "hi")
    room.on("RELAY-8", "JOIN-3").join("B")
    if draw(st.booleans()):
        room.quit("B")
    _witness(room, ["JOIN-3", "RELAY-8"])
    if bound:
        room.on("JOIN-3").send("A", b"other>x\n").refused("A", "handle-changed")
    return room


# Errors


@case(RELAY, "ERR-1", "ERR-2", "ERR-3", "ERR-5", "CLOSE-5", share=3)
def violations(draw: Draw) -> Script:
    """What came before counts, the error is the last word, and what follows is discarded."""
    line, code = draw(st.sampled_from(VIOLATIONS))
    before = draw(st.lists(some.texts(10), max_size=2))
    after = draw(st.sampled_from([b"", b"a>after\n", b"a>\\quit\n", b"a>after\nb>x\n", b"\n\n"]))
    octets = "".join(f"a>{text}\n" for text in before).encode() + line + b"\n" + after
    room = _pair().send("A", octets).heard("A", *before, about="ERR-2")
    room.on("ERR-1", *(["ERR-5"] if line.endswith(b"quit") else []), *(["ERR-3"] if after else []))
    return _witness(room.refused("A", code), "ERR-3")


@case(RELAY, "ERR-1", "LINE-4", every=len(some.BAD_TEXTS))
def encodings(draw: Draw) -> Script:
    """Every class of bad UTF-8, and every control character, one by one."""
    octets = b"a>" + draw(st.sampled_from(some.BAD_TEXTS)) + b"\n"
    room = _pair().on("ERR-1", "LINE-4").send("A", octets).refused("A", "encoding")
    return _witness(room, "ERR-1")


@case(RELAY, "ERR-1", "LINE-3", every=39)
def bad_handles(draw: Draw) -> Script:
    """What is no handle is malformed."""
    handle = draw(st.sampled_from(some.BAD_HANDLES))
    text = draw(st.sampled_from([b">x\n", b">\\join chat/1\n", b">\\quit\n"]))
    room = Room().join("W").connect("A").send("A", handle + text)
    return _witness(room.refused("A", "malformed", about=["ERR-1", "LINE-3"]), "ERR-1")


@case(RELAY, "ERR-4", every=len(ORDER))
def order_of_checks(draw: Draw) -> Script:
    """A line with several faults is answered with the first in the order of the checks."""
    line, code = draw(st.sampled_from(ORDER))
    return _pair().send("A", line + b"\n").refused("A", code, about="ERR-4")


@case(RELAY, "ERR-5", every=5)
def handles_of_commands(draw: Draw) -> Script:
    r"""The handle of \join and of \quit is checked like any other."""
    first, code = draw(
        st.sampled_from(
            [
                (b"server>\\join chat/1", "handle-reserved"),
                (b"bad handle>\\join chat/1", "malformed"),
                (b"w>\\join chat/1", "handle-taken"),
                (b"SERVER>\\quit", "handle-reserved"),
                (b"b:c>\\quit", "malformed"),
            ]
        )
    )
    room = Room().join("W").connect("A").send("A", first + b"\n")
    return _witness(room.refused("A", code, about="ERR-5"), "ERR-5")


@case(RELAY, "ERR-9", share=0)
def idle(draw: Draw) -> Script:
    """Nobody is ended as idle within seconds."""
    del draw
    room = Room().join("W").silent("A").join("B")
    room.add("quiet", at="A", seconds=1.3, about="ERR-9")
    return _witness(room, "ERR-9")


# Ends


@case(RELAY, "CLOSE-1", share=0.7)
def error_in_spite_of_input(draw: Draw) -> Script:
    """The error arrives though input is unread; then input is read and discarded."""
    line, code = draw(st.sampled_from(VIOLATIONS))
    flood = draw(st.sampled_from([0, 1000, 100_000]))
    room = _pair().send("A", line + b"\n" + b"x" * flood)
    room.expect("A", "error", code, about="CLOSE-1").expect_end("A")
    room.add("reads_on", at="A", octets_more=100_000, about="CLOSE-1").gone("A")
    return _witness(room, "ERR-3")


@case(RELAY, "CLOSE-1", share=0, profile="thorough")
def drain_has_an_end(draw: Draw) -> Script:
    """Thirty seconds after its end it has closed, though the client has not."""
    del draw
    room = _pair().send("A", b"bad\n").expect("A", "error", "malformed").expect_end("A").gone("A")
    return room.add("closed_within", at="A", seconds=31, about="CLOSE-1")


@case(RELAY, "CLOSE-3", share=0.7)
def discarding_holds_up_nobody(draw: Draw) -> Script:
    """While ended clients do not go away, all others go on, and new ones come."""
    room = _pair().join("B")
    for who in draw(st.sampled_from([["A"], ["B"], ["A", "B"]])):
        room.send(who, b"bad\n").refused(who, "malformed")
    room.join("C", about="CLOSE-3").speak("C", "hi", about="CLOSE-3")
    return _witness(room, "CLOSE-3")


@case(RELAY, "CLOSE-4", "RELAY-10", "TERM-6")
def resets(draw: Draw) -> Script:
    """A reset in any state ends that connection and nothing else."""
    state = draw(st.sampled_from(["silent", "connected", "plain", "joined", "unfinished"]))
    room = Room().join("W")
    if state == "connected":
        room.connect("A").reset("A")
    elif state == "silent":
        room.silent("A").reset("A").gone("A", "CLOSE-4")
    elif state == "plain":
        room.silent("A").bind("A", "a", "x").reset("A").gone("A", "CLOSE-4")
    else:
        room.join("A")
        if state == "unfinished":
            room.send("A", b"a>cut").add("fence", at="A")
        room.reset("A").gone("A", "CLOSE-4")
    room.join("B", "a", about="RELAY-10").speak("B", "hi", about="CLOSE-4")
    return _witness(room, "CLOSE-4")


@case(RELAY, "CLOSE-5", "RELAY-1", "CMD-1", "RELAY-10", share=2)
def endings(draw: Draw) -> Script:
    r"""\quit or the end: the handle leaves, is free, and what follows is discarded."""
    how = draw(st.sampled_from(["quit", "quit and more", "end"]))
    texts = draw(st.lists(some.texts(10), max_size=2))
    octets = "".join(f"a>{text}\n" for text in texts).encode()
    room = _pair().join("C").on("CLOSE-5")
    if how == "end":
        room.send("A", octets).end("A") if octets else room.end("A")
    else:
        more = b"a>after\na>\\join chat/1\n" if how == "quit and more" else b""
        room.send("A", octets + b"a>\\quit\n" + more)
    room.heard("A", *texts, about="CLOSE-5").expect_end(
        "A", "CLOSE-6" if how == "end" else "CLOSE-1"
    )
    room.on("CLOSE-5", *(["CMD-1", "RELAY-1"] if how != "end" else [])).gone("A")
    _witness(room, "CLOSE-5")
    room.on().join("B", draw(st.sampled_from(["a", "A"])), about="RELAY-10")
    return room.speak("B", "again", about="RELAY-10")


@case(RELAY, "CLOSE-6", share=0.7)
def half_closed(draw: Draw) -> Script:
    """Who ends only its sending side has left, and still gets what was said before."""
    texts = [str(number) for number in range(draw(st.integers(1, 5)))]
    room = _pair().join("B").add("pause", at="A")
    room.send("W", "".join(f"w>{text}\n" for text in texts).encode())
    for text in texts:
        room.heard_by("B", "w", text)  # so it was queued for A as well (RELAY-4)
    room.end("A").add("resume", at="A")
    for text in texts:
        room.heard_by("A", "w", text, about="CLOSE-6")
    return _witness(room.expect_end("A", "CLOSE-6").gone("A"), "CLOSE-6")


@case(RELAY, "CLOSE-6", share=0)
def half_closed_with_queue(draw: Draw) -> Script:
    """What was queued for who ends its sending side is delivered first."""
    del draw
    room = _slow_reader(Room().join("W"), BULK).end("S").gone("S", "CLOSE-6")
    return _catch_up(room, BULK, "CLOSE-6").expect_end("S", "CLOSE-6")


# The relay


@case(RELAY, "RELAY-1", "RELAY-2", "RELAY-4", share=0.7)
def storm(draw: Draw) -> Script:
    """All speak at once: each text once at every other, none back, one order for all."""
    count = draw(st.sampled_from([3, 2, 5, 8]))
    return _storm(draw, count, 6)


@case(RELAY, "RELAY-1", "RELAY-4", share=0.1, profile="standard")
def big_storm(draw: Draw) -> Script:
    """The same with forty clients."""
    return _storm(draw, 40, 5)


def _storm(draw: Draw, count: int, most: int) -> Script:
    names = [f"C{number}" for number in range(count)]
    room = Room()
    for name in names:
        room.join(name)
    sizes = draw(st.lists(st.integers(1, most), min_size=count, max_size=count))
    texts = {
        name: [f"{name}-{each}" for each in range(size)]
        for name, size in zip(names, sizes, strict=True)
    }
    turns = draw(st.lists(st.tuples(st.sampled_from(names), st.integers(1, 3)), max_size=count * 2))
    bursts = [*map(list, turns), *([name, most] for name in names)]
    room.add("storm", texts=texts, bursts=bursts, all=names)
    return room


@case(RELAY, "RELAY-1", "STREAM-1")
def glued_lines(draw: Draw) -> Script:
    """Several lines in one segment are as many texts."""
    texts = draw(st.lists(some.texts(20), min_size=2, max_size=12))
    room = _pair().send("A", "".join(f"a>{text}\n" for text in texts).encode())
    return _witness(room.heard("A", *texts, about=["RELAY-1", "STREAM-1"]), "RELAY-1")


@case(RELAY, "RELAY-2")
def nothing_back(draw: Draw) -> Script:
    """A text does not go back to where it came from, plain or joined."""
    room = _pair() if draw(st.booleans()) else Room().join("W").silent("A").bind("A", "a", "hi")
    room.speak("A", draw(some.texts(20)))
    return _witness(room, "RELAY-2")


@case(RELAY, "RELAY-5")
def silent_listeners(draw: Draw) -> Script:
    """A connection that has sent nothing hears everything."""
    room = Room().join("W").silent("A")
    for text in draw(st.lists(some.texts(20), min_size=1, max_size=4)):
        room.speak("W", text, about="RELAY-5")
    return room


@case(RELAY, "RELAY-6", share=0.5)
def rosters(draw: Draw) -> Script:
    r"""The roster is straight after the welcome, with plain clients in it, each once."""
    room = Room().join("W")
    for number in range(draw(st.integers(0, 6))):
        who = f"C{number}"
        room.silent(who).bind(who, who, "hi") if draw(st.booleans()) else room.join(who, who)
    room.on("RELAY-6").join("Z", "Z" * 10)
    return _witness(room, "RELAY-6")


@case(RELAY, "RELAY-6", "LINE-4", share=0)
def long_roster(draw: Draw) -> Script:
    """Handles that do not go into one line are told in several."""
    del draw
    room = Room()
    for number in range(55):
        handle = f"hhhhhhhh{number:02d}"
        room.connect(handle).send(handle, f"{handle}>\\join chat/1\n".encode())
        room.expect(handle, "welcome", "relay", None, about="RELAY-6")
    expected = [f"hhhhhhhh{number:02d}" for number in range(55)]
    room.connect("Z").send("Z", b"z>\\join chat/1\n")
    return room.expect("Z", "welcome", "relay", expected, about=["RELAY-6", "LINE-4"])


@case(RELAY, "RELAY-6", share=0)
def roster_uncut(draw: Draw) -> Script:
    """Nothing comes between the welcome and the roster, though others talk."""
    del draw
    return _pair().join_interrupted("B", "W", "now")


@case(RELAY, "RELAY-7", "RELAY-8", "JOIN-3", share=2)
def presence(draw: Draw) -> Script:
    """Who comes and goes, in the same order as what is said."""
    room = Room().join("W").on("RELAY-7")
    names = ["A", "B", "C"]
    for _ in range(draw(st.integers(1, 8))):
        who = draw(st.sampled_from(names))
        member = room.members.get(who)
        if member is None:
            room.join(who) if draw(st.booleans()) else room.silent(who, about="RELAY-8")
        elif not member.handle:
            room.bind(who, who.lower(), "hi", about="RELAY-7")
        else:
            what = draw(st.sampled_from(["speak", "quit", "end", "bad", "reset"]))
            if what == "speak":
                room.speak(who, draw(some.texts(8)), about="RELAY-7")
            elif what == "quit":
                room.quit(who, "RELAY-7")
            elif what == "bad":
                room.send(who, b"bad\n").refused(who, "malformed")
            elif what == "reset":
                room.reset(who).gone(who, "RELAY-7")
            else:
                room.end(who).expect_end(who, "CLOSE-6").gone(who, "RELAY-7")
    return _witness(room, ["RELAY-8", "RELAY-7"])


@case(RELAY, "RELAY-8", "JOIN-3")
def nobody_bound(draw: Draw) -> Script:
    """Who binds nothing comes and goes unseen; nobody is announced to himself."""
    room = Room().on("RELAY-8").join("W").on()
    octets = draw(st.sampled_from([b"", b"\n", b"a>cut", b"x\n", b"a>\\quit\n"]))
    room.connect("A")
    if octets:
        room.send("A", octets)
    if octets == b"x\n":
        room.expect("A", "error", "malformed", about="ERR-1")
    if octets in (b"", b"\n", b"a>cut"):
        room.end("A")
    room.expect_end("A", "CLOSE-6").on("RELAY-8").join("B").speak("B", "witness")
    return _witness(room, "RELAY-8")


@case(RELAY, "RELAY-9", "RELAY-10")
def taken_by_whom(draw: Draw) -> Script:
    """Taken while the other is there, plain or joined; free when it has gone."""
    room = _pair() if draw(st.booleans()) else Room().join("W").silent("A").bind("A", "a", "hi")
    room.connect("B").send("B", b"a>hello\n").refused("B", "handle-taken", about="RELAY-9")
    room.speak("A", "still here", about="RELAY-9")
    how = draw(st.sampled_from(["quit", "end", "bad"]))
    if how == "bad":
        room.send("A", b"bad\n").refused("A", "malformed")
    elif how == "quit":
        room.quit("A")
    else:
        room.end("A").expect_end("A", "CLOSE-6").gone("A")
    return room.join("C", "a", about="RELAY-10").speak("C", "mine", about="RELAY-10")


def _slow_reader(room: Room, lines: int) -> Room:
    """S has joined and stopped reading; B says much, and W receives all of it."""
    room.join("B", "b").add("connect", at="S", slow=True)
    room.join_connected("S", "s").add("pause", at="S")
    room.add("bulk", by="B", lines=lines, size=SIZE, readers=["W"], gone="s", about="RELAY-11")
    return room


SIZE = 500
BULK = 530
"""Lines of this size that are together a little more than 262,144 octets."""


@case(RELAY, "RELAY-11", "RELAY-12", "STREAM-2", "RELAY-7", share=0)
def slow_reader(draw: Draw) -> Script:
    """Who does not read holds up nobody, and later finds 262,144 octets whole, in order."""
    del draw
    room = _slow_reader(Room().join("W"), BULK).on("RELAY-12", "RELAY-11")
    room.speak_except("W", "witness", "S", "RELAY-11").on("RELAY-7", "RELAY-12")
    room.send("B", b"b>\\quit\n").end("B").expect_end("B").expect("W", "left", "b")
    room.members.pop("B")
    _catch_up(room, BULK, ["RELAY-12", "STREAM-2"])
    return room.expect("S", "text", "w", "witness").expect("S", "left", "b")


@case(RELAY, "RELAY-11", "RELAY-12", "STREAM-2", share=0, profile="standard")
def slow_reader_overflown(draw: Draw) -> Script:
    """Past the bound lines are dropped at the end only, and whole; too-slow is tried."""
    del draw
    room = _slow_reader(Room().join("W"), 5000)
    return _catch_up(room, 5000, ["RELAY-12", "STREAM-2"])


def _catch_up(room: Room, lines: int, about: str | list[str]) -> Room:
    least = min(lines * SIZE, BULK * SIZE)
    room.add("catch_up", at="S", by="B", lines=lines, size=SIZE, at_least=least, about=about)
    return room


@case(RELAY, "RELAY-14", share=0, alone=True)
def flood(draw: Draw) -> Script:
    """Who writes without end drowns nobody."""
    del draw
    room = Room().join("W").join("A").join("B").add("signal", name="SIGSTOP")
    room.add("flood", at="A", octets=b"a>" + b"y" * 17 + b"\n", times=60_000)
    room.send("B", b"b>modest\n").add("signal", name="SIGCONT")
    return room.add("not_drowned", at="W", flooder="A", text=["b", "modest"], about="RELAY-14")


@case(RELAY, "RELAY-16", share=0)
def sixty_four(draw: Draw) -> Script:
    """Sixty-four clients are taken."""
    del draw
    room = Room()
    for number in range(63):
        name = f"c{number}"
        room.connect(name).send(name, f"{name}>\\join chat/1\n".encode())
        room.expect(name, "welcome", "relay", None, about="RELAY-16")
    room.connect("Z").send("Z", b"z>\\join chat/1\n")
    return room.expect("Z", "welcome", "relay", None, about="RELAY-16")


@case(RELAY, "RELAY-16", share=0, profile="standard")
def crowded(draw: Draw) -> Script:
    """Who is one too many is told so, if ever somebody is."""
    del draw
    return Room().add("crowd", at="N", most=500, about="RELAY-16")


# The operator


@case(RELAY, "RELAY-17", share=0, alone=True)
def no_operator(draw: Draw) -> Script:
    """It goes on after the end of its standard input, and with no clients at all."""
    del draw
    room = Room(fresh=True)
    room.on("RELAY-17").join("A").quit("A").add("settle").join("X").quit("X")
    room.add("end_input").add("settle").join("B").quit("B").join("W").join("C").speak(
        "C", "hi", about="RELAY-17"
    )
    return room.add("alive", about="RELAY-17")


@case(RELAY, "RELAY-18", "TERM-9", operator=True)
def operator_sees(draw: Draw) -> Script:
    """Every text of every client stands on the screen."""
    room = _pair()
    text = draw(some.plain_texts())
    room.speak("A", text).shown(f"a>{text}".encode(), about=["RELAY-18", "TERM-9"])
    room.speak("W", "seen").shown(b"w>seen", about=["RELAY-18", "TERM-9"])
    once = "once " + draw(some.plain_texts(12))
    room.speak("A", once).shown(f"a>{once}".encode()).speak("W", "end").shown(b"w>end")
    return room.add("shown_once", line=f"a>{once}".encode(), about="TERM-9")


@case(RELAY, "TERM-13", "LINE-10", share=0, operator=True)
def invisible_characters(draw: Draw) -> Script:
    """Invisible and reordering characters are passed on; a terminal shows their code points."""
    del draw
    room = _pair()
    for each in some.MADE_VISIBLE:
        room.speak("A", f"a{each}z", about=["LINE-10", "RELAY-3"])
    for each in some.MADE_VISIBLE:
        room.shown(f"a>a{some.visible(each)}z".encode(), about="TERM-13")
        room.add("not_shown", line=each.encode(), anywhere=True, about="TERM-13")
    return room


@case(RELAY, "RELAY-18", share=0, alone=True, profile="standard")
def screen_unread(draw: Draw) -> Script:
    """A screen that nobody reads holds up nobody."""
    del draw
    room = Room(fresh=True).join("W").join("B").add("leave_screen_unread")
    room.add("bulk", by="B", lines=2500, size=500, readers=["W"], about="RELAY-18")
    return _witness(room, "RELAY-18")


@case(RELAY, "TERM-2", "RELAY-19", share=0, alone=True)
def lines_typed_at_once(draw: Draw) -> Script:
    """Several lines typed at once, an empty one, and a last one without LF, are as many texts."""
    del draw
    room = Room(fresh=True).join("W").add("type", octets=b"one\ntwo\n\nlast").add("end_input")
    for text in ("one", "two", "", "last"):
        room.expect("W", "text", "SERVER", text, about=["TERM-2", "RELAY-19"])
    return room


@case(RELAY, "RELAY-19", "LINE-13", "TERM-2", operator=True)
def operator_speaks(draw: Draw) -> Script:
    """What is typed goes to all as SERVER; long texts are cut, CR LF ends a line too."""
    room = _pair().silent("B")
    text = draw(some.texts())
    ending = draw(st.sampled_from([b"\n", b"\r\n"]))
    room.add("type", octets=text.encode() + ending)
    about = ["TERM-2", "RELAY-19"] if ending == b"\r\n" or not text else "RELAY-19"
    for who in room.members:
        room.expect(who, "text", "SERVER", text, about=about)
    return _witness(room, "RELAY-19")


@case(RELAY, "RELAY-19", "TURN-9", "LINE-4", operator=True, share=0.7)
def operator_speaks_long(draw: Draw) -> Script:
    """More than 500 octets are cut between code points, all pieces one after the other."""
    char = draw(st.sampled_from(["x", "é", "€", "😀"]))
    size = draw(st.sampled_from([501, 502, 600, 1000, 1001, 1500]))
    text = ("a" * draw(st.integers(0, 3)) + char * size)[:size]
    room = _pair().type(text.encode())
    for who in room.members:
        room.add(
            "expect_pieces",
            at=who,
            handle="SERVER",
            text=text,
            about=["RELAY-19", "TURN-9", "LINE-4"],
        )
    return _witness(room, ["RELAY-19", "TURN-9"])


@case(RELAY, "CMD-6", "TURN-11", "RELAY-19", operator=True)
def operator_types_commands(draw: Draw) -> Script:
    """A typed command of the server is refused, alone and as a piece of a long text."""
    command = draw(st.sampled_from(some.SERVER_COMMANDS))
    text = draw(st.sampled_from([command, "x" * 500 + command]))
    room = _pair().add("settle").add("listen_up").type(text.encode())
    room.add("quiet", at="W", seconds=0.1, about=["CMD-6", "RELAY-19"])
    return _witness(room.add("told", about="TURN-11"), ["CMD-6", "RELAY-19"])


@case(RELAY, "RELAY-19", "TURN-9", "TURN-11", "LINE-4", operator=True, every=6)
def operator_types_controls(draw: Draw) -> Script:
    """Nothing that breaks section 3 is sent for an operator."""
    text = draw(st.sampled_from([b"\x1b[2J", b"a\x07b", b"caf\xe9", b"\xc2\x85", b"\x7f", b"x\ry"]))
    room = _pair().add("settle").add("listen_up").type(text).add("told", about="TURN-11")
    room.type(b"next").on("RELAY-19", "TURN-9", "TURN-11")
    for who in room.members:
        room.expect(who, "text", "SERVER", "next")
    return _witness(room, "RELAY-19")


@case(RELAY, "RELAY-20", operator=True)
def kicks(draw: Draw) -> Script:
    r"""\kick ends the connection of a handle, and nothing else."""
    room = _pair()
    who = draw(st.sampled_from(["a", "A", "nobody", None]))
    if who is None:
        text = draw(st.sampled_from(["\\kick", "\\kick a b", "\\kicka", "\\kick bad:x", "\\kick "]))
        room.type(text.encode())
        for each in room.members:
            room.expect(each, "text", "SERVER", text, about="RELAY-20")
        return _witness(room, "RELAY-20")
    room.add("settle").add("listen_up").type(f"\\kick {who}".encode())
    if who == "nobody":
        room.add("told", about="RELAY-20").type(b"done")
        for each in room.members:
            room.expect(each, "text", "SERVER", "done", about="RELAY-20")
        return _witness(room, "RELAY-20")
    room.refused("A", "removed", about="RELAY-20")
    return room.join("C", "a", about="RELAY-20").speak("C", "hi", about="RELAY-20")


@case(RELAY, "RELAY-21", "STOP-1", share=0, alone=True)
def operator_quits(draw: Draw) -> Script:
    r"""\quit typed ends the relay as a signal does."""
    del draw
    room = Room(fresh=True).join("W").silent("A").type(b"\\quit")
    for who in room.members:
        room.expect(who, "quit", about="RELAY-21").expect_end(who).end(who)
    return room.exits(0, "RELAY-21")


@case(RELAY, "STOP-1", "STOP-2", share=0, alone=True)
def interrupted(draw: Draw) -> Script:
    r"""SIGINT: what was said is delivered, then \quit to everybody, and status 0."""
    return _stopped(draw, "SIGINT")


@case(RELAY, "STOP-1", "STOP-2", share=0, alone=True)
def terminated(draw: Draw) -> Script:
    """The same on SIGTERM."""
    return _stopped(draw, "SIGTERM")


def _stopped(draw: Draw, name: str) -> Script:
    del draw
    room = Room(fresh=True).join("W").silent("A").join("B")
    room.speak("B", "before", about="STOP-2").add("signal", name=name)
    for who in room.members:
        room.expect(who, "quit", about="STOP-1").expect_end(who, "CLOSE-1").end(who)
    return room.exits(0, "STOP-1")


@case(RELAY, "STOP-2", share=0, alone=True)
def stops_with_queues(draw: Draw) -> Script:
    """What is queued at a shutdown is delivered, when its receiver reads in time."""
    del draw
    room = _slow_reader(Room(fresh=True).join("W"), 400)
    room.speak_except("W", "witness", "S", "RELAY-11").add("signal", name="SIGTERM").expect(
        "W", "quit", about="STOP-1"
    )
    _catch_up(room, 400, "STOP-2")
    room.members.pop("S")
    room.expect("S", "text", "w", "witness", about="STOP-2").expect("S", "quit", about="STOP-2")
    return room.end("S").end("W").end("B").exits(0, ["STOP-1", "STOP-2"])


# Programs


@case(RELAY, "TERM-8", share=0, alone=True)
def started_as_told(draw: Draw) -> Script:
    """It is started as PROGRAM PORT, and listens there."""
    del draw
    return Room(fresh=True, about="TERM-8").join("W").join("A").speak("A", "hi", about="TERM-8")


@case(RELAY, "TERM-10", share=0, alone=True)
def any_port(draw: Draw) -> Script:
    """Port 0 is any free port, and the program says which."""
    del draw
    room = Room().add("announces_port", about="TERM-10").join("W").join("A")
    return room.speak("A", "hi", about="TERM-10")


@case(RELAY, "TERM-11", share=0, alone=True)
def cannot_listen(draw: Draw) -> Script:
    """Status 1 when it cannot listen, 2 for wrong arguments."""
    del draw
    room = Room(fresh=True).add("launch", port="same", status=1, about="TERM-11")
    return room.add("launch", port="no-port", status=2, about="TERM-11")


@case(RELAY, "TERM-12", "STOP-1", share=0, alone=True)
def same_port_again(draw: Draw) -> Script:
    """It listens on the same port again at once, connections of before aside."""
    del draw
    room = Room(fresh=True).join("W").join("A").add("signal", name="SIGTERM")
    for who in room.members:
        room.expect(who, "quit", about="STOP-1").expect_end(who).end(who)
    room.exits(0, "STOP-1").add("restart", about="TERM-12")
    again = Room()
    again.connect("X").join_connected("X", "x", about="TERM-12")
    room.operations += again.operations
    return room


@case(RELAY, "TERM-6", "CLOSE-4", share=0, alone=True)
def broken_pipes(draw: Draw) -> Script:
    """Clients that vanish while much is sent to them do not end the program."""
    del draw
    room = Room(fresh=True).join("W").join("B")
    for number in range(12):
        who = f"R{number}"
        room.on().join(who).on("TERM-6", "CLOSE-4")
        if number % 2:
            room.reset(who)
        room.send("B", b"b>x\n" * 20)
        if not number % 2:
            room.reset(who)
        room.members.pop(who)
        texts = [["text", "b", "x"]] * 20
        room.add("expect_any_order", at="W", events=[*texts, ["left", who.lower()]])
        room.expect("B", "left", who.lower())
    _witness(room, "TERM-6").on().add("signal", name="SIGTERM")
    for who in room.members:
        room.expect(who, "quit", about="STOP-1").expect_end(who).end(who)
    return room.exits(0, "TERM-6")


@case(RELAY, "TERM-6", "CLOSE-4", share=0, alone=True)
def broken_pipe_with_queue(draw: Draw) -> Script:
    """Who vanishes while its queue is delivered to it does not end the program."""
    del draw
    room = _slow_reader(Room(fresh=True).join("W"), BULK).end("S").gone("S").close("S")
    room.on("TERM-6", "CLOSE-4").add("settle").speak("B", "hi")
    return _witness(room.join("C"), "TERM-6")


@case(RELAY, "RELAY-10", "RELAY-17", share=0, profile="standard")
def many_sessions(draw: Draw) -> Script:
    """Hundreds of sessions one after the other leave no memory and no descriptors behind."""
    del draw
    room = Room().join("W")
    for round_ in range(300):
        if round_ == 50:
            room.add("measure", name="before")
        room.join("A").speak("A", str(round_)).quit("A")
        room.operations += [{"op": "forget", "at": "A"}]
    return room.add("measure", name="after", about="RELAY-10")
