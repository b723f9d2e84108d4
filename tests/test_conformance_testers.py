"""The suite's two sides: the lower tester's cuts, and the upper tester's programs."""

import os
import select
import socket
import sys
import threading
import time

import pytest

from conformance.drain_fence import DrainFence
from conformance.lower_tester import Connection, Network
from conformance.ports import free_port
from conformance.trace import Trace
from conformance.upper_tester import Program, listening, plain

SECONDS = 20.0
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked")


def connected() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        return ours, listener.accept()[0]


@linux
def test_each_piece_is_a_read_of_its_own() -> None:
    ours, theirs = connected()
    reads: list[bytes] = []

    def read() -> None:
        while octets := theirs.recv(65536):
            reads.append(octets)

    reader = threading.Thread(target=read)
    reader.start()
    fence = DrainFence()
    network = Network(Trace(), fence, "them")
    connection = network.take("us", ours)
    octets = bytes(range(1, 41))
    assert network.send(connection, octets, list(range(1, 40)), SECONDS) == 40
    ours.close()
    reader.join(SECONDS)
    theirs.close()
    fence.close()
    assert reads == [bytes([each]) for each in octets]
    assert fence.exact


@linux
def test_the_fence_gives_up_at_a_peer_that_does_not_read() -> None:
    ours, theirs = connected()
    fence = DrainFence()
    ours.send(b"x")
    begun = time.monotonic()
    fence.wait(ours, 1, 0.2)
    assert time.monotonic() - begun >= 0.2
    for each in (ours, theirs):
        each.close()
    fence.close()


@linux
def test_the_fence_does_not_wait_for_a_peer_that_is_gone() -> None:
    ours, theirs = connected()
    theirs.close()
    fence = DrainFence()
    begun = time.monotonic()
    fence.wait(ours, 1, SECONDS)
    assert time.monotonic() - begun < SECONDS / 2
    ours.close()
    fence.close()


@linux
def test_an_end_has_the_time_at_which_it_came() -> None:
    ours, theirs = connected()
    connection = Connection("A", "it", ours, Trace())
    before = time.monotonic()
    theirs.shutdown(socket.SHUT_WR)
    after = time.monotonic()
    assert select.select([theirs], [], [], 0.3) == ([], [], [])  # as if we were busy
    connection.read()
    assert connection.ending == "end"
    assert before - 0.05 < connection.ended_at < after + 0.05
    for each in (ours, theirs):
        each.close()


@pytest.mark.parametrize("tty", [True, False])
def test_a_program_is_typed_at_and_read(tty: bool) -> None:
    code = "import sys; [print('you said', line.strip(), flush=True) for line in sys.stdin]"
    program = Program(f'{sys.executable} -c "{code}"', tty_output=tty)
    try:
        assert program.type(b"hello\n", SECONDS)
        while b"you said hello" not in program.lines():
            assert program.wait_screen(SECONDS)
        program.end_input()
        assert program.ended(SECONDS) == 0
    finally:
        program.kill()


def test_lines_of_a_screen_are_whole() -> None:
    program = Program("cat", tty_output=False)
    try:
        for typed, lines in (
            (b"on", []),
            (b"e\n\ntw", [b"one", b""]),
            (b"o\n", [b"one", b"", b"two"]),
        ):
            assert program.type(typed, SECONDS)
            while not program.screen.endswith(typed):
                assert program.wait_screen(SECONDS)
            assert program.lines() == lines
        program.clear_screen()
        assert program.lines() == []
        assert program.type(b"three\n", SECONDS)
        while not program.lines():
            assert program.wait_screen(SECONDS)
        assert program.lines() == [b"three"]
    finally:
        program.kill()


def test_the_whole_group_ends_with_a_program() -> None:
    program = Program(f"{sys.executable} -c \"import os; os.system('echo $$; sleep 1000')\"")
    while not program.lines():
        assert program.wait_screen(SECONDS)
    child = int(program.lines()[0])
    program.kill()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        with open(f"/proc/{child}/stat") as stat:  # noqa: PTH123 - a zombie waits for init
            if stat.read().split()[2] == "Z":
                return
    pytest.fail("the child lives on")


def test_a_signal_is_a_negative_status() -> None:
    program = Program(f'{sys.executable} -c "import os; os.abort()"')
    assert program.ended(SECONDS) == -6
    program.kill()


def test_ports_are_free_and_seen_to_be_listened_on() -> None:
    ports = {free_port() for _ in range(20)}
    assert len(ports) == 20
    port = ports.pop()
    assert not listening(port)
    with socket.create_server(("127.0.0.1", port)):
        assert listening(port)


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        (b"\x1b[1;32mann\x1b[0m>hi\r", b"ann>hi"),
        (b"prompt> \rann>hi", b"ann>hi"),
        (b"\x1b]0;title\x07ann>hi", b"ann>hi"),
        (b"\x1b[?2004hann>hi\x1b[K", b"ann>hi"),
    ],
)
def test_colours_and_prompts_are_no_text(written: bytes, seen: bytes) -> None:
    assert plain(written) == seen
