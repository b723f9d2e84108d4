"""The chat server at a terminal: what its operator sees and does there."""

import signal
import socket
from collections.abc import Iterator

import pytest

from tests.programs import Peer
from tests.screen import Screen


@pytest.fixture
def screen() -> Iterator[Screen]:
    opened = Screen("reference.chatserver", "0")
    opened.wait_for_row("Awaiting client connections")
    yield opened
    opened.close()


def port_of(screen: Screen) -> int:
    return next(
        int(row.rpartition(" ")[2]) for row in screen.rows() if row.startswith("Listening on port")
    )


def test_a_conversation_reads_like_a_transcript(screen: Screen) -> None:
    peer = Peer(port_of(screen))
    peer.send(b"ann>hello\n")
    screen.wait_for_last("SERVER>")
    screen.type("good morniny\x7fg, ann\r")
    assert peer.receive() == b"SERVER>good morning, ann\n"
    screen.wait_for_last("(ann's turn) SERVER>")
    peer.send("ann>é€😀\n".encode())
    transcript = ["ann>hello", "SERVER>good morning, ann", "ann>é€😀", "SERVER>"]
    screen.wait_for(lambda rows: rows[-4:] == transcript)


def test_a_reply_typed_too_early_waits_and_is_dropped_at_the_end(screen: Screen) -> None:
    peer = Peer(port_of(screen))
    peer.send(b"ann>hello\n")
    screen.wait_for_last("SERVER>")
    screen.type("one\rtwo\r")
    screen.wait_for_last("(ann's turn, 1 waiting) SERVER>")
    screen.type("half typ")
    screen.wait_for_last("(ann's turn, 1 waiting) SERVER>half typ")
    peer.end()
    screen.wait_for_row("-- not sent, because the session ended: 2 typed")
    assert peer.receive_all() == [b"SERVER>one\n"]
    after = Peer(port_of(screen))
    after.send(b"bob>hi\n")
    screen.wait_for_last("SERVER>")  # nothing of it is left


def test_leaving_is_noticed_while_the_operator_types(screen: Screen) -> None:
    peer = Peer(port_of(screen))
    peer.send(b"ann>hello\n")
    screen.wait_for_last("SERVER>")
    screen.type("I was about to s")
    screen.wait_for_last("SERVER>I was about to s")
    peer.reset()
    rows = screen.wait_for_row("-- not sent, because the session ended: 1 typed")
    assert "client has disconnected" in rows


def test_quit_ends_the_session_in_the_clients_turn_too(screen: Screen) -> None:
    peer = Peer(port_of(screen))
    peer.send(b"ann>\\join chat/1\n")
    screen.wait_for_last("(ann's turn) SERVER>")
    screen.type("\\quit\r")
    screen.wait_for_row("client has disconnected")
    assert peer.receive_all()[-1] == b"SERVER>\\quit\n"
    screen.type("\\quit\r")
    screen.wait_for_row("-- not sent: no client is connected (Ctrl-C ends the server)")


def test_a_line_that_cannot_be_sent_is_refused_and_the_turn_kept(screen: Screen) -> None:
    peer = Peer(port_of(screen))
    peer.send(b"ann>hello\n")
    screen.wait_for_last("SERVER>")
    screen.type("\\error full\r")
    screen.wait_for(lambda rows: any("would be taken for a command" in row for row in rows))
    screen.type("fine\r")
    assert peer.receive() == b"SERVER>fine\n"


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_a_key_ends_the_server_in_mid_session(screen: Screen, key: str) -> None:
    peer = Peer(port_of(screen))
    peer.send(b"ann>hello\n")
    screen.wait_for_last("SERVER>")
    screen.type(key)
    assert peer.receive_all() == [b"SERVER>\\quit\n"]
    peer.close()
    assert screen.status() == 0


def test_a_signal_ends_it_too(screen: Screen) -> None:
    screen.program.kill(signal.SIGTERM)
    assert screen.status() == 0


def test_a_taken_port_and_the_next() -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        screen = Screen("reference.chatserver", str(port))
        screen.wait_for_row(f"cannot listen on port {port}: another program listens there")
        screen.wait_for_last(f"Try port {port + 1}? (y/n)")
        screen.type("maybe\r")
        screen.wait_for(lambda rows: sum("Try port" in row for row in rows) == 2)
        screen.type("n\r")
        assert screen.status() == 1
        screen = Screen("reference.chatserver", str(port))
        screen.wait_for_last(f"Try port {port + 1}? (y/n)")
        screen.type("y\r")
        screen.wait_for(
            lambda rows: (
                rows[-1] == "Awaiting client connections"
                or rows[-1].startswith(f"Try port {port + 2}")
            )
        )
        screen.type("\x03")
        assert screen.status() in (0, 1)
