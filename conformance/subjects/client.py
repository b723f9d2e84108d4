r"""A client of chat/1, correct unless a bug is switched on.

python -m conformance.subjects.client HOST PORT [--patience SECONDS] [--bug NAME | --odd NAME]
    [--tls --ca FILE [--cert FILE --key FILE]]

The first line of standard input is the handle, each further one a text or \quit.
"""

import math
import os
import select
import signal
import socket
import ssl
import sys
import time
from collections import deque

from conformance.subjects import net, tls, wire
from conformance.subjects.catalogue import Bug, Oddity, bug, switches
from conformance.subjects.tls import Files, TlsSocket
from conformance.subjects.wire import ViolationError, to_line

WAITING_MAX = 1000
"""Texts that may wait; with so many, standard input is left alone."""
UNANSWERED_SECONDS = 30.0
FORCED_SECONDS = 2.0
"""Whoever leaves at once gives what is half sent so long."""
CONNECT_SECONDS = 10.0
WELL, LOST, WRONG = 0, 1, 2


class LeftEarlyError(Exception):
    """The user has left before he gave a handle."""


class HandleTakenError(Exception):
    """The server says that somebody else has the handle."""


def cut_for_client(text: bytes, bug: str = "") -> list[bytes]:
    """A typed text as texts of which none is a command (CLIENT-5)."""
    pieces = wire.cut(text, bug)
    if len(pieces) > 1 and pieces[-1] == wire.QUIT and bug != "piece-is-quit":
        before = pieces[-2].decode()
        pieces[-2:] = [before[:-1].encode(), before[-1:].encode() + wire.QUIT]
    if bug == "pieces-backwards":
        pieces.reverse()
    return pieces


class Chat:
    """One conversation, from the join to the end."""

    def __init__(self, user: "User", sock: socket.socket | TlsSocket, patience: float) -> None:
        self.bug = user.bug
        self.odd = user.odd
        self._user = user
        self._screen = user.screen
        self._keyboard = user.keyboard
        self._handle = user.handle
        self._patience = patience
        self._connection = net.Connection(sock, self.bug, self.odd)
        self._splitter = wire.Splitter(self.bug)
        self._waiting: deque[bytes] = deque()
        """Texts that were typed and not sent."""
        self._turn = "client"
        """Who may say a text: ``client``, ``server``, or both (``free``)."""
        self._welcomed = False
        self._expected_here = 0
        self._leaving = False
        self._last_reply = math.inf
        """When the latest text arrived after the leaving, or the leaving itself (CLIENT-11)."""
        self._left = False
        """The user has left: nothing that arrives changes the status."""
        self._over = False
        self._status = WELL
        self._taken = False
        self._shown_late: list[tuple[bytes, bytes]] = []

    def run(self) -> int:
        """Chat until somebody leaves; the exit status. HandleTakenError if that is possible."""
        if self.bug == "joins-with-version-2":
            self._say(b"\\join chat/2")
        elif self.bug not in ("never-joins", "joins-late"):
            self._say(b"\\join chat/1")
        self._typed()
        while not self._is_over():
            self._once()
        if self._left or not self._connection.closed:
            self._drain()
        if self._taken and self._keyboard.at_terminal:
            raise HandleTakenError
        if self._waiting and self.bug != "unsent-status-0":
            self._status = LOST
            if self.bug != "unsent-untold":
                self._screen.note(f"not sent: {len(self._waiting)} texts")
        return self._status

    def _is_over(self) -> bool:
        return self._over or self._connection.closed

    def _once(self) -> None:
        """Wait for something, then do all that can be done."""
        self._go_on()
        if self._is_over():
            return
        connection = self._connection
        readers: list[net.Signals | net.Keyboard | net.Connection] = [self._user.signals]
        room = len(self._waiting) < WAITING_MAX
        if not self._keyboard.ended and room:
            readers.append(self._keyboard)
        if connection.wants_to_read() and not self._screen.full():
            readers.append(connection)
        until = min(self._gives_up_at(), connection.deadline)
        readable, writable = net.ready(
            readers,
            [connection] if connection.wants_to_write() else [],
            0.1 if self._screen.full() else until - time.monotonic(),
        )
        if self.odd == "late":
            time.sleep(0.02)
        if self._user.signals in readable and self._user.signals.read():
            self._leave_at_once()
            return
        if self._keyboard in readable:
            self._keyboard.read()
            self._typed()
        if connection in readable:
            self._hear()
        if writable and not connection.closed:
            connection.flush()
        if time.monotonic() >= connection.deadline:
            self._over = True

    # The user.

    def _typed(self) -> None:
        """Take what the user has typed."""
        lines = self._keyboard.lines
        if self.bug == "shows-only-when-typed-at":
            for handle, text in self._shown_late:
                self._screen.show(handle, text)
            self._shown_late.clear()
        while lines:
            self._take_typed(lines.popleft())
        if self._keyboard.ended and not self._leaving and self.bug != "input-end-ignored":
            if self.bug == "input-end-drops-waiting":
                self._waiting.clear()
            self._leave()

    def _take_typed(self, text: bytes) -> None:
        quits = text == wire.QUIT
        if self.bug == "typed-quit-is-prefix":
            quits = text.startswith(wire.QUIT)
        if self.bug == "typed-quit-is-trimmed":
            quits = text.strip() == wire.QUIT
        if self.bug == "typed-quit-is-text":
            quits = False
        if quits:
            if not self._leaving:
                self._leave()
            elif self.bug != "second-quit-waits":
                self._leave_at_once()
            return
        if self._leaving and self.bug != "takes-texts-after-quit":
            self._screen.note("you are leaving: this was not taken")
            return
        checked = self._checked(text)
        if checked is not None:
            self._put_in_line(checked)

    def _put_in_line(self, text: bytes) -> None:
        """Let a text wait for its turn."""
        if self.bug == "drops-texts-out-of-turn" and self._turn == "server":
            return
        if self.bug == "splits-typed-at-100":
            self._waiting.extend(text[at : at + 100] for at in range(0, len(text) or 1, 100))
            return
        self._waiting.extend(cut_for_client(text, self.bug))
        if self.odd == "echoes-typed":
            self._screen.show(self._handle, text)

    def _checked(self, text: bytes) -> bytes | None:
        """The text as it can be sent, or None (CLIENT-4)."""
        if self.bug == "sends-typed-bad-utf-8":
            return text
        try:
            wire.check_encoding(text, "passes-c0" if self.bug == "sends-typed-controls" else "")
        except ViolationError:
            if self.bug == "refuses-in-silence":
                return None
            if self.odd == "replaces-controls" or self.bug == "replaces-in-silence":
                written = wire.CONTROLS.sub("?", text.decode("utf-8", "replace"))
                if self.bug != "replaces-in-silence":
                    self._screen.note("some characters were replaced")
                return written.encode()
            self._screen.note("this was not sent: it is not UTF-8 or has control characters")
            if self.bug == "refused-text-ends":
                self._leave()
            return None
        return text

    def _leave(self) -> None:
        """Leave when what waits has been sent (CLIENT-10)."""
        self._leaving = True
        self._last_reply = time.monotonic()
        if self.bug == "quit-drops-waiting":
            self._waiting.clear()
        if self.bug == "quit-sends-all-at-once":
            self._turn = "free"
        if self.bug == "dies-at-quit":
            os.kill(os.getpid(), signal.SIGABRT)

    def _leave_at_once(self) -> None:
        """Leave without waiting for a turn (CLIENT-12)."""
        if self.bug == "interrupt-status-130":
            self._screen.close()
            os._exit(130)
        self._leaving = self._left = True
        self._end_by_quit()
        self._connection.hurry(time.monotonic() + FORCED_SECONDS)

    # Talking.

    def _say(self, text: bytes) -> None:
        self._connection.say(to_line(self._handle, text, self.bug))
        if self.odd != "first-text-with-join" or not text.startswith(b"\\join"):
            self._connection.flush()

    def _go_on(self) -> None:
        """Send what can be sent now, and leave when all is sent."""
        if time.monotonic() >= self._gives_up_at():
            self._turn = "free"  # no answer comes any more (CLIENT-11)
        if self._connection.wants_to_write():
            self._connection.flush()
        while self._waiting and self._may_speak() and not self._connection.out:
            text = self._waiting.popleft()
            if self.bug == "joins-late" and not self._connection.heard_end:
                self.bug = "joined-late"
                self._say(b"\\join chat/1")
            self._say(text)
            if self.bug == "sends-texts-twice":
                self._say(text)
            if self._turn == "client" and self.bug != "ignores-turns":
                self._turn = "server"
        nothing_waits = not self._waiting or self.bug == "quits-before-texts"
        if self._leaving and nothing_waits and not self._connection.out and not self._left:
            self._left = True
            self._end_by_quit()

    def _may_speak(self) -> bool:
        if self.bug == "waits-for-welcome" and not self._welcomed:
            return False
        if self.bug == "waits-for-roster" and self._expected_here > 0:
            return False
        return self._turn in ("client", "free")

    def _gives_up_at(self) -> float:
        """When texts that wait are sent without a turn."""
        patience = self._patience
        if self.bug == "gives-up-after-a-second":
            patience = 1.0
        if not self._leaving or self._left or not self._waiting or self._turn != "server":
            return math.inf
        return math.inf if self.bug == "never-gives-up" else self._last_reply + patience

    def _end_by_quit(self) -> None:
        """Say quit if we were welcomed (JOIN-9), and end our side."""
        welcomed = self._welcomed and self.bug != "leaves-without-quit"
        if welcomed or self.bug == "quits-unwelcomed":
            self._say(wire.QUIT)
        self._end()

    def _end(self) -> None:
        self._connection.end()
        if self.bug == "closes-when-leaving":
            self._connection.flush()
            self._connection.close_by_reset()
        self._over = True

    # Listening.

    def _hear(self) -> None:
        """Take what has come from the server."""
        pieces = self._connection.read()
        if self.bug == "reset-loses-lines":
            time.sleep(0.02)
            more = self._connection.read()
            pieces = more if more and not more[-1] else pieces + more
        for octets in pieces:
            contents = self._splitter.feed(octets) if octets else self._splitter.end()
            for content in contents:
                if self._over and not self._left:
                    break
                self._take(content)
            if not octets and not self._over:
                self._lost()

    def _lost(self) -> None:
        """The stream has ended, and the server has said nothing about it."""
        if self.bug == "end-of-stream-unnoticed":
            return
        if self.bug == "dies-of-sigpipe":
            for _ in range(3):
                self._say(wire.QUIT)
                time.sleep(0.01)
        lost = self._welcomed or self._was_reset()
        if self.bug == "end-unwelcomed-status-1":
            lost = True
        if self.bug == "end-welcomed-status-0":
            lost = False
        if lost:
            self._status = LOST
            self._screen.note("the connection was lost")
        self._end()

    def _was_reset(self) -> bool:
        return self._connection.was_reset and self.bug != "reset-status-0"

    def _take(self, content: bytes | None) -> None:
        """Take one line of the server."""
        if content is None:
            if self.bug == "goes-on-after-too-long":
                return
            self._too_long()
            return
        try:
            handle, text = wire.judge(content, self.bug)
        except ViolationError as violation:
            self._faulty(content, violation.code)
            return
        if self._is_command(handle, text):
            if not self._left or self.bug == "late-error-status-1":
                self._obey(text)
            return
        self._take_text(handle, text)

    def _too_long(self) -> None:
        self._screen.note("the server sent what is too long")
        if not self._left:
            if self.bug != "too-long-status-0":
                self._status = LOST
            self._end()

    def _faulty(self, content: bytes, code: str) -> None:
        """Tell of a line that breaks section 3, and go on (ERR-7)."""
        if code == "too-long" and self.bug != "goes-on-after-too-long":
            self._too_long()
            return
        if self.bug == "shows-faulty-lines":
            handle, _, text = content.partition(b">")
            self._screen.show(handle, text)
        elif self.bug != "faulty-line-untold":
            self._screen.note(f"a line is not shown: {code}")
        if self.bug == "faulty-line-ends":
            self._lost()
        if self.bug == "faulty-line-gives-turn" and self._turn == "server":
            self._turn = "client"
        if self.bug == "faulty-line-renews-patience":
            self._last_reply = time.monotonic()

    def _is_command(self, handle: bytes, text: bytes) -> bool:
        of_server = wire.is_server(handle)
        if self.bug == "anybody-commands":
            of_server = True
        if self.bug == "commands-compare-case":
            of_server = handle == wire.SERVER
        if not of_server:
            return False
        if self.bug == "quit-is-prefix" and text.startswith(wire.QUIT):
            return True
        if self.bug == "quit-is-trimmed" and text.strip() == wire.QUIT:
            return True
        if self.bug == "quit-in-any-case" and text.lower() == wire.QUIT:
            return True
        if self.bug == "hides-unknown-commands" and text.startswith(b"\\"):
            return True
        if self.bug == "words-not-understood":
            welcome, error = wire.WELCOME.fullmatch(text), wire.ERROR.fullmatch(text)
            if (welcome and welcome[3]) or (error and error[2]):
                return False
        if self.bug == "shows-second-welcome" and self._welcomed and wire.WELCOME.fullmatch(text):
            return False
        if self.bug == "shows-presence-in-turns" and wire.PRESENCE.fullmatch(text):
            return self._turn == "free"
        return wire.is_server_command(text)

    def _obey(self, text: bytes) -> None:
        """Do what a command of the server says, if it has its place (CMD-5)."""
        if welcome := wire.WELCOME.fullmatch(text):
            self._be_welcomed(int(welcome[1]), welcome[2], welcome[3])
        elif presence := wire.PRESENCE.fullmatch(text):
            self._expected_here -= len(presence[2].split())
            if self._welcomed and self._turn == "free" and self.odd != "hides-presence":
                names = presence[2].decode().split()
                self._screen.note(f"{presence[1].decode()}: {', '.join(names)}")
        elif error := wire.ERROR.fullmatch(text):
            self._dismissed_by_error(error[1].decode())
        elif text.lower().startswith(wire.QUIT) or text.strip() == wire.QUIT:
            self._screen.note("the server has left")
            if self.bug == "server-quit-ignored":
                return
            if self.bug == "server-quit-status-1":
                self._status = LOST
            self._end()

    def _be_welcomed(self, version: int, kind: bytes, words: bytes) -> None:
        if version > wire.VERSION and self.bug != "takes-later-version":
            return
        if self._welcomed and self.bug != "takes-second-welcome":
            return
        self._welcomed = True
        if b"here=" in words:
            number = words.partition(b"here=")[2].split()
            self._expected_here = int(number[0]) if number and number[0].isdigit() else 0
        lifts = kind == b"relay" and self.bug != "relay-keeps-turns"
        gives = kind == b"turns" and self.bug in ("takes-second-welcome", "welcome-gives-turn")
        if self.bug == "turns-come-back" and self._turn == "free":
            gives = kind == b"turns"
        if lifts:
            self._turn = "free"
        elif gives:
            self._turn = "client"

    def _dismissed_by_error(self, code: str) -> None:
        known = "too-long malformed encoding handle-reserved handle-changed handle-taken too-slow"
        if self.bug == "unknown-error-ignored":
            known += " full idle removed"
            if code not in known.split():
                return
        self._screen.note(f"the server ended this: {code}")
        self._status = WELL if self.bug == "error-status-0" else LOST
        self._taken = code == "handle-taken"
        self._end()

    def _take_text(self, handle: bytes, text: bytes) -> None:
        if self.bug == "dies-of-long-text" and len(text) > 256:
            os.kill(os.getpid(), signal.SIGSEGV)
        self._show(handle, text)
        self._last_reply = time.monotonic() if self._leaving else math.inf
        if self.bug == "own-turn-text-gives-second" and self._turn == "client":
            self._turn = "free"
        if self.bug == "own-turn-text-takes-turn" and self._turn == "client":
            self._turn = "server"
            return
        of_server = wire.is_server(handle)
        if self.bug == "server-in-other-case-lifts":
            of_server = handle == wire.SERVER
        if self.bug == "text-before-welcome-no-turn" and not self._welcomed:
            return
        if not of_server and self.bug != "relayed-lifts-nothing":
            self._turn = "free"
        elif self._turn == "server":
            self._turn = "client"
            if self._keyboard.at_terminal:
                self._screen.note("your turn")

    def _show(self, handle: bytes, text: bytes) -> None:
        if self._left and self.odd == "quiet-after-quit":
            return
        if self.bug == "hides-text-in-own-turn" and self._turn == "client":
            return
        if self.bug == "shows-only-when-typed-at":
            self._shown_late.append((handle, text))
            return
        self._screen.show(handle, text)

    # The end.

    def _drain(self) -> None:
        """End our side, then discard until the server's end (CLOSE-1)."""
        connection = self._connection
        if not self._left and self.odd != "drains-after-error":
            # CLOSE-2 allows to close at once.
            connection.flush()
            connection.close()
            return
        while not connection.closed:
            now = time.monotonic()
            connection.tick(now)
            if connection.closed:
                return
            readers: list[net.Signals | net.Connection] = [self._user.signals]
            if connection.wants_to_read():
                readers.append(connection)
            writers = [connection] if connection.wants_to_write() else []
            readable, writable = net.ready(readers, writers, connection.deadline - now)
            if writable:
                connection.flush()
            if connection in readable and not connection.closed:
                self._hear()
            if self._user.signals in readable and self._user.signals.read():
                connection.hurry(now + 1.0)


class User:
    """Whoever sits at the terminal, and the connections that serve him."""

    def __init__(
        self,
        host: str,
        port: int,
        patience: float,
        bug: str = "",
        odd: str = "",
        files: Files | None = None,
    ) -> None:
        self.bug = bug
        self.odd = odd
        self.signals = net.Signals(bug)
        self.screen = net.Screen(bug, odd)
        self.keyboard = net.Keyboard(bug)
        self.handle = b""
        self._address = (host, port)
        self._patience = patience
        self._context = tls.client_context(files, bug) if files else None

    def run(self) -> int:
        """Ask for the handle, connect, and chat; the exit status."""
        sock: socket.socket | TlsSocket | None = None
        if self.odd == "connects-first" and (sock := self._connect()) is None:
            return LOST
        while True:
            try:
                if not self._ask():
                    return LOST if self.bug == "refused-handle-status-1" else WRONG
            except LeftEarlyError:
                return WELL
            if sock is None and (sock := self._connect()) is None:
                return WELL if self.bug == "unconnected-status-0" else LOST
            try:
                return Chat(self, sock, self._patience).run()
            except HandleTakenError:
                self.screen.note("somebody else has that handle; try another")
                sock = None

    def _ask(self) -> bool:
        """Read the handle; False if there is none that can be used (CLIENT-2)."""
        while True:
            if self.keyboard.at_terminal:
                self.screen.note("your handle?")
            while not self.keyboard.lines and not self.keyboard.ended:
                readers: list[net.Signals | net.Keyboard] = [self.signals, self.keyboard]
                readable, _, _ = select.select(readers, [], [])
                if self.signals in readable and self.signals.read():
                    raise LeftEarlyError
                if self.keyboard in readable:
                    self.keyboard.read()
            if not self.keyboard.lines:
                raise LeftEarlyError
            self.handle = self.keyboard.lines.popleft()
            if self.bug == "drops-lines-behind-handle":
                self.keyboard.lines.clear()
            why = self._why_not()
            if not why:
                return True
            if self.bug != "refuses-handle-in-silence":
                self.screen.note(f"that cannot be your handle: {why}")
            if not self.keyboard.at_terminal and self.bug != "asks-again-at-pipe":
                return False

    def _why_not(self) -> str:
        if self.bug == "cuts-long-handle" and len(self.handle) > 10:
            self.keyboard.lines.appendleft(self.handle[10:])
            self.handle = self.handle[:10]
        if self.bug == "takes-any-handle":
            return ""
        if not wire.is_handle(self.handle, self.bug):
            return "it is not 1 to 10 letters, digits, -, _ or ."
        if self.bug == "takes-server-in-small-letters":
            return "it is the server's" if self.handle == wire.SERVER else ""
        if self.bug == "takes-server":
            return ""
        return "it is the server's" if wire.is_server(self.handle) else ""

    def _connect(self) -> socket.socket | TlsSocket | None:
        try:
            sock = socket.create_connection(self._address, CONNECT_SECONDS)
            return self._secured(sock) if self._context else sock
        except OSError as error:
            distrusted = isinstance(error, ssl.SSLCertVerificationError)
            if not (distrusted and self.bug == "distrusts-in-silence"):
                self.screen.note(f"cannot connect: {error}")
            return None

    def _secured(self, sock: socket.socket) -> TlsSocket:
        """TLS, its handshake done; OSError, and nothing said, if it fails (TLS-6)."""
        assert self._context is not None
        host = self._address[0]
        secured = TlsSocket(sock, self._context, host=host, bug=self.bug, odd=self.odd)
        deadline = time.monotonic() + CONNECT_SECONDS
        while not secured.shake():
            if not select.select([secured], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError
        return secured


def _of_receivers() -> tuple[Bug, ...]:
    """The bugs of receivers, as far as a client shows them."""
    of_servers = {"empty-line-counts", "content-of-512", "splits-long-line"}
    return tuple(each for each in wire.RECEIVER_BUGS if each.name not in of_servers)


BUGS: tuple[Bug, ...] = (
    *_of_receivers(),
    *tls.CLIENT_BUGS,
    bug("empty-line-counts", "LINE-6", "It tells of a line with no content as of a faulty one."),
    bug("content-of-512", "LINE-7", "It goes on after an unfinished content of 512 octets."),
    bug("splits-long-line", "LINE-7 ERR-8", "It takes the rest of a line too long for a line."),
    bug("short-write", "STREAM-2", "It drops what the system did not take of a write."),
    bug("sends-cr-lf", "LINE-1", "It ends its lines with CR LF."),
    bug("sends-nul", "LINE-1", "It ends its lines with NUL."),
    bug("sends-no-line-end", "LINE-1", "It ends no line."),
    bug("sends-blank-after-handle", "LINE-1", "It puts a blank behind the >."),
    bug("sends-texts-twice", "CLIENT-7 LINE-1", "It sends each text twice."),
    bug("text-of-499", "LINE-4 ERR-7", "It takes a text of 500 octets for faulty."),
    bug("text-of-501", "ERR-8 ERR-7", "It shows a text of 501 octets."),
    bug("counts-characters", "ERR-8 ERR-7", "It counts the characters of a text, not its octets."),
    bug("handle-of-9", "LINE-3 ERR-7", "It takes a handle of 10 octets for faulty."),
    bug("handle-of-11", "ERR-7 LINE-3 CLIENT-2", "It accepts a handle of 11 octets."),
    bug("handle-has-blanks", "ERR-7 LINE-3 CLIENT-2", "It accepts a handle with blanks."),
    bug("handle-begins-with-dash", "ERR-7 LINE-3 CLIENT-2", "It accepts a handle like -a."),
    bug("dies-of-bad-utf-8", "ERR-7", "A text that is not UTF-8 ends the program."),
    bug("passes-bad-utf-8", "ERR-7", "It shows what is not UTF-8."),
    bug("passes-surrogates", "ERR-7", "It shows surrogates encoded in UTF-8."),
    bug("passes-escape", "ERR-7", "It shows the control character ESC."),
    bug("passes-c1", "ERR-7", "It shows the control characters U+0080 to U+009F."),
    bug("passes-del", "ERR-7", "It shows the control character U+007F."),
    bug("refuses-tab", "LINE-4 ERR-7", "It takes HTAB in a text for faulty."),
    bug("refuses-empty-text", "LINE-4 ERR-7", "It takes an empty text for faulty."),
    bug("shows-faulty-lines", "ERR-7", "It shows lines that break section 3."),
    bug("faulty-line-untold", "ERR-7", "It does not tell its user of a faulty line."),
    bug("faulty-line-ends", "ERR-7", "A faulty line ends it."),
    bug("faulty-line-gives-turn", "ERR-7", "A faulty line gives it the turn."),
    bug("goes-on-after-too-long", "ERR-8", "It goes on after a line that is too long."),
    bug("unknown-error-ignored", "ERR-6", "It ignores an error with a code that it does not know."),
    bug("quit-is-prefix", "CMD-1", "It takes a server's text that begins with a quit for one."),
    bug("quit-is-trimmed", "CMD-1", "It takes a server's quit with blanks around it for one."),
    bug("quit-in-any-case", "CMD-1", "It takes a server's quit in capitals for one."),
    bug("hides-unknown-commands", "CMD-1", "It hides the server's texts that begin with \\."),
    bug("typed-quit-is-prefix", "CMD-1", "It takes a typed \\quitting for a quit."),
    bug("typed-quit-is-trimmed", "CMD-1", "It takes a typed quit with blanks for a quit."),
    bug("typed-quit-is-text", "TERM-1 CLIENT-10", "It sends a typed quit and goes on."),
    bug("anybody-commands", "CMD-3", "It takes commands from anybody."),
    bug("commands-compare-case", "CMD-3", "It takes no commands from server in small letters."),
    bug("words-not-understood", "CMD-4", "It takes a command with words behind it for a text."),
    bug("shows-second-welcome", "CMD-5", "It shows a second welcome as a text."),
    bug("shows-presence-in-turns", "CMD-5", "It shows a joined in a turn session as a text."),
    bug("never-joins", "JOIN-4", "It does not join."),
    bug("joins-late", "JOIN-4", "It joins only when it has something to say."),
    bug("joins-with-version-2", "JOIN-4", "It joins with chat/2."),
    bug("waits-for-welcome", "JOIN-5", "It says nothing before it was welcomed."),
    bug("takes-later-version", "JOIN-6", "It takes a welcome with a later version."),
    bug("takes-second-welcome", "JOIN-6 JOIN-7", "It takes a second welcome."),
    bug("relay-keeps-turns", "JOIN-7", "It keeps to turns at a relay that welcomed it."),
    bug("relayed-lifts-nothing", "JOIN-7", "It keeps to turns after a text of somebody else."),
    bug("server-in-other-case-lifts", "JOIN-7", "A text of server in small letters lifts turns."),
    bug("turns-come-back", "JOIN-7", "A late welcome of a turn server brings turns back."),
    bug("welcome-gives-turn", "JOIN-5 STATE-1", "A welcome gives it the turn."),
    bug("text-before-welcome-no-turn", "JOIN-8", "A text before the welcome gives no turn."),
    bug("leaves-without-quit", "JOIN-9", "It leaves without a quit."),
    bug("quits-unwelcomed", "JOIN-9 STATE-1", "It says quit to a server that did not welcome it."),
    bug("waits-for-roster", "JOIN-10", "It waits for as many handles as the welcome counts."),
    bug("closes-when-leaving", "CLOSE-1", "It resets the connection when it leaves."),
    bug("ends-no-side", "CLOSE-1", "It waits for the server's end before it ends its own side."),
    bug("dies-of-reset", "CLOSE-4 TERM-6", "A reset makes it abort."),
    bug("reset-unnoticed", "CLOSE-4", "It does not notice a reset."),
    bug("reset-loses-lines", "CLOSE-4", "It drops the lines that came before a reset or an end."),
    bug("takes-any-handle", "CLIENT-2 LINE-3", "It takes any handle."),
    bug("takes-server", "CLIENT-2 LINE-12", "It takes the handle SERVER."),
    bug("takes-server-in-small-letters", "CLIENT-2 LINE-12", "It takes the handle server."),
    bug("cuts-long-handle", "CLIENT-2", "The rest of a long handle is its first text."),
    bug("refuses-handle-in-silence", "CLIENT-2", "It does not say why it refuses a handle."),
    bug("refused-handle-status-1", "CLIENT-2 TERM-5", "It ends with 1 for a handle refused."),
    bug(
        "asks-again-at-pipe", "CLIENT-2", "Without a terminal it takes the next line for a handle."
    ),
    bug("sends-typed-controls", "CLIENT-4 CLIENT-1", "It sends typed control characters."),
    bug("sends-typed-bad-utf-8", "CLIENT-4 CLIENT-1", "It sends typed octets as they are."),
    bug("replaces-in-silence", "CLIENT-4", "It replaces control characters and does not say so."),
    bug("refuses-in-silence", "CLIENT-4", "It refuses a text and does not say so."),
    bug("refused-text-ends", "CLIENT-4", "A text that it refuses ends it."),
    bug("long-text-sent-whole", "CLIENT-5 CLIENT-1", "It sends a long text whole."),
    bug("long-text-truncated", "CLIENT-5", "It sends only 500 octets of a long text."),
    bug("cuts-characters", "CLIENT-5 CLIENT-1", "It cuts a long text within characters."),
    bug("cut-loses-an-octet", "CLIENT-5", "Where it cuts a long text an octet is lost."),
    bug("pieces-backwards", "CLIENT-5", "It sends the pieces of a long text backwards."),
    bug("piece-is-quit", "CLIENT-5", "The last piece of a long text can be a quit."),
    bug(
        "splits-typed-at-100", "CLIENT-5", "It makes several texts of one of more than 100 octets."
    ),
    bug("shows-only-when-typed-at", "CLIENT-6", "It shows what came only when something is typed."),
    bug("ignores-turns", "CLIENT-7", "It sends at once whatever is typed."),
    bug("drops-texts-out-of-turn", "CLIENT-7", "It drops texts that are typed out of turn."),
    bug("hides-text-in-own-turn", "CLIENT-9 STATE-2", "It does not show a text in its own turn."),
    bug(
        "own-turn-text-gives-second",
        "CLIENT-9 STATE-2",
        "A text in its own turn gives it more turns.",
    ),
    bug("own-turn-text-takes-turn", "CLIENT-9 STATE-2", "A text in its own turn takes its turn."),
    bug("quit-drops-waiting", "CLIENT-10", "At a quit it drops the texts that wait."),
    bug("input-end-drops-waiting", "CLIENT-10", "At the end of input it drops texts that wait."),
    bug("input-end-ignored", "CLIENT-10", "The end of its input means nothing to it."),
    bug("quits-before-texts", "CLIENT-10", "It says quit before the texts that wait."),
    bug(
        "quit-sends-all-at-once", "CLIENT-10 CLIENT-7", "At a quit it sends all that waits at once."
    ),
    bug("takes-texts-after-quit", "CLIENT-10", "It takes texts after a quit was typed."),
    bug("never-gives-up", "CLIENT-11", "It waits without limit for an answer.", slow=True),
    bug("gives-up-after-a-second", "CLIENT-11", "It waits one second for an answer."),
    bug(
        "faulty-line-renews-patience",
        "CLIENT-11",
        "It waits for 30 seconds from a faulty line on.",
        slow=True,
    ),
    bug("second-quit-waits", "CLIENT-12", "It does not leave at once at a second quit."),
    bug("sigint-ignored", "CLIENT-12", "It ignores an interrupt."),
    bug("sigint-kills", "CLIENT-12 TERM-6", "An interrupt kills it."),
    bug("interrupt-status-130", "CLIENT-12 TERM-5", "At an interrupt it ends without a word."),
    bug("unsent-untold", "CLIENT-12", "It does not say how many texts were not sent."),
    bug(
        "late-error-status-1",
        "CLIENT-13 TERM-5",
        "An error after its own quit makes it end with 1.",
    ),
    bug("drops-lines-behind-handle", "TERM-1", "It drops lines that were typed with the handle."),
    bug("typed-cr-kept", "TERM-2", "It takes the CR of a typed line for text."),
    bug("typed-last-line-lost", "TERM-2", "It loses a last typed line without LF."),
    bug("typed-empty-line-ignored", "TERM-2", "It ignores an empty typed line."),
    bug("typed-lines-glued", "TERM-1 TERM-2", "Of lines typed at once it takes only the first."),
    bug("shows-blank-after-handle", "TERM-3 TERM-4", "It shows a blank behind the >."),
    bug("shows-without-handle", "TERM-3", "It shows texts without handles."),
    bug("shows-something-behind", "TERM-3 TERM-4", "It shows a blank behind the text."),
    bug("shows-nothing", "TERM-3", "It shows nothing that it receives."),
    bug("shows-twice", "TERM-4", "It shows each text twice."),
    bug("shows-invisible", "TERM-13", "It shows invisible characters at a terminal as they are."),
    bug("unconnected-status-0", "TERM-5", "It ends with 0 when it cannot connect."),
    bug("wrong-arguments-status-1", "TERM-5", "It ends with 1 for wrong arguments."),
    bug("error-status-0", "TERM-5", "It ends with 0 after an error."),
    bug("server-quit-status-1", "TERM-5", "It ends with 1 after the server's quit."),
    bug("server-quit-ignored", "TERM-5 CLOSE-1", "It stays after the server's quit."),
    bug("end-unwelcomed-status-1", "TERM-5", "It ends with 1 where it was never welcomed."),
    bug(
        "end-welcomed-status-0", "TERM-5", "It ends with 0 where the stream ended after a welcome."
    ),
    bug("end-of-stream-unnoticed", "TERM-5", "It stays when the stream has ended."),
    bug("reset-status-0", "TERM-5", "It ends with 0 after a reset before a welcome."),
    bug("unsent-status-0", "TERM-5", "It ends with 0 although texts were not sent."),
    bug("too-long-status-0", "TERM-5", "It ends with 0 after what was too long."),
    bug("dies-at-quit", "TERM-6", "SIGABRT ends it when its user quits."),
    bug("dies-of-long-text", "TERM-6", "SIGSEGV ends it at a text of more than 256 octets."),
    bug("dies-of-sigpipe", "TERM-6", "SIGPIPE ends it."),
)

ODDITIES: tuple[Oddity, ...] = (
    *tls.CLIENT_ODDITIES,
    Oddity("reads-one-octet", "It reads 1 octet at a time.", "STREAM-1: reads mean nothing."),
    Oddity("reads-512-octets", "It reads 512 octets at a time.", "STREAM-1: reads mean nothing."),
    Oddity("late", "It does everything 20 ms late.", "No requirement is as quick."),
    Oddity("writes-in-two-pieces", "It writes each line in two pieces.", "STREAM-1."),
    Oddity("resets-after-drain", "After its drain it closes by a reset.", "CLOSE-1: it may close."),
    Oddity("drains-one-second", "It discards for 1 second or 262,144 octets.", "CLOSE-1: MAY."),
    Oddity(
        "drains-thirty-seconds", "It discards for nearly 30 seconds.", "CLOSE-1: at the latest."
    ),
    Oddity("drains-after-error", "It drains after an error, too.", "CLOSE-2 is a MAY."),
    Oddity("connects-first", "It connects before it reads the handle.", "TERM-1: before or after."),
    Oddity("first-text-with-join", "Its first text comes with its join.", "JOIN-5: may follow."),
    Oddity("prompts", "A prompt stands before each text that it shows.", "TERM-3: may stand."),
    Oddity("colours", "It shows texts in colours.", "TERM-3: colours may stand before it."),
    Oddity("notices", "A notice precedes each text that it shows.", "TERM-3: lines of its own."),
    Oddity("echoes-typed", "It shows what its user typed.", "TERM-4: received or typed."),
    Oddity("replaces-controls", "It replaces control characters and says so.", "CLIENT-4: or."),
    Oddity("quiet-after-quit", "It shows nothing after its quit.", "CLIENT-13 is a MAY."),
    Oddity("hides-presence", "It does not tell who comes and goes.", "No requirement to tell."),
)


def main(arguments: list[str]) -> int:
    """Run the client; the exit status."""
    parser = switches("client", BUGS, ODDITIES)
    parser.add_argument("--patience", type=float, default=UNANSWERED_SECONDS)
    parser.add_argument("--tls", action="store_true")
    for name in ("--ca", "--cert", "--key"):
        parser.add_argument(name, metavar="FILE")
    parser.add_argument("address", nargs="*", metavar="HOST PORT")
    options = parser.parse_args(arguments)
    if len(options.address) != 2 or not options.address[1].isdecimal():
        print("usage: client HOST PORT", file=sys.stderr)
        return 1 if options.bug == "wrong-arguments-status-1" else WRONG
    host, port = options.address
    files = Files(options.cert, options.key, options.ca) if options.tls else None
    user = User(host, int(port), options.patience, options.bug, options.odd, files)
    try:
        status = user.run()
    except ConnectionError:  # only with the bug dies-of-reset
        os.kill(os.getpid(), signal.SIGABRT)
    user.screen.close()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
