"""A turn server of chat/1, correct unless a bug is switched on.

python -m conformance.subjects.turns PORT [--bug NAME | --odd NAME]
    [--tls-cert FILE --tls-key FILE [--tls-client-ca FILE]]

Standard input and output are the operator's.
"""

import math
import socket
import sys
import time
from collections import deque

from conformance.subjects import net, wire
from conformance.subjects.catalogue import Bug, Oddity, bug, switches
from conformance.subjects.tls import Files, TlsSocket
from conformance.subjects.wire import SERVER, Ear, Said, ViolationError, to_line

HELD_MAX = 64
"""Texts of one client that are held; with so many nothing more is read from it. What one read
brings is held in any case: READ_MAX octets of it."""
READ_MAX = 4096
SEND_BUFFER = 4096
"""A reply is short. With a small buffer a client that does not read is soon noticed (TURN-10)."""
UNFRAMED_SECONDS = 2.0


class Visitor(net.Connection):
    """One connection of the turn server."""

    def __init__(self, sock: socket.socket | TlsSocket, bug: str, odd: str) -> None:
        super().__init__(sock, bug, odd)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.ear = Ear(bug, odd)
        self.inbox: deque[bytes | None] = deque()
        """Contents of lines that were read and not yet looked at."""
        self.came_to_end = False
        self.held: deque[Said] = deque()
        """Texts whose turn has not come."""
        self.text_count = 0
        self.waited = False
        self.welcomed = False
        self.unfinished_since = math.inf

    def read(self, most: int = READ_MAX) -> list[bytes]:
        """What has come, an empty piece for the end of the stream."""
        if "holds-exactly-16" in self.odd or "holds-eight" in self.bug:
            return super().read(1)  # so that nothing comes with the last one
        return super().read(min(most, READ_MAX))


def address_of(visitor: Visitor) -> str:
    """The other end, for people."""
    try:
        host, port = visitor.sock.getpeername()[:2]
    except OSError:
        return "nowhere"
    return f"{host} port {port}"


class TurnServer(net.Server):
    """Lets its operator talk with one client at a time."""

    def __init__(self, bug: str = "", odd: str = "", files: Files | None = None) -> None:
        super().__init__(bug, odd, files)
        self._waiting: list[Visitor] = []
        """Those whose session comes, in the order of their first octets."""
        self._session: Visitor | None = None
        self._turn = "client"
        self._turn_since = math.inf
        self._pieces: deque[bytes] = deque()
        """The rest of a long reply, one piece a turn."""
        self._asks_for_nobody = False
        self._last: Visitor | None = None
        self._idle_seconds = {"idle-after-a-minute": 61.0}.get(odd, math.inf)
        if bug in ("idle-after-a-second", "idle-alone"):
            self._idle_seconds = 1.0

    # What comes from the network.

    def accepted(self, sock: socket.socket | TlsSocket) -> Visitor:
        """Take a new connection."""
        visitor = Visitor(sock, self.bug, self.odd)
        if self.odd == "full-after-eight" and len(self._waiting) >= 8:
            visitor.say(to_line(SERVER, b"\\error full"))
            visitor.end()
        elif self.odd == "by-connection" or self.bug == "counts-unfinished-handshake":
            self._waiting.append(visitor)
        if self.bug == "asks-to-wait" and self._session:
            visitor.say(to_line(SERVER, b"please wait"))
        return visitor

    def wants_to_hear(self, connection: net.Connection) -> bool:
        """Whether the connection is listened to."""
        assert isinstance(connection, Visitor)
        if connection in self._waiting:
            return False  # what it sends is kept for us by the system (TURN-4)
        if connection is not self._session or connection.ended:
            return connection.wants_to_read()
        if self.bug == "reads-only-in-turn" and self._turn == "operator":
            return False
        most = {"holds-exactly-16": 16}.get(self.odd, HELD_MAX)
        most = {"holds-eight": 8}.get(self.bug, most)
        full = len(connection.held) >= most and self.bug != "never-stops-reading"
        room = not full and not connection.inbox and not self.screen.full()
        return room and connection.wants_to_read()

    def hear(self, connection: net.Connection) -> None:
        """Read from the session's connection; note that another one wants a session."""
        assert isinstance(connection, Visitor)
        if connection is self._session or connection.ended:
            super().hear(connection)
            return
        connection.waited = self._session is not None
        self._waiting.append(connection)
        if self.bug == "welcomes-waiting":
            self._welcome(connection, wire.VERSION)

    def heard(self, connection: net.Connection, octets: bytes) -> None:
        """Take what the session's client says; nothing at the end of its stream."""
        assert isinstance(connection, Visitor)
        splitter = connection.ear.splitter
        contents = splitter.feed(octets) if octets else splitter.end()
        if self.bug == "drops-lines-before-error":
            contents = wire.from_violation(contents)
        connection.inbox.extend(contents)
        connection.came_to_end = not octets and self.bug != "half-close-unnoticed"
        connection.unfinished_since = time.monotonic() if splitter.held else math.inf
        if contents:
            self._turn_since = time.monotonic()
        self._go_on()

    # Step by step.

    def _go_on(self) -> None:
        """Do all that can be done now."""
        while self.stop_by == math.inf and self._step():
            pass

    def _step(self) -> bool:
        """Do one thing, if there is one to do."""
        visitor = self._session
        if visitor is None:
            return self._begin_session()
        if visitor.inbox and self._take(visitor, visitor.inbox.popleft()):
            return True
        at_end = visitor.came_to_end and not visitor.inbox
        if at_end and (self.bug != "end-waits-for-turn" or self._turn == "client"):
            self._end_session()
            return True
        if visitor.out and self.bug != "turn-passes-early":
            return False  # the reply is not on its way yet (TURN-10)
        if self._turn == "client":
            return self._show_next(visitor)
        return self._reply(visitor)

    def _begin_session(self) -> bool:
        if not self._waiting or self._asks_for_nobody:
            return False
        last = self._last
        if last and self.bug == "no-second-session":
            return False
        if last and self.bug == "next-waits-for-drain" and not last.heard_end:
            return False
        self._session = self._waiting.pop(-1 if self.bug == "newest-first" else 0)
        self._turn = "operator" if self.bug == "operator-first" else "client"
        self._turn_since = time.monotonic()
        if last and self.bug == "leftover-goes-to-next":
            self._session.ear.splitter.held = last.ear.splitter.held
        if self.bug == "loses-early-data" and self._session.waited:
            self._session.read()
        return True

    def _take(self, visitor: Visitor, content: bytes | None) -> bool:
        """Take a line; commands and errors count at once, whoever's turn it is (TURN-8)."""
        waits = self._turn == "operator"
        try:
            said = visitor.ear.understand(content)
        except ViolationError as violation:
            if waits and self.bug == "violation-waits-for-turn":
                visitor.inbox.appendleft(content)
                return False
            return self._violated(visitor, violation.code)
        if said.kind == "join":
            self._joined(visitor, said)
        elif said.kind == "text":
            self._hold(visitor, said)
        elif said.kind == "quit":
            if waits and self.bug == "quit-waits-for-turn":
                visitor.inbox.appendleft(content)
                return False
            if self.bug == "quit-is-shown":
                visitor.held.append(said)
            if self.bug != "quit-waits-for-end":
                self._end_session()
        return True

    def _joined(self, visitor: Visitor, said: Said) -> None:
        if self.bug == "speaks-before-welcome":
            self._tell(visitor, b"hello")
        if self.bug != "never-welcomes":
            version = said.version if self.bug == "echoes-version" else wire.VERSION
            self._welcome(visitor, version)
        if self.bug == "welcomes-twice":
            self._tell(visitor, b"\\welcome chat/1 turns")
        if self.bug == "greets":
            self._tell(visitor, b"what can I do for you?")
        if self.bug == "join-takes-turn":
            self._turn = "operator"

    def _welcome(self, visitor: Visitor, version: int) -> None:
        words = b" here=0 motto=none \\o/" if self.odd == "extra-words" else b""
        if not (visitor.welcomed and self.bug == "welcomes-waiting"):
            self._tell(visitor, b"\\welcome chat/%d turns%s" % (version, words))
        visitor.welcomed = True

    def _hold(self, visitor: Visitor, said: Said) -> None:
        if self.bug == "welcomes-plain-client" and not visitor.welcomed:
            self._welcome(visitor, wire.VERSION)
        free = self._turn == "client" and not visitor.held
        if self.bug == "drops-texts-out-of-turn" and not free:
            return
        if self.bug == "drops-17th-text" and len(visitor.held) >= 16:
            return
        if self.bug == "holds-only-newest":
            visitor.held.clear()
        if self.bug == "holds-backwards":
            visitor.held.appendleft(said)
        else:
            visitor.held.append(said)
        if self._turn == "client" and not visitor.out:
            self._show_next(visitor)

    def _show_next(self, visitor: Visitor) -> bool:
        """Show the next text and give the turn to the operator."""
        if not visitor.held:
            return False
        self._show(visitor, visitor.held.popleft())
        while self.bug == "glued-texts-one-turn" and visitor.held:
            self._show(visitor, visitor.held.popleft())
        self._turn = "operator"
        return True

    def _show(self, visitor: Visitor, said: Said) -> None:
        visitor.text_count += 1
        self.screen.show(said.handle, said.text)

    # The end of a session.

    def _end_session(self, *last_words: bytes) -> None:
        """Show what was said before (TURN-8), say the last words, and end."""
        visitor, self._session = self._session, None
        assert visitor is not None
        if self.bug == "takes-after-quit":
            self._judge_rest(visitor)
        if self.bug != "end-drops-held":
            while visitor.held:
                self._show(visitor, visitor.held.popleft())
        visitor.inbox.clear()
        for text in last_words:
            self._tell(visitor, text)
        visitor.end()
        self.screen.note("the session has ended")
        if self._pieces and self.bug != "pieces-to-next-session":
            self._pieces.clear()
            self.screen.note("the rest of the reply was dropped")
        if self.keyboard.at_terminal and self.keyboard.forget():
            self.screen.note("replies that waited were dropped")
        self._asks_for_nobody = self.bug == "asks-for-nobody" and not visitor.text_count
        self._last = visitor

    def _judge_rest(self, visitor: Visitor) -> None:
        """Hold the texts that were read and not looked at, when nothing is read any more."""
        for content in visitor.inbox:
            try:
                said = visitor.ear.understand(content)
            except ViolationError:
                return
            if said.kind == "quit":
                return
            if said.kind == "text":
                visitor.held.append(said)

    def _violated(self, visitor: Visitor, code: str) -> bool:
        code = {
            ("code-encoding-wrong", "encoding"): "malformed",
            ("code-too-long-wrong", "too-long"): "malformed",
            ("code-reserved-wrong", "handle-reserved"): "handle-taken",
            ("code-changed-wrong", "handle-changed"): "malformed",
            ("code-in-capitals", code): code.upper(),
        }.get((self.bug, code), code)
        error = b"\\error " + code.encode()
        if self.odd == "extra-words":
            error += b" for a reason"
        if self.bug == "error-without-end":
            self._tell(visitor, error)
        elif self.bug == "goes-on-after-violation":
            self.put_off(0.03, lambda: self._dismiss_late(visitor, error))
        elif self.bug == "error-untold":
            self._end_session()
        elif self.bug == "error-not-last":
            self._end_session(error, b"good-bye")
        else:
            self._end_session(error)
        return True

    def _dismiss_late(self, visitor: Visitor, error: bytes) -> None:
        if self._session is visitor:
            self._end_session(error)

    def _tell(self, visitor: Visitor, text: bytes) -> None:
        handle = b"Server" if self.bug == "server-in-small-letters" else SERVER
        visitor.say(to_line(handle, text, self.bug))

    # The operator.

    def wants_typed(self) -> bool:
        """At a terminal always; else in the operator's turn, one line for each (TURN-14)."""
        if self.keyboard.at_terminal or self._asks_for_nobody:
            return True
        if self.bug in ("typed-ahead-lost", "input-end-at-once"):
            return True
        if self._session is None or self._turn == "client":
            return False
        if self._session.out and self.bug != "turn-passes-early":
            return False
        return not self._pieces and not self.keyboard.lines

    def typed(self) -> None:
        """Take what can be typed at any time; the rest waits for the operator's turn."""
        lines = self.keyboard.lines
        if self.bug == "typed-ahead-lost" and self._turn == "client":
            lines.clear()
        if self.bug == "input-end-at-once" and self.keyboard.ended:
            self.stop()
        if self._asks_for_nobody and lines:
            lines.popleft()
            self._asks_for_nobody = False
        if self.keyboard.at_terminal:
            if wire.QUIT in lines and self._session and self.bug != "typed-quit-is-text":
                lines.remove(wire.QUIT)
                self._end_by_operator()
            elif lines and self._session is None:
                self.keyboard.forget()
                self.screen.note("nobody is here to reply to")
            if self.keyboard.ended:
                self.stop()
        self._go_on()

    def _reply(self, visitor: Visitor) -> bool:
        """Use the operator's turn, if there is something to use it for."""
        if self._pieces:
            self._send(visitor, self._pieces.popleft())
            return True
        if self.keyboard.lines:
            self._use(visitor, self.keyboard.lines.popleft())
            return True
        if self.keyboard.ended and self.bug == "input-end-is-empty-reply":
            self._send(visitor, b"")
            return True
        if self.keyboard.ended and self.bug != "input-end-ignored":
            self.stop()
        return False

    def _use(self, visitor: Visitor, text: bytes) -> None:
        """Use one typed line: a reply, or the end of the session."""
        if text == wire.QUIT and self.bug != "typed-quit-is-text":
            self._end_by_operator()
            return
        why = self._why_not(text)
        if why:
            if self.bug != "refuses-in-silence":
                self.screen.note(f"this was not sent: {why}")
            if self.bug == "refused-takes-turn":
                self._turn = "client"
            return
        self._pieces.extend(wire.cut(text, self.bug))
        self._send(visitor, self._pieces.popleft())
        while self.bug == "pieces-in-one-turn" and self._pieces:
            self._send(visitor, self._pieces.popleft())

    def _why_not(self, text: bytes) -> str:
        """Why a reply cannot be sent, if so (TURN-9, CMD-6)."""
        try:
            if self.bug != "sends-typed-bad-utf-8" or wire.CONTROLS.search(text.decode("latin-1")):
                wire.check_encoding(text, "passes-c0" if self.bug == "sends-typed-controls" else "")
        except ViolationError:
            return "it is not UTF-8 or has control characters"
        pieces = wire.cut(text)
        if self.bug == "sends-typed-command" and text != wire.QUIT:
            return ""
        if self.bug == "sends-command-as-piece" and len(pieces) > 1:
            return ""
        if self.bug == "typed-quit-is-text" and text == wire.QUIT:
            return ""
        return "it would be a command" if any(map(wire.is_server_command, pieces)) else ""

    def _send(self, visitor: Visitor, text: bytes) -> None:
        """Send a reply and give the turn to the client."""
        if self.bug == "reply-to-newest":
            newest = self.connections[-1]
            newest.say(to_line(SERVER, text))
        else:
            self._tell(visitor, text)
        visitor.flush()
        self._turn = "client"
        self._turn_since = time.monotonic()
        if self.bug == "serves-in-rotation" and self._waiting and not self._pieces:
            self._waiting.append(visitor)
            self._session = None

    def _end_by_operator(self) -> None:
        """End the session with a quit (TURN-13)."""
        if self.bug == "typed-quit-stops-server":
            self.stop()
            return
        assert self._session is not None
        self._judge_rest(self._session)
        if self.bug == "typed-quit-untold":
            self._end_session()
        else:
            self._end_session(wire.QUIT)

    # Shutdown, and time.

    def stop(self) -> None:
        """Show what the running session said, then stop as in section 11."""
        if self.bug == "stop-waits-for-session" and self._session:
            self.put_off(0.05, self.stop)
            return
        if self._session and self.bug != "stop-drops-held":
            self._judge_rest(self._session)
            while self._session.held:
                self._show(self._session, self._session.held.popleft())
        if self.bug == "stop-forgets-waiting":
            for each in self.connections:
                if each is not self._session:
                    each.end()
        super().stop()
        self._session = None
        self._waiting.clear()

    def clock(self, _now: float) -> float:
        """Go on; tell of unfinished lines, and end who is idle where that is wanted."""
        self._go_on()
        now = time.monotonic()
        visitor = self._session
        if visitor is None or self.stop_by < math.inf:
            return math.inf
        if now - visitor.unfinished_since >= UNFRAMED_SECONDS:
            visitor.unfinished_since = math.inf
            count = len(visitor.ear.splitter.held)
            self.screen.note(f"{count} octets of a line without an end from {address_of(visitor)}")
        idle = math.inf
        if self._turn == "client" and (self._waiting or self.bug == "idle-alone"):
            idle = self._turn_since + self._idle_seconds
            if now >= idle:
                self._end_session(b"\\error idle")
                return now
        return min(visitor.unfinished_since + UNFRAMED_SECONDS, idle)


BUGS: tuple[Bug, ...] = (
    *wire.RECEIVER_BUGS,
    *wire.JUDGE_BUGS,
    *wire.EAR_BUGS,
    *net.SERVER_BUGS,
    bug("idle-after-a-second", "ERR-9", "It takes a client for idle after a second."),
    bug("idle-alone", "ERR-9", "It ends an idle client although nobody waits."),
    bug("next-waits-for-drain", "CLOSE-3", "The next session waits for the end of a drain."),
    bug("quit-waits-for-end", "CLOSE-5 TURN-8", "It ignores a quit until the stream ends."),
    bug("quit-is-shown", "CMD-1", "It shows a quit as a text."),
    bug("half-close-unnoticed", "CLOSE-6", "It keeps a client that ended its sending side."),
    bug("leftover-goes-to-next", "LINE-9", "An unfinished line is put before the next client's."),
    bug("newest-first", "TURN-1", "Of those that wait it serves the newest first."),
    bug("serves-in-rotation", "TURN-1", "After each reply it goes on with the next client."),
    bug("asks-to-wait", "TURN-3", "It asks a waiting client to wait."),
    bug("welcomes-waiting", "TURN-3", "It welcomes a client before its session."),
    bug("loses-early-data", "TURN-4", "It loses what a client sent while it waited."),
    bug("operator-first", "TURN-5", "It gives the operator the first turn."),
    bug("join-takes-turn", "TURN-5", "A join takes the client's turn."),
    bug("glued-texts-one-turn", "TURN-5 TURN-6", "All texts that wait take one turn."),
    bug("drops-texts-out-of-turn", "TURN-6 TURN-7 STATE-3", "It drops texts out of turn."),
    bug("holds-backwards", "TURN-6", "It takes texts that it holds backwards."),
    bug("holds-only-newest", "TURN-6 TURN-7", "It holds only the newest text out of turn."),
    bug("holds-eight", "TURN-6", "It holds only 8 texts, then it reads nothing."),
    bug("drops-17th-text", "TURN-7", "It drops texts when it holds 16."),
    bug("never-stops-reading", "TURN-7", "It reads on however much it holds."),
    bug("reads-only-in-turn", "TURN-8 TURN-6", "It reads nothing in the operator's turn."),
    bug("quit-waits-for-turn", "TURN-8", "A quit counts only in the client's turn."),
    bug("end-waits-for-turn", "TURN-8", "An end of stream counts only in the client's turn."),
    bug("violation-waits-for-turn", "TURN-8", "A violation counts only in the client's turn."),
    bug("end-drops-held", "TURN-8", "When a session ends it drops the texts that it holds."),
    bug("no-second-session", "TURN-8", "There is no session after the first."),
    bug("takes-after-quit", "STATE-3 TURN-8", "It shows texts that follow a quit."),
    bug("pieces-in-one-turn", "TURN-9", "It sends all pieces of a long reply in one turn."),
    bug(
        "turn-passes-early", "TURN-10", "It takes a text while the reply has not been handed over."
    ),
    bug(
        "waits-for-vanished",
        "TURN-10 CLOSE-4",
        "It waits for ever to hand a reply to a client that has vanished.",
    ),
    bug("refused-takes-turn", "TURN-11", "A line that it refuses uses up the turn."),
    bug("reply-to-newest", "TURN-12", "Replies go to the newest connection."),
    bug("pieces-to-next-session", "TURN-12", "The rest of a long reply goes to the next client."),
    bug("typed-quit-is-text", "TURN-13 CMD-6", "The operator's quit goes out as a reply; no end."),
    bug("typed-quit-untold", "TURN-13", "The operator's quit ends the session without a word."),
    bug("typed-quit-stops-server", "TURN-13", "The operator's quit stops the server."),
    bug("typed-ahead-lost", "TURN-14", "It drops lines that are typed in the client's turn."),
    bug("input-end-ignored", "TURN-14", "It does not end at the end of its input."),
    bug(
        "input-end-is-empty-reply", "TURN-14", "After the end of its input it sends empty replies."
    ),
    bug("input-end-at-once", "TURN-14", "The end of its input ends it in the client's turn."),
    bug("asks-for-nobody", "TURN-15", "It asks for a reply to a client that said nothing."),
    bug("greets", "STATE-1 TURN-5", "It greets with a text in the client's turn."),
    bug("stop-forgets-waiting", "STOP-1", "When it stops it sends waiting clients no quit."),
    bug("stop-waits-for-session", "STOP-1", "A signal stops it only after the session."),
    bug("stop-drops-held", "STOP-2", "When it stops it does not show the texts that it holds."),
    bug("shows-nothing", "TERM-9", "It does not show what clients say."),
    bug("shows-twice", "TERM-9", "It shows each text twice."),
    bug("ignores-port", "TERM-7", "It listens on a port of its own choice."),
)

ODDITIES: tuple[Oddity, ...] = (
    *net.SERVER_ODDITIES,
    Oddity("holds-exactly-16", "It holds 16 texts.", "TURN-6: at least so many."),
    Oddity("by-connection", "Clients wait in the order of connecting.", "TURN-1: either order."),
    Oddity("full-after-eight", "It lets eight clients wait.", "TURN-18: MAY."),
    Oddity("idle-after-a-minute", "It ends idle clients while others wait.", "TURN-19, ERR-9."),
)


def main(arguments: list[str]) -> int:
    """Run the turn server; the exit status."""
    parser = switches("turns", BUGS, ODDITIES)
    try:
        port, bug, odd, files = net.chosen(parser, arguments)
    except net.ArgumentsError as error:
        print("usage: turns PORT", file=sys.stderr)
        return error.status
    return TurnServer(bug, odd, files).run(port)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
