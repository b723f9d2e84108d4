"""The relay as a process, its clients on real sockets."""

import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest

from tests.programs import Peer, Program, relayserver

Server = tuple[Program, int]


@pytest.fixture
def server() -> Iterator[Server]:
    with relayserver() as started:
        yield started


def joined(port: int, handle: str, here: int) -> Peer:
    """A joined client that has read its roster."""
    peer = Peer(port)
    peer.send(f"{handle}>\\join chat/1\n".encode())
    assert peer.receive() == f"SERVER>\\welcome chat/1 relay here={here}\n".encode()
    named = 0
    while named < here:
        named += len(peer.receive().split()) - 1
    return peer


def test_three_people(server: Server) -> None:
    program, port = server
    ann = joined(port, "ann", 0)
    bob = joined(port, "bob", 1)
    assert ann.receive() == b"SERVER>\\joined bob\n"
    carl = Peer(port)
    ann.send(b"ann>1\nann>2\n")
    assert [carl.receive(), carl.receive()] == [b"ann>1\n", b"ann>2\n"]
    carl.send(b"carl>hi\r\n")
    for peer in (ann, bob):
        lines = [peer.receive() for _ in range(4 if peer is bob else 2)]
        assert lines[-2:] == [b"SERVER>\\joined carl\n", b"carl>hi\n"]
    carl.end()
    assert carl.receive() == b""
    for peer in (ann, bob):
        assert peer.receive() == b"SERVER>\\left carl\n"
    bob.send(b"bob>\\quit\n")
    assert bob.receive() == b""
    assert ann.receive() == b"SERVER>\\left bob\n"
    for line in ("ann>1", "ann>2", "carl>hi"):
        program.expect(f"^{line}$")


def test_the_operator_speaks_kicks_and_quits(server: Server) -> None:
    program, port = server
    ann = joined(port, "Ann", 0)
    bob = joined(port, "bob", 1)
    ann.receive()
    program.type("hello", "\\error full", "\\kick nobody", "\\kick", "\\kick a:b", "\\kick aNN")
    for line in (b"SERVER>hello\n", b"SERVER>\\kick\n", b"SERVER>\\kick a:b\n"):
        assert ann.receive() == bob.receive() == line
    assert ann.receive_all() == [b"SERVER>\\error removed\n"]
    assert bob.receive() == b"SERVER>\\left Ann\n"
    program.expect("not sent: .*taken for a command")
    program.expect("not sent: nobody has the handle nobody")
    program.type("\\quit")
    assert bob.receive_all() == [b"SERVER>\\quit\n"]
    bob.close()
    assert program.ended() == 0


def test_it_goes_on_without_operator_and_without_clients(server: Server) -> None:
    program, port = server
    program.stdin.close()
    for _ in range(3):
        ann = joined(port, "ann", 0)
        bob = joined(port, "bob", 1)
        ann.receive()
        bob.send(b"bob>hi\n")
        assert ann.receive() == b"bob>hi\n"
        for peer in (ann, bob):
            peer.end()
            peer.receive_all()
    assert program.process.poll() is None


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_handle_is_free_again(server: Server, end: str) -> None:
    _, port = server
    witness = joined(port, "witness", 0)
    ann = joined(port, "ann", 1)
    assert witness.receive() == b"SERVER>\\joined ann\n"
    taken = Peer(port)
    taken.send(b"ANN>\\join chat/1\n")
    assert taken.receive_all() == [b"SERVER>\\error handle-taken\n"]
    getattr(ann, end)()
    assert witness.receive() == b"SERVER>\\left ann\n"
    joined(port, "ANN", 1)
    assert witness.receive() == b"SERVER>\\joined ANN\n"


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"oops\n", b"malformed"),
        (b"ann>" + b"x" * 508, b"too-long"),
        (b"ann>\xff\n", b"encoding"),
        (b"bob>x\n", b"handle-changed"),
        (b"server>x\n", b"handle-reserved"),
    ],
)
def test_the_error_arrives_in_spite_of_unread_input(
    server: Server, octets: bytes, code: bytes
) -> None:
    _, port = server
    witness = joined(port, "witness", 0)
    ann = Peer(port)
    ann.send(b"ann>counts\n" + octets + b"ann>discarded\n" * 5000)
    assert ann.receive_all() == [b"SERVER>\\error " + code + b"\n"]
    assert [witness.receive() for _ in range(3)] == [
        b"SERVER>\\joined ann\n",
        b"ann>counts\n",
        b"SERVER>\\left ann\n",
    ]


@pytest.mark.parametrize(("clients", "padding"), [(3, 0), (40, 0), (200, 0), (40, 450)])
def test_everybody_talks_and_all_hear_the_same_order(
    server: Server, clients: int, padding: int
) -> None:
    _, port = server
    peers = [Peer(port) for _ in range(clients)]
    each = 600 // clients + 1
    for number, peer in enumerate(peers):
        said = [b"h%d>%d%s\n" % (number, count, b"." * padding) for count in range(each)]
        peer.send(b"".join(said))
    heard = [[peer.receive() for _ in range(each * (clients - 1))] for peer in peers]
    orders = []
    for number, lines in enumerate(heard):
        own = f"h{number}>".encode()
        assert not [line for line in lines if line.startswith(own)]
        assert len(set(lines)) == len(lines)
        orders.append(lines)
    for first, second in pairwise(orders):
        both = set(first) & set(second)
        assert [x for x in first if x in both] == [x for x in second if x in both]
    for number in range(clients):
        sender = f"h{number}>".encode()
        of_one = [line for line in orders[number - 1] if line.startswith(sender)]
        assert of_one == [sender + b"%d%s\n" % (count, b"." * padding) for count in range(each)]


def test_a_stalled_receiver_delays_nobody_and_is_sent_away() -> None:
    with relayserver("--queue-limit", "262144", "--rate", "0") as (_, port):
        stalled = socket.socket()
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(("127.0.0.1", port))
        stalled.sendall(b"stalled>\\join chat/1\n")
        ann = joined(port, "ann", 1)
        bob = joined(port, "bob", 2)
        ann.receive()
        text = b"ann>" + b"x" * 490 + b"\n"
        left = b"SERVER>\\left stalled\n"
        heard: list[bytes] = []
        while left not in heard:
            ann.send(text * 200)
            heard = [bob.receive() for _ in range(200)]
            assert set(heard) <= {text, left}
        assert ann.receive() == left
        octets = b""
        while piece := stalled.recv(65536):
            octets += piece
        stalled.close()
        lines = octets.splitlines(keepends=True)
        assert lines[-1] == b"SERVER>\\error too-slow\n"
        texts = [line for line in lines if line.startswith(b"ann>")]
        assert set(texts) == {text}
        assert len(b"".join(texts)) >= 262144 - len(text)


def test_what_was_queued_is_delivered_to_one_that_half_closed(server: Server) -> None:
    _, port = server
    slow, ann = Peer(port), Peer(port)
    slow.send(b"slow>hi\n")
    assert ann.receive() == b"slow>hi\n"
    text = b"ann>" + b"x" * 490 + b"\n"
    ann.send(text * 1000)
    ann.send(b"ann>\\quit\n")
    assert ann.receive() == b""  # all of it has been taken
    slow.end()
    assert slow.receive_all() == [text] * 1000


def test_a_flooding_sender_is_read_at_its_rate() -> None:
    with relayserver("--rate", "1048576") as (_, port):
        flood, quiet, ear = Peer(port), Peer(port), Peer(port)
        line = b"flood>" + b"x" * 480 + b"\n"
        sent = line * (5_000_000 // len(line))  # some seconds' time
        sending = threading.Thread(target=flood.send, args=(sent,))
        sending.start()
        ear.receive()
        quiet.send(b"quiet>hello\n")
        heard = 0
        while ear.receive() != b"quiet>hello\n":
            heard += len(line)
        assert heard < len(sent) - len(line)  # the flood did not come first
        while heard < len(sent) - len(line):
            assert ear.receive() == line
            heard += len(line)
        sending.join()


def test_a_flooding_sender_that_has_ended_is_read_at_its_rate() -> None:
    """As long as something waits for it, which it does not read."""
    with relayserver("--rate", "8388608") as (_, port):
        deaf, loud, ear = Peer(port), Peer(port), Peer(port)
        line = b"loud>" + b"x" * 490 + b"\n"
        lines = (20 << 20) // len(line)  # more than the systems hold and is queued
        talking = threading.Thread(target=loud.send, args=(line * lines,))
        talking.start()
        for _ in range(lines):
            assert ear.receive() == line
        talking.join()
        deaf.socket.settimeout(1)
        most, sent = 256 << 20, 0
        until = time.monotonic() + 2
        with suppress(TimeoutError):
            while sent < most and time.monotonic() < until:
                sent += deaf.socket.send(bytes(1 << 16))
        assert sent < most / 2


def test_idle_and_unfinished_ones_are_no_hindrance(server: Server) -> None:
    _, port = server
    unfinished = [Peer(port) for _ in range(50)]
    for peer in unfinished:
        peer.send(b"half>a li")
    ann = joined(port, "ann", 0)
    ann.send(b"ann>hi\n")
    assert {peer.receive() for peer in unfinished} == {b"ann>hi\n"}


def test_who_has_connected_hears_what_is_said_after_that(server: Server) -> None:
    _, port = server
    ann = joined(port, "ann", 0)
    for number in range(200):
        late = Peer(port)
        ann.send(b"ann>%d\n" % number)
        assert late.receive() == b"ann>%d\n" % number
        late.close()


def test_full() -> None:
    with relayserver("--max-clients", "64") as (_, port):
        peers = [Peer(port) for _ in range(64)]
        for number, peer in enumerate(peers[1:]):
            peer.send(b"h%d>\\join chat/1\n" % number)
            assert b"\\welcome" in peer.receive()
        late = Peer(port)
        assert peers[0].receive_all() == [b"SERVER>\\error full\n"]  # it had no handle
        late.send(b"late>hi\n")
        while peers[1].receive() != b"late>hi\n":
            pass
        assert Peer(port).receive_all() == [b"SERVER>\\error full\n"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_says_quit_to_all_and_the_port_is_free(number: signal.Signals) -> None:
    with relayserver() as (program, port):
        ann = joined(port, "ann", 0)
        silent, stubborn = Peer(port), Peer(port)
        ann.send(b"ann>hi\n")
        assert silent.receive() == b"ann>hi\n"
        program.signal(number)
        assert ann.receive_all() == silent.receive_all() == [b"SERVER>\\quit\n"]
        ann.close()
        silent.close()
        assert program.ended() == 0  # though stubborn stays
        assert stubborn.receive_all()[-1] == b"SERVER>\\quit\n"
    with relayserver(port=port) as (_, again):
        assert again == port


def test_a_screen_that_is_not_read_delays_nobody(server: Server) -> None:
    program, port = server
    ann, bob = Peer(port), Peer(port)
    text = b"ann>" + b"x" * 490 + b"\n"
    for _ in range(40):  # some 4 MB: more than a pipe and what waits for the screen
        ann.send(text * 200)
        for _ in range(200):
            assert bob.receive() == text
    shown = 0
    while not (counted := program.expect(r"^-- (\d+) lines were not shown here|^ann>x+$"))[1]:
        shown += 1
    assert shown + int(counted[1]) <= 8000
    assert int(counted[1]) > 0


def test_the_debug_view() -> None:
    with relayserver("--debug") as (program, port):
        ann = joined(port, "ann", 0)
        ann.send(b"ann>\xc2\x9b\n")
        ann.receive_all()
        ann.close()
        for line in ("connected", r"< ann>\\join chat/1", r"< ann>\\x9b", "has ended: encoding"):
            program.expect(rf"\(127\.0\.0\.1, \d+\) {line}$", on_stderr=True)
        program.expect("closed$", on_stderr=True)


def test_wrong_arguments() -> None:
    for arguments in ([], ["x"], ["0", "--queue-limit", "1"], ["0", "--max-clients", "63"]):
        with Program([sys.executable, "-m", "reference.relayserver", *arguments]) as program:
            assert program.ended() == 2
            assert re.search("usage: relayserver", program.errors())


def test_running_out_of_descriptors_harms_nobody_who_is_in() -> None:
    command = [sys.executable, "-m", "reference.relayserver", "0", "--debug"]
    with Program(["sh", "-c", 'ulimit -n 40; exec "$@"', "sh", *command]) as program:
        port = int(program.expect(r"Listening on port (\d+)")[1])
        ann, bob = joined(port, "ann", 0), Peer(port)
        more = [Peer(port) for _ in range(40)]  # their connecting is the system's doing
        program.expect("no connection can be taken for now: Too many open files", on_stderr=True)
        ann.send(b"ann>still here\n")
        assert bob.receive() == b"ann>still here\n"
        for peer in more:
            peer.close()
        late = Peer(port)
        late.send(b"late>hello\n")
        assert ann.receive() == b"SERVER>\\joined late\n"
        assert ann.receive() == b"late>hello\n"
