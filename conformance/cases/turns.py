"""Cases for turn servers. The witness is the operator's screen, and the next client's session."""

from hypothesis import strategies as st

from conformance.cases import strategies as some
from conformance.cases.faults import ORDER, VIOLATIONS
from conformance.cases.register import NOT_TESTED, Draw, case
from conformance.cases.sessions import Sessions
from conformance.operations import Script
from conformance.spec import TURNS

NOT_TESTED[TURNS] |= {
    "LINE-11": "a turn server has one client at a time, and no handles to compare",
    "CLOSE-7": "needs a network that loses packets",
    "LIMIT-1": "the bounds are the operator's, and the suite comes from one address",
    "LIMIT-2": "needs a target's system without descriptors or memory",
    "LIMIT-4": "what and where the log is, is left to the program",
    "TURN-18": "a MAY: how many clients may wait is left to the program",
    "TURN-19": "a MAY that takes minutes; that it does not come too early is ERR-9",
}


def _pair() -> Sessions:
    """A has been welcomed."""
    return Sessions().join("A")


# Lines


@case(TURNS, "STREAM-1", "TURN-6", operator=True, share=2)
def cuts(draw: Draw) -> Script:
    """The same octets, cut anywhere, give the same texts, one a turn."""
    texts = draw(st.lists(some.plain_texts(40), min_size=1, max_size=4))
    octets = "".join(f"a>{text}\n" for text in texts).encode()
    script = _pair().send("A", octets, draw(some.cuts(octets)))
    for number, text in enumerate(texts):
        script.seen("A", text, about="STREAM-1").reply("A", f"r{number}", about="STREAM-1")
    return script.quit("A")


@case(TURNS, "LINE-2", "LINE-10", operator=True, share=0.5)
def first_separator(draw: Draw) -> Script:
    """The first > divides, all others are text."""
    text = draw(st.text(">a /", min_size=1, max_size=12))
    return _pair().turn("A", f">{text}", about="LINE-2").quit("A")


@case(TURNS, "LINE-3", "LINE-10", "TERM-9", operator=True)
def handles_are_kept(draw: Draw) -> Script:
    """Every legal handle is taken and shown as it is."""
    script = Sessions().on("LINE-3", "LINE-10").join("A", draw(some.handles()))
    return script.turn("A", "hi", "TERM-9")


@case(TURNS, "LINE-4", "LINE-10", "TERM-9", operator=True, share=2)
def texts_are_kept(draw: Draw) -> Script:
    """Every legal text, of every length, is shown octet for octet."""
    about = ["LINE-10", "LINE-4", "TERM-9"]
    script = _pair().text("A", draw(some.plain_texts()), about=about)
    return script.reply("A", "re", about=about)


@case(TURNS, "TERM-13", operator=True, share=0)
def invisible_characters_at_a_terminal(draw: Draw) -> Script:
    """At a terminal invisible and reordering characters are shown as their code points."""
    del draw
    script = _pair()
    for each in some.MADE_VISIBLE:
        script.send("A", f"a>a{each}z\n".encode())
        script.shown(f"a>a{some.visible(each)}z".encode(), about="TERM-13")
        script.add("not_shown", line=each.encode(), anywhere=True, about="TERM-13")
        script.reply("A", "re")
    return script.quit("A")


@case(TURNS, "LINE-4", "LINE-10", operator=True, share=0.7)
def blanks_and_forms(draw: Draw) -> Script:
    """No trimming, no normalisation, no change of letter case."""
    text = draw(st.sampled_from([" a", "a ", "\ta\t", " ", "", "  ", "e\u0301", "é", "ﬁ", "A"]))
    return _pair().text("A", text, about=["LINE-10", "LINE-4"]).reply("A", "re").quit("A")


@case(TURNS, "LINE-10", share=0, alone=True)
def invisible_characters(draw: Draw) -> Script:
    """Written to a pipe, invisible and reordering characters stay as they are, too."""
    del draw
    texts = ["\ufeffa", "a\u200b", "\u202eab", "\u2028", "\u00a0", "\u00ad", "\u2066x\u2069", "😀"]
    script = Sessions(fresh=True, tty="none").join("A")
    for number, text in enumerate(texts):
        script.send("A", script.line("A", text)).reply("A", f"r{number}", "LINE-10")
    script.quit("A").add("signal", name="SIGTERM").exits(0, "STOP-1")
    return script.seen("A", *texts, about=["LINE-10", "LINE-5"])


@case(TURNS, "LINE-5", operator=True, share=2.5)
def line_ends(draw: Draw) -> Script:
    """LF, CR LF and NUL end a line; every other CR is content, and forbidden."""
    text = draw(st.sampled_from(["", "x", "x y", "é", "x\u2028y"]))
    bad = [b"\r\r\n", b"\r\0", b"\rx\n", b"\xc2\x85\n", b"\x0b\n", b"\x0c\n"]
    ending = draw(st.sampled_from([b"\n", b"\r\n", b"\0", *bad]))
    script = _pair()
    if ending in bad:
        script.send("A", b"a>" + text.encode() + ending)
        return script.refused("A", "encoding", about=["LINE-5", "ERR-1"]).next_session("ERR-1")
    octets = f"a>{text}".encode() + ending + b"a>second" + ending
    script.send("A", octets, draw(some.cuts(octets)))
    if "\u2028" not in text:
        script.seen("A", text, about="LINE-5")
    script.reply("A", "r1", "LINE-5").seen("A", "second", about="LINE-5")
    return script.reply("A", "r2", "LINE-5").quit("A")


@case(TURNS, "LINE-6", operator=True)
def empty_lines(draw: Draw) -> Script:
    r"""Lines with no content take no turn, and a \join after them is still the first line."""
    empties = st.lists(st.sampled_from([b"\n", b"\r\n", b"\0"]), max_size=4).map(b"".join)
    script = Sessions().plain("A").send("A", draw(empties) + b"a>\\join chat/1\n")
    script.welcome("A", about="LINE-6")
    script.send("A", draw(empties) + b"a>x\n" + draw(empties)).seen("A", "x", about="LINE-6")
    script.reply("A", "r1", about="LINE-6").send("A", draw(empties))
    return script.text("A", "y", about="LINE-6").reply("A", "r2", about="LINE-6").quit("A")


@case(TURNS, "LINE-7", "ERR-4", "LINE-4", operator=True, share=1.5)
def lengths(draw: Draw) -> Script:
    """Content of 511 octets is taken, of 512 is not, and is refused without a line end."""
    handle = draw(st.sampled_from(["a", "abcdefghi", "abcdefghij"]))
    size = draw(st.sampled_from([498, 499, 500, 501, 502, 510, 511]))
    ending = draw(st.sampled_from([b"\n", b"\r\n", b"\0"]))
    script = Sessions().join("A", handle)
    text = max(0, size - len(handle) - 1)
    octets = b"%s>%s%s" % (handle.encode(), b"x" * text, ending)
    script.send("A", octets, draw(some.cuts(octets)))
    if text > 500:
        return script.refused("A", "too-long", about=["LINE-4", "ERR-1", "ERR-4", "LINE-7"])
    return script.seen("A", "x" * text, about=["LINE-7", "LINE-4"]).reply("A", "re").quit("A")


@case(TURNS, "LINE-7", "ERR-1", operator=True)
def too_long_unfinished(draw: Draw) -> Script:
    """The 512th octet of content decides, not a line end; a CR there does not yet."""
    size = draw(st.sampled_from([512, 513, 600, 5000]))
    if size == 512 and draw(st.booleans()):
        script = _pair().send("A", b"x" * 511 + b"\r").add("fence", at="A")
        script.add("quiet", at="A", seconds=0.05, about="LINE-7").send("A", b"\n")
        return script.refused("A", "malformed", about="LINE-7").next_session("LINE-7")
    octets = (draw(st.sampled_from([b"a>", b""])) + b"x" * size)[:size]
    script = _pair().send("A", octets).refused("A", "too-long", about="LINE-7")
    return script.next_session("LINE-7")


@case(TURNS, "LINE-9", "TURN-8", operator=True)
def unfinished_line(draw: Draw) -> Script:
    """What the end of the stream cuts is no message, nor part of the next client's."""
    rest = draw(st.sampled_from([b"a>cut", b"a>", b"a", b"a>x\r", b"a>\\quit", b"a>" + b"x" * 400]))
    script = _pair().send("A", b"a>whole\n" + rest).seen("A", "whole", about="LINE-9")
    script.end("A").expect_end("A", "TURN-8").next_session("LINE-9")
    if rest.startswith(b"a>"):
        script.not_shown(rest, about="LINE-9")
    return script


# Commands


@case(TURNS, "CMD-1", operator=True, share=2.5)
def near_commands(draw: Draw) -> Script:
    """A text is a command only whole; commands of the server are texts from a client."""
    text = draw(st.sampled_from([*some.NEAR_COMMANDS, *some.SERVER_COMMANDS]))
    script = _pair() if draw(st.booleans()) else Sessions().plain("A")
    return script.turn("A", text, about=["CMD-1", "JOIN-3"]).turn("A", "y", about="CMD-1").quit("A")


@case(TURNS, "CMD-1", "TURN-8", operator=True, share=0.5)
def quit_is_no_text(draw: Draw) -> Script:
    r"""\quit ends the session, and is never shown as a text."""
    script = _pair().turn("A")
    if draw(st.booleans()):
        script.text("A", "x")
    script.send("A", b"a>\\quit\n").expect_end("A", ["TURN-8", "CLOSE-5"]).end("A")
    return script.next_session("TURN-8").not_shown(b"a>\\quit", about="CMD-1")


@case(TURNS, "CMD-2", operator=True, share=0.5)
def second_join(draw: Draw) -> Script:
    r"""A later \join is an ordinary text, after a first text too."""
    text = draw(st.sampled_from(["\\join chat/1", "\\join chat/2 x", "\\join chat/999"]))
    script = _pair() if draw(st.booleans()) else Sessions().plain("A").turn("A", "first")
    return script.turn("A", text, about="CMD-2").quit("A")


@case(TURNS, "CMD-4", "JOIN-2", "JOIN-1", operator=True)
def words_of_join(draw: Draw) -> Script:
    r"""Words behind \join are ignored, and every version is answered with chat/1."""
    words = draw(st.sampled_from(["", " x", " a=b \\quit", " " + "w" * 300, " > >> !~"]))
    version = draw(st.sampled_from([1, 2, 10, 999]))
    script = Sessions().plain("A")
    script.on(*(["CMD-4"] if words else []), *(["JOIN-2"] if version > 1 else []), "JOIN-1")
    script.send("A", f"a>\\join chat/{version}{words}\n".encode())
    return script.welcome("A").turn("A", "x").quit("A")


@case(TURNS, "JOIN-1", "TURN-5", operator=True)
def one_welcome(draw: Draw) -> Script:
    r"""\join and texts in one segment: one \welcome, and no command takes a turn."""
    more = b"a>hello\n" if draw(st.booleans()) else b""
    script = Sessions().arrive("A", more=more).welcome("A")
    if more:
        script.seen("A", "hello", about="TURN-5").reply("A", "hi", about="JOIN-1")
    return script.turn("A", about=["JOIN-1", "TURN-5"]).quit("A")


@case(TURNS, "JOIN-3", operator=True, share=0.5)
def plain_clients(draw: Draw) -> Script:
    """Who did not join is sent replies only, and its first text binds its handle."""
    script = Sessions().plain("A").turn("A", draw(some.plain_texts(20)), about="JOIN-3")
    if draw(st.booleans()):
        script.send("A", b"b>x\n").refused("A", "handle-changed", about=["JOIN-3", "ERR-1"])
        return script
    return script.turn("A", about="JOIN-3").quit("A")


# Errors


@case(TURNS, "ERR-1", "ERR-2", "ERR-3", "ERR-5", "TURN-8", operator=True, share=3)
def violations(draw: Draw) -> Script:
    """What came before counts, the error is the last word, and what follows is discarded."""
    line, code = draw(st.sampled_from(VIOLATIONS))
    before = draw(st.lists(some.plain_texts(10), max_size=2))
    after = draw(st.sampled_from([b"", b"a>after\n", b"a>\\quit\n", b"a>after\nb>x\n", b"\n\n"]))
    octets = "".join(f"a>{text}\n" for text in before).encode() + line + b"\n" + after
    about = ["ERR-5", "ERR-1"] if line.endswith(b"quit") else ["ERR-1", "TURN-8"]
    script = _pair().send("A", octets).refused("A", code, about=about)
    script.seen("A", *before, about=["ERR-2", "TURN-8"]).next_session("ERR-3")
    return script.not_shown(b"a>after", about="ERR-3")


@case(TURNS, "ERR-1", operator=True, share=4)
def encodings(draw: Draw) -> Script:
    """Every class of bad UTF-8, and every control character, one by one."""
    bad = draw(
        st.one_of(st.sampled_from(some.BAD_UTF8), st.sampled_from(some.FORBIDDEN).map(str.encode))
    )
    octets = b"a>" + draw(st.sampled_from([b"", b"x"])) + bad
    octets += draw(st.sampled_from([b"", b"y"])) + b"\n"
    about = ["ERR-1", "LINE-4", "LINE-5"]
    return _pair().send("A", octets).refused("A", "encoding", about).next_session("ERR-1")


@case(TURNS, "ERR-1", "LINE-3", operator=True, share=2)
def bad_handles(draw: Draw) -> Script:
    """What is no handle is malformed."""
    handle = draw(st.sampled_from(some.BAD_HANDLES))
    text = draw(st.sampled_from([b">x\n", b">\\join chat/1\n", b">\\quit\n"]))
    script = Sessions().plain("A").send("A", handle + text)
    return script.refused("A", "malformed", about=["ERR-1", "LINE-3"])


@case(TURNS, "ERR-4", share=2)
def order_of_checks(draw: Draw) -> Script:
    """A line with several faults is answered with the first in the order of the checks."""
    line, code = draw(st.sampled_from(ORDER))
    return _pair().send("A", line + b"\n").refused("A", code, about="ERR-4")


@case(TURNS, "ERR-5", "ERR-1")
def handles_of_commands(draw: Draw) -> Script:
    r"""The handle of \join and of \quit is checked like any other."""
    first, code = draw(
        st.sampled_from(
            [
                (b"server>\\join chat/1", "handle-reserved"),
                (b"bad handle>\\join chat/1", "malformed"),
                (b"SERVER>\\quit", "handle-reserved"),
                (b"b:c>\\quit", "malformed"),
            ]
        )
    )
    return Sessions().plain("A").send("A", first + b"\n").refused("A", code, about="ERR-5")


@case(TURNS, "ERR-9", operator=True, share=0)
def idle(draw: Draw) -> Script:
    """Nobody is ended as idle within seconds, whether others wait or not."""
    del draw
    script = _pair().turn("A").add("quiet", at="A", seconds=1.2, about="ERR-9")
    script.arrive("B").add("quiet", at="A", seconds=1.2, about="ERR-9")
    return script.turn("A", about="ERR-9").quit("A").welcome("B").quit("B")


# Ends


@case(TURNS, "CLOSE-1", "ERR-3", share=0.7)
def error_in_spite_of_input(draw: Draw) -> Script:
    """The error arrives though input is unread; then input is read and discarded."""
    line, code = draw(st.sampled_from(VIOLATIONS))
    flood = draw(st.sampled_from([0, 1000, 100_000]))
    script = _pair().send("A", line + b"\n" + b"x" * flood)
    script.expect("A", "error", code, about="CLOSE-1").expect_end("A")
    script.add("reads_on", at="A", octets_more=100_000, about="CLOSE-1").end("A")
    return script.join("B", about="CLOSE-3").quit("B")


@case(TURNS, "CLOSE-1", share=0)
def ends_at_once(draw: Draw) -> Script:
    """Its own end comes at once after its last word, though the client's does not."""
    del draw
    script = _pair().send("A", b"bad\n")
    return script.expect("A", "error", "malformed").expect_end("A").join("B").quit("B")


@case(TURNS, "CLOSE-1", share=0, profile="thorough")
def drain_has_an_end(draw: Draw) -> Script:
    """Thirty seconds after its end it has closed, though the client has not."""
    del draw
    script = _pair().send("A", b"bad\n").expect("A", "error", "malformed").expect_end("A")
    return script.add("closed_within", at="A", seconds=31, about="CLOSE-1")


@case(TURNS, "CLOSE-3", operator=True, share=0.7)
def discarding_holds_up_nobody(draw: Draw) -> Script:
    """While an ended client does not go away, the next is served."""
    script = _pair()
    what, code = draw(st.sampled_from([*VIOLATIONS, (b"a>\\quit", "")]))
    script.send("A", what + b"\n")
    if code:
        script.expect("A", "error", code, about="ERR-1")
    return script.expect_end("A").next_session("CLOSE-3")


@case(TURNS, "CLOSE-4", "TERM-6", "TURN-15", operator=True)
def resets(draw: Draw) -> Script:
    """A reset in any state ends that session and nothing else."""
    state = draw(st.sampled_from(["connected", "joined", "mid-turn", "unfinished", "waiting"]))
    if state == "connected":
        script = Sessions().plain("A").reset("A")
    elif state == "waiting":
        script = _pair().arrive("B").reset("B").turn("A", about="CLOSE-4").quit("A")
    else:
        script = _pair()
        if state == "mid-turn":
            script.text("A", "hello")
        if state == "unfinished":
            script.send("A", b"a>cut").add("fence", at="A")
        script.reset("A")
    return script.next_session("CLOSE-4")


@case(TURNS, "CLOSE-5", "CLOSE-6", "TURN-8", "STATE-3", operator=True, share=1.5)
def endings(draw: Draw) -> Script:
    r"""\quit or the end, in anybody's turn: what was said is shown, what follows is not."""
    how = draw(st.sampled_from(["quit", "quit and more", "end"]))
    texts = draw(st.lists(some.plain_texts(10), max_size=4))
    octets = "".join(f"a>{text}\n" for text in texts).encode()
    script = _pair()
    if how == "end":
        if octets:
            script.send("A", octets)
        script.end("A").expect_end("A", ["CLOSE-6", "TURN-8"])
    else:
        more = b"a>after\na>\\join chat/1\n" if how == "quit and more" else b""
        script.send("A", octets + b"a>\\quit\n" + more)
        script.expect_end("A", ["CLOSE-5", "TURN-8"]).end("A")
    script.seen("A", *texts, about="TURN-8").next_session(["TURN-8", "CLOSE-5"])
    return script.not_shown(b"a>after", about=["STATE-3", "TURN-8", "CLOSE-5"])


# Turns and waiting


@case(TURNS, "TURN-1", "TURN-4", operator=True)
def waiting_in_order(draw: Draw) -> Script:
    """Who came first is served first, with all that it said meanwhile."""
    names = draw(st.permutations(["B", "C", "D"]))[: draw(st.integers(1, 3))]
    script = _pair()
    early = {who: draw(st.lists(some.plain_texts(8), max_size=2)) for who in names}
    for who in names:
        script.handles[who] = who.lower()
        more = b"".join(script.line(who, text) for text in early[who])
        script.arrive(who, more=more).add("fence", at=who, seconds=0.03)
    script.on("TURN-1").turn("A").turn("A", "again").quit("A")
    for who in names:
        script.on("TURN-1", "TURN-4").welcome(who)
        for number, text in enumerate(early[who]):
            script.seen(who, text).reply(who, f"r{number}")
        script.on("TURN-1").turn(who).quit(who)
    return script


@case(TURNS, "TURN-2", operator=True, share=0)
def silent_connections(draw: Draw) -> Script:
    """A connection that says nothing holds up nobody."""
    del draw
    script = _pair().plain("B").add("fence", at="B", seconds=0.03).arrive("C")
    return script.quit("A").welcome("C", about="TURN-2").turn("C", about="TURN-2").quit("C")


@case(TURNS, "TURN-3", "TURN-12", "TURN-1", operator=True, share=0.7)
def nothing_to_the_waiting(draw: Draw) -> Script:
    """A waiting client is told nothing, and gets nobody else's replies."""
    script = _pair()
    if draw(st.booleans()):
        script.arrive("B")
    else:
        script.plain("B").send("B", b"b>early\n")
    script.add("fence", at="B", seconds=0.03)
    for number in range(draw(st.integers(1, 3))):
        script.turn("A", str(number), about="TURN-12")
    script.add("quiet", at="B", seconds=0.05, about=["TURN-3", "TURN-12"])
    return script.quit("A").end("B")


@case(TURNS, "TURN-5", "STATE-1", "TURN-14", operator=True)
def first_turn(draw: Draw) -> Script:
    """The client has the first turn, and each text gives one reply; lines typed ahead wait."""
    count = draw(st.integers(1, 4))
    script = _pair() if draw(st.booleans()) else Sessions().plain("A")
    script.type(*(f"ahead {number}".encode() for number in range(count)))
    script.add("quiet", at="A", seconds=0.05, about=["TURN-5", "STATE-1"])
    for number in range(count):
        script.text("A", str(number), about="TURN-14")
        script.hear("A", f"ahead {number}", about=["TURN-14", "STATE-1"])
        if number < count - 1:
            script.add("quiet", at="A", seconds=0.03, about=["STATE-1", "TURN-14"])
    return script.quit("A")


@case(TURNS, "TURN-5", "TURN-6", operator=True)
def one_text_a_turn(draw: Draw) -> Script:
    """Texts out of turn are held, and taken one a turn, in order."""
    texts = [f"t{number}" for number in range(draw(st.integers(3, 8)))]
    octets = "".join(f"a>{text}\n" for text in texts).encode()
    script = _pair().send("A", octets).seen("A", texts[0], about="TURN-6")
    for number, text in enumerate(texts[1:]):
        script.reply("A", f"r{number}", about="TURN-6").seen("A", text, about="TURN-6")
        if number < len(texts) - 2:
            script.not_shown(f"a>{texts[-1]}".encode(), about=["TURN-5", "TURN-6"])
    return script.reply("A", "last", about="TURN-6").quit("A")


@case(TURNS, "TURN-6", "TURN-7", "TURN-8", operator=True, share=0.3)
def many_held(draw: Draw) -> Script:
    """Sixteen texts are held at least, and none of many more is lost."""
    count = draw(st.sampled_from([17, 18, 33, 66]))
    texts = [f"t{number}" for number in range(count)]
    about = ["TURN-6", "TURN-7"]
    script = _pair()
    if count == 17 and draw(st.booleans()):
        octets = "".join(f"a>{text}\n" for text in texts).encode()
        script.send("A", octets + b"a>\\quit\n").expect_end("A", "TURN-6").end("A")
        return script.seen("A", *texts, about=about)
    script.send("A", "".join(f"a>{text}\n" for text in texts).encode())
    for number, text in enumerate(texts):
        script.seen("A", text, about=about).reply("A", f"r{number}", about=about)
    return script.quit("A")


@case(TURNS, "TURN-7", operator=True, share=0)
def stops_reading(draw: Draw) -> Script:
    """It reads no further when it holds as many texts as it will."""
    del draw
    script = _pair().text("A", "one")
    line = b"a>" + b"x" * 497 + b"\n"
    script.add("send_blocks", at="A", octets=line, times=24_000, about="TURN-7").reset("A")
    return script.add("expect_gone", about="TURN-7")


@case(TURNS, "TURN-9", "LINE-1", "LINE-4", operator=True)
def long_replies(draw: Draw) -> Script:
    """More than 500 octets are cut between code points, one piece a turn, none lost."""
    char = draw(st.sampled_from(["x", "é", "€", "😀"]))
    size = draw(st.sampled_from([166, 250, 499, 500, 501, 502, 600, 1000, 1001, 1500]))
    text = ("a" * draw(st.integers(0, 3)) + char * size)[:size]
    script = _pair().text("A", "go").type(text.encode())
    about = ["TURN-9", "LINE-4"]
    nudge = b"a>more\n"
    script.add("expect_pieces", at="A", handle="SERVER", text=text, nudge=nudge, about=about)
    return script.turn("A", "after", about="TURN-9").quit("A")


@case(TURNS, "LINE-1", "LINE-4", "LINE-13", "TURN-9", "TERM-2", operator=True, share=1.5)
def replies(draw: Draw) -> Script:
    """Every legal reply arrives as it was typed, the empty one too, as SERVER."""
    text = draw(some.texts())
    ending = draw(st.sampled_from([b"\n", b"\r\n"]))
    about = ["TERM-2"] if ending == b"\r\n" or not text else ["TURN-9", "LINE-4"]
    script = _pair().text("A", "go").add("type", octets=text.encode() + ending)
    return script.hear("A", text, about=about).turn("A", about="TERM-2").quit("A")


@case(TURNS, "CMD-6", "TURN-11", operator=True, share=1.5)
def operator_types_commands(draw: Draw) -> Script:
    """A typed command of the server is refused, alone and as a piece; the turn is kept."""
    command = draw(st.sampled_from(some.SERVER_COMMANDS))
    text = draw(st.sampled_from([command, "x" * 500 + command]))
    script = _pair().text("A", "go").add("listen_up").type(text.encode())
    script.add("quiet", at="A", seconds=0.1, about=["CMD-6", "TURN-11"])
    script.add("told", about="TURN-11").type(b"instead").hear("A", "instead", ["CMD-6", "TURN-11"])
    return script.turn("A", about="CMD-6").quit("A")


@case(TURNS, "TURN-9", "TURN-11", operator=True)
def operator_types_controls(draw: Draw) -> Script:
    """Nothing that breaks section 3 is sent; what is refused keeps the turn, and is told."""
    text = draw(st.sampled_from([b"\x1b[2J", b"a\x07b", b"caf\xe9", b"\xc2\x85", b"\x7f", b"x\ry"]))
    script = _pair().text("A", "go").add("listen_up").type(text)
    about = ["TURN-11", "TURN-9"]
    script.add("told", about=about).type(b"instead")
    return script.hear("A", "instead", about=about).turn("A", about=about).quit("A")


@case(TURNS, "TURN-10", operator=True, share=0, profile="standard")
def replies_unread(draw: Draw) -> Script:
    """While a reply cannot be handed over, no further text is taken."""
    del draw
    return _reply_unread(Sessions()).reset("A")


def _reply_unread(script: Sessions) -> Sessions:
    """A has stopped reading, and takes turns until a reply cannot be handed over."""
    return _slow(script).add("exchange", at="A", handle="a", turns=6_000, size=499, about="TURN-10")


def _slow(script: Sessions) -> Sessions:
    """A has joined and stopped reading; the system holds little for it."""
    script.handles["A"] = "a"
    script.add("connect", at="A", slow=True).send("A", b"a>\\join chat/1\n").welcome("A")
    return script.add("pause", at="A")


@case(TURNS, "TURN-12", "TURN-9", operator=True, share=0.3)
def pieces_and_the_next(draw: Draw) -> Script:
    """What is left of a long reply goes to nobody when the session ends."""
    size = draw(st.sampled_from([600, 1400]))
    script = _pair().arrive("B").text("A", "go").type(b"y" * size)
    script.add("expect_piece", at="A", handle="SERVER", about="TURN-9").quit("A")
    return script.welcome("B").turn("B", about="TURN-12").turn("B", about="TURN-12").quit("B")


@case(TURNS, "TURN-13", operator=True, share=0.5)
def operator_ends_session(draw: Draw) -> Script:
    r"""\quit typed ends the session with \quit, and the next one begins."""
    script = _pair().text("A", "bye")
    waits = draw(st.booleans())
    if waits:
        script.arrive("B")
    script.on("TURN-13").type(b"\\quit").expect("A", "quit").expect_end("A").end("A")
    if waits:
        return script.welcome("B").turn("B").quit("B")
    return script.next_session("TURN-13")


@case(TURNS, "TURN-14", share=0, alone=True)
def input_ends(draw: Draw) -> Script:
    """The end of the input is noticed in the operator's turn, and ends the server."""
    del draw
    script = Sessions(fresh=True).join("A").type(b"r1").add("end_input")
    script.add("quiet", at="A", seconds=0.3, about="TURN-14")
    script.text("A", "one").hear("A", "r1", about="TURN-14").send("A", b"a>two\n")
    script.expect("A", "quit", about="TURN-14").expect_end("A").end("A")
    return script.exits(0, ["TURN-14", "STOP-1"])


@case(TURNS, "TERM-2", share=0, alone=True)
def last_line_without_end(draw: Draw) -> Script:
    """A last typed line without LF counts, and an empty one is an empty text."""
    del draw
    script = Sessions(fresh=True).join("A").add("type", octets=b"\nlast").add("end_input")
    script.text("A", "one").hear("A", "", about="TERM-2")
    script.text("A", "two").hear("A", "last", about="TERM-2").send("A", b"a>three\n")
    return script.expect("A", "quit", about="TURN-14").end("A").exits(0, "TURN-14")


@case(TURNS, "TURN-15", operator=True)
def came_and_went(draw: Draw) -> Script:
    """Clients that came and went without a text make nobody ask for a reply."""
    script = Sessions()
    for number in range(draw(st.integers(1, 3))):
        who = f"C{number}"
        how = draw(st.sampled_from(["join", "silent", "empty", "quit", "cut"]))
        if how == "join":
            script.join(who).end(who)
        else:
            octets = {"empty": b"\n", "quit": b"c>\\quit\n", "cut": b"c>cu"}.get(how, b"")
            script.plain(who)
            if octets:
                script.send(who, octets)
            script.end(who)
        script.expect_end(who, "CLOSE-6")
    return script.next_session("TURN-15")


@case(TURNS, "TURN-17", operator=True, share=0, profile="standard")
def unframed(draw: Draw) -> Script:
    """The operator is told of a line that stays unfinished for 2 seconds."""
    del draw
    script = _pair().turn("A").send("A", b"a>no end").add("settle").add("listen_up")
    script.add("told", seconds=5, about="TURN-17")
    return script.send("A", b"\n").seen("A", "no end", about="STREAM-1").reply("A", "re").quit("A")


@case(TURNS, "STREAM-2", operator=True, share=0)
def slow_reader(draw: Draw) -> Script:
    """Replies that a slow client has not read arrive whole, later."""
    del draw
    script = _slow(Sessions()).send("A", b"a>\n" * 500)
    script.add("type_bulk", at="A", handle="SERVER", lines=500, size=500, about="STREAM-2")
    return script.quit("A")


# Programs


@case(TURNS, "STOP-1", "STOP-2", "TURN-3", share=0, alone=True)
def interrupted(draw: Draw) -> Script:
    r"""SIGINT in mid-session: held texts are shown, \quit goes to everybody, status 0."""
    return _stopped(draw, "SIGINT")


@case(TURNS, "STOP-1", "STOP-2", share=0, alone=True)
def terminated(draw: Draw) -> Script:
    """The same on SIGTERM."""
    return _stopped(draw, "SIGTERM")


def _stopped(draw: Draw, name: str) -> Script:
    del draw
    script = Sessions(fresh=True).join("A").turn("A")
    script.send("A", b"a>one\na>two\na>three\n").seen("A", "one").add("fence", at="A", seconds=0.2)
    script.arrive("B", more=b"b>waits\n").plain("C").add("fence", at="B", seconds=0.1)
    script.add("settle").add("signal", name=name)
    for who in ("A", "B", "C"):
        script.expect(who, "quit", about="STOP-1").expect_end(who).end(who)
    script.exits(0, ["STOP-1"], seconds=11).add("lasted", most=5.0, about="STOP-2")
    return script.seen("A", "two", "three", about="STOP-2").not_shown(b"b>waits", about="STOP-2")


@case(TURNS, "TERM-7", "TERM-10", share=0, alone=True)
def any_port(draw: Draw) -> Script:
    """Port 0 is any free port, and the program says which."""
    del draw
    return Sessions().add("announces_port", about="TERM-10").join("A").turn("A").quit("A")


@case(TURNS, "TERM-7", share=0, alone=True)
def started_as_told(draw: Draw) -> Script:
    """It is started as PROGRAM PORT, and each typed line is a reply."""
    del draw
    script = Sessions(fresh=True, about="TERM-7").join("A", about="TERM-7")
    return script.turn("A", about="TERM-7").turn("A", about="TERM-7").quit("A")


@case(TURNS, "TERM-9", operator=True, share=0.3)
def shown_once(draw: Draw) -> Script:
    """Each text stands on the screen once."""
    text = "once " + draw(some.plain_texts(20))
    script = _pair().text("A", text).reply("A", "re").quit("A")
    script.next_session("TERM-9")
    return script.add("shown_once", line=f"a>{text}".encode(), about="TERM-9")


@case(TURNS, "TERM-11", share=0, alone=True)
def cannot_listen(draw: Draw) -> Script:
    """Status 1 when it cannot listen, 2 for wrong arguments."""
    del draw
    script = Sessions(fresh=True).add("launch", port="same", status=1, about="TERM-11")
    return script.add("launch", port="no-port", status=2, about="TERM-11")


@case(TURNS, "TERM-12", "STOP-1", share=0, alone=True)
def same_port_again(draw: Draw) -> Script:
    """It listens on the same port again at once, connections of before aside."""
    del draw
    script = Sessions(fresh=True).join("A").turn("A").add("signal", name="SIGTERM")
    script.expect("A", "quit", about="STOP-1").expect_end("A").end("A").exits(0, "STOP-1")
    return script.add("restart", about="TERM-12").join("B", about="TERM-12").quit("B")


@case(TURNS, "TERM-6", "CLOSE-4", "STOP-1", share=0, alone=True)
def broken_pipes(draw: Draw) -> Script:
    """Replies to clients that are gone do not end the program."""
    del draw
    script = Sessions(fresh=True)
    for number in range(4):
        who = f"R{number}"
        script.join(who).text(who, "x").reset(who)
    script.join("Z", about="TERM-6").text("Z", "still there", about="TERM-6")
    script.quit("Z").add("signal", name="SIGTERM")
    return script.exits(0, ["TERM-6", "STOP-1"])


@case(TURNS, "TURN-10", "CLOSE-4", "TERM-6", share=0, alone=True)
def broken_pipe_with_queue(draw: Draw) -> Script:
    """A client that vanishes while a reply is handed over to it does not end the program."""
    del draw
    script = _reply_unread(Sessions(fresh=True)).on("TURN-10", "CLOSE-4").end("A").close("A")
    return script.join("Z").quit("Z").join("Y").quit("Y")


@case(TURNS, "TURN-8", "TURN-1", operator=True, share=0, profile="standard")
def many_sessions(draw: Draw) -> Script:
    """150 sessions one after the other leave no memory and no descriptors behind."""
    del draw
    script = Sessions()
    for number in range(150):
        if number == 50:
            script.add("measure", name="before")
        script.join("A", about="TURN-8").turn("A", about="TURN-8").quit("A").add("forget", at="A")
    return script.add("measure", name="after", about="TURN-8")
