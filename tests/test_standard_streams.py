"""Programs whose standard streams are broken, or missing, from the beginning."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import DEADLINE_SECONDS, Peer, Program, nobodys_port, relayserver


def started(redirection: str, name: str, *arguments: str) -> Program:
    python = [sys.executable, "-m", f"reference.{name}", *arguments]
    return Program(["sh", "-c", f'exec "$@" {redirection}', "sh", *python])


def connected(port: int) -> Peer:
    """A connection to a server that cannot say when it listens."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            return Peer(port)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline


@pytest.fixture
def port() -> Iterator[int]:
    with nobodys_port() as number:
        yield number


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-", "<&-", "<&- >&- 2>&-"])
def test_a_relay_needs_none(port: int, redirection: str) -> None:
    with started(redirection, "relayserver", str(port)) as program:
        ann, bob = connected(port), connected(port)
        ann.send(b"ann>hello\n")
        assert bob.receive() == b"ann>hello\n"
        program.process.terminate()
        assert program.ended() == 0


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_a_chatserver_without_a_screen_takes_its_leave(port: int, redirection: str) -> None:
    with started(redirection, "chatserver", str(port)) as program:
        ann = connected(port)
        ann.send(b"ann>hello\n")
        assert ann.receive_all() == [b"SERVER>\\quit\n"]
        ann.close()
        assert program.ended() == 1
        assert "Traceback" not in program.errors()


def joining(redirection: str, port: int) -> Program:
    return started(redirection, "chatclient", "127.0.0.1", str(port))


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_a_client_without_a_screen_leaves(redirection: str) -> None:
    with relayserver() as (_, port), joining(redirection, port) as program:
        program.type("ann")
        assert program.ended() == 1
        assert "Traceback" not in program.errors()


def test_a_client_without_input_ends() -> None:
    with relayserver() as (_, port), joining("<&-", port) as program:
        assert program.ended() == 0
        assert program.errors() == ""


def test_a_debug_view_that_nobody_reads_holds_up_nobody(port: int, tmp_path: Path) -> None:
    view = tmp_path / "view"
    os.mkfifo(view)
    unread = os.open(view, os.O_RDWR)
    with started(f"2>{view}", "relayserver", str(port), "--debug") as program:
        ann, bob = connected(port), connected(port)
        for _ in range(1_000):
            ann.send(b"ann>%b\n" % (b"x" * 500))
            assert len(bob.receive()) == 505
        os.close(unread)  # now writing fails instead
        program.process.terminate()
        assert program.ended() == 0
