r"""Cases for client programs. The witness is the next text that is shown, or said.

Each run is a process of its own, so that most scripts prove several things, one after the other.
"""

from hypothesis import strategies as st

from conformance.cases import strategies as some
from conformance.cases.chat import Chat
from conformance.cases.register import NOT_TESTED, Draw, case
from conformance.operations import Script
from conformance.spec import CLIENT

NOT_TESTED[CLIENT] |= {
    "CLOSE-2": "a MAY: both ways of closing are right",
    "CLOSE-8": "needs a network that loses packets",
    "CLIENT-3": "needs a terminal that the suite does not imitate",
    "CLIENT-8": "how a user sees whose turn it is, is left to the program",
}
FAULTY = (
    b"no line of ours", b">no handle", b"abcdefghijk>eleven", b"bob smith>blank", b"-bob>dash",
    b"mallory>\x1b]0;owned\x07", b"mallory>\x1b[2J", b"mallory>bell\x07", b"mallory>\x7fdel",
    b"mallory>c1\xc2\x85", b"mallory>\xc2\x9bcsi", b"mallory>caf\xe9", b"mallory>\xed\xa0\x80sur",
    b"mallory>\xc0\xafover", b"mallory>\xf4\x90\x80\x80top", b"mallory>\xe2\x82",
    b"mallory>lone\rcr", b"b\xc3\xb6b>umlaut",
)  # fmt: skip


def _relay(handle: str = "ann") -> Chat:
    """Welcomed by a relay."""
    return Chat().begin(handle).welcome("relay")


def _turns() -> Chat:
    """Welcomed by a turn server."""
    return Chat().begin("ann").welcome("turns")


def _witness(chat: Chat, about: str | list[str], text: str = "witness") -> Chat:
    return chat.says("bob", text, about=about)


# Hearing


@case(CLIENT, "STREAM-1", "LINE-2", share=1.5)
def cuts(draw: Draw) -> Script:
    """The same octets, cut anywhere, give the same lines."""
    texts = draw(st.lists(some.plain_texts(30), min_size=1, max_size=4))
    texts.append("a>b>c é")
    octets = "".join(f"bob>{text}\n" for text in texts).encode()
    chat = _relay().send("S", octets, draw(some.cuts(octets)))
    for text in texts:
        chat.shown(f"bob>{text}".encode(), about=["STREAM-1", "LINE-2"])
    return _witness(chat, "STREAM-1").leave()


@case(CLIENT, "STREAM-1", share=0)
def every_octet(draw: Draw) -> Script:
    """One octet at a time, and several lines at once."""
    del draw
    chat = _relay()
    octets = "bob>é1\nbob>€2\r\nbob>😀3\0".encode()
    chat.send("S", octets, list(range(1, len(octets))))
    for text in ("bob>é1", "bob>€2", "bob>😀3"):
        chat.shown(text.encode(), about="STREAM-1")
    chat.send("S", "".join(f"bob>g{number}\n" for number in range(40)).encode())
    for number in range(40):
        chat.shown(f"bob>g{number}".encode(), about="STREAM-1")
    return chat.leave()


@case(CLIENT, "LINE-5", "LINE-6", share=0)
def line_ends(draw: Draw) -> Script:
    """LF, CR LF and NUL end a line; empty lines are ignored; U+2028 is text."""
    del draw
    chat = _relay()
    for number, ending in enumerate([b"\n", b"\r\n", b"\0", b"\n\n\n", b"\r\n\r\n", b"\0\0"]):
        chat.send("S", b"bob>t%d%s" % (number, ending)).shown(b"bob>t%d" % number, about="LINE-5")
    chat.add("settle").add("note_screen").says("bob", "before", about="LINE-6")
    chat.add("settle").add("as_many_lines").send("S", b"\n\r\n\0\n")
    chat.says("bob", "quiet", about="LINE-6").add("settle").add("as_many_lines", about="LINE-6")
    for number, middle in enumerate([b"\r\r\n", b"\r\0", b"\ry\n", b"\x0by\n", b"\xc2\x85y\n"]):
        chat.send("S", b"bob>x" + middle)
        chat.says("bob", f"after {number}", about=["LINE-5", "ERR-7"])
    for shown in (b"bob>x", b"bob>xy", b"bob>y", b"bob>x\x0by"):
        chat.not_shown(shown, about=["LINE-5", "ERR-7"])
    return chat.leave()


@case(CLIENT, "LINE-10", "LINE-4", "LINE-3", "TERM-3", share=2)
def texts_are_kept(draw: Draw) -> Script:
    """Every legal text is shown octet for octet, behind the handle."""
    about = ["TERM-3", "LINE-10", "LINE-4", "ERR-7", "LINE-3"]
    chat = _relay()
    for text in draw(st.lists(some.plain_texts(), min_size=2, max_size=6)):
        chat.says(draw(some.handles()), text, about=about)
    return chat.says("abcdefghij", "x" * 500, about=about).leave()


@case(CLIENT, "LINE-10", "LINE-4", "TERM-3", "TERM-6", share=0)
def edge_texts(draw: Draw) -> Script:
    """Blanks at the ends, the empty text, tabs, forms, code points at the edges."""
    del draw
    texts = [
        " a", "a ", "  ", "\ta\t", "", "e\u0301", "é", "ﬁ", "\u00a0x", "😀", "x" * 499, "é" * 250,
        "%s%n%x", "\\", "\ud7ff", "\ue000", "a" * 257,
    ]  # fmt: skip
    chat = _relay()
    for handle in ("a", "A-b_c.d", "0", "abcdefghij", "z9"):
        chat.says(handle, "hi", about=["LINE-3", "ERR-7", "TERM-3"])
    for text in texts:
        chat.says("bob", text, about=["TERM-3", "LINE-10", "LINE-4", "ERR-7"])
    return chat.leave()


@case(CLIENT, "LINE-10", "LINE-5", share=0)
def invisible_characters(draw: Draw) -> Script:
    """Written to a pipe, invisible and reordering characters stay as they are, too."""
    del draw
    texts = ["\ufeffa", "a\u200b", "\u202eab", "\u2028x", "\u00ad", "\u2066x\u2069"]
    chat = Chat(tty="none").begin().welcome("relay")
    for text in texts:
        chat.send("S", f"bob>{text}\n".encode())
    chat.types("all there").leave()
    for text in texts:
        chat.shown(f"bob>{text}".encode(), about=["LINE-10", "LINE-5"])
    return chat


@case(CLIENT, "TERM-13", share=0)
def invisible_characters_at_a_terminal(draw: Draw) -> Script:
    """At a terminal invisible and reordering characters are shown as their code points."""
    del draw
    chat = _relay()
    for each in some.MADE_VISIBLE:
        chat.send("S", f"bob>a{each}z\n".encode())
    for each in some.MADE_VISIBLE:
        chat.shown(f"bob>a{some.visible(each)}z".encode(), about="TERM-13")
        chat.add("not_shown", line=each.encode(), anywhere=True, about="TERM-13")
    return chat.leave()


@case(CLIENT, "LINE-7", "ERR-8", "TERM-5", share=2)
def too_long(draw: Draw) -> Script:
    """What is too long ends the connection and is not shown; what came before it is."""
    how = draw(st.sampled_from(["unfinished", "511 and CR", "text", "characters", "huge"]))
    chat = _relay().says("bob", "x" * 500, about="LINE-7")
    chat.send("S", b"abcdefghij>" + b"y" * 500 + b"\r\n")
    chat.shown(b"abcdefghij>" + b"y" * 500, about="LINE-7")
    if how == "511 and CR":
        chat.send("S", b"abcdefghij>" + b"z" * 500 + b"\r").add("fence", at="S", seconds=0.2)
        chat.holds_back("LINE-7").send("S", b"x")
    else:
        octets = {
            "unfinished": b"x" * 512,
            "text": b"bob>" + b"z" * 501 + b"\nbob>after\n",
            "characters": b"bob>" + "é".encode() * 251 + b"\nbob>after\n",
            "huge": b"bob>" + b"z" * 3000 + b"bob>after\nbob>after\n",
        }[how]
        chat.send("S", octets)
    about = ["LINE-7", "ERR-8"] if "51" in how or how in ("unfinished", "huge") else ["ERR-8"]
    chat.add("hear_end", at="S", about=[*about, "ERR-7"]).end("S")
    chat.exits(1, ["TERM-5", "ERR-8"]).not_shown(b"z" * 20, about=["ERR-7", "ERR-8"])
    return chat.not_shown(b"bob>after", about=["ERR-8", "LINE-7"])


@case(CLIENT, "LINE-9", "TERM-5", share=0)
def unfinished_line(draw: Draw) -> Script:
    """What the end of the stream cuts is not shown."""
    del draw
    chat = _relay().says("bob", "whole").send("S", b"bob>cut").end("S")
    return chat.exits(1, "TERM-5").not_shown(b"bob>cut", about="LINE-9")


@case(CLIENT, "ERR-7", "TERM-4", share=1.5)
def faulty_lines(draw: Draw) -> Script:
    """Lines that break section 3 are not shown, are told, and change nothing."""
    lines = draw(st.lists(st.sampled_from(FAULTY), min_size=3, max_size=6, unique=True))
    return _faulty(lines)


@case(CLIENT, "ERR-7", "TERM-4", share=0)
def all_faulty_lines(draw: Draw) -> Script:
    """Every class of faulty line, one after the other."""
    del draw
    return _faulty(list(FAULTY))


def _faulty(lines: list[bytes]) -> Script:
    chat = _relay().says("bob", "first")
    about = ["ERR-7", "LINE-3"]
    for number, line in enumerate(lines):
        chat.add("listen_up").send("S", line + b"\n").add("told", about="ERR-7")
        chat.says("bob", f"after {number}", about=about)
        handle, separator, text = line.partition(b">")
        if separator and handle.isascii():
            chat.add("not_shown", line=text, anywhere=not text.isalnum(), about=about)
            chat.add("not_shown", line=line, anywhere=True, about=about)
    return chat.types("still here", about="ERR-7").leave()


@case(CLIENT, "TERM-3", "ERR-7", "ERR-8", share=0)
def lines_around_faulty_ones(draw: Draw) -> Script:
    """Lines before and behind a faulty one, all in one segment, are shown."""
    del draw
    chat = _relay().send("S", b"bob>one\nno line\nbob>two\nbob>caf\xe9\nbob>three\n")
    for text in (b"bob>one", b"bob>two", b"bob>three"):
        chat.shown(text, about=["TERM-3", "ERR-7"])
    chat.send("S", b"bob>four\nbob>" + b"z" * 600 + b"\nbob>after\n")
    chat.shown(b"bob>four", about=["TERM-3", "ERR-8"])
    return chat.end("S").exits(1, ["TERM-5", "ERR-8"]).not_shown(b"bob>after", about="ERR-8")


@case(CLIENT, "ERR-7", "STATE-2", share=0)
def faulty_lines_and_turns(draw: Draw) -> Script:
    """A faulty line gives nobody the turn."""
    del draw
    chat = _turns().types("one").type(b"two").add("fence", at="S", seconds=0.05)
    chat.send("S", b"SERVER>\x1b[2J\nSERVER>caf\xe9\nno line\n").holds_back("ERR-7")
    chat.says("SERVER", "now").said("two", about="CLIENT-7")
    return chat.says("SERVER", "bye").leave()


# Commands


@case(CLIENT, "CMD-1", share=0)
def near_commands(draw: Draw) -> Script:
    """A text is a command only whole, in the server's direction."""
    del draw
    chat = _relay()
    for text in (*some.NEAR_COMMANDS, "\\join chat/1", "\\join chat/1 x", "\\error Big", "\\left"):
        chat.says("SERVER", text, about="CMD-1")
    for text in ("\\quitting", "\\quit ", " \\quit", "\\Quit", "\\q", "\\left bob"):
        chat.types(text, about="CMD-1")
    return chat.leave()


@case(CLIENT, "CMD-3", share=0)
def who_commands(draw: Draw) -> Script:
    """Only the server commands, in any letter case; what dave says, dave says."""
    del draw
    chat = _relay()
    for text in ("\\quit", "\\error full", "\\left ann", "\\welcome chat/1 turns", "\\joined x"):
        chat.says("dave", text, about="CMD-3")
    chat.send("S", b"server>\\joined eve\nSeRvEr>\\left eve\n").says("bob", "hi", about="CMD-3")
    chat.not_shown(b">\\joined eve", about=["CMD-3", "CMD-5"])
    chat.types("here", about="CMD-3").send("S", b"server>\\quit\n").end("S")
    return chat.exits(0, ["CMD-3", "TERM-5"])


@case(CLIENT, "CMD-4", "CMD-5", "JOIN-6", share=0)
def commands_never_shown(draw: Draw) -> Script:
    """Commands with words nobody knows, or out of place, are not shown as texts."""
    del draw
    chat = Chat().begin().command(b"\\joined early").command(b"\\left early")
    chat.command(b"\\welcome chat/1 turns colour=blue x=y \\quit").command(b"\\joined bob carl")
    chat.command(b"\\welcome chat/1 relay here=3").command(b"\\welcome chat/2 turns")
    chat.command(b"\\left bob").says("SERVER", "witness", about=["CMD-4", "CMD-5"])
    for part in (b"colour=blue", b">\\joined", b">\\left", b">\\welcome"):
        chat.add("not_shown", line=part, anywhere=True, about=["CMD-5", "CMD-4"])
    chat.types("one", about="CMD-4").type(b"two")
    chat.holds_back(["JOIN-6", "JOIN-7", "CMD-5"])
    chat.says("SERVER", "re").said("two").says("SERVER", "re 2")
    chat.command(b"\\error no-such-code try again").end("S").exits(1, ["CMD-4", "TERM-5", "ERR-6"])
    return chat.add("not_shown", line=b">\\error", anywhere=True, about=["CMD-4", "ERR-6"])


@case(CLIENT, "ERR-6", "TERM-5", share=1.5)
def errors(draw: Draw) -> Script:
    """Every error ends it with status 1, codes that it does not know too."""
    code = draw(
        st.sampled_from([b"no-such-code", b"handle-taken", b"full", b"x", b"idle and words"])
    )
    chat = Chat().begin() if draw(st.booleans()) else _relay()
    chat.command(b"\\error " + code).add("hear_end", at="S", about=["ERR-6"]).end("S")
    return chat.exits(1, ["TERM-5", "ERR-6"])


# Joining and turns


@case(CLIENT, "JOIN-4", "JOIN-5", "STATE-1", "JOIN-8", "JOIN-9", "CLIENT-7", share=0)
def unwelcomed(draw: Draw) -> Script:
    r"""It joins at once, needs no answer, and keeps to turns; then it just ends its stream."""
    del draw
    chat = Chat().begin(about="JOIN-4").types("one", about="JOIN-5").type(b"two", b"three")
    chat.holds_back(["CLIENT-7", "STATE-1"]).says("SERVER", "re one", about="JOIN-8")
    chat.said("two", about="JOIN-8").holds_back("CLIENT-7").says("SERVER", "re two")
    chat.said("three", about="JOIN-8").says("SERVER", "re three").type(b"\\quit")
    return chat.expect_end("S", ["JOIN-9", "STATE-1"]).end("S").exits(0, "TERM-5")


@case(CLIENT, "JOIN-5", "JOIN-6", "STATE-1", "CLIENT-7", share=0)
def late_welcome(draw: Draw) -> Script:
    r"""A \welcome that comes late gives no turn; one from the future is ignored."""
    del draw
    chat = Chat().begin().types("one", about="JOIN-5").type(b"two")
    chat.command(b"\\welcome chat/2 relay").command(b"\\welcome chat/1 turns")
    chat.holds_back(["JOIN-6", "JOIN-5", "STATE-1", "CLIENT-7"])
    chat.says("SERVER", "re one").said("two").command(b"\\welcome chat/1 relay here=0")
    chat.type(b"three").holds_back(["JOIN-6", "JOIN-7", "CMD-5"])
    return chat.says("SERVER", "re two").said("three").says("SERVER", "re three").leave()


@case(CLIENT, "JOIN-7", "JOIN-10", share=0)
def relay_lifts_turns(draw: Draw) -> Script:
    r"""\welcome … relay lifts turns for good; the number of handles is not waited for."""
    del draw
    chat = Chat().begin().welcome("relay", b" here=7")
    chat.types("one", "two", "three", about=["JOIN-7", "JOIN-10"])
    chat.says("bob", "hi", about=["JOIN-10"]).command(b"\\welcome chat/1 turns")
    chat.says("bob", "w").types("four", "five", about=["JOIN-7", "JOIN-6"])
    return chat.leave()


@case(CLIENT, "JOIN-7", "CLIENT-7", share=0)
def relayed_text_lifts_turns(draw: Draw) -> Script:
    r"""A text of anybody but the server lifts turns, before \welcome and after it."""
    del draw
    chat = Chat().begin().types("one").type(b"two").send("S", b"server>hm\n")
    chat.said("two", about="JOIN-7").type(b"three").holds_back(["JOIN-7", "CLIENT-7"])
    chat.says("bob", "hi", about="JOIN-7").said("three", about="JOIN-7")
    chat.types("four", "five", about="JOIN-7").welcome("turns").says("SERVER", "x")
    return chat.types("six", "seven", about="JOIN-7").leave()


@case(CLIENT, "JOIN-7", share=0)
def relayed_text_lifts_turns_at_turn_server(draw: Draw) -> Script:
    """The same where a turn server was thought to be."""
    del draw
    chat = _turns().types("one").type(b"two").says("bob", "hi", about="JOIN-7")
    return chat.said("two", about="JOIN-7").types("three", "four", about="JOIN-7").leave()


@case(CLIENT, "CLIENT-7", "STATE-1", share=1)
def turns(draw: Draw) -> Script:
    """One text a turn; further ones wait, in order, and none is lost."""
    texts = [f"t{number}" for number in range(draw(st.integers(2, 8)))]
    ahead = draw(st.integers(1, len(texts)))
    chat = _turns().on("CLIENT-7").type(*(text.encode() for text in texts[:ahead]))
    for number, text in enumerate(texts):
        chat.said(text)
        if number == 0 and ahead < len(texts):
            chat.type(*(text.encode() for text in texts[ahead:]))
        if number in (0, len(texts) - 2):
            chat.holds_back("STATE-1")
        chat.says("SERVER", f"re {text}")
    return chat.on().leave()


@case(CLIENT, "CLIENT-9", "STATE-2", "CLIENT-6", share=0)
def server_out_of_turn(draw: Draw) -> Script:
    """A text of the server in the client's own turn is shown, and changes nothing."""
    del draw
    chat = _turns().on("CLIENT-9", "STATE-2").says("SERVER", "type something", about="CLIENT-6")
    chat.types("one").says("SERVER", "re one")
    chat.says("SERVER", "go", about="CLIENT-6").says("SERVER", "on", about="CLIENT-6")
    chat.types("two").type(b"three").holds_back("CLIENT-7").says("SERVER", "re two")
    return chat.said("three").says("SERVER", "re three").on().leave()


@case(CLIENT, "CLIENT-6", "TERM-4", share=0)
def shown_at_once(draw: Draw) -> Script:
    """What arrives is shown while nothing, or half a line, is typed; and once."""
    del draw
    chat = _relay().says("bob", "first only", about="CLIENT-6").add("type", octets=b"half")
    chat.says("bob", "second only", about="CLIENT-6").add("type", octets=b" typed\n")
    chat.said("half typed", about="TERM-2").leave()
    chat.add("shown_once", line=b"bob>first only", about="TERM-4")
    chat.add("shown_once", line=b"bob>second only", about="TERM-4")
    return chat.not_shown(b"bob>half typed", about="TERM-4")


@case(CLIENT, "CLIENT-6", share=0)
def shown_at_once_in_a_pipe(draw: Draw) -> Script:
    """Written to a pipe it is shown as soon: it does not wait until a buffer is full."""
    del draw
    chat = Chat(tty="none").begin().welcome("relay").says("bob", "first", about="CLIENT-6")
    return chat.types("one").says("bob", "second", about="CLIENT-6").leave()


# Typing


@case(CLIENT, "LINE-1", "LINE-4", "CLIENT-1", "TERM-2", "TERM-1", "LINE-10", share=2)
def typed_texts(draw: Draw) -> Script:
    """Every legal text is sent as it was typed."""
    chat = _relay(draw(some.handles()))
    about = ["TERM-1", "TERM-2", "LINE-1", "LINE-4", "CLIENT-1"]
    for text in draw(st.lists(some.texts(), min_size=2, max_size=6)):
        chat.types(text, about=about)
    return chat.types(" a ", "\t", "x" * 500, about=about).leave()


@case(CLIENT, "TERM-1", "TERM-2", "LINE-1", "LINE-3", share=0)
def typed_at_once(draw: Draw) -> Script:
    """Handle and texts typed before it connects; CR LF, empty lines, a last one without LF."""
    del draw
    chat = Chat()
    chat.handle = "A-b_c.d9"
    octets = b"A-b_c.d9\r\none\r\n\ntwo\n\\quitting\n\r\nlast"
    chat.add("type", octets=octets).accept("S").expect("S", "join", chat.handle, 1, about="TERM-2")
    chat.welcome("relay").said("one", about=["TERM-1", "TERM-2", "LINE-1"])
    chat.said("", "two", "\\quitting", "", about=["TERM-1", "TERM-2"]).add("end_input")
    chat.said("last", about="TERM-2").expect(
        "S", "quit", chat.handle, about=["JOIN-9", "CLIENT-10"]
    )
    return chat.expect_end("S").end("S").exits(0, "TERM-5")


@case(CLIENT, "CLIENT-2", "LINE-3", "LINE-12", "TERM-5", share=4)
def handles_refused(draw: Draw) -> Script:
    """A handle that is none, or the server's, is refused with status 2, and nothing is sent."""
    bad = ["", "abcdefghijk", "bob smith", "-bob", "böb", "b>b", "SERVER", "server", "Server"]
    return _refused_handle(draw(st.sampled_from(bad)))


@case(CLIENT, "CLIENT-2", "LINE-12", share=0)
def server_refused(draw: Draw) -> Script:
    """SERVER in small letters, too."""
    del draw
    return _refused_handle("server")


@case(CLIENT, "CLIENT-2", "LINE-3", share=0)
def long_handle_refused(draw: Draw) -> Script:
    """Eleven octets are too many, and the rest is no text."""
    del draw
    return _refused_handle("abcdefghijk")


@case(CLIENT, "CLIENT-2", "LINE-3", share=0)
def blank_in_handle_refused(draw: Draw) -> Script:
    """A blank is no part of a handle."""
    del draw
    return _refused_handle("bob smith")


@case(CLIENT, "CLIENT-2", "LINE-3", share=0)
def dash_before_handle_refused(draw: Draw) -> Script:
    """The first of a handle is a letter or a digit."""
    del draw
    return _refused_handle("-a")


def _refused_handle(handle: str) -> Script:
    about = ["CLIENT-2", *(["LINE-12"] if handle.lower() == "server" else ["LINE-3"])]
    chat = Chat().add("listen_up").type(handle.encode(), b"text", b"\\quit").add("end_input")
    chat.add("says_nothing", about=about).exits(2, [*about, "TERM-5"])
    return chat.add("told", about="CLIENT-2")


@case(CLIENT, "CLIENT-1", "CLIENT-4", share=0)
def typed_controls(draw: Draw) -> Script:
    """Forbidden characters are never sent: refused or replaced, and the user is told."""
    del draw
    chat = _relay()
    about = ["CLIENT-4", "CLIENT-1"]
    for number, bad in enumerate(
        [b"\x1b[2J", b"a\x07b", b"caf\xe9", b"\xc2\x85", b"x\x7f", b"x\ry", b"\xed\xa0\x80", b"\0x"]
    ):
        chat.add("listen_up").type(bad).add("told", about="CLIENT-4")
        chat.type(f"ok {number}".encode())
        event = ["text", chat.handle, f"ok {number}"]
        chat.add("expect_last_of", at="S", event=event, least=["text", chat.handle], most=2,
                 about=about)  # fmt: skip
    return chat.leave()


@case(CLIENT, "CLIENT-5", "CLIENT-1", "LINE-4", "TERM-6", share=1)
def long_texts(draw: Draw) -> Script:
    """More than 500 octets are cut between code points, in order, none lost."""
    about = ["CLIENT-5", "CLIENT-1"]
    chat = _relay()
    for _ in range(3):
        char = draw(st.sampled_from(["x", "é", "€", "😀"]))
        size = draw(st.sampled_from([166, 251, 501, 502, 600, 1000, 1001, 1500]))
        text = ("a" * draw(st.integers(0, 3)) + char * size)[:size]
        chat.type(text.encode())
        chat.add("expect_pieces", at="S", handle=chat.handle, text=text, about=about)
        chat.types("after", about=about)
    return chat.leave()


@case(CLIENT, "CLIENT-5", "TERM-6", share=0)
def long_text_with_commands(draw: Draw) -> Script:
    r"""No piece is, whole, a command: a \quit behind 500 octets is not one."""
    del draw
    chat = _relay()
    for text in (
        "x" * 500 + "\\quit",
        "y" * 1000 + "\\quit",
        "é" * 250 + "\\quit",
        "z" * 300 + "é" * 400,
    ):
        chat.type(text.encode())
        chat.add("expect_pieces", at="S", handle=chat.handle, text=text, about="CLIENT-5")
    chat.types("still here", about="CLIENT-5")
    return chat.leave()


@case(CLIENT, "CLIENT-5", "CLIENT-7", share=0)
def long_text_in_turns(draw: Draw) -> Script:
    """The pieces of a long text wait for their turns."""
    del draw
    chat = _turns().type(b"w" * 1200)
    nudge = b"SERVER>go on\n"
    chat.add(
        "expect_pieces",
        at="S",
        handle="ann",
        text="w" * 1200,
        nudge=nudge,
        about=["CLIENT-5", "CLIENT-7"],
    )
    return chat.says("SERVER", "done").leave()


@case(CLIENT, "STREAM-2", share=0)
def slow_server(draw: Draw) -> Script:
    """What a slow server has not read arrives whole, later."""
    del draw
    chat = Chat(receive_buffer=4096).begin().welcome("relay").says("bob", "go")
    chat.add("pause", at="S")
    count = 8000
    chat.add("type_bulk", at="S", handle="ann", lines=count, size=500, about="STREAM-2")
    return chat.types("end", about="STREAM-2").leave()


# Leaving


@case(CLIENT, "JOIN-9", "CLIENT-10", "CLOSE-1", "TERM-5", share=0)
def leaves_with_texts(draw: Draw) -> Script:
    r"""\quit typed: what waits is sent, one a turn, then \quit, then the end."""
    del draw
    chat = _turns().says("SERVER", "welcomed").type(b"one", b"two", b"three", b"\\quit", b"late")
    chat.said("one", about="CLIENT-10").holds_back(["CLIENT-7", "CLIENT-10"])
    chat.says("SERVER", "r1").said("two", about="CLIENT-10")
    chat.holds_back(["CLIENT-7", "CLIENT-10"]).says("SERVER", "r2").said("three", about="CLIENT-10")
    chat.expect("S", "quit", "ann", about=["CLIENT-10", "JOIN-9"]).expect_end("S")
    return chat.end("S").exits(0, "TERM-5")


@case(CLIENT, "CLIENT-10", "JOIN-9", "TERM-5", share=0)
def input_ends(draw: Draw) -> Script:
    """The end of the input leaves as well, and what waits is sent first."""
    del draw
    chat = _turns().says("SERVER", "welcomed").type(b"one", b"two").add("end_input")
    chat.said("one", about="CLIENT-10").holds_back(["CLIENT-10", "CLIENT-7"])
    chat.says("SERVER", "r1").said("two", about="CLIENT-10")
    chat.expect("S", "quit", "ann", about=["CLIENT-10", "JOIN-9"]).expect_end("S")
    return chat.end("S").exits(0, ["CLIENT-10", "TERM-5"])


@case(CLIENT, "CLIENT-10", "JOIN-9", share=0)
def input_ends_idle(draw: Draw) -> Script:
    """The end of the input when nothing waits."""
    del draw
    chat = _relay().says("bob", "hi").types("one").add("end_input")
    chat.expect("S", "quit", "ann", about=["CLIENT-10", "JOIN-9"]).expect_end("S")
    return chat.end("S").exits(0, ["CLIENT-10", "TERM-5"])


@case(CLIENT, "CLOSE-1", "CLIENT-13", "TERM-5", share=0)
def closes_politely(draw: Draw) -> Script:
    r"""After its \quit it ends its side at once, reads on, and its status stays 0."""
    del draw
    chat = _relay().says("bob", "hi").type(b"\\quit").expect("S", "quit", "ann", about="JOIN-9")
    chat.expect_end("S", "CLOSE-1").add("reads_on", at="S", octets_more=50_000, about="CLOSE-1")
    chat.send("S", b"\nSERVER>\\error removed\n").end("S")
    return chat.exits(0, ["TERM-5", "CLIENT-13"])


@case(CLIENT, "CLIENT-13", "TERM-5", share=0)
def late_error(draw: Draw) -> Script:
    r"""An error after its own \quit leaves its status at 0."""
    del draw
    chat = _relay().says("bob", "hi").type(b"\\quit").expect("S", "quit", "ann", about="JOIN-9")
    chat.expect_end("S", "CLOSE-1").command(b"\\error removed").end("S")
    return chat.exits(0, ["TERM-5", "CLIENT-13"])


@case(CLIENT, "CLIENT-11", "CLIENT-12", "TERM-5", share=0)
def leaves_at_once(draw: Draw) -> Script:
    r"""\quit typed twice leaves at once, says how many texts were not sent, with status 1."""
    del draw
    chat = _turns().says("SERVER", "welcomed").types("one").type(b"two", b"three", b"\\quit")
    chat.add("quiet", at="S", seconds=1.5, about=["CLIENT-11", "CLIENT-10", "CLIENT-7"])
    chat.add("listen_up").type(b"\\quit")
    chat.expect("S", "quit", "ann", about="CLIENT-12").expect_end("S", "CLIENT-12").end("S")
    chat.exits(1, ["CLIENT-12", "TERM-5"]).add("told", about="CLIENT-12")
    return chat.add("tells", what="2", about="CLIENT-12")


@case(CLIENT, "CLIENT-12", "TERM-6", "TERM-5", share=0)
def interrupted(draw: Draw) -> Script:
    """An interrupt leaves at once, too."""
    del draw
    chat = _turns().says("SERVER", "welcomed").types("one").type(b"two")
    chat.add("settle").add("listen_up").add("signal", name="SIGINT")
    chat.expect("S", "quit", "ann", about="CLIENT-12").expect_end("S", "CLIENT-12").end("S")
    chat.exits(1, ["CLIENT-12", "TERM-5"]).add("tells", what="1", about="CLIENT-12")
    return chat


@case(CLIENT, "CLIENT-12", "TERM-5", "TERM-6", share=0)
def interrupted_with_nothing_to_send(draw: Draw) -> Script:
    """Status 0 where nothing was left unsent."""
    del draw
    chat = _relay().says("bob", "hi").add("signal", name="SIGINT")
    chat.expect("S", "quit", "ann", about="CLIENT-12").expect_end("S").end("S")
    return chat.exits(0, ["CLIENT-12", "TERM-5"])


@case(CLIENT, "CLIENT-10", share=0)
def nothing_after_quit(draw: Draw) -> Script:
    r"""A text typed after \quit is refused."""
    del draw
    chat = _turns().says("SERVER", "welcomed").types("one").type(b"two", b"\\quit", b"late")
    chat.holds_back("CLIENT-7").says("SERVER", "r1").said("two", about="CLIENT-10")
    chat.expect("S", "quit", "ann", about="CLIENT-10").expect_end("S").end("S")
    return chat.exits(0, "TERM-5")


@case(CLIENT, "CLIENT-11", share=0, profile="thorough")
def unanswered(draw: Draw) -> Script:
    """After 30 seconds without a text all that waits is sent; faulty lines do not count."""
    del draw
    chat = _turns().says("SERVER", "welcomed").types("one").type(b"two", b"three", b"\\quit")
    chat.add("quiet", at="S", seconds=20, about="CLIENT-11")
    chat.send("S", b"SERVER>caf\xe9\nSERVER>\\joined x\n")
    chat.add("quiet", at="S", seconds=7, about="CLIENT-11").add("await", at="S", seconds=6)
    chat.said("two", "three", about="CLIENT-11").expect("S", "quit", "ann", about="CLIENT-11")
    return chat.expect_end("S").end("S").exits(0, ["CLIENT-11", "TERM-5"])


# Ends


@case(CLIENT, "TERM-5", "CLOSE-1", share=0)
def server_quits(draw: Draw) -> Script:
    r"""\quit of the server: status 0."""
    del draw
    chat = _relay().says("bob", "hi").command(b"\\quit")
    chat.add("hear_end", at="S", about=["CLOSE-1", "TERM-5"]).end("S")
    return chat.exits(0, ["TERM-5"])


@case(CLIENT, "TERM-5", "CLOSE-1", share=0)
def server_quits_unwelcomed(draw: Draw) -> Script:
    r"""\quit of the server before any welcome: status 0."""
    del draw
    return Chat().begin().types("one").says("SERVER", "x").dismissed(0)


@case(CLIENT, "TERM-5", share=0)
def unsent_at_the_end(draw: Draw) -> Script:
    r"""\quit of the server while typed texts wait: status 1."""
    del draw
    chat = _turns().types("one").type(b"two").add("settle")
    return (
        chat.command(b"\\quit").add("hear_end", at="S", about="TERM-5").end("S").exits(1, "TERM-5")
    )


@case(CLIENT, "TERM-5", share=0)
def end_unwelcomed(draw: Draw) -> Script:
    """An end of stream where it was never welcomed: status 0."""
    del draw
    return Chat().begin().types("one").says("SERVER", "x").end("S").exits(0, "TERM-5")


@case(CLIENT, "TERM-5", share=0)
def end_welcomed(draw: Draw) -> Script:
    r"""An end of stream without \quit after a welcome: status 1."""
    del draw
    return _relay().says("bob", "hi").end("S").exits(1, "TERM-5")


@case(CLIENT, "CLOSE-4", "TERM-5", "TERM-6", share=0)
def reset_welcomed(draw: Draw) -> Script:
    """A reset after a welcome: what came before it is shown, status 1."""
    del draw
    return _relay().says("bob", "hi").reset("S").exits(1, ["CLOSE-4", "TERM-5"])


@case(CLIENT, "CLOSE-4", "TERM-5", "TERM-6", share=0)
def reset_unwelcomed(draw: Draw) -> Script:
    """A reset before any welcome: status 1."""
    del draw
    chat = Chat().begin().types("one").says("SERVER", "x")
    return chat.reset("S").exits(1, ["TERM-5", "CLOSE-4"])


@case(CLIENT, "CLOSE-4", "LINE-9", share=0)
def lines_before_the_end(draw: Draw) -> Script:
    """Lines that came before an end in one segment are shown."""
    del draw
    chat = _relay().says("bob", "hi").add("send_and_end", at="S", octets=b"bob>l1\nbob>l2\n")
    chat.exits(1, ["TERM-5", "CLOSE-4"]).shown(b"bob>l1", about="CLOSE-4")
    return chat.shown(b"bob>l2", about="CLOSE-4")


@case(CLIENT, "TERM-6", "CLOSE-4", share=0)
def writes_to_nobody(draw: Draw) -> Script:
    """Texts typed after the server has gone do not kill it."""
    del draw
    chat = _relay().says("bob", "hi").add("close", at="S")
    chat.add("type", octets=(b"x" * 400 + b"\n") * 50, in_vain=True)
    return chat.exits(1, ["TERM-6", "CLOSE-4", "TERM-5"])


@case(CLIENT, "TERM-6", "CLOSE-4", share=0)
def sends_much_to_nobody(draw: Draw) -> Script:
    """Nor do texts that waited for their turn, when the server lifts turns and goes."""
    del draw
    chat = _turns().says("SERVER", "welcomed").types("one").type(*[b"two"] * 400).add("settle")
    chat.add("send_and_close", at="S", octets=b"bob>hi\n")
    return chat.exits(1, ["TERM-6", "CLOSE-4", "TERM-5"])


@case(CLIENT, "TERM-5", share=0)
def nobody_listens(draw: Draw) -> Script:
    """Status 1 when it could not connect."""
    del draw
    script = Script(fresh=True, refused=True).add("type", octets=b"ann\n", in_vain=True)
    return script.exits(1, "TERM-5")


@case(CLIENT, "TERM-5", share=0)
def wrong_arguments(draw: Draw) -> Script:
    """Status 2 for wrong arguments."""
    del draw
    script = Script(fresh=True, port="no-port").add("type", octets=b"ann\n", in_vain=True)
    return script.exits(2, "TERM-5")


@case(CLIENT, "JOIN-4", "TERM-1", share=0)
def joins_at_once(draw: Draw) -> Script:
    r"""\join is said before anything is typed."""
    del draw
    return Chat().begin("x", about="JOIN-4").welcome("relay").types("hi").leave()
