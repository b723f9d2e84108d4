"""The chat server as a process, its operator at pipes, its clients on real sockets."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.programs import Peer, Program, chatserver, nobodys_port

Server = tuple[Program, int]


@pytest.fixture
def server() -> Iterator[Server]:
    with chatserver() as started:
        yield started


def joined(port: int, handle: bytes = b"ann") -> Peer:
    peer = Peer(port)
    peer.send(handle + b">\\join chat/1\n")
    assert peer.receive() == b"SERVER>\\welcome chat/1 turns\n"
    return peer


def test_a_conversation_and_the_next_client(server: Server) -> None:
    program, port = server
    for handle in ("ann", "bob"):
        peer = joined(port, handle.encode())
        program.expect(r"^connected to: \(127\.0\.0\.1, \d+\)$")
        for said, reply in [("hello", "hi"), ("", ""), ("é€😀", "\\o/")]:
            peer.send(f"{handle}>{said}\n".encode())
            program.expect(f"^{handle}>{said}$")
            program.type(reply)
            assert peer.receive() == f"SERVER>{reply}\n".encode()
        peer.send(handle.encode() + b">\\quit\n")
        program.expect("^client has disconnected$")
        program.expect("^Awaiting client connections$")
        assert peer.receive() == b""


def test_octet_by_octet_and_all_at_once(server: Server) -> None:
    program, port = server
    peer = Peer(port)
    for octet in b"ann>\\join chat/1\nann>hello\n":
        peer.send(bytes([octet]))
    program.expect("^ann>hello$")
    program.type("hi")
    assert peer.receive() == b"SERVER>\\welcome chat/1 turns\n"
    assert peer.receive() == b"SERVER>hi\n"
    peer.send(b"ann>one\nann>two\nann>three\nann>\\quit\n")
    for text in ("one", "two", "three"):
        program.expect(f"^ann>{text}$")
    program.expect("^client has disconnected$")
    assert peer.receive_all() == []


def test_a_plain_client_hears_no_commands(server: Server) -> None:
    program, port = server
    peer = Peer(port)
    peer.send(b"bob>hi\r\n")
    program.expect("^bob>hi$")
    program.type("hi, bob")
    assert peer.receive() == b"SERVER>hi, bob\n"
    peer.end()
    program.expect("^client has disconnected$")
    assert peer.receive() == b""


def test_waiting_clients_are_served_in_the_order_of_their_first_octet(server: Server) -> None:
    program, port = server
    silent = Peer(port)
    ann = joined(port)
    ann.send(b"ann>I am here\n")
    program.expect("^ann>I am here$")
    bob = Peer(port)
    carl = Peer(port)
    carl.send(b"carl>\\join chat/1\ncarl>early\n")
    ann.send(b"ann>still here\n")  # after carl's octets, on the same loop
    program.type("so am I")
    program.expect("^ann>still here$")
    bob.send(b"bob>later\n")
    ann.send(b"ann>\\quit\n")
    program.expect("^carl>early$")
    assert carl.receive() == b"SERVER>\\welcome chat/1 turns\n"
    program.type("hi, carl")
    assert carl.receive() == b"SERVER>hi, carl\n"
    carl.send(b"carl>\\quit\n")
    program.expect("^bob>later$")
    silent.send(b"dora>at last\n")
    bob.send(b"bob>\\quit\n")
    program.expect("^dora>at last$")


def test_who_comes_and_goes_without_a_word_costs_nothing(server: Server) -> None:
    program, port = server
    for end in ("close", "reset", "end"):
        getattr(Peer(port), end)()
    peer = joined(port)
    peer.send(b"ann>hello\n")
    assert program.expect("^connected|^ann>")[0] == "connected"
    program.expect("^ann>hello$")


def test_texts_of_a_client_that_waited_and_left_are_shown(server: Server) -> None:
    program, port = server
    ann = joined(port)
    bob = Peer(port)
    bob.send(b"bob>one\nbob>two\nbob>unfin")
    bob.end()
    ann.send(b"ann>\\quit\n")
    program.expect("^bob>one$")
    program.expect("^bob>two$")
    program.expect("9 octets without a line end are dropped")
    joined(port, b"carl")


def test_more_texts_than_are_held_come_through_in_order(server: Server) -> None:
    program, port = server
    peer = joined(port)
    count = 1500
    program.type(*(f"re {number}" for number in range(count)))
    texts = b"".join(b"ann>%d\n" % number for number in range(count))
    sending = threading.Thread(target=peer.send, args=(texts,))
    sending.start()
    for number in range(count):
        assert peer.receive() == b"SERVER>re %d\n" % number
    sending.join()
    for number in (0, 1, count - 1):
        program.expect(f"^ann>{number}$")


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"hello\n", b"malformed"),
        (b"abcdefghijk>hello\n", b"malformed"),
        (b"ann>" + b"x" * 508, b"too-long"),
        (b"ann>" + b"x" * 501 + b"\n", b"too-long"),
        (b"ann>\xff\n", b"encoding"),
        (b"ann>\x1b[2J\n", b"encoding"),
        (b"Server>hello\n", b"handle-reserved"),
        (b"ann>counts\nbob>hello\n", b"handle-changed"),
    ],
)
def test_the_error_arrives_in_spite_of_unread_input(
    server: Server, octets: bytes, code: bytes
) -> None:
    program, port = server
    peer = Peer(port)
    peer.send(octets + b"ann>discarded\n" * 5000)
    assert peer.receive_all() == [b"SERVER>\\error " + code + b"\n"]
    peer.close()
    if b"counts" in octets:
        program.expect("^ann>counts$")
    program.expect(f"broke the protocol \\({code.decode()}\\)")
    program.expect("^client has disconnected$")
    after = joined(port)
    after.send(b"ann>hello\n")
    assert program.expect("^ann>.*")[0] == "ann>hello"


@pytest.mark.parametrize("whose", ["client", "operator"])
@pytest.mark.parametrize("end", ["close", "reset", "end"])
def test_a_client_that_vanishes_in_either_turn(server: Server, whose: str, end: str) -> None:
    program, port = server
    peer = joined(port)
    if whose == "operator":
        peer.send(b"ann>hello\n")
        program.expect("^ann>hello$")
    getattr(peer, end)()
    program.expect("^client has disconnected$")
    program.type("for the next one")  # read when the operator's turn comes (TURN-14)
    after = joined(port, b"bob")
    after.send(b"bob>hi\n")
    program.expect("^bob>hi$")
    assert after.receive() == b"SERVER>for the next one\n"
    after.close()


def test_a_long_reply_is_cut_one_piece_a_turn_and_a_wrong_one_is_refused(server: Server) -> None:
    program, port = server
    peer = joined(port)
    peer.send(b"ann>1\n")
    program.type_octets(b"a\x1bb\n\xff\n\\error full\n" + b"x" * 500 + b"\\quit\n")
    for why in ("U\\+001B", "UTF-8", "command", "command"):
        program.expect(why, on_stderr=True)
    program.type("é" * 300)
    assert peer.receive() == b"SERVER>" + "é".encode() * 250 + b"\n"
    peer.send(b"ann>2\n")
    assert peer.receive() == b"SERVER>" + "é".encode() * 50 + b"\n"


def test_the_operator_quits_the_session(server: Server) -> None:
    program, port = server
    peer = joined(port)
    peer.send(b"ann>1\nann>2\n")
    program.expect("^ann>1$")
    program.type("\\quit")
    assert peer.receive_all() == [b"SERVER>\\quit\n"]
    program.expect("^ann>2$")
    program.expect("^client has disconnected$")


def test_the_end_of_input_is_noticed_in_the_operators_turn_and_ends_the_server(
    server: Server,
) -> None:
    program, port = server
    program.stdin.close()
    peer = joined(port)
    peer.send(b"ann>hello\n")
    assert peer.receive() == b"SERVER>\\quit\n"
    peer.close()
    program.expect("^ann>hello$")
    assert program.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_mid_session_and_a_restart_on_the_same_port(number: signal.Signals) -> None:
    with chatserver() as (program, port):
        ann = joined(port)
        ann.send(b"ann>1\nann>2\n")
        program.expect("^ann>1$")
        waiting, silent = Peer(port), Peer(port)
        waiting.send(b"bob>\\join chat/1\nbob>early\n")
        ann.send(b"ann>3\n")
        program.type("re 1")
        program.expect("^ann>2$")
        assert ann.receive() == b"SERVER>re 1\n"
        program.signal(number)
        for peer in (ann, waiting, silent):
            assert peer.receive_all() == [b"SERVER>\\quit\n"]
            peer.close()
        assert program.ended() == 0
        assert "ann>3\n" in program.output()
        assert "bob" not in program.output()
    with chatserver(port=port) as (program, again):
        assert again == port
        joined(port).close()


def test_a_client_that_does_not_go_away_holds_up_no_shutdown(server: Server) -> None:
    program, port = server
    peer = joined(port)
    program.signal(signal.SIGINT)
    assert peer.receive_all() == [b"SERVER>\\quit\n"]
    assert program.ended() == 0  # though the peer has not closed


def test_both_families_of_addresses(server: Server) -> None:
    program, port = server
    hosts = ["127.0.0.1"] + ["::1"] * socket.has_dualstack_ipv6()
    for host in hosts:
        peer = Peer(port, host)
        peer.send(b"ann>hello\n")
        program.expect(rf"^connected to: \({host}, \d+\)$")
        program.expect("^ann>hello$")
        peer.close()
        program.expect("^client has disconnected$")


def test_one_address_only() -> None:
    with nobodys_port() as free, chatserver("--host", "127.0.0.2", port=free) as (_, port):
        with pytest.raises(ConnectionRefusedError):
            Peer(port, "127.0.0.1")
        Peer(port, "127.0.0.2")


def test_full_ends_the_oldest_silent_connection_first() -> None:
    with chatserver("--waiting", "2") as (program, port):
        ann = joined(port)
        program.expect("^connected to")
        first, second, third, fourth = (Peer(port) for _ in range(4))
        assert first.receive_all() == second.receive_all() == [b"SERVER>\\error full\n"]
        third.send(b"carl>hi\n")
        fourth.send(b"dora>hi\n")
        ann.send(b"ann>hello\n")
        program.expect("^ann>hello$")
        assert Peer(port).receive_all() == [b"SERVER>\\error full\n"]
        ann.send(b"ann>\\quit\n")
        program.expect("^carl>hi$")


def test_the_operator_is_told_of_a_program_without_framing(server: Server) -> None:
    program, port = server
    peer = Peer(port)
    peer.send(b"ann>whats up")
    program.expect(r"12 octets without a line end from \(127.*: a program without framing\?")


def test_the_debug_view_shows_lines_states_and_connections(tmp_path: os.PathLike[str]) -> None:
    log = os.path.join(tmp_path, "log")  # noqa: PTH118
    with chatserver("--debug", "--log-file", log) as (program, port):
        peer = joined(port)
        peer.send(b"ann>\xc2\x9b\n")
        peer.receive_all()
        peer.close()
        for line in (
            "connected",
            r"< ann>\\join chat/1",
            "START -> ASKED-CLIENT",
            r"> SERVER>\\welcome chat/1 turns",
            r"< encoding: ann>\\x9b",
            r"> SERVER>\\error encoding",
            "closed",
        ):
            program.expect(rf"^\d+-\d+-\d+ [\d:.]+ \(127\.0\.0\.1, \d+\) {line}$", on_stderr=True)
        program.signal(signal.SIGTERM)
        assert program.ended() == 0
    with open(log, encoding="utf-8") as file:  # noqa: PTH123
        assert "START -> ASKED-CLIENT" in file.read()


def run(*arguments: str) -> Program:
    return Program([sys.executable, "-m", "reference.chatserver", *arguments])


@pytest.mark.parametrize(
    "arguments",
    [(), ("abc",), ("-1",), ("65536",), ("5000", "x"), ("0", "--idle", "1"), ("0", "--nonsense")],
)
def test_wrong_arguments(arguments: tuple[str, ...]) -> None:
    with run(*arguments) as program:
        assert program.ended() == 2
        assert "usage: chatserver" in program.errors()
        assert "Traceback" not in program.errors()


def test_ports_where_it_cannot_listen(server: Server) -> None:
    _, port = server
    for arguments, why in [
        ([str(port)], "another program listens there"),
        (["0", "--host", "no.such.host.invalid"], "cannot listen"),
        (["0", "--host", "192.0.2.99"], "no such address"),
        (["0", "--log-file", "/nonexistent/log"], "cannot write the log"),
    ]:
        with run(*arguments) as program:
            assert program.ended() == 1
            assert why in program.errors()
            assert "Traceback" not in program.errors()


def test_version_and_help() -> None:
    for option, words in [("--version", "chatserver 0.1.0 (chat/1)"), ("--help", "--log-file")]:
        with run(option) as program:
            assert program.ended() == 0
            assert words in program.output()


def test_a_closed_screen_ends_it_with_status_1(server: Server) -> None:
    program, port = server
    assert program.process.stdout
    program._selector.unregister(program.process.stdout)
    program.process.stdout.close()
    peer = Peer(port)
    peer.send(b"ann>hello\n")
    program.expect("cannot write to standard output", on_stderr=True)
    assert program.process.wait(20) == 1
