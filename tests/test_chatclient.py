"""The Python client as a process: at pipes and at a terminal, with our servers and others."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.programs import DEADLINE_SECONDS, Peer, Program, chatserver, nobodys_port, relayserver
from tests.screen import Screen


class Listener:
    """A server that does what the test says."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.settimeout(DEADLINE_SECONDS)
        self.port = self.listening.getsockname()[1]

    def accept(self) -> Peer:
        accepted, _ = self.listening.accept()
        accepted.settimeout(DEADLINE_SECONDS)
        return Peer.of(accepted)


@pytest.fixture
def listener() -> Iterator[Listener]:
    opened = Listener()
    yield opened
    opened.listening.close()


def client(port: int, *options: str, host: str = "127.0.0.1") -> Program:
    return Program([sys.executable, "-m", "reference.chatclient", host, str(port), *options])


def welcomed(listener: Listener, *options: str, kind: bytes = b"turns") -> tuple[Program, Peer]:
    """A client that has joined and has read its welcome."""
    program = client(listener.port, *options)
    peer = listener.accept()
    program.type("ann")
    assert peer.receive() == b"ann>\\join chat/1\n"
    peer.send(b"SERVER>\\welcome chat/1 " + kind + b"\n")
    program.expect("^-- welcome")
    return program, peer


def test_with_the_chat_server() -> None:
    with chatserver() as (server, port), client(port) as program:
        program.type("ann", "hello", "again", "\\quit")
        server.expect("^ann>hello$")
        server.type("hi", "bye")
        program.expect("^SERVER>hi$")
        server.expect("^ann>again$")
        server.expect("^client has disconnected$")
        program.expect("^Disconnected from server$")
        assert program.ended() == 0


def test_with_the_relay() -> None:
    with relayserver() as (server, port), client(port) as ann, client(port) as bob:
        ann.type("ann")
        ann.expect("^-- welcome: everybody hears everybody; 0 here already$")
        bob.type("bob")
        bob.expect("^-- ann here already$")
        ann.expect("^-- bob joined$")
        ann.type("1", "2", "3")
        for text in "123":
            bob.expect(f"^ann>{text}$")
        bob.type_octets(b"the end is no line end")
        bob.stdin.close()
        ann.expect("^bob>the end is no line end$")
        ann.expect("^-- bob left$")
        assert bob.ended() == 0
        server.signal(signal.SIGTERM)
        ann.expect("^-- the server has left$")
        assert ann.ended() == 0


def test_one_text_a_turn_also_on_leaving(listener: Listener) -> None:
    program, peer = welcomed(listener)
    with program:
        program.type("1", "2", "3")
        program.stdin.close()
        for number in (1, 2, 3):
            assert peer.receive() == b"ann>%d\n" % number
            peer.send(b"SERVER>re %d\n" % number)
            program.expect(f"^SERVER>re {number}$")
        assert peer.receive_all() == [b"ann>\\quit\n"]
        peer.close()
        assert program.ended() == 0


def test_nobody_answers_a_leaving_client(listener: Listener) -> None:
    program, peer = welcomed(listener, "--patience", "0")
    with program:
        program.type("1", "2", "x" * 500 + "\\quit", "\\quit")
        assert peer.receive_all() == [
            b"ann>1\n",
            b"ann>2\n",
            b"ann>" + b"x" * 499 + b"\n",
            b"ann>x\\quit\n",
            b"ann>\\quit\n",
        ]
        assert program.ended() == 0


@pytest.mark.parametrize("how", ["signal", "quit again"])
def test_leaving_at_once_says_what_was_not_sent(listener: Listener, how: str) -> None:
    program, peer = welcomed(listener)
    with program:
        program.type("1", "2", "3", "\\quit")
        program.expect("leaving once 2 waiting are sent")
        if how == "signal":
            program.signal(signal.SIGINT)
        else:
            program.type("\\quit")
        assert peer.receive_all() == [b"ann>1\n", b"ann>\\quit\n"]
        program.expect("^-- 2 typed texts were not sent$")
        assert program.ended() == 1


def test_a_server_without_commands(listener: Listener) -> None:
    with client(listener.port) as program:
        peer = listener.accept()
        program.type("ann", "hello", "\\quit")
        assert [peer.receive(), peer.receive()] == [b"ann>\\join chat/1\n", b"ann>hello\n"]
        assert peer.receive() == b""  # not welcomed: no quit
        assert program.ended() == 0


@pytest.mark.parametrize(
    ("octets", "shown", "status"),
    [
        (b"SERVER>\\quit\n", "-- the server has left", 0),
        (b"SERVER>\\error full\n", "takes no more clients \\(full\\)", 1),
        (b"SERVER>\\error no-such-code x\n", "unknown error \\(no-such-code\\)", 1),
        (b"SERVER>" + b"x" * 501 + b"\n", "broke the protocol \\(too-long\\)", 1),
        (b"SERVER>un", "connection is lost", 1),
    ],
)
def test_how_the_server_ends_it(listener: Listener, octets: bytes, shown: str, status: int) -> None:
    program, peer = welcomed(listener)
    with program:
        peer.send(octets)
        peer.end()
        program.expect(shown)
        assert program.ended() == status


def test_a_reset_is_a_loss_and_unsent_texts_are_counted(listener: Listener) -> None:
    program, peer = welcomed(listener)
    with program:
        program.type("1", "2")
        assert peer.receive() == b"ann>1\n"
        peer.reset()
        program.expect("connection is lost")
        assert program.ended() == 1


def test_faulty_lines_are_not_shown(listener: Listener) -> None:
    program, peer = welcomed(listener, kind=b"relay")
    with program:
        peer.send(b"oops\nbob>\x1b[2J\nbob>\xff\nbob>fine\n")
        for code in ("malformed", "encoding", "encoding"):
            program.expect(f"is not shown: it breaks the protocol \\({code}\\)")
        program.expect("^bob>fine$")
        program.type("a\x1bb", "fine")
        program.expect("not sent: .*U\\+001B")
        assert peer.receive() == b"ann>fine\n"


@pytest.mark.parametrize("handle", ["", "-x", "a b", "abcdefghijk", "server", "é"])
def test_a_handle_that_is_none(listener: Listener, handle: str) -> None:
    with client(listener.port) as program:
        peer = listener.accept()
        program.type(handle)
        program.expect("cannot be your handle")
        assert peer.receive() == b""
        assert program.ended() == 2


def test_handle_as_an_option_and_no_input(listener: Listener) -> None:
    with client(listener.port, "--handle", "ann") as program:
        peer = listener.accept()
        assert peer.receive() == b"ann>\\join chat/1\n"
        program.stdin.close()
        assert peer.receive() == b""
        assert program.ended() == 0


def test_where_nobody_is() -> None:
    for host, why in [("127.0.0.1", "Connection refused"), ("no.such.invalid", "name right")]:
        with nobodys_port() as port, client(port, host=host) as program:
            assert program.ended() == 1
            assert why in program.errors()
            assert "Traceback" not in program.errors()
    for arguments in ([], ["h"], ["h", "0"], ["h", "x"], ["h", "1", "--patience", "x"]):
        with Program([sys.executable, "-m", "reference.chatclient", *arguments]) as program:
            assert program.ended() == 2


def test_at_a_terminal_what_is_typed_is_not_torn_apart() -> None:
    with relayserver() as (_, port):
        screen = Screen("reference.chatclient", "127.0.0.1", str(port))
        screen.wait_for_last("What would you like your chat handle to be>")
        screen.type("ann\r")
        screen.wait_for_last("ann>")
        screen.type("half typ")
        screen.wait_for_last("ann>half typ")
        bob = Peer(port)
        bob.send("bob>é€ hello\n".encode())
        rows = screen.wait_for(lambda rows: rows[-2:] == ["bob>é€ hello", "ann>half typ"])
        assert "-- bob joined" in rows
        screen.type("ed\r")
        assert bob.receive() == b"ann>half typed\n"
        screen.wait_for(lambda rows: rows[-2:] == ["ann>half typed", "ann>"])
        screen.type("\\quit\r")
        screen.wait_for_row("Disconnected from server")
        assert screen.status() == 0


def test_at_a_terminal_another_handle_is_asked_for_and_turns_are_shown() -> None:
    with relayserver() as (_, port):
        taken = Peer(port)
        taken.send(b"ann>hi\n")
        screen = Screen("reference.chatclient", "127.0.0.1", str(port))
        screen.wait_for_last("What would you like your chat handle to be>")
        screen.type("Ann\r")
        screen.wait_for_row("-- somebody else has that handle; try another")
        screen.wait_for_last("What would you like your chat handle to be>")
        screen.type("carl\r")
        screen.wait_for_last("carl>")
        screen.type("\x03")
        assert screen.status() == 0
    with chatserver() as (server, port):
        screen = Screen("reference.chatclient", "127.0.0.1", str(port), "--handle", "ann")
        screen.wait_for_last("ann>")
        screen.type("1\r2\r")
        screen.wait_for_last("(SERVER's turn, 1 waiting) ann>")
        server.type("re 1")
        screen.wait_for_last("(SERVER's turn) ann>")
        screen.type("\x04")
        assert screen.status() == 0


def test_shows_every_text_however_many_come_at_once(listener: Listener) -> None:
    texts = [f"bob>{number} {'x' * 480}" for number in range(6_000)]
    program, peer = welcomed(listener, kind=b"relay")
    with program:
        sending = threading.Thread(
            target=peer.send, args=("".join(f"{text}\n" for text in texts).encode(),)
        )
        sending.start()
        for text in texts:
            assert program.expect("^bob>|lines were not shown").string == text
        sending.join()


def test_shows_every_text_to_one_who_reads_slowly(listener: Listener) -> None:
    texts = [f"bob>{number} {'x' * 480}" for number in range(1_000)]
    program, peer = welcomed(listener, kind=b"relay")
    with program:
        peer.send("".join(f"{text}\n" for text in texts).encode() + b"SERVER>\\quit\n")
        peer.end()
        peer.receive_all()  # it has left, and still has most of it to show
        shown = b""
        for _ in range(6):
            with pytest.raises(subprocess.TimeoutExpired):
                program.process.wait(0.3)
            shown += program.read_octets()
        while octets := program.read_octets():
            shown += octets
        assert program.ended() == 0
    assert [line for line in shown.decode().splitlines() if line.startswith("bob>")] == texts


@pytest.mark.parametrize("_again", range(6))  # who of two is first is not ours to say
def test_the_server_hangs_up_while_the_handle_is_typed(listener: Listener, _again: int) -> None:
    """It was never welcomed, so that is no failure, and above all none of the handle's."""
    with client(listener.port) as program:
        program.expect("^Connecting")
        peer = listener.accept()
        program.signal(signal.SIGSTOP)
        program.type("ann")
        peer.close()
        program.signal(signal.SIGCONT)
        assert program.ended() in (0, 1)
