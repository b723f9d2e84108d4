"""Servers and the Python client over TLS (section 2.1 of the spec), as processes."""

import asyncio
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from reference._door import FULL, Bounds, Door
from reference._limit_log import LimitLog
from reference._tls import server_context
from tests.certificates import HOST, Certificates
from tests.programs import DEADLINE_SECONDS, Peer, Program, chatserver, relayserver

HANGING = 20
Server = Callable[..., AbstractContextManager[tuple[Program, int]]]


@pytest.fixture
def options(certificates: Certificates) -> list[str]:
    return ["--tls-cert", str(certificates.server())]


def connected(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    tcp = socket.create_connection((HOST, port), DEADLINE_SECONDS)
    return context.wrap_socket(tcp, server_hostname=HOST, suppress_ragged_eofs=False)


def peer(port: int, certificates: Certificates, certificate: Path | None = None) -> Peer:
    return Peer.of(connected(port, certificates.client_context(certificate)))


def joined(port: int, certificates: Certificates, handle: str, here: int) -> Peer:
    one = peer(port, certificates)
    one.send(f"{handle}>\\join chat/1\n".encode())
    assert one.receive() == f"SERVER>\\welcome chat/1 relay here={here}\n".encode()
    if here:
        one.receive()
    return one


def say_goodbye(one: Peer) -> None:
    """End our side by close_notify; the other side may go on."""
    assert isinstance(one.socket, ssl.SSLSocket)
    one.socket.setblocking(False)
    with suppress(ssl.SSLWantReadError):
        one.socket.unwrap()
    one.socket.settimeout(DEADLINE_SECONDS)


def wait_end(one: Peer) -> None:
    """Wait for the other side's goodbye, after ours."""
    with suppress(ssl.SSLZeroReturnError):  # both have said it
        assert one.receive() == b""


# Servers


def test_a_relay(certificates: Certificates, options: list[str]) -> None:
    with relayserver(*options) as (program, port):
        ann = joined(port, certificates, "ann", 0)
        bob = joined(port, certificates, "bob", 1)
        assert ann.receive() == b"SERVER>\\joined bob\n"
        for octet in b"bob>octet by octet\n":
            bob.send(bytes([octet]))
        assert ann.receive() == b"bob>octet by octet\n"
        program.expect("^bob>octet by octet$")
        lines = [f"ann>{n}\n".encode() for n in range(10_000)]
        sending = threading.Thread(target=ann.send, args=(b"".join(lines),))
        sending.start()
        assert [bob.receive() for _ in lines] == lines
        sending.join()
        say_goodbye(ann)
        wait_end(ann)
        assert bob.receive() == b"SERVER>\\left ann\n"
        program.signal(signal.SIGTERM)
        assert bob.receive_all() == [b"SERVER>\\quit\n"]  # a cut would be an error (TLS-7)
        bob.close()
        assert program.ended() == 0
        assert program.errors() == ""


def test_what_waits_for_a_slow_reader_is_whole(
    certificates: Certificates, options: list[str]
) -> None:
    with relayserver(*options, "--rate", "0") as (_, port):
        slow = joined(port, certificates, "slow", 0)
        quick = joined(port, certificates, "quick", 1)
        assert slow.receive() == b"SERVER>\\joined quick\n"
        witness = joined(port, certificates, "witness", 2)
        assert slow.receive() == b"SERVER>\\joined witness\n"
        lines = [f"quick>{n} {'x' * 400}\n".encode() for n in range(2000)]
        quick.send(b"".join(lines))
        assert [witness.receive() for _ in lines] == lines  # so all is queued
        assert [slow.receive() for _ in lines] == lines
        witness.close()


def test_a_chat_server(certificates: Certificates, options: list[str]) -> None:
    with chatserver(*options) as (program, port):
        ann, bob = peer(port, certificates), peer(port, certificates)
        ann.send(b"ann>hello\n")
        program.expect("^ann>hello$")
        bob.send(b"bob>waits\n")
        program.type("hello ann")
        assert ann.receive() == b"SERVER>hello ann\n"
        ann.send(b"ann>bye\nann>\\quit\n")
        assert ann.receive() == b""
        program.expect("^bob>waits$")
        say_goodbye(bob)
        wait_end(bob)
        program.expect("client has disconnected")
        program.signal(signal.SIGTERM)
        assert program.ended() == 0
        assert program.errors() == ""


def test_what_tls_adds_counts_for_the_rate_of_a_sender(
    certificates: Certificates, options: list[str]
) -> None:
    """Lines in records of their own: few octets, of which TLS makes more than is its share."""
    rate, line, lines, overhead = 262_144, b"loud>x\n", 30_000, 22
    assert lines * len(line) < rate < lines * overhead / 2
    begun = time.monotonic()
    with relayserver(*options, "--rate", str(rate)) as (_, port):
        loud, ear = peer(port, certificates), joined(port, certificates, "ear", 0)

        def flood() -> None:
            for _ in range(lines):
                loud.send(line)

        sending = threading.Thread(target=flood)
        sending.start()
        assert ear.receive() == b"SERVER>\\joined loud\n"
        for _ in range(lines):
            assert ear.receive() == line
        sending.join()
    assert time.monotonic() - begun > (lines * overhead - rate) / rate


def cut(one: Peer) -> None:
    socket.socket(fileno=one.socket.detach()).close()


def test_a_cut_is_an_end(certificates: Certificates, options: list[str]) -> None:
    with relayserver(*options) as (_, port):
        ann = joined(port, certificates, "ann", 0)
        bob = joined(port, certificates, "bob", 1)
        assert ann.receive() == b"SERVER>\\joined bob\n"
        bob.send(b"bob>half a li")
        cut(bob)
        assert ann.receive() == b"SERVER>\\left bob\n"


def old_version(certificates: Certificates) -> ssl.SSLContext:
    context = certificates.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def test_old_versions_and_no_tls_are_refused(
    certificates: Certificates, options: list[str]
) -> None:
    with relayserver(*options) as (program, port):
        ann = joined(port, certificates, "ann", 0)
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            connected(port, old_version(certificates))
        program.expect("-- no TLS handshake: .*it does not talk TLS 1.3")
        plain = Peer(port)
        plain.send(b"plain>hello\n")
        wait_closed(plain)
        joined(port, certificates, "bob", 1)
        assert ann.receive() == b"SERVER>\\joined bob\n"


def wait_closed(one: Peer) -> None:
    """Wait for its end; nothing of chat/1 may come before it."""
    with suppress(ConnectionResetError):
        assert b">" not in b"".join(one.receive_all())


@pytest.mark.parametrize("server", [relayserver, chatserver])
def test_only_those_with_a_certificate(
    certificates: Certificates, options: list[str], server: Server
) -> None:
    with server(*options, "--tls-client-ca", str(certificates.ca)) as (program, port):
        for certificate in (None, certificates.strangers_client()):
            stranger = peer(port, certificates, certificate)
            stranger.send(b"eve>let me in\n")
            with pytest.raises(ssl.SSLError, match="ALERT"):
                stranger.receive()
        friend = peer(port, certificates, certificates.client())
        friend.send(b"ann>hello\n")
        program.expect("^ann>hello$")
        program.signal(signal.SIGTERM)
        assert friend.receive_all() == [b"SERVER>\\quit\n"]
        assert b"eve>" not in program.output().encode()


@pytest.mark.parametrize("server", [relayserver, chatserver])
@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01", b"\x16"])
def test_hanging_handshakes_hold_up_nobody(
    certificates: Certificates,
    options: list[str],
    server: Server,
    said: bytes,
) -> None:
    with server(*options, "--max-handshakes", "10") as (program, port):
        hanging = [Peer(port) for _ in range(HANGING)]
        for each in hanging:
            each.send(said)
        for oldest in hanging[: HANGING // 2]:
            wait_closed(oldest)
        ann = peer(port, certificates)
        ann.send(b"ann>hello\n")
        program.expect("^ann>hello$")
        program.signal(signal.SIGTERM)
        assert ann.receive_all() == [b"SERVER>\\quit\n"]
        ann.close()
        assert program.ended() == 0
        assert program.errors() == ""


@pytest.mark.parametrize(
    ("server", "few"), [(relayserver, ("--max-clients", "64")), (chatserver, ("--waiting", "1"))]
)
def test_hanging_handshakes_take_nobodys_place(
    certificates: Certificates, options: list[str], server: Server, few: tuple[str, ...]
) -> None:
    """TLS-2: fewer are let in than there are, and somebody who comes later is."""
    with server(*options, *few, "--max-per-address", "0") as (program, port):
        hanging = [Peer(port) for _ in range(150)]
        ann = peer(port, certificates)
        ann.send(b"ann>hello\n")
        program.expect("^ann>hello$")
        for each in hanging:
            each.close()


@pytest.mark.parametrize("server", [relayserver, chatserver])
def test_whoever_floods_with_handshakes_displaces_nobody_else(
    certificates: Certificates, options: list[str], server: Server
) -> None:
    with server(*options, "--max-handshakes", "10") as (program, port):
        tcp = socket.create_connection((HOST, port), DEADLINE_SECONDS, ("127.0.0.2", 0))
        hanging = [Peer(port) for _ in range(HANGING)]
        for oldest in hanging[: HANGING // 2]:
            wait_closed(oldest)
        slow = Peer.of(certificates.client_context().wrap_socket(tcp, server_hostname=HOST))
        slow.send(b"ann>hello\n")
        program.expect("^ann>hello$")


def test_who_finds_it_full_after_the_handshake_is_told(certificates: Certificates) -> None:
    admitted: list[socket.socket] = []
    said: list[str] = []

    async def come() -> None:
        loop = asyncio.get_running_loop()
        listening = socket.create_server((HOST, 0))
        door = Door(
            listening,
            Bounds(connections=1, per_address=0, per_second=0, handshakes=10),
            server_context(certificates.server(), None, None),
            lambda connected, _: admitted.append(connected),
            lambda: loop.add_reader(listening, door.accept),
            lambda: loop.remove_reader(listening),
            LimitLog(said.append),
        )
        door.open()
        address = listening.getsockname()
        both = [socket.create_connection(address, DEADLINE_SECONDS / 2) for _ in range(2)]
        shake = partial(certificates.client_context().wrap_socket, server_hostname=HOST)
        first, second = [await asyncio.to_thread(shake, each) for each in both]
        assert await asyncio.to_thread(second.recv, 100) == FULL
        assert len(admitted) == 1
        assert said[-1].startswith("-- sent away, too many connections: ")
        door.close()
        for each in (first, second, *admitted):
            each.close()

    asyncio.run(asyncio.wait_for(come(), DEADLINE_SECONDS))


@pytest.mark.parametrize("server", ["relayserver", "chatserver"])
def test_files_that_cannot_be_used(server: str, certificates: Certificates, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    mine, other = str(certificates.server()), str(certificates.client())
    for arguments, sentence in (
        (["--tls-cert", str(tmp_path / "none")], "none: No such file"),
        (["--tls-cert", str(tmp_path / "empty")], "no certificate with its key in PEM form"),
        (["--tls-cert", mine, "--tls-key", other], "not the key of the certificate"),
        (["--tls-cert", mine, "--tls-client-ca", str(tmp_path / "empty")], "no certificate in PEM"),
        (["--tls-key", mine], "TLS needs a certificate"),
    ):
        with Program([sys.executable, "-m", f"reference.{server}", "0", *arguments]) as program:
            assert program.ended() == 2
            assert sentence in program.errors()


# The client


def client(port: int, *options: str, host: str = HOST) -> Program:
    command = [sys.executable, "-m", "reference.chatclient", host, str(port), "--tls", *options]
    return Program(command)


@contextmanager
def tls_server(certificate: Path, version: ssl.TLSVersion) -> Iterator[tuple[socket.socket, int]]:
    """A listening socket of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.maximum_version = version
    tcp = socket.create_server((HOST, 0))
    with context.wrap_socket(tcp, server_side=True, suppress_ragged_eofs=False) as listening:
        listening.settimeout(DEADLINE_SECONDS)
        yield listening, listening.getsockname()[1]


def test_a_conversation(certificates: Certificates, options: list[str]) -> None:
    with (
        relayserver(*options) as (_, port),
        client(port, "--ca", str(certificates.ca)) as ann,
        client(port, "--ca", str(certificates.ca)) as bob,
    ):
        ann.type("ann")
        ann.expect("-- welcome")
        bob.type("bob")
        ann.expect("-- bob joined")
        ann.type("hello", "x" * 3000)
        bob.expect("^ann>hello$")
        for _ in range(6):
            bob.expect("^ann>x{500}$")
        bob.type("\\quit")
        assert (bob.ended(), bob.errors()) == (0, "")
        ann.expect("-- bob left")
        ann.stdin.close()
        assert (ann.ended(), ann.errors()) == (0, "")


def test_a_certificate_of_ones_own(certificates: Certificates, options: list[str]) -> None:
    ca = ("--ca", str(certificates.ca))
    with chatserver(*options, "--tls-client-ca", str(certificates.ca)) as (program, port):
        with client(port, *ca) as eve:
            eve.type("eve", "hello")
            eve.expect(r"connection is lost: it wants a certificate \(--cert FILE\)")
            assert eve.ended() == 1
        with client(port, *ca, "--cert", str(certificates.strangers_client())) as eve:
            eve.type("eve", "hello")
            eve.expect(r"does not take this certificate \(unknown ca\)")
            assert eve.ended() == 1
        with client(port, *ca, "--cert", str(certificates.client())) as ann:
            ann.type("ann", "hello")
            program.expect("^ann>hello$")
            program.type("\\quit")
            ann.expect("the server has left")
            assert ann.ended() == 0


TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize(
    ("name", "version", "trusted", "sentence"),
    [
        (HOST, TLS_1_3, False, "of no authority that is trusted here"),
        ("other.example", TLS_1_3, True, "for somebody else"),
        (HOST, TLS_1_2, True, "does not talk TLS 1.3"),
    ],
)
def test_nothing_is_said_to_the_wrong_server(
    certificates: Certificates, name: str, version: ssl.TLSVersion, trusted: bool, sentence: str
) -> None:
    ca = certificates.ca if trusted else certificates.other_ca
    with (
        tls_server(certificates.server(name), version) as (listening, port),
        client(port, "--ca", str(ca)) as program,
    ):
        program.type("ann", "hello")
        with pytest.raises(ssl.SSLError), closing(listening.accept()[0]) as connected:
            assert connected.recv(1) == b"said nothing"
        assert program.ended() == 1
        assert f"no TLS with {HOST}: " in program.errors()
        assert sentence in program.errors()


def test_a_server_without_tls(certificates: Certificates) -> None:
    with relayserver() as (_, port), client(port, "--ca", str(certificates.ca)) as program:
        program.type("ann")
        assert program.ended() == 1
        assert "it does not talk TLS" in program.errors()


@pytest.mark.parametrize(("goodbye", "status"), [(True, 0), (False, 1)])
def test_a_cut_stream_is_a_lost_connection(
    certificates: Certificates, goodbye: bool, status: int
) -> None:
    with (
        tls_server(certificates.server(), TLS_1_3) as (listening, port),
        client(port, "--ca", str(certificates.ca)) as program,
    ):
        program.type("ann")
        server = Peer.of(listening.accept()[0])
        assert server.receive() == b"ann>\\join chat/1\n"
        if goodbye:
            say_goodbye(server)
        cut(server)
        assert program.ended() == status


def test_it_leaves_with_a_goodbye(certificates: Certificates) -> None:
    with (
        tls_server(certificates.server(), TLS_1_3) as (listening, port),
        client(port, "--ca", str(certificates.ca)) as program,
    ):
        program.type("ann")
        server = Peer.of(listening.accept()[0])
        assert server.receive() == b"ann>\\join chat/1\n"
        server.send(b"SERVER>\\welcome chat/1 relay here=0\nSERVER>x\n")
        program.expect("^SERVER>x$")
        program.type("\\quit")
        assert server.receive_all() == [b"ann>\\quit\n"]
        server.close()
        assert program.ended() == 0


def test_a_server_that_does_not_shake_hands_can_be_left(certificates: Certificates) -> None:
    with (
        socket.create_server((HOST, 0)) as listening,
        client(listening.getsockname()[1], "--ca", str(certificates.ca)) as program,
        closing(listening.accept()[0]) as connected,
    ):
        assert connected.recv(1) == b"\x16"
        program.signal(signal.SIGINT)
        assert program.ended() == 1
        assert program.errors() == ""


def test_options_that_do_not_go_together(certificates: Certificates) -> None:
    ca = str(certificates.ca)
    run = partial(Program, [sys.executable, "-m", "reference.chatclient", HOST, "1", "--ca", ca])
    with run() as program:
        assert program.ended() == 2
        assert "are for --tls" in program.errors()
    with client(1, "--key", ca) as program:
        assert program.ended() == 2
        assert "--cert FILE" in program.errors()
