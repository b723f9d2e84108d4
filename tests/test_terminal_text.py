"""TERM-13: what a terminal is shown of a text, and what stands on the screens of our programs."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference._terminal_text import INVISIBLE, terminal_text
from tests import strategies
from tests.programs import Peer, chatserver, relayserver
from tests.screen import Screen

SENT = "a\u202eb\u200bc\ufeffd\u2028e\u2066f\u00adg"
SHOWN = "a<U+202E>b<U+200B>c<U+FEFF>d<U+2028>e<U+2066>f<U+00AD>g"

QUESTION = "What would you like your chat handle to be>"

invisible = st.sampled_from(INVISIBLE).flatmap(
    lambda ends: st.integers(*ends).map(chr)  # each range as often as the others
)
lines = st.lists(st.text() | invisible | strategies.long_texts()).map("".join)


def is_invisible(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in INVISIBLE)


@given(lines)
def test_only_what_is_invisible_is_changed(line: str) -> None:
    expected = "".join(f"<U+{ord(each):04X}>" if is_invisible(each) else each for each in line)
    assert terminal_text(line.encode()) == expected.encode()


@given(lines)
def test_nothing_invisible_is_left_and_once_is_enough(line: str) -> None:
    shown = terminal_text(line.encode())
    assert not any(map(is_invisible, shown.decode()))
    assert terminal_text(shown) == shown


def test_ascii_is_handed_on_without_a_copy() -> None:
    octets = b"ann>hello\n" * 1000
    assert terminal_text(octets) is octets


@pytest.mark.parametrize("program", ["chatserver", "relayserver"])
def test_on_the_screen_of_a_server(program: str) -> None:
    screen = Screen(f"reference.{program}", "0")
    screen.wait_for_row("Awaiting client connections")
    (listening,) = (row for row in screen.rows() if row.startswith("Listening on port"))
    peer = Peer(int(listening.rpartition(" ")[2]))
    peer.send(f"ann>{SENT}\n".encode())
    screen.wait_for_row(f"ann>{SHOWN}")
    screen.program.close(force=True)


def test_on_the_screen_of_the_client_received_and_typed() -> None:
    with relayserver() as (_, port):
        screen = Screen("reference.chatclient", "127.0.0.1", str(port), "--handle", "ann")
        screen.wait_for_last("ann>")
        bob = Peer(port)
        bob.send(f"bob>{SENT}\n".encode())
        screen.wait_for_row(f"bob>{SHOWN}")
        screen.type("x\u00ady\r")
        assert bob.receive() == "ann>x\u00ady\n".encode()
        screen.wait_for_row("ann>x<U+00AD>y")
        screen.program.close(force=True)


def test_where_only_standard_output_is_a_terminal() -> None:
    master, slave = os.openpty()
    with (
        relayserver() as (_, port),
        subprocess.Popen(
            [sys.executable, "-m", "reference.chatclient", "127.0.0.1", str(port)],
            stdin=subprocess.PIPE,
            stdout=slave,
        ) as program,
    ):
        os.close(slave)
        assert program.stdin
        program.stdin.write(b"ann\n")
        program.stdin.flush()
        bob = Peer(port)
        bob.send(f"bob>{SENT}\n".encode())
        seen = b""
        while f"bob>{SHOWN}\r\n".encode() not in seen:
            seen += os.read(master, 65536)
        program.stdin.close()
    os.close(master)


@pytest.mark.parametrize("server", [chatserver, relayserver])
def test_in_a_pipe_every_octet_stays(server: type) -> None:
    with server() as (program, port):
        Peer(port).send(f"ann>{SENT}\n".encode())
        program.expect(f"^ann>{SENT}$")
