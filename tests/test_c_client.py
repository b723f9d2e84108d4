"""The C client as a whole: the program against servers that follow a script.

The servers are plain sockets in this file; nothing of chatproto is used. With
pipes the program is checked by what it writes, at a pseudo-terminal by what
then stands on the screen. Nothing here sleeps: everything waits for an event,
with a deadline. `CHATCLIENT` names the program to test; without it one is built
for each line editor that is found here, and the tests at a terminal are run with
all of them.
"""

from __future__ import annotations

import os
import re
import resource
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path

import pexpect
import pyte
import pytest

from tests.c_build import C_CLIENT, tried
from tests.programs import nobodys_port
from tests.screen import all_written, end

DEADLINE = float(os.environ.get("DEADLINE", "20"))  # seconds; a test that waits so long has failed
LOOKS, LOOK_SECONDS = 10, 0.05
ATTEMPTS = 5
"""So often a program is seen asleep before it is known to wait."""
QUESTION = "What would you like your chat handle to be>"


EDITORS = ("readline", "libedit", "none")


@cache
def build(editor: str) -> str | None:
    """The program with that line editor; None: it cannot be built here."""
    directory = f"build/{editor}"
    made = tried(f"LINE_EDITOR={editor}", f"BUILD={directory}", f"CLIENT={directory}/chatclient")
    if "cannot be used" in made.stderr:
        return None
    assert made.returncode == 0, made.stderr
    return str(C_CLIENT / directory / "chatclient")


def find_program(editor: str) -> str | None:
    """The program to test, if it has that line editor."""
    named = os.environ.get("CHATCLIENT")
    if not named:
        return build(editor)
    path = Path(named).resolve()
    code = path.read_bytes()
    linked = (name for name in ("libedit", "readline") if f"{name}.so".encode() in code)
    return str(path) if next(linked, "none") == editor else None


def octets(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(DEADLINE)
        self.read = b""

    def send(self, *lines: str | bytes) -> None:
        self.sock.sendall(b"".join(octets(line) + b"\n" for line in lines))

    def line(self) -> str:
        while b"\n" not in self.read:
            data = self.sock.recv(65536)
            assert data, f"the stream ended after {self.read!r}"
            self.read += data
        line, _, self.read = self.read.partition(b"\n")
        return line.decode()

    def expect(self, *lines: str) -> None:
        for line in lines:
            assert self.line() == line

    def expect_end(self) -> None:
        """The client has said all; it is not reset."""
        assert self.read + self.sock.recv(1) == b""

    def silent(self, until: Callable[[], object]) -> None:
        """Nothing was sent when that which is waited for had happened."""
        until()
        self.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            self.read += self.sock.recv(65536)
        self.sock.settimeout(DEADLINE)
        assert self.read == b""

    def end(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Server:
    def __init__(self, host: str = "127.0.0.1") -> None:
        self.sock = socket.create_server(
            (host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        self.sock.settimeout(DEADLINE)
        self.host, self.port = host, str(self.sock.getsockname()[1])
        self.peers: list[Peer] = []

    def accept(self) -> Peer:
        sock, _ = self.sock.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peers.append(Peer(sock))
        return self.peers[-1]

    def close(self) -> None:
        for peer in self.peers:
            peer.close()
        self.sock.close()


def is_asleep(pid: int) -> bool:
    """Whether a process waits for something else than a processor."""
    if sys.platform != "linux":
        return True
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "S"


class Piped:
    """The program with pipes for standard input, output and error."""

    def __init__(self, *command: str, **options: object) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},  # type: ignore[call-overload]
        )
        self.out, self.err = b"", b""
        self.selector = selectors.DefaultSelector()
        for name in ("out", "err"):
            stream = getattr(self.process, f"std{name}")
            if stream:
                self.selector.register(stream, selectors.EVENT_READ, name)

    def type(self, *lines: str | bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"".join(octets(line) + b"\n" for line in lines))
        self.process.stdin.flush()

    def type_until_blocked(self, line: str) -> None:
        """Types a line again and again, until the program reads no more, with time to do so."""
        assert self.process.stdin
        descriptor, rest = self.process.stdin.fileno(), b""
        os.set_blocking(descriptor, False)
        asleep = 0
        while asleep < LOOKS:
            if select.select([], [descriptor], [], LOOK_SECONDS)[1]:
                rest = rest or octets(line + "\n") * 100
                rest = rest[os.write(descriptor, rest) :]
                asleep = 0
            else:
                asleep += is_asleep(self.process.pid)

    def end_input(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    def _read(self, deadline: float) -> None:
        for key, _ in self.selector.select(max(0.0, deadline - time.monotonic())):
            data = os.read(key.fd, 65536)
            if not data:
                self.selector.unregister(key.fileobj)
            setattr(self, key.data, getattr(self, key.data) + data)

    def until(self, wanted: str | bytes, where: str = "out") -> None:
        deadline = time.monotonic() + DEADLINE
        while octets(wanted) not in getattr(self, where):
            assert time.monotonic() < deadline, f"no {wanted!r} in {self.out!r} {self.err!r}"
            assert self.selector.get_map(), f"no {wanted!r}, but an end: {self.out!r} {self.err!r}"
            self._read(deadline)

    def finish(self) -> int:
        """Waits for the end of the program by itself; its exit status."""
        deadline = time.monotonic() + DEADLINE
        while self.selector.get_map():
            assert time.monotonic() < deadline, f"still running: {self.out!r} {self.err!r}"
            self._read(deadline)
        return int(self.process.wait(max(0.0, deadline - time.monotonic())))

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with suppress(BrokenPipeError):
                    stream.close()
        self.selector.close()


class Terminal:
    """The program at a pseudo-terminal, with a screen that shows what a person sees."""

    def __init__(self, *command: str, rows: int = 24, columns: int = 80) -> None:
        self.child = pexpect.spawn(
            command[0],
            list(command[1:]),
            dimensions=(rows, columns),
            timeout=DEADLINE,
            env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", "INPUTRC": "/dev/null"},
        )
        self.child.delaybeforesend = None
        self.attributes = termios.tcgetattr(self.child.child_fd)
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)

    @property
    def rows(self) -> list[str]:
        return [row.rstrip() for row in self.screen.display]

    @property
    def last(self) -> str:
        """The row in which the cursor is."""
        return self.rows[self.screen.cursor.y]

    def wait(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert self._read(deadline), f"{what}: not on the screen:\n" + "\n".join(self.rows)

    def _read(self, deadline: float) -> bool:
        """False: it is too late, or the end of the program."""
        try:
            left = max(0.0, deadline - time.monotonic())
            self.stream.feed(self.child.read_nonblocking(65536, timeout=left))
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        return True

    def until(self, text: str) -> None:
        """Waits until a row ends in the text."""
        self.wait(lambda: any(row.endswith(text) for row in self.rows), text)

    def until_last(self, text: str) -> None:
        """Waits until the row of the cursor is the text."""
        self.wait(lambda: self.last == text, text)

    def until_anywhere(self, text: str) -> None:
        self.wait(lambda: self.shows(text), text)

    def shows(self, text: str) -> int:
        """How often it is on the screen, over the ends of rows too."""
        return "".join(self.screen.display).count(text)

    def in_colour(self, row: str) -> bool:
        """Whether the last row that reads so begins in colour; a text cannot."""
        at = max(y for y, shown in enumerate(self.rows) if shown == row)
        return bool(self.screen.buffer[at][0].fg != "default")

    def press(self, keys: str) -> None:
        self.child.send(keys)

    def type(self, *lines: str) -> None:
        for line in lines:
            self.child.send(line + "\r")

    def finish(self) -> int:
        """Waits for the end of the program by itself; its exit status."""
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            pass
        assert time.monotonic() < deadline, "still running:\n" + "\n".join(self.rows)
        self.child.wait()
        assert self.child.signalstatus is None
        return int(self.child.exitstatus)

    def close(self) -> None:
        end(self.child)


class Starter:
    """Starts what a test needs; the fixture ends it."""

    def __init__(self, editor: str, stack: ExitStack) -> None:
        program = find_program(editor)
        if program is None:
            pytest.skip(f"no program with the line editor {editor}")
        self.program, self.editor, self.stack = program, editor, stack
        self.server = self.serve()

    def serve(self, host: str = "127.0.0.1") -> Server:
        server = Server(host)
        self.stack.callback(server.close)
        return server

    def pipes(self, *arguments: str, **options: object) -> Piped:
        piped = Piped(self.program, *arguments, **options)
        self.stack.callback(piped.close)
        return piped

    def terminal(self, *arguments: str, rows: int = 24, columns: int = 80) -> Terminal:
        terminal = Terminal(self.program, *arguments, rows=rows, columns=columns)
        self.stack.callback(terminal.close)
        return terminal

    @property
    def address(self) -> tuple[str, ...]:
        return self.server.host, self.server.port

    def piped_chat(self, *options: str) -> tuple[Piped, Peer]:
        """With pipes, connected, as ann; `\\join` was read."""
        client = self.pipes(*options, *self.address)
        peer = self.server.accept()
        client.type("ann")
        peer.expect(r"ann>\join chat/1")
        return client, peer

    def chat(self, kind: str = "turns", *options: str) -> tuple[Piped, Peer]:
        """The same, and welcomed."""
        client, peer = self.piped_chat(*options)
        peer.send(rf"SERVER>\welcome chat/1 {kind}")
        client.until("-- Welcome")
        return client, peer

    def left(
        self, goes_on: Callable[[Piped, Peer], None], *typed: str, kind: str = "turns"
    ) -> tuple[Piped, Peer]:
        r"""After its \quit and end, and what may go on within a second of that (CLOSE-1). It
        begins anew where the machine was too slow for it.
        """
        for _ in range(ATTEMPTS):
            client, peer = self.chat(kind)
            begin = time.monotonic()
            client.type("\\quit", *typed)
            peer.expect(r"ann>\quit")
            peer.expect_end()
            try:
                goes_on(client, peer)
            except (AssertionError, OSError):
                if time.monotonic() - begin < 0.9:
                    raise
            else:
                return client, peer
        raise AssertionError("never within a second")

    def terminal_chat(
        self, kind: str = "turns", *options: str, **size: int
    ) -> tuple[Terminal, Peer]:
        """At a terminal, welcomed as ann, the prompt on the screen."""
        client = self.terminal(*options, *self.address, **size)
        peer = self.server.accept()
        client.until_anywhere(QUESTION)
        client.type("ann")
        peer.expect(r"ann>\join chat/1")
        peer.send(rf"SERVER>\welcome chat/1 {kind}")
        client.until_anywhere("-- Welcome")
        client.until_last("ann>")
        return client, peer


@pytest.fixture
def start() -> Iterator[Starter]:
    """For tests with pipes: any line editor will do, for it has nothing to do."""
    with ExitStack() as stack:
        yield Starter(next(editor for editor in EDITORS if find_program(editor)), stack)


@pytest.fixture(params=EDITORS)
def at_terminal(request: pytest.FixtureRequest) -> Iterator[Starter]:
    """For tests at a terminal: once with each line editor."""
    with ExitStack() as stack:
        yield Starter(request.param, stack)


@pytest.fixture(params=[editor for editor in EDITORS if editor != "none"])
def with_editor(request: pytest.FixtureRequest) -> Iterator[Starter]:
    """For tests of what a terminal cannot do by itself."""
    with ExitStack() as stack:
        yield Starter(request.param, stack)


def leave(client: Piped, peer: Peer) -> int:
    """The input ends, and all is in order: \\quit, end, end, status."""
    client.end_input()
    peer.expect(r"ann>\quit")
    peer.expect_end()
    peer.close()
    status = client.finish()
    assert client.out.endswith(b"Disconnected from server\n")
    return status


# ---- arguments ----


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["localhost"],
        ["localhost", "1", "2"],
        ["", "1"],
        ["localhost", ""],
        ["localhost", "0"],
        ["localhost", "65536"],
        ["localhost", "99999999999999999999"],
        ["localhost", "-1"],
        ["localhost", "+1"],
        ["localhost", "1x"],
        ["localhost", "http"],
        ["--no-such-option", "localhost", "1"],
        ["--patience"],
        ["--patience", "x", "localhost", "1"],
        ["--patience", "", "localhost", "1"],
        ["--patience", "-1", "localhost", "1"],
        ["--patience", "1.2.3", "localhost", "1"],
        ["--patience", "inf", "localhost", "1"],
        ["--ca"],
        ["--tls", "--ca"],
        ["--ca", "file", "localhost", "1"],
        ["--cert", "file", "localhost", "1"],
        ["--cert", "file", "--key", "file", "localhost", "1"],
        ["--tls", "--key", "file", "localhost", "1"],
    ],
)
def test_wrong_arguments(start: Starter, arguments: list[str]) -> None:
    """TERM-5: status 2, one sentence and a hint, nothing else."""
    client = start.pipes(*arguments)
    assert client.finish() == 2
    assert client.out == b""
    assert re.match(rb"chatclient: [^\n]+\.\nUsage: chatclient [^\n]+\n", client.err)


def test_help_and_version(start: Starter) -> None:
    client = start.pipes("--help")
    assert client.finish() == 0
    assert re.search(rb"Usage: chatclient \[--patience SECONDS\] .* HOST PORT\n", client.out)
    client = start.pipes("--version")
    assert client.finish() == 0
    assert re.fullmatch(
        rb"chatclient 0\.1\.0 \(chat/1\)\nline editor: [^\n]+\nTLS: [^\n]+\n", client.out
    )


# ---- connecting ----


def test_refused_connection(start: Starter) -> None:
    """TERM-5: status 1, and never silent."""
    host = "127.0.0.1"
    with nobodys_port(host) as port:
        client = start.pipes(host, str(port))
        assert client.finish() == 1
    assert client.out == f"Connecting to {host} ({host}) port {port}\n".encode()
    assert b"Connection refused" in client.err and b"Is the server running" in client.err


def test_unknown_host(start: Starter) -> None:
    client = start.pipes("no-such-host.invalid", "1")
    assert client.finish() == 1
    assert b"no-such-host.invalid" in client.err and b"Is the name right?" in client.err


def test_ipv6(start: Starter) -> None:
    server = start.serve("::1")
    client = start.pipes("::1", server.port)
    peer = server.accept()
    client.type("ann")
    peer.expect(r"ann>\join chat/1")
    client.until(f"Connecting to ::1 (::1) port {server.port}\n")


def test_each_address_is_tried(start: Starter) -> None:
    """A name with several addresses, of which one alone answers."""
    addresses = {info[4][0] for info in socket.getaddrinfo("localhost", 1, type=socket.SOCK_STREAM)}
    if len(addresses) < 2:
        pytest.skip("localhost has one address only here")
    for host in sorted(addresses):
        server = start.serve(str(host))
        client = start.pipes("localhost", server.port)
        server.accept()
        client.until(f"({host}) port {server.port}\n")


# ---- the handle ----


@pytest.mark.parametrize(
    "handle", ["", "-ann", "ann>", "ann smith", "abcdefghijk", "SERVER", "server", "zoë", "a\tb"]
)
def test_bad_handle_with_pipes(start: Starter, handle: str) -> None:
    """CLIENT-2: says why, status 2, nothing sent."""
    client = start.pipes(*start.address)
    peer = start.server.accept()
    client.type(handle, "hello")
    peer.expect_end()
    peer.close()
    assert client.finish() == 2
    assert b"That is no handle." in client.err


@pytest.mark.parametrize("handle", ["a", "0", "A-_.z", "abcdefghij", "SERVERS"])
def test_good_handles(start: Starter, handle: str) -> None:
    client = start.pipes(*start.address)
    peer = start.server.accept()
    client.type(handle)
    peer.expect(rf"{handle}>\join chat/1")


def test_no_handle(start: Starter) -> None:
    """The end of input before a handle: nothing sent, status 0."""
    client = start.pipes(*start.address)
    peer = start.server.accept()
    client.end_input()
    peer.expect_end()
    peer.close()
    assert client.finish() == 0
    assert client.err == b""


def test_full_before_the_handle(start: Starter) -> None:
    client = start.pipes(*start.address)
    peer = start.server.accept()
    peer.send(r"SERVER>\error full")
    peer.expect_end()
    assert client.finish() == 1
    assert b"(full)" in client.err


def test_last_line_without_lf(start: Starter) -> None:
    """TERM-2: it counts, be it the handle or a text; CR LF is a line end."""
    client = start.pipes(*start.address)
    peer = start.server.accept()
    assert client.process.stdin
    client.process.stdin.write(b"ann\r\nhello\r\n\r\nlast")
    client.end_input()
    peer.expect(r"ann>\join chat/1", "ann>hello")
    peer.send("SERVER>one")
    peer.expect("ann>")
    peer.send("SERVER>two")
    peer.expect("ann>last")
    peer.expect_end()
    peer.close()
    assert client.finish() == 0

    client = start.pipes(*start.address)
    peer = start.server.accept()
    assert client.process.stdin
    client.process.stdin.write(b"ann")
    client.end_input()
    peer.expect(r"ann>\join chat/1")
    peer.expect_end()


# ---- talking ----


def test_first_text_waits_for_nothing(start: Starter) -> None:
    """JOIN-4, JOIN-5, JOIN-8: a server that knows no commands needs no special case."""
    client, peer = start.piped_chat()
    client.type("hello")
    peer.expect("ann>hello")
    client.type("more")
    peer.send("SERVER>what do you want to join?")
    peer.expect("ann>more")
    client.end_input()
    peer.expect_end()  # JOIN-9: not welcomed, so no \quit
    peer.close()
    assert client.finish() == 0
    assert b"SERVER>what do you want to join?\n" in client.out


def test_turns(start: Starter) -> None:
    """CLIENT-7: one text a turn; CLIENT-9: a text out of turn is shown, and no turn."""
    client, peer = start.chat()
    client.type("one", "two", "three")
    peer.expect("ann>one")
    for number in ["two", "three"]:
        peer.silent(lambda: None)
        peer.send(f"SERVER>before {number}")
        peer.expect(f"ann>{number}")
    peer.send("SERVER>it is your turn", "SERVER>still")
    client.until("SERVER>still\n")
    client.type("four", "five")
    peer.expect("ann>four")
    peer.silent(lambda: None)
    peer.send("SERVER>go on")
    peer.expect("ann>five")
    assert leave(client, peer) == 0
    for text in ["before two", "before three", "it is your turn", "still", "go on"]:
        assert client.out.count(f"\nSERVER>{text}\n".encode()) == 1


def test_relay(start: Starter) -> None:
    """JOIN-7: no turns after \\welcome relay; presence is told, and looks like no message."""
    client, peer = start.chat("relay here=1")
    peer.send(r"SERVER>\joined bob carl", "bob>hi", r"SERVER>\left bob", r"dave>\quit")
    client.until("dave>\\quit\n")
    client.type("one", "two", "three")
    peer.expect("ann>one", "ann>two", "ann>three")
    assert leave(client, peer) == 0
    assert b"\n-- Here: bob carl\nbob>hi\n-- Gone: bob\ndave>\\quit\n" in client.out


def test_a_relayed_text_lifts_turns(start: Starter) -> None:
    """JOIN-7: before \\welcome, and a later \\welcome turns brings nothing back."""
    client, peer = start.piped_chat()
    client.type("one")
    peer.expect("ann>one")
    peer.send("bob>anyone here?", r"SERVER>\welcome chat/1 turns")
    client.until("-- Welcome")
    client.type("two", "three")
    peer.expect("ann>two", "ann>three")
    assert leave(client, peer) == 0


def test_commands_out_of_place(start: Starter) -> None:
    """CMD-5, JOIN-6, STATE-2: ignored, and never shown."""
    client, peer = start.piped_chat()
    peer.send(r"SERVER>\welcome chat/2 relay", r"SERVER>\welcome chat/1 turns")
    peer.send(r"SERVER>\welcome chat/1 relay", r"SERVER>\joined bob", r"SERVER>\left bob")
    peer.send(r"SERVER>\quit now", r"SERVER>\joined a:b")
    client.until("SERVER>\\joined a:b\n")
    client.type("one", "two")
    peer.expect("ann>one")
    peer.silent(lambda: None)
    peer.send("server>go on")
    peer.expect("ann>two")
    assert leave(client, peer) == 0
    assert client.out.count(b"-- Welcome") == 1
    assert b"\\welcome" not in client.out and b"bob" not in client.out
    assert b"\nSERVER>\\quit now\n" in client.out


def test_texts_are_shown_as_they_are(start: Starter) -> None:
    """TERM-3, LINE-2, LINE-10: every octet, once, at once."""
    texts = [
        "",
        " ",
        "\t",
        "a > b >",
        " e\u0301 \u00e9 ",
        "\u202e\u2028\U0001f600",
        r"\o/",
        "x" * 500,
    ]
    client, peer = start.chat("relay")
    for text in texts:
        peer.send(f"bob>{text}")
        client.until(f"\nbob>{text}\n")
    assert leave(client, peer) == 0
    shown = client.out.split(b"\n")
    for text in texts:
        assert shown.count(f"bob>{text}".encode()) == 1


def test_line_ends(start: Starter) -> None:
    """LINE-5, LINE-6."""
    client, peer = start.chat("relay")
    peer.sock.sendall(b"\n\r\n\0bob>cr lf\r\nbob>nul\0bob>end\n")
    client.until("\nbob>cr lf\nbob>nul\nbob>end\n")
    assert leave(client, peer) == 0
    assert client.err == b""


def test_octet_by_octet(start: Starter) -> None:
    """STREAM-1: cut anywhere, it is the same."""
    client, peer = start.piped_chat()
    for octet in "SERVER>\\welcome chat/1 relay\nbob>café\r\nSERVER>\\joined x\nbob>end\n".encode():
        peer.sock.sendall(bytes([octet]))
    client.until("-- Here: x\nbob>end\n")
    assert "bob>café\n".encode() in client.out
    assert leave(client, peer) == 0


def test_nothing_is_written_twice(start: Starter) -> None:
    """TERM-4: no line ends like a message that is none; a pipe's input is not repeated."""
    client, peer = start.chat("relay")
    client.type("one", "two")
    peer.expect("ann>one", "ann>two")
    peer.send("bob>three")
    client.until("bob>three\n")
    assert leave(client, peer) == 0
    ends = re.findall(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,9}>.*", client.out + client.err)
    assert ends == [b"bob>three"]


# ---- what is typed ----


@pytest.mark.parametrize(
    "text", [b"a\x1b[2J", b"caf\xe9", b"a\x7fb", b"\xc2\x85", b"a\rb", b"a\0b"]
)
def test_refused_texts(start: Starter, text: bytes) -> None:
    """CLIENT-4: refused, and said so; what follows is sent."""
    client, peer = start.chat("relay")
    client.type(text, "good")
    peer.expect("ann>good")
    client.until("-- Not sent: a text must be UTF-8 without control characters.", "err")
    assert leave(client, peer) == 0


@pytest.mark.parametrize(
    "text",
    [
        "x" * 500,
        "x" * 501,
        "x" * 5000,
        "é" * 251,
        "x" * 499 + "é",
        "€" * 1000,
        "\U0001f600" * 500,
        "x" * 500 + "\\quit",
        "x" * 498 + "é\\quit",
        "x" * 1000 + "\\quit",
        "\\quit" * 300,
    ],
)
def test_long_texts(start: Starter, text: str) -> None:
    """CLIENT-5: cut between code points, none lost, and no piece is a command."""
    client, peer = start.chat("relay")
    client.type(text, "behind it")
    pieces = []
    while (line := peer.line()) != "ann>behind it":
        pieces.append(line.removeprefix("ann>"))
    assert "".join(pieces) == text
    assert all(len(piece.encode()) <= 500 and piece != "\\quit" for piece in pieces)
    assert len(pieces) <= len(text.encode()) // 496 + 1
    assert leave(client, peer) == 0


def test_long_text_by_turns(start: Starter) -> None:
    """CLIENT-5, CLIENT-7: one piece a turn."""
    client, peer = start.chat()
    client.type("x" * 1200)
    for length in (500, 500, 200):
        peer.expect("ann>" + "x" * length)
        peer.silent(lambda: None)
        peer.send("SERVER>go on")
        client.until("go on\n")
    assert leave(client, peer) == 0


def test_a_line_of_more_than_a_mebioctet(start: Starter) -> None:
    client, peer = start.chat("relay")
    client.type("x" * 1048577, "good")
    peer.expect("ann>good")
    client.until("longer than 1 MiB", "err")
    assert leave(client, peer) == 1
    assert b"-- 1 text was not sent." in client.err


def test_commands_of_the_server_are_texts_here(start: Starter) -> None:
    """CMD-1: only `\\quit` is a command of the client's after its first line."""
    client, peer = start.chat("relay")
    texts = [r"\join chat/1", r"\quit ", r" \quit", r"\QUIT", r"\quitting", r"\error full", "\\"]
    client.type(*texts)
    peer.expect(*(f"ann>{text}" for text in texts))
    assert leave(client, peer) == 0


def test_texts_by_the_thousand(start: Starter) -> None:
    """Nothing is lost, and all is in order, to a server that does not read at first."""
    client, peer = start.chat("relay")
    texts = [f"{number} {'x' * (number % 450)}" for number in range(40_000)]
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.read())"],
        stdin=subprocess.PIPE,
        stdout=client.process.stdin,
        text=True,
    ) as feeder:
        client.end_input()  # this end of it
        assert feeder.stdin
        feeder.stdin.write("\n".join(texts))
        feeder.stdin.close()
        peer.send("bob>do you see this?")
        client.until("bob>do you see this?\n")
        peer.expect(*(f"ann>{text}" for text in texts))
    peer.expect(r"ann>\quit")
    peer.expect_end()
    peer.close()
    assert client.finish() == 0


# ---- leaving ----


def test_quit(start: Starter) -> None:
    """CLIENT-10, JOIN-9, CLOSE-1: \\quit, end, and what still comes is shown."""

    def goes_on(client: Piped, peer: Peer) -> None:
        peer.send("SERVER>good bye")
        client.until("SERVER>good bye\n")

    client, peer = start.left(goes_on, "too late")
    peer.close()
    assert client.finish() == 0
    assert client.out.endswith(b"Disconnected from server\n")


@pytest.mark.parametrize("last", [(), ("\\quit",)], ids=["end", "quit and end"])
def test_waiting_texts_go_before_leaving(start: Starter, last: tuple[str, ...]) -> None:
    """CLIENT-10: one a turn, then \\quit; the input ended long before."""
    client, peer = start.chat()
    client.type("one", "two", "three", *last)
    client.end_input()
    for number in ["one", "two", "three"]:
        peer.expect(f"ann>{number}")
        if number != "three":
            peer.silent(lambda: None)
            peer.send(f"SERVER>re {number}")
    peer.expect(r"ann>\quit")
    peer.expect_end()
    peer.close()
    assert client.finish() == 0
    assert b"SERVER>re two\n" in client.out


def test_patience(start: Starter) -> None:
    """CLIENT-11: after that time without a text all goes at once."""
    client, peer = start.chat("turns", "--patience", "0.3")
    begin = time.monotonic()
    client.type("one", "two", "three", "\\quit")
    peer.expect("ann>one")
    peer.expect("ann>two", "ann>three", r"ann>\quit")
    assert time.monotonic() - begin > 0.25
    peer.expect_end()
    peer.close()
    assert client.finish() == 0


def test_patience_begins_anew_with_each_text(start: Starter) -> None:
    """CLIENT-11: counted from the last text that arrived after the leaving."""
    client, peer = start.chat("turns", "--patience", "2")
    client.type("one", "two", "three", "four", "\\quit")
    peer.expect("ann>one")
    for number in ["two", "three"]:
        begin = time.monotonic()
        peer.send("SERVER>go on")
        peer.expect(f"ann>{number}")
    peer.expect("ann>four", r"ann>\quit")
    assert time.monotonic() - begin > 1.9


def test_patience_of_nothing(start: Starter) -> None:
    client, peer = start.chat("turns", "--patience", "0")
    client.type("one", "two", "three")
    client.end_input()
    peer.expect("ann>one", "ann>two", "ann>three", r"ann>\quit")


def test_patience_before_welcome(start: Starter) -> None:
    """A server that never says anything: the texts go, and no \\quit."""
    client, peer = start.piped_chat("--patience", "0")
    client.type("one", "two")
    client.end_input()
    peer.expect("ann>one", "ann>two")
    peer.expect_end()
    peer.close()
    assert client.finish() == 0


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGHUP", "quit"])
def test_leaving_at_once(start: Starter, how: str) -> None:
    """CLIENT-12: says how many texts were not sent; status 1."""
    client, peer = start.chat()
    client.type("one", "two", "three")
    peer.expect("ann>one")
    if how == "quit":
        client.type("\\quit", "\\quit")
    else:
        client.type("bad \x01")  # read after the texts that wait
        client.until("-- Not sent", "err")
        client.process.send_signal(getattr(signal, how))
    peer.expect(r"ann>\quit")
    peer.expect_end()
    peer.close()
    assert client.finish() == 1
    assert b"-- 2 texts were not sent.\n" in client.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_with_nothing_unsent(start: Starter, number: signal.Signals) -> None:
    client, peer = start.chat()
    client.process.send_signal(number)
    peer.expect(r"ann>\quit")
    peer.expect_end()
    peer.close()
    assert client.finish() == 0


def test_interrupt_before_the_handle(start: Starter) -> None:
    client = start.pipes(*start.address)
    peer = start.server.accept()
    client.until("Connecting")
    client.process.send_signal(signal.SIGTERM)
    peer.expect_end()
    peer.close()
    assert client.finish() == 0


def test_interrupt_while_the_server_does_not_read(start: Starter) -> None:
    """CLIENT-12, STREAM-2: at once, and what was sent is whole lines but the last."""
    client, peer = start.chat("relay")
    client.type_until_blocked("x" * 499)
    peer.send("bob>hello?")
    client.until("bob>hello?\n")
    client.process.send_signal(signal.SIGINT)
    begin = time.monotonic()
    assert client.finish() == 1
    assert time.monotonic() - begin < 5
    assert re.search(rb"-- \d+ texts were not sent\.", client.err)


def test_draining_ends(start: Starter) -> None:
    """CLOSE-1: a server that never ends is waited for a second, no longer."""
    client, peer = start.chat()
    begin = time.monotonic()
    client.type("\\quit")
    peer.expect(r"ann>\quit")
    peer.expect_end()
    assert client.finish() == 0
    assert 0.8 < time.monotonic() - begin < 10


def test_draining_has_a_bound(start: Starter) -> None:
    """CLOSE-1: a server that never stops talking is not listened to for ever."""
    client, peer = start.chat("relay")
    client.type("\\quit")
    peer.expect(r"ann>\quit")

    def talk() -> None:
        with suppress(OSError):
            while True:
                peer.send(*["bob>" + "x" * 400] * 100)

    talking = threading.Thread(target=talk)
    talking.start()
    assert client.finish() == 0
    talking.join()


def test_reset_after_leaving(start: Starter) -> None:
    """CLIENT-13: nothing that arrives then changes the status."""

    def goes_on(client: Piped, peer: Peer) -> None:
        peer.send(r"SERVER>\error idle", "bad")
        client.until("(malformed)", "err")
        peer.reset()

    client, _ = start.left(goes_on)
    assert client.finish() == 0
    assert b"idle" not in client.err


# ---- the server leaves ----


def test_server_quits(start: Starter) -> None:
    client, peer = start.chat()
    peer.send("SERVER>closing time", r"SERVER>\quit")
    peer.expect_end()
    assert client.finish() == 0
    assert b"SERVER>closing time\n-- The server has left.\n" in client.out
    assert client.out.endswith(b"Disconnected from server\n")


def test_server_quits_before_welcome(start: Starter) -> None:
    client, peer = start.piped_chat()
    peer.send(r"SERVER>\quit")
    peer.expect_end()
    assert client.finish() == 0


def test_server_quits_while_texts_wait(start: Starter) -> None:
    """TERM-5: typed texts are left unsent."""
    client, peer = start.chat()
    client.type("one", "two")
    peer.expect("ann>one")
    client.type("bad \x01")
    client.until("-- Not sent", "err")
    peer.send(r"SERVER>\quit")
    assert client.finish() == 1
    assert b"-- 1 text was not sent.\n" in client.err


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("too-long", "too long"),
        ("malformed", "no proper handle"),
        ("encoding", "UTF-8"),
        ("handle-reserved", "the server's own"),
        ("handle-changed", "changed"),
        ("handle-taken", "somebody else"),
        ("too-slow", "too slowly"),
        ("full", "no room"),
        ("idle", "your turn for minutes"),
        ("removed", "removed you"),
        ("no-such-code", "does not know"),
    ],
)
def test_errors(start: Starter, code: str, meaning: str) -> None:
    """TERM-5, ERR-6: in words, status 1; what follows is discarded."""
    client, peer = start.chat()
    peer.send(rf"SERVER>\error {code} words bob>behind", "SERVER>discarded")
    peer.expect_end()
    assert client.finish() == 1
    assert meaning.encode() in client.err and f"({code})".encode() in client.err
    assert b"discarded" not in client.out and b"behind" not in client.out + client.err


def test_end_of_stream_after_welcome(start: Starter) -> None:
    """TERM-5: the connection is lost."""
    client, peer = start.chat()
    peer.send("SERVER>hello")
    peer.end()
    peer.expect_end()
    assert client.finish() == 1
    assert b"SERVER>hello\n" in client.out and b"lost" in client.err


def test_end_of_stream_before_welcome(start: Starter) -> None:
    client, peer = start.piped_chat()
    peer.send("SERVER>hello")
    peer.end()
    peer.expect_end()
    assert client.finish() == 0
    assert b"SERVER>hello\n" in client.out


@pytest.mark.parametrize("welcomed", [True, False])
def test_reset(start: Starter, welcomed: bool) -> None:
    """TERM-5, CLOSE-4: a reset at any time is a loss."""
    client, peer = start.chat() if welcomed else start.piped_chat()
    peer.reset()
    assert client.finish() == 1
    assert b"lost" in client.err


def test_killed_server(start: Starter) -> None:
    """A real process is killed; its system ends the stream without a word."""
    script = (
        "import socket, sys\n"
        "s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)\n"
        "c, _ = s.accept(); f = c.makefile(); f.readline()\n"
        "c.sendall(b'SERVER>\\\\welcome chat/1 turns\\n'); f.readline()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as server:
        assert server.stdout
        client = start.pipes("127.0.0.1", server.stdout.readline().decode().strip())
        client.type("ann")
        client.until("-- Welcome")
        server.send_signal(signal.SIGKILL)
        assert client.finish() == 1
        assert b"lost" in client.err


def test_unfinished_line(start: Starter) -> None:
    """LINE-9: it is never taken for a message."""
    client, peer = start.chat()
    peer.sock.sendall(b"SERVER>whole\nSERVER>hal")
    peer.end()
    assert client.finish() == 1
    assert b"SERVER>whole\n" in client.out
    assert b"hal" not in client.out
    assert b"its 10 octets are not shown" in client.err


def test_faulty_lines(start: Starter) -> None:
    """ERR-7: not shown, told, and on it goes."""
    client, peer = start.chat("relay")
    peer.send(
        "no line of ours", b"mallory>\x1b]0;owned\x07", b"mallory>caf\xe9", "a b>c", "mallory>hello"
    )
    client.until("mallory>hello\n")
    client.type("hello, mallory")
    peer.expect("ann>hello, mallory")
    assert leave(client, peer) == 0
    assert client.err.splitlines() == [
        b"-- A faulty line of 15 octets is not shown (malformed).",
        b"-- A faulty line of 18 octets is not shown (encoding).",
        b"-- A faulty line of 12 octets is not shown (encoding).",
        b"-- A faulty line of 5 octets is not shown (malformed).",
    ]
    assert b"owned" not in client.out + client.err


@pytest.mark.parametrize("line", [b"mallory>" + b"x" * 501 + b"\n", b"x" * 512])
def test_too_long(start: Starter, line: bytes) -> None:
    """ERR-8: it ends the connection, without a line end if need be."""
    client, peer = start.chat("relay")
    peer.sock.sendall(b"bob>before\n" + line)
    peer.expect_end()
    assert client.finish() == 1
    assert b"bob>before\n" in client.out and b"(too-long)" in client.err


def test_too_long_after_leaving(start: Starter) -> None:
    """CLIENT-13: it changes nothing, and the end of the stream is still noticed."""

    def goes_on(client: Piped, peer: Peer) -> None:
        peer.sock.sendall(b"x" * 600)
        client.until("(too-long)", "err")

    client, peer = start.left(goes_on, kind="relay")
    peer.close()
    assert client.finish() == 0


# ---- standard output and input that fail ----


def test_output_without_room(start: Starter) -> None:
    """TERM-6: no signal, status 1."""
    with Path("/dev/full").open("wb") as full:
        client = start.pipes(*start.address, stdout=full)
        start.server.accept().expect_end()
        start.server.peers[0].close()
        assert client.finish() == 1
    assert b"Cannot write to standard output: No space left on device." in client.err


def test_output_that_may_not_grow(start: Starter, tmp_path: Path) -> None:
    """TERM-6: SIGXFSZ would be a signal of its own making."""
    with (tmp_path / "output").open("wb") as output:
        client = start.pipes(*start.address, stdout=output)
        peer = start.server.accept()
        resource.prlimit(client.process.pid, resource.RLIMIT_FSIZE, (300, 300))
        peer.send(f"bob>{'x' * 400}")
        peer.send(f"bob>{'x' * 400}")
        peer.expect_end()
        peer.close()
        assert client.finish() == 1
    assert b"Cannot write to standard output: File too large." in client.err


def test_output_without_reader(start: Starter) -> None:
    client, peer = start.chat("relay")
    assert client.process.stdout
    client.selector.unregister(client.process.stdout)
    client.process.stdout.close()
    peer.send("bob>hello")
    peer.expect(r"ann>\quit")
    peer.expect_end()
    peer.close()
    assert client.finish() == 1
    assert b"Broken pipe" in client.err


def test_interrupt_while_nobody_reads_the_output(start: Starter) -> None:
    """CLIENT-12: a screen that takes nothing cannot hold the program up."""
    client, peer = start.chat("relay")
    peer.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            peer.sock.send(b"bob>" + b"x" * 400 + b"\n")
    client.process.send_signal(signal.SIGINT)
    client.process.wait(DEADLINE)
    assert client.process.returncode == 0


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_closed_descriptors(start: Starter, closed: int) -> None:
    """The socket never becomes standard output."""
    redirect = {0: "<&-", 1: ">&-", 2: "2>&-"}[closed]
    process = subprocess.Popen(
        ["sh", "-c", f'"$0" "$@" {redirect}', start.program, *start.address],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peer = start.server.accept()
    process.communicate(b"ann\n", timeout=DEADLINE)
    if closed == 2:
        peer.expect(r"ann>\join chat/1")
    peer.expect_end()
    assert process.returncode == (1 if closed == 1 else 0)


def test_input_that_is_a_file(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "typed").write_text("ann\nhello\n")
    with (tmp_path / "typed").open("rb") as typed:
        process = subprocess.Popen(
            [start.program, *start.address], stdin=typed, stdout=subprocess.DEVNULL
        )
        peer = start.server.accept()
        peer.expect(r"ann>\join chat/1", "ann>hello")
        peer.expect_end()
        peer.close()
        assert process.wait(DEADLINE) == 0


# ---- at a terminal ----


def fresh_terminal_attributes() -> list[object]:
    master, slave = os.openpty()
    try:
        return termios.tcgetattr(slave)
    finally:
        os.close(master)
        os.close(slave)


def terminal_is_as_it_was(client: Terminal) -> bool:
    return termios.tcgetattr(client.child.child_fd) == fresh_terminal_attributes()


def test_a_chat_at_a_terminal(at_terminal: Starter) -> None:
    """CLIENT-8, TERM-3, TERM-4: what stands on the screen is the chat."""
    client, peer = at_terminal.terminal_chat()
    assert client.rows[0] == f"Connecting to 127.0.0.1 (127.0.0.1) port {at_terminal.server.port}"
    client.type("hello")
    peer.expect("ann>hello")
    client.until_last("(SERVER's turn) ann>")
    peer.send("SERVER>good morning, ann")
    client.until("SERVER>good morning, ann")
    client.until_last("ann>")
    client.type("\\quit")
    peer.expect(r"ann>\quit")
    peer.expect_end()
    peer.close()
    assert client.finish() == 0
    assert terminal_is_as_it_was(client)
    shown = [row for row in client.rows if row]
    if at_terminal.editor == "none":
        shown = [row for row in shown if row != "(SERVER's turn) ann>"]
    assert shown[-4:] == [
        "ann>hello",
        "SERVER>good morning, ann",
        r"ann>\quit",
        "Disconnected from server",
    ]


def test_invisible_characters_at_a_terminal(at_terminal: Starter) -> None:
    """TERM-13: each stands on the screen as its code point, all the rest in its place."""
    client, peer = at_terminal.terminal_chat("relay")
    peer.send("bob>a\u202eb\u200bc\ufeffd\u2028e\u2066f\u00adg")
    client.until("bob>a<U+202E>b<U+200B>c<U+FEFF>d<U+2028>e<U+2066>f<U+00AD>g")


def test_the_longest_text_of_invisible_characters(at_terminal: Starter) -> None:
    client, peer = at_terminal.terminal_chat("relay", rows=50)
    peer.send("bob>" + "\u00ad" * 250, "bob>" + "\U000e0041" * 125, "bob>end")
    client.until("bob>end")
    assert client.shows("<U+00AD>") == 250
    assert client.shows("<U+E0041>") == 125


def test_invisible_characters_where_only_output_is_a_terminal(start: Starter) -> None:
    """TERM-13 asks for no more than that; through pipes every octet stays (LINE-10)."""
    text = "bob>a\u202eb\u2028c"
    master, slave = os.openpty()
    client = start.pipes(*start.address, stdout=slave)
    os.close(slave)
    peer = start.server.accept()
    client.type("ann")
    peer.send(text, r"SERVER>\quit")
    peer.close()
    assert client.finish() == 0
    assert b">a<U+202E>b<U+2028>c\r\n" in all_written(master)
    client, peer = start.piped_chat()
    peer.send(text)
    client.until(text + "\n")


def test_wrapped_text_at_a_terminal(at_terminal: Starter) -> None:
    """Section 15, wrap spoofing: handles and notices are in colour, the rest of a text is not."""
    client, peer = at_terminal.terminal_chat("relay", columns=80)
    fakes = ["SERVER>send it to mallory", "-- The server has left."]
    peer.send(*("bob>" + "x" * 76 + fake for fake in fakes))
    for fake in fakes:
        client.wait(lambda fake=fake: fake in client.rows, fake)  # type: ignore[misc]
        assert not client.in_colour(fake)
    peer.send("SERVER>hello", r"SERVER>\quit")
    client.until("-- The server has left.")
    assert client.finish() == 0
    for row in ("bob>" + "x" * 76, "SERVER>hello", "-- The server has left."):
        assert client.in_colour(row)


def test_no_handle_looks_like_a_notice_or_a_prompt(at_terminal: Starter) -> None:
    """LINE-3, ERR-7: a line that begins like one is not shown; a text stands behind a handle."""
    client, peer = at_terminal.terminal_chat("relay")
    fakes = ["-- Gone: carl", "-->x", "(SERVER's turn) ann>x", QUESTION + "x", "\u202eann>x", " >x"]
    peer.send(*fakes, "bob>-- Gone: carl", "bob>end")
    client.until("bob>end")
    assert client.shows("is not shown") == len(fakes)
    assert [row for row in client.rows if row.endswith(("Gone: carl", ">x"))] == [
        "bob>-- Gone: carl"
    ]


def test_bad_handle_at_a_terminal(at_terminal: Starter) -> None:
    """CLIENT-2: asks again."""
    client = at_terminal.terminal(*at_terminal.address)
    peer = at_terminal.server.accept()
    client.until_last(QUESTION)
    for count, handle in enumerate(["", "server", "no handle"], 1):
        client.type(handle)
        client.wait(lambda: client.shows("That is no handle.") == count, handle)
        client.until_last(QUESTION)
    client.type("ann")
    peer.expect(r"ann>\join chat/1")


def test_quit_instead_of_a_handle(at_terminal: Starter) -> None:
    client = at_terminal.terminal(*at_terminal.address)
    peer = at_terminal.server.accept()
    client.until_last(QUESTION)
    client.type("\\quit")
    peer.expect_end()
    peer.close()
    assert client.finish() == 0


def test_what_arrives_before_the_handle(with_editor: Starter) -> None:
    """CLIENT-6, RELAY-5: it is shown at once."""
    client = with_editor.terminal(*with_editor.address)
    peer = with_editor.server.accept()
    client.until_last(QUESTION)
    client.press("an")
    client.until_last(QUESTION + "an")
    peer.send("bob>anyone here?")
    client.until("bob>anyone here?")
    client.until_last(QUESTION + "an")
    client.press("n\r")
    peer.expect(r"ann>\join chat/1")


def test_half_typed_text_is_kept(with_editor: Starter) -> None:
    """CLIENT-6: what arrives is shown above it, and the cursor stays where it was."""
    client, peer = with_editor.terminal_chat("relay")
    client.press("half tped")
    client.press("\x1b[D" * 3)
    client.wait(lambda: client.screen.cursor.x == len("ann>half t"), "the cursor within the text")
    peer.send("bob>hello", "bob>are you there?")
    client.until("bob>are you there?")
    client.until_last("ann>half tped")
    client.wait(lambda: client.screen.cursor.x == len("ann>half t"), "the cursor within the text")
    client.press("y")
    client.until_last("ann>half typed")
    shown = [row for row in client.rows if row]
    assert shown[-3:] == ["bob>hello", "bob>are you there?", "ann>half typed"]
    assert sum("half" in row for row in client.rows) == 1
    client.press("\r")
    peer.expect("ann>half typed")


@pytest.mark.parametrize(
    "text",
    ["x" * 100, "x" * 32, "x" * 33, "x" * 34, "x" * 72, "x" * 73, "字" * 40, "é" * 60, "a\tb" * 20],
)
def test_half_typed_text_over_several_rows(with_editor: Starter, text: str) -> None:
    """The same when it fills rows of 40, exactly too, and with wide characters and tabs."""
    client, peer = with_editor.terminal_chat("relay", columns=40)

    def shown() -> str:
        return re.sub(r"\s", "", "".join(client.screen.display))

    typed = "ann>" + text.replace("\t", "") + "end"
    client.press(text + "end")
    client.wait(lambda: shown().endswith(typed), "the text")
    client.press("\x1b[D" * 2)
    for number in range(3):
        peer.send(f"bob>hello {number}")
        client.until(f"bob>hello {number}")
        client.wait(lambda: shown().endswith(typed), "the text again")
        assert shown().count(typed) == shown().count("end") == 1
        assert shown().count(text[:4].strip()) == typed.count(text[:4].strip())
    client.press("i\r")
    peer.expect(f"ann>{text}eind")


def test_message_in_the_plain_terminal(at_terminal: Starter) -> None:
    """CLIENT-6 with each: it is shown at once, on a row of its own, and nothing typed is lost."""
    client, peer = at_terminal.terminal_chat("relay")
    client.press("half ty")
    client.until_last("ann>half ty")
    peer.send("bob>hello")
    client.wait(lambda: "bob>hello" in client.rows, "bob>hello")
    client.press("ped\r")
    peer.expect("ann>half typed")


def test_editing(with_editor: Starter) -> None:
    """CLIENT-4: keys that send control characters edit."""
    client, peer = with_editor.terminal_chat("relay")
    client.press("helo\x1b[Dl\r")
    peer.expect("ann>hello")
    client.press("café\x7f\x7fé!\r")
    peer.expect("ann>caé!")
    client.press("a\tb\r")
    peer.expect("ann>a\tb")
    client.press("\x1b[A\x1b[A\x1b[A\r")
    peer.expect("ann>hello")


def test_several_lines_at_once(at_terminal: Starter) -> None:
    """What is pasted is as many texts as it has lines."""
    client, peer = at_terminal.terminal_chat("relay")
    client.press("one\rtwo\rthree\r\\quit\r")
    peer.expect("ann>one", "ann>two", "ann>three", r"ann>\quit")
    peer.expect_end()
    peer.close()
    assert client.finish() == 0
    assert "Disconnected from server" in client.rows  # and not behind a prompt


def test_typing_out_of_turn(at_terminal: Starter) -> None:
    """CLIENT-7, CLIENT-8: it waits, and the screen says so."""
    client, peer = at_terminal.terminal_chat()
    client.type("one")
    client.until_last("(SERVER's turn) ann>")
    client.type("two")
    client.until_anywhere("It is the server's turn: what you type waits for yours; 1 waiting.")
    client.until_last("(SERVER's turn) ann>")
    client.type("three")
    client.until_anywhere("2 waiting.")
    peer.expect("ann>one")
    peer.send("SERVER>re one")
    peer.expect("ann>two")
    peer.send("SERVER>re two")
    peer.expect("ann>three")
    client.until("SERVER>re two")
    client.until_last("(SERVER's turn) ann>")
    peer.send("SERVER>re three")
    client.until_last("ann>")


def test_refused_text_at_a_terminal(at_terminal: Starter) -> None:
    client, peer = at_terminal.terminal_chat("relay")
    client.press("a\x16\x01b\r")  # Ctrl-V takes the next key as it is
    client.until_anywhere("Not sent: a text must be UTF-8 without control characters.")
    client.type("good")
    peer.expect("ann>good")


def test_long_text_at_a_terminal(with_editor: Starter) -> None:
    """CLIENT-5: a line editor has no limit of 4,095."""
    client, peer = with_editor.terminal_chat("relay")
    text = "".join(f"{number} " for number in range(1500))
    for at in range(0, len(text), 100):
        client.press(text[at : at + 100])
        client.wait(lambda: text[at : at + 100].strip()[-8:] in "".join(client.rows), "the text")
    client.press("\r")
    pieces = ""
    while len(pieces) < len(text):
        pieces += peer.line().removeprefix("ann>")
    assert pieces == text


def test_line_that_the_terminal_cuts(at_terminal: Starter) -> None:
    """A terminal that edits by itself drops what is over 4,095 octets."""
    if at_terminal.editor != "none":
        pytest.skip("a line editor has no such limit")
    client, peer = at_terminal.terminal_chat("relay")
    client.press("x" * 4094)
    client.wait(lambda: "".join(client.rows).endswith("x" * 100) or client.last.endswith("x"), "x")
    client.press("\r")
    for length in [500] * 8 + [94]:
        peer.expect("ann>" + "x" * length)
    client.until_last("ann>")
    client.press("y" * 5000 + "\r")
    client.until_anywhere("4095 characters")
    client.type("good")
    peer.expect("ann>good")


@pytest.mark.parametrize("how", ["\\quit", "Ctrl-D", "Ctrl-C", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_leaving_a_terminal(at_terminal: Starter, how: str) -> None:
    """It is left as it was found, and the row with the prompt is gone or whole."""
    client, peer = at_terminal.terminal_chat("relay")
    if how == "\\quit":
        client.type("\\quit")
    elif how == "Ctrl-D":
        client.press("\x04")
    elif how == "Ctrl-C":
        client.press("\x03")
    else:
        client.child.kill(getattr(signal, how))
    peer.expect(r"ann>\quit")
    peer.expect_end()
    peer.close()
    assert client.finish() == 0
    assert "Disconnected from server" in client.rows
    assert terminal_is_as_it_was(client)


@pytest.mark.parametrize("line", [r"SERVER>\quit", r"SERVER>\error idle", "", "x" * 600])
def test_terminal_after_the_server_left(at_terminal: Starter, line: str) -> None:
    client, peer = at_terminal.terminal_chat("relay")
    client.press("half ty")
    client.until_last("ann>half ty")
    if line:
        peer.send(line)
    peer.end()
    assert client.finish() == (0 if "quit" in line else 1)
    assert "Disconnected from server" in client.rows
    assert terminal_is_as_it_was(client)


@pytest.mark.parametrize("how", ["\\quit", "Ctrl-D", "Ctrl-C"])
def test_leaving_at_once_from_a_terminal(at_terminal: Starter, how: str) -> None:
    """CLIENT-10, CLIENT-12: first what waits, but the second time at once."""
    client, peer = at_terminal.terminal_chat()
    client.type("one", "two")
    peer.expect("ann>one")
    client.until_anywhere("1 waiting.")
    client.press("\x04" if how == "Ctrl-D" else "\\quit\r")
    client.until_anywhere("Leaving once what waits is sent")
    client.until_last("(leaving) ann>")
    client.press({"\\quit": "\\quit\r", "Ctrl-D": "\x04", "Ctrl-C": "\x03"}[how])
    peer.expect(r"ann>\quit")
    peer.expect_end()
    peer.close()
    assert client.finish() == 1
    assert "-- 1 text was not sent." in client.rows


def test_terminal_that_is_gone(at_terminal: Starter) -> None:
    """TERM-6: the window is closed; the server hears of it, and no process is left."""
    client, peer = at_terminal.terminal_chat("relay")
    client.child.ptyproc.fileobj.close()
    peer.expect(r"ann>\quit")
    peer.expect_end()
    peer.close()
    client.child.ptyproc.wait()
    assert client.child.ptyproc.signalstatus is None


def test_handle_taken_at_a_terminal(at_terminal: Starter) -> None:
    """CLIENT-3: connects again, and asks for another one."""
    client = at_terminal.terminal(*at_terminal.address)
    peer = at_terminal.server.accept()
    client.until_last(QUESTION)
    client.type("ann")
    peer.expect(r"ann>\join chat/1")
    peer.send(r"SERVER>\error handle-taken")
    peer.expect_end()
    again = at_terminal.server.accept()
    client.until_anywhere("somebody else there has that handle (handle-taken)")
    client.until_last(QUESTION)
    client.type("bob")
    again.expect(r"bob>\join chat/1")
    again.send(r"SERVER>\welcome chat/1 relay here=1", r"SERVER>\joined ann", "ann>hi")
    client.until("ann>hi")
    client.until_last("bob>")
    client.type("\\quit")
    again.expect(r"bob>\quit")
    again.expect_end()
    again.close()
    assert client.finish() == 0


def test_handle_taken_and_the_server_is_gone(at_terminal: Starter) -> None:
    client = at_terminal.terminal(*at_terminal.address)
    peer = at_terminal.server.accept()
    at_terminal.server.sock.close()
    client.until_last(QUESTION)
    client.type("ann")
    peer.expect(r"ann>\join chat/1")
    peer.send(r"SERVER>\error handle-taken")
    assert client.finish() == 1
    assert terminal_is_as_it_was(client)


def test_change_of_size(with_editor: Starter) -> None:
    """The half typed text is drawn for the new size."""
    client, peer = with_editor.terminal_chat("relay")
    client.press("x" * 50)
    client.until_last("ann>" + "x" * 50)
    client.child.setwinsize(24, 40)
    client.screen.resize(24, 40)
    peer.send("bob>hello")
    client.wait(lambda: "bob>hello" in client.rows, "bob>hello")
    client.press("y\r")
    peer.expect("ann>" + "x" * 50 + "y")
    client.press("z" * 60)
    client.wait(lambda: client.last == "z" * 24, "a text in rows of 40")
    peer.send("bob>again")
    client.wait(lambda: "bob>again" in client.rows, "bob>again")
    client.wait(lambda: client.last == "z" * 24, "a text in rows of 40")
    assert "".join(client.rows).count("z") == 60


def test_stop_and_go_on(at_terminal: Starter) -> None:
    """Ctrl-Z in a shell: a terminal for the shell, and then the chat again."""
    shell = Terminal("/bin/sh", "-i")
    at_terminal.stack.callback(shell.close)
    shell.wait(lambda: shell.last[-1:] in ("$", "#"), "the shell")
    shell.press("PS1='$ '\r")
    shell.until_last("$")
    shell.press(f"{at_terminal.program} {' '.join(at_terminal.address)}\r")
    peer = at_terminal.server.accept()
    shell.until_last(QUESTION)
    shell.press("\x1a")
    shell.until_anywhere("topped")
    shell.until_last("$")
    shell.press("echo $((6 * 7))\r")
    shell.until_anywhere("42")
    shell.press("fg\r")
    shell.until_last(QUESTION)
    shell.press("ann\r")
    peer.expect(r"ann>\join chat/1")
    peer.send(r"SERVER>\quit")
    shell.until_last("$")
    shell.press("echo $?\r")
    shell.wait(lambda: "0" in shell.rows, "the status")


def test_output_is_no_terminal(at_terminal: Starter, tmp_path: Path) -> None:
    """Standard input alone is one: no prompts in the output, and the question elsewhere."""
    client = at_terminal.terminal(*at_terminal.address)
    at_terminal.server.accept()
    client.close()
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", 'exec "$0" "$@" > "$OUT"', at_terminal.program, *at_terminal.address],
        env={**os.environ, "OUT": str(tmp_path / "out")},
        timeout=DEADLINE,
    )
    at_terminal.stack.callback(end, child)
    peer = at_terminal.server.accept()
    child.expect_exact(QUESTION)
    child.send("ann\rhello\r\x04")
    peer.expect(r"ann>\join chat/1", "ann>hello")
    peer.expect_end()
    peer.close()
    child.expect(pexpect.EOF)
    assert ">" not in (tmp_path / "out").read_text()
