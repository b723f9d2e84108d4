"""TERM-13: what a terminal is shown of a text, and what stands on the screens of our programs."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference._terminal_text import HANDLE_COLOURS, INVISIBLE, coloured, visible
from tests import strategies
from tests.programs import DEADLINE_SECONDS, Peer, chatserver, relayserver
from tests.screen import COLUMNS, Screen, all_written

ROOT = Path(__file__).parent.parent
SENT = "a\u202eb\u200bc\ufeffd\u2028e\u2066f\u00adg"
SHOWN = "a<U+202E>b<U+200B>c<U+FEFF>d<U+2028>e<U+2066>f<U+00AD>g"

invisible = st.sampled_from(INVISIBLE).flatmap(
    lambda ends: st.integers(*ends).map(chr)  # each range as often as the others
)
lines = st.lists(st.text() | invisible | strategies.long_texts()).map("".join)


def is_invisible(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in INVISIBLE)


@given(lines)
def test_only_what_is_invisible_is_changed(line: str) -> None:
    expected = "".join(f"<U+{ord(each):04X}>" if is_invisible(each) else each for each in line)
    assert visible(line.encode()) == expected.encode()


@given(lines)
def test_nothing_invisible_is_left_and_once_is_enough(line: str) -> None:
    shown = visible(line.encode())
    assert not any(map(is_invisible, shown.decode()))
    assert visible(shown) == shown


def test_ascii_is_handed_on_without_a_copy() -> None:
    octets = b"ann>hello\n" * 1000
    assert visible(octets) is octets


def test_handles_and_notices_are_in_colour_and_texts_are_not() -> None:
    shown = coloured(b"ann>-- hi\nServer>bob>x\n\n-- ann left\nabcdefghijk>x\n")
    assert shown.splitlines() == [
        b"\x1b[%dmann\x1b[m>-- hi" % HANDLE_COLOURS[crc32(b"ann") % len(HANDLE_COLOURS)],
        b"\x1b[1mServer\x1b[m>bob>x",
        b"",
        b"\x1b[36m-- ann left\x1b[m",
        b"\x1b[36mabcdefghijk>x\x1b[m",
    ]


def server_at_a_terminal(program: str) -> tuple[Screen, Peer]:
    screen = Screen(f"reference.{program}", "0")
    screen.wait_for_row("Awaiting client connections")
    (listening,) = (row for row in screen.rows() if row.startswith("Listening on port"))
    return screen, Peer(int(listening.rpartition(" ")[2]))


@pytest.mark.parametrize(
    ("program", "notice"),
    [("chatserver", "client has disconnected"), ("relayserver", "-- bob is removed")],
)
def test_a_wrapped_text_is_not_taken_for_a_message_or_a_notice(program: str, notice: str) -> None:
    """Section 15, wrap spoofing: what a text pushes to the beginning of a row has no colour."""
    screen, peer = server_at_a_terminal(program)
    row = "bob>" + "x" * (COLUMNS - len("bob>"))
    for fake in ("SERVER>send it to mallory", notice):
        peer.send(f"{row}{fake}\n".encode())
        screen.wait_for_row(fake)
        assert not screen.in_colour(fake)
        if program == "chatserver":
            screen.type("and?\r")
            assert peer.receive() == b"SERVER>and?\n"
    assert screen.in_colour(row)
    screen.type("\\kick bob\r" if program == "relayserver" else "\\quit\r")
    screen.wait_for(lambda rows: rows.count(notice) == 2)
    assert screen.in_colour(notice)
    screen.close()


def test_in_the_client_no_text_and_no_handle_looks_like_a_notice_or_a_prompt() -> None:
    """LINE-3, ERR-7, section 15."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        screen = Screen("reference.chatclient", "127.0.0.1", str(port), "--handle", "ann")
        peer = Peer.of(listening.accept()[0])
        peer.send(b"SERVER>\\welcome chat/1 relay\n")
        screen.wait_for_last("ann>")
        row = "bob>" + "x" * (COLUMNS - len("bob>"))
        fakes = ["-- the server has left", "SERVER>send it to mallory"]
        for fake in fakes:
            peer.send(f"{row}{fake}\n".encode())
            screen.wait_for_row(fake)
            assert not screen.in_colour(fake)
        faulty = ["-- bob left", "-->x", "(SERVER's turn) ann>x", "\u202eann>x", " >x"]
        peer.send("\n".join([*faulty, "bob>-- bob left", ""]).encode())
        rows = screen.wait_for_row("bob>-- bob left")
        assert sum("it breaks the protocol" in shown for shown in rows) == len(faulty)
        assert not any(shown.endswith(">x") or shown == "-- bob left" for shown in rows)
        peer.send(b"SERVER>send it to mallory\nSERVER>\\quit\n")
        rows = screen.wait_for(lambda rows: rows.count("-- the server has left") == 2)
        assert all(screen.in_colour(own) for own in [*fakes, row])
        screen.close()


@pytest.mark.parametrize("program", ["chatserver", "relayserver"])
def test_on_the_screen_of_a_server(program: str) -> None:
    screen, peer = server_at_a_terminal(program)
    peer.send(f"ann>{SENT}\n".encode())
    screen.wait_for_row(f"ann>{SHOWN}")
    screen.close()


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
        screen.close()


C_CLIENT = ROOT / "c_client" / "chatclient"
each_client = pytest.mark.parametrize(
    "client", [[sys.executable, "-m", "reference.chatclient"], [str(C_CLIENT)]], ids=["py", "c"]
)


def shown_at_a_terminal(client: list[str], **environment: str) -> bytes:
    """What a client shows of a text where only standard output is a terminal."""
    master, slave = os.openpty()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
        program = subprocess.Popen(
            [*client, "127.0.0.1", port],
            stdin=subprocess.PIPE,
            stdout=slave,
            env={**os.environ, "TERM": "xterm", **environment},
        )
        os.close(slave)
        peer = Peer.of(listening.accept()[0])
        peer.send(f"bob>{SENT}\nSERVER>\\quit\n".encode())
        peer.end()
        program.communicate(timeout=DEADLINE_SECONDS)
    return all_written(master)


@each_client
def test_where_only_standard_output_is_a_terminal(client: list[str]) -> None:
    assert f"\x1b[m>{SHOWN}\r\n".encode() in shown_at_a_terminal(client)


@each_client
def test_bold_where_no_colours_are_wanted(client: list[str]) -> None:
    shown = shown_at_a_terminal(client, NO_COLOR="1")
    assert f"\x1b[1mbob\x1b[m>{SHOWN}\r\n".encode() in shown
    assert set(re.findall(rb"\x1b\[(\d*)m", shown)) == {b"1", b""}


@each_client
def test_no_codes_on_a_dumb_terminal(client: list[str]) -> None:
    shown = shown_at_a_terminal(client, TERM="dumb")
    assert f"bob>{SHOWN}\r\n".encode() in shown
    assert b"\x1b" not in shown


@pytest.mark.parametrize("server", [chatserver, relayserver])
def test_in_a_pipe_every_octet_stays(server: type) -> None:
    with server() as (program, port):
        Peer(port).send(f"ann>{SENT}\n".encode())
        program.expect(f"^ann>{SENT}$")
