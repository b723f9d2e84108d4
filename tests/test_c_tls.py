"""The C client over TLS: whom it trusts, what it says of those it does not, and chats as over TCP.

The servers are the standard library's TLS between two buffers, so that a test decides which octets
go over TCP, and when; the certificates are made by trustme. The tests of test_c_client.py that are
named at the end are run once more with everything said over TLS.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests import test_c_client as over_tcp
from tests.c_build import C_CLIENT, make
from tests.test_c_client import DEADLINE, EDITORS, Peer, Piped, Server, Starter, leave

T = TypeVar("T")

HERE = ("localhost", "127.0.0.1", "::1")
WELCOME = r"SERVER>\welcome chat/1 turns"


class TlsSocket:
    """A socket with TLS over it, the server's end: as much of its interface as a peer uses."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self.tcp = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.settimeout, self.setblocking = sock.settimeout, sock.setblocking
        self.setsockopt, self.close = sock.setsockopt, sock.close

    def until_done(self, operation: Callable[[], T]) -> T:
        """Its result, once enough was received; what it has to say is sent."""
        while True:
            try:
                return operation()
            except ssl.SSLWantReadError:
                self.flush()
                if octets := self.tcp.recv(65536):
                    self.incoming.write(octets)
                else:
                    self.incoming.write_eof()
            finally:
                self.flush()

    def flush(self) -> None:
        if octets := self.outgoing.read():
            self.tcp.sendall(octets)

    def recv(self, size: int) -> bytes:
        """As of a socket; b"" is close_notify, and an end without it an error."""
        try:
            return self.until_done(lambda: self.tls.read(size))
        except ssl.SSLZeroReturnError:
            return b""

    def records(self, *contents: bytes) -> bytes:
        """What stands on TCP for these, a record for each."""
        for content in contents:
            self.tls.write(content)
        return self.outgoing.read()

    def sendall(self, octets: bytes) -> None:
        self.tcp.sendall(self.records(octets))

    def send(self, octets: bytes) -> int:
        record = self.records(octets)
        while record:
            record = record[self.tcp.send(record) :]
        return len(octets)

    def say_goodbye(self) -> None:
        with suppress(ssl.SSLWantReadError):  # the client's goodbye is not waited for
            self.tls.unwrap()
        self.flush()

    def shutdown(self, how: int) -> None:
        self.say_goodbye()
        self.tcp.shutdown(how)


class TlsPeer(Peer):
    """A peer that says goodbye before it closes."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self.tls = TlsSocket(sock, context)
        super().__init__(cast(socket.socket, self.tls))

    def close(self) -> None:
        with suppress(OSError):  # it is closed, or the handshake failed
            self.tls.say_goodbye()
        super().close()

    def cut(self) -> None:
        """Ends TCP's stream without a goodbye."""
        self.tls.tcp.shutdown(socket.SHUT_WR)


class TlsServer(Server):
    context: ssl.SSLContext

    def accept(self) -> TlsPeer:
        """The peer, when the handshake is over for both."""
        peer = self.accept_silently()
        peer.tls.until_done(peer.tls.tls.do_handshake)
        return peer

    def accept_silently(self) -> TlsPeer:
        sock, _ = self.sock.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = TlsPeer(sock, self.context)
        self.peers.append(peer)
        return peer


@cache
def authority(_name: str = "ours") -> trustme.CA:
    return trustme.CA()


def context_with(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def context_for(*hosts: str) -> ssl.SSLContext:
    return context_with(authority().issue_cert(*hosts))


@cache
def speaks_tls(program: str) -> bool:
    said = subprocess.run([program, "--version"], check=True, capture_output=True).stdout
    return b"\nTLS: nothing" not in said


class TlsStarter(Starter):
    """The same, with all servers and clients over TLS."""

    server: TlsServer

    def __init__(self, editor: str, stack: ExitStack, directory: Path) -> None:
        self.context, self.directory = context_for(*HERE), directory
        self.ca = self.file("ca.pem", authority().cert_pem)
        super().__init__(editor, stack)
        if not speaks_tls(self.program):
            pytest.skip("the program was built without TLS")

    def file(self, name: str, *contents: trustme.Blob) -> str:
        path = self.directory / name
        path.write_bytes(b"".join(content.bytes() for content in contents))
        return str(path)

    def serve(self, host: str = "127.0.0.1") -> TlsServer:
        server = TlsServer(host)
        server.context = self.context
        self.stack.callback(server.close)
        return server

    @property
    def trusting(self) -> tuple[str, ...]:
        return ("--tls", "--ca", self.ca)

    @property
    def address(self) -> tuple[str, ...]:
        return (*self.trusting, self.server.host, self.server.port)

    def refused(
        self, *options: str, host: str = "localhost", context: ssl.SSLContext | None = None
    ) -> str:
        """Why a client does not trust the server: it says so, status 1, and nothing of chat/1."""
        self.server.context = context or self.context
        client = self.pipes(*(options or self.trusting), host, self.server.port)
        client.type("ann", "hello")
        peer = self.server.accept_silently()
        with pytest.raises(OSError):  # an alert, or a reset that overtook it
            peer.tls.until_done(peer.tls.tls.do_handshake)
            peer.sock.recv(1)
        assert client.finish() == 1
        return reason(client, host, self.server.port)


def reason(client: Piped, host: str, port: str) -> str:
    before = f"No TLS with {host} port {port}: "
    said = client.err.decode()
    assert said.startswith(before) and said.endswith(".\n") and said.count("\n") == 1
    assert client.out.startswith(b"Connecting to ") and client.out.count(b"\n") == 1
    return said.removeprefix(before).removesuffix(".\n")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[TlsStarter]:
    """For tests with pipes: any line editor will do."""
    with ExitStack() as stack:
        found = next(editor for editor in EDITORS if over_tcp.find_program(editor))
        yield TlsStarter(found, stack, tmp_path)


@pytest.fixture(params=EDITORS)
def at_terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TlsStarter]:
    with ExitStack() as stack:
        yield TlsStarter(request.param, stack, tmp_path)


@pytest.fixture(params=[editor for editor in EDITORS if editor != "none"])
def with_editor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TlsStarter]:
    with ExitStack() as stack:
        yield TlsStarter(request.param, stack, tmp_path)


# ---- who is trusted ----


@pytest.mark.parametrize("host", HERE)
def test_a_server_that_is_trusted(start: TlsStarter, host: str) -> None:
    """TLS-1, TLS-6: by its name or its address; only a name is told the server."""
    told: list[str | None] = []
    start.context.sni_callback = lambda _tls, name, _context: told.append(name)
    server = start.serve(host if ":" in host else "127.0.0.1")
    client = start.pipes(*start.trusting, host, server.port)
    peer = server.accept()
    client.type("ann")
    peer.expect(r"ann>\join chat/1")
    assert peer.tls.tls.version() == "TLSv1.3"
    assert told == [host if host == "localhost" else None]


def test_the_authorities_of_the_system(start: TlsStarter) -> None:
    client = start.pipes(
        "--tls", *start.address[-2:], env={**os.environ, "SSL_CERT_FILE": start.ca}
    )
    peer = start.server.accept()
    client.type("ann")
    peer.expect(r"ann>\join chat/1")


def test_a_name_with_a_dot_behind_it(start: TlsStarter) -> None:
    """It says that the name is whole; a certificate has none."""
    try:
        socket.getaddrinfo("localhost.", None)
    except OSError:
        pytest.skip("this system does not know localhost with a dot behind it")
    start.pipes(*start.trusting, "localhost.", start.server.port)
    assert start.server.accept().tls.tls.version() == "TLSv1.3"


def test_an_authority_that_is_not_the_systems(start: TlsStarter) -> None:
    assert start.refused("--tls") == (
        "the certificate of localhost is not from an authority that you trust "
        "(unable to get local issuer certificate): --ca FILE names one"
    )


def test_an_authority_that_is_not_in_the_file(start: TlsStarter) -> None:
    """Then the system's are not trusted either."""
    other = start.file("other.pem", authority("other").cert_pem)
    client = start.pipes(
        *("--tls", "--ca", other, *start.address[-2:]),
        env={**os.environ, "SSL_CERT_FILE": start.ca},
    )
    with pytest.raises(OSError):
        start.server.accept().sock.recv(1)
    assert client.finish() == 1
    host, port = start.address[-2:]
    assert reason(client, host, port) == (
        f"the certificate of {host} is not from an authority in the file of --ca "
        "(unable to get local issuer certificate)"
    )


def made_by_hand(
    start: TlsStarter, *names: x509.GeneralName, by_authority: bool, for_clients: bool = False
) -> ssl.SSLContext:
    """What trustme does not make: an own signature, strange names, or for clients only."""
    key = ec.generate_private_key(ec.SECP256R1())
    issued = x509.load_pem_x509_certificate(authority().cert_pem.bytes())
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    signer = serialization.load_pem_private_key(authority().private_key_pem.bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(issued.subject if by_authority else own, own, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    if names:
        certificate = certificate.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if for_clients:
        usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH])
        certificate = certificate.add_extension(usage, critical=False)
    signed = certificate.sign(signer if by_authority else key, hashes.SHA256())
    path = start.directory / "by hand.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_certificate_that_signed_itself(start: TlsStarter) -> None:
    context = made_by_hand(start, x509.DNSName("localhost"), by_authority=False)
    assert start.refused("--tls", context=context).startswith(
        "the certificate of localhost is not from an authority that you trust (self"
    )


@pytest.mark.parametrize(
    ("names", "host", "said"),
    [
        (["other.example"], "localhost", "other.example"),
        (["a.example", "192.0.2.1", "2001:db8::1"], "localhost", None),
        (["127.0.0.1"], "localhost", "127.0.0.1"),
        (["localhost"], "127.0.0.1", "localhost"),
        (["192.0.2.1"], "127.0.0.1", "192.0.2.1"),
        (["*.localhost"], "localhost", "*.localhost"),
    ],
)
def test_another_host(start: TlsStarter, names: list[str], host: str, said: str | None) -> None:
    """TLS-6: a name is no address, nor the other way round."""
    context = context_for(*names)
    assert start.refused(host=host, context=context) == (
        f"the certificate is for {said or ', '.join(names)}, not for {host}"
    )


def test_a_common_name_is_no_host(start: TlsStarter) -> None:
    """RFC 9525: only subjectAltName counts."""
    context = made_by_hand(start, by_authority=True)
    assert start.refused(context=context) == "the certificate is for no host, not for localhost"


def test_names_that_would_write_on_the_screen(start: TlsStarter) -> None:
    """TERM-4: a certificate may come from anybody."""
    names = (x509.DNSName("\x1b[2Jbob>hi\n"), x509.DNSName("x" * 600))
    said = start.refused(context=made_by_hand(start, *names, by_authority=True))
    assert said.startswith("the certificate is for ??2Jbob?hi?, xxx")
    assert said.endswith("xxx, not for localhost")
    assert len(said) < 300


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        (-20, -10, "the certificate of localhost has expired"),
        (10, 20, "the certificate of localhost is not valid yet; is the clock here right?"),
    ],
)
def test_a_certificate_of_another_time(start: TlsStarter, begin: int, end: int, said: str) -> None:
    now = datetime.now(UTC)
    certificate = authority().issue_cert(
        "localhost", not_before=now + timedelta(days=begin), not_after=now + timedelta(days=end)
    )
    assert start.refused(context=context_with(certificate)) == said


def test_a_certificate_that_is_no_servers(start: TlsStarter) -> None:
    context = made_by_hand(start, x509.DNSName("localhost"), by_authority=True, for_clients=True)
    assert start.refused(context=context).startswith("the certificate of localhost is not good (")


# ---- what is no TLS 1.3 ----


def test_a_server_of_an_earlier_version(start: TlsStarter) -> None:
    """TLS-1."""
    context = context_for("localhost")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert start.refused(context=context) == "the server does not speak TLS 1.3"


def test_a_server_that_answers_with_an_earlier_version(start: TlsStarter) -> None:
    """TLS-1: without an alert, it goes on as if it had been asked for TLS 1.2."""
    hello = b"\x03\x03" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0"
    message = b"\x02" + len(hello).to_bytes(3, "big") + hello
    client = start.pipes(*start.address)
    peer = start.server.accept_silently()
    peer.tls.tcp.sendall(b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message)
    assert client.finish() == 1
    assert reason(client, *start.address[-2:]) == "the server does not speak TLS 1.3"


@pytest.mark.parametrize(
    "answer", [b"SERVER>\\error malformed\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(64)]
)
def test_a_server_without_tls(start: TlsStarter, answer: bytes) -> None:
    client = start.pipes(*start.address)
    peer = start.server.accept_silently()
    peer.tls.tcp.sendall(answer)
    assert client.finish() == 1
    assert reason(client, *start.address[-2:]).startswith("the server does not seem to speak TLS (")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("end", "the server ended the handshake; perhaps it does not speak TLS"),
        (
            "reset",
            "Connection reset by peer, in the handshake; perhaps the server does not speak TLS",
        ),
    ],
)
def test_a_server_that_goes_at_once(start: TlsStarter, how: str, said: str) -> None:
    client = start.pipes(*start.address)
    peer = start.server.accept_silently()
    assert peer.tls.tcp.recv(65536)  # or the reset comes of that
    if how == "end":
        peer.cut()
    else:
        peer.reset()
    assert client.finish() == 1
    assert reason(client, *start.address[-2:]) == said


def test_a_handshake_that_hangs(start: TlsStarter) -> None:
    """It is given up after 10 seconds, also if something comes all the time."""
    begin = time.monotonic()
    client = start.pipes(*start.address)
    peer = start.server.accept_silently()
    peer.tls.tcp.sendall(b"\x16\x03\x03\x20\0")  # a record that never comes whole
    with pytest.raises(OSError):
        while time.monotonic() < begin + DEADLINE:
            client._read(time.monotonic() + 0.1)
            peer.tls.tcp.sendall(b"\x02")
    assert 9 < time.monotonic() - begin < 15
    assert client.finish() == 1
    assert reason(client, *start.address[-2:]) == (
        "the handshake took more than 10 seconds; perhaps the server does not speak TLS"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_in_the_handshake(start: TlsStarter, number: signal.Signals) -> None:
    client = start.pipes(*start.address)
    peer = start.server.accept_silently()
    assert peer.tls.tcp.recv(65536)
    client.process.send_signal(number)
    assert client.finish() == 1
    assert client.err == b"Interrupted before there was a connection.\n"


# ---- the client's own certificate ----


def asking(start: TlsStarter) -> None:
    """From now on the server wants certificates of our authority."""
    authority().configure_trust(start.context)
    start.context.verify_mode = ssl.CERT_REQUIRED


@pytest.mark.parametrize("files", ["one file", "two files"])
def test_a_certificate_that_is_accepted(start: TlsStarter, files: str) -> None:
    asking(start)
    ann = authority().issue_cert("ann@example.org")
    chain = ann.cert_chain_pems
    if files == "one file":
        own = ["--cert", start.file("ann.pem", ann.private_key_pem, *chain)]
    else:
        own = ["--cert", start.file("ann.pem", *chain)]
        own += ["--key", start.file("key.pem", ann.private_key_pem)]
    client, peer = start.chat("turns", *own)
    assert isinstance(peer, TlsPeer)
    shown = peer.tls.tls.getpeercert()
    assert shown and ("email", "ann@example.org") in shown["subjectAltName"]
    assert leave(client, peer) == 0


@pytest.mark.parametrize(
    ("issuer", "said"),
    [
        (None, b"the server wants a certificate of yours: --cert FILE and --key FILE"),
        ("other", b"the server does not accept your certificate (tlsv1 alert unknown ca)"),
    ],
)
@pytest.mark.parametrize("typed", [(), ("ann", "hello")], ids=["silent", "hasty"])
def test_a_certificate_that_is_not_accepted(
    start: TlsStarter, issuer: str | None, said: bytes, typed: tuple[str, ...]
) -> None:
    """The client cannot know in the handshake, but is told: TERM-5, a loss."""
    asking(start)
    options: tuple[str, ...] = ()
    if issuer:
        ann = authority(issuer).issue_cert("ann@example.org")
        options = ("--cert", start.file("ann.pem", ann.private_key_pem, *ann.cert_chain_pems))
    client = start.pipes(*options, *start.address)
    client.type(*typed)
    with pytest.raises(ssl.SSLError):
        start.server.accept()
    start.server.peers[-1].sock.close()
    assert client.finish() == 1
    assert b"-- The connection is lost: " + said + b".\n" in client.err


# ---- files ----


def files_for(start: TlsStarter) -> dict[str, str]:
    ann, bob = (authority().issue_cert(f"{name}@example.org") for name in ("ann", "bob"))
    rsa = authority().issue_cert("rsa@example.org", key_type=trustme.KeyType.RSA)
    key = serialization.load_pem_private_key(ann.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    return {
        "CERT": start.file("cert.pem", *ann.cert_chain_pems),
        "KEY": start.file("key.pem", ann.private_key_pem),
        "OTHER": start.file("other.pem", bob.private_key_pem),
        "RSA": start.file("rsa.pem", rsa.private_key_pem),
        "LOCKED": start.file("locked.pem", trustme.Blob(encrypted)),
        "EMPTY": start.file("empty.pem"),
        "DIRECTORY": str(start.directory),
        "NONE": str(start.directory / "none.pem"),
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--ca NONE", "The authorities cannot be read from NONE: No such file or directory."),
        ("--ca EMPTY", "The authorities cannot be read from EMPTY: there is no certificate in "),
        ("--ca KEY", "The authorities cannot be read from KEY: there is no certificate in PEM in"),
        ("--ca DIRECTORY", "The authorities cannot be read from DIRECTORY: there is no certific"),
        ("--cert NONE", "Your certificate cannot be read from NONE: No such file or directory."),
        ("--cert KEY", "Your certificate cannot be read from KEY: there is none in PEM in it."),
        ("--cert CERT", "The key of your certificate cannot be read from CERT: there is none in"),
        ("--cert CERT --key NONE", "The key of your certificate cannot be read from NONE: No su"),
        ("--cert CERT --key EMPTY", "The key of your certificate cannot be read from EMPTY: the"),
        ("--cert CERT --key OTHER", "The key in OTHER is not that of the certificate in CERT."),
        ("--cert CERT --key RSA", "The key in RSA is not that of the certificate in CERT."),
        ("--cert CERT --key LOCKED", "The key in LOCKED is encrypted, and nobody is asked for a"),
    ],
)
def test_files_that_cannot_be_used(start: TlsStarter, options: str, said: str) -> None:
    """TERM-5: status 2, before there is a connection."""
    files = files_for(start)
    given = [files.get(word, word) for word in options.split()]
    for name in options.split():
        said = said.replace(f" {name} ", f" {files.get(name, name)} ")
        said = said.replace(f" {name}:", f" {files.get(name, name)}:")
        said = said.replace(f" {name}.", f" {files.get(name, name)}.")
    client = start.pipes("--tls", *given, *start.address[-2:])
    assert client.finish() == 2
    assert client.out == b""
    assert client.err.startswith(f"chatclient: {said}".encode())
    assert b"\nUsage: chatclient " in client.err


def test_a_program_without_tls() -> None:
    """It says what to do, and works without."""
    kind = ("TLS=none", "LINE_EDITOR=none")
    said = make(*kind, "BUILD=build/no_tls", "CLIENT=build/no_tls/chatclient", "all")
    assert "\nno OpenSSL wanted: no TLS\n" in said
    program = str(C_CLIENT / "build" / "no_tls" / "chatclient")
    assert not speaks_tls(program)
    done = subprocess.run([program, "--tls", "localhost", "1"], check=False, capture_output=True)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"chatclient: There is no TLS in this program" in done.stderr
    assert b"libssl-dev" in done.stderr
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        subprocess.Popen(
            [program, "127.0.0.1", str(server.getsockname()[1])], stdin=subprocess.PIPE
        ) as client,
    ):
        server.settimeout(DEADLINE)
        peer = Peer(server.accept()[0])
        client.communicate(b"ann\n")
        peer.expect(r"ann>\join chat/1")
        peer.expect_end()
        peer.close()
        assert client.wait(DEADLINE) == 0


# ---- the end ----


def test_goodbye_comes_before_the_end(start: TlsStarter) -> None:
    """TLS-7, CLOSE-1: then TCP's end, and only what the server still says ends the program."""

    def goes_on(client: Piped, peer: Peer) -> None:
        assert isinstance(peer, TlsPeer)
        assert peer.tls.tcp.recv(1) == b""
        peer.send("SERVER>good bye", "SERVER>again")
        client.until("SERVER>good bye\nSERVER>again\n")
        assert client.process.poll() is None

    client, peer = start.left(goes_on)
    peer.close()
    assert client.finish() == 0


@pytest.mark.parametrize("interrupts", [1, 2])
def test_goodbye_at_an_interrupt(start: TlsStarter, interrupts: int) -> None:
    """TLS-7, CLIENT-12."""
    client, peer = start.chat()
    client.process.send_signal(signal.SIGINT)
    peer.expect(r"ann>\quit")
    if interrupts == 2:
        client.process.send_signal(signal.SIGINT)
    peer.expect_end()
    peer.close()
    assert client.finish() == 0


@pytest.mark.parametrize("line", [r"SERVER>\quit", r"SERVER>\error idle", "x" * 600])
def test_goodbye_when_the_server_ends_it(start: TlsStarter, line: str) -> None:
    """TLS-7, CLOSE-2."""
    client, peer = start.chat()
    peer.send(line)
    peer.expect_end()
    assert client.finish() == (0 if "quit" in line else 1)


@pytest.mark.parametrize("welcomed", [True, False])
def test_an_end_of_tcp_alone(start: TlsStarter, welcomed: bool) -> None:
    """TLS-8, TERM-5: it is lost, also where an end with a goodbye would be good."""
    client, peer = start.chat() if welcomed else start.piped_chat()
    peer.send("SERVER>hello")
    assert isinstance(peer, TlsPeer)
    peer.cut()
    assert client.finish() == 1
    assert b"SERVER>hello\n" in client.out
    assert client.err == b"-- The connection is lost: it was cut off without a goodbye.\n"


@pytest.mark.parametrize("where", [1, 4, 5, 6, -17, -1])
def test_a_record_that_is_cut(start: TlsStarter, where: int) -> None:
    """TLS-8: nothing of it is shown."""
    client, peer = start.chat()
    assert isinstance(peer, TlsPeer)
    whole, cut = peer.tls.records(b"SERVER>whole\n"), peer.tls.records(b"SERVER>cut\n")
    peer.tls.tcp.sendall(whole + cut[:where])
    peer.cut()
    assert client.finish() == 1
    assert b"SERVER>whole\n" in client.out and b"SERVER>cut" not in client.out
    assert client.err == b"-- The connection is lost: it was cut off without a goodbye.\n"


def test_a_record_that_was_changed(start: TlsStarter) -> None:
    client, peer = start.chat()
    assert isinstance(peer, TlsPeer)
    record = bytearray(peer.tls.records(b"SERVER>hello\n"))
    record[-1] ^= 1
    peer.tls.tcp.sendall(record)
    assert client.finish() == 1
    assert b"SERVER>hello" not in client.out
    assert client.err.startswith(b"-- The connection is lost: TLS failed: ")


def test_a_cut_after_leaving(start: TlsStarter) -> None:
    """CLIENT-13: nothing that happens then changes the status."""
    client, peer = start.chat()
    client.type("\\quit")
    peer.expect(r"ann>\quit")
    peer.expect_end()
    assert isinstance(peer, TlsPeer)
    peer.cut()
    assert client.finish() == 0
    assert client.err == b""


# ---- records ----


def test_octets_of_tcp_one_by_one(start: TlsStarter) -> None:
    """STREAM-1."""
    client, peer = start.piped_chat()
    assert isinstance(peer, TlsPeer)
    for octet in peer.tls.records(WELCOME.encode() + b"\nSERVER>caf\xc3\xa9\n"):
        peer.tls.tcp.sendall(bytes([octet]))
    client.until("SERVER>café\n")
    assert leave(client, peer) == 0


def test_a_record_for_each_octet(start: TlsStarter) -> None:
    """STREAM-1; all of them at once, and records of nothing between."""
    client, peer = start.chat("relay")
    assert isinstance(peer, TlsPeer)
    said = "".join(f"bob>{number} é\n" for number in range(100)).encode()
    peer.tls.tcp.sendall(peer.tls.records(*(bytes([octet]) for octet in said)))
    client.until("bob>99 é\n")
    assert client.out.endswith(said)
    assert leave(client, peer) == 0


def test_the_largest_records(start: TlsStarter) -> None:
    """More than one read takes, and all of it at once: nothing is left behind within TLS."""
    client, peer = start.chat("relay")
    said = "".join(f"bob>{number} {'x' * (number % 450)}\n" for number in range(3000)).encode()
    peer.sock.sendall(said)
    client.until("bob>2999 ")
    client.until("\n" + said.decode().splitlines()[-1] + "\n")
    assert client.out.endswith(said)
    assert leave(client, peer) == 0


def test_a_paste_that_the_server_does_not_read(start: TlsStarter) -> None:
    """STREAM-2: what is received is still shown, and in the end everything is sent, in order."""
    client, peer = start.chat("relay")
    client.type_until_blocked("x" * 499)
    for number in range(10):
        peer.send(f"bob>{number}")
        client.until(f"bob>{number}\n")
    client.end_input()
    count = 0
    while (line := peer.line()) != r"ann>\quit":
        assert line.removeprefix("ann>").strip("x") == ""
        count += 1
    assert count > 1000
    peer.expect_end()
    peer.close()
    assert client.finish() == 0


def test_interrupt_with_a_record_half_on_its_way(start: TlsStarter) -> None:
    """CLIENT-12, STREAM-2: the line in it is finished, and `\\quit` is the next."""
    client, peer = start.chat("relay")
    client.type_until_blocked("x" * 499)
    client.process.send_signal(signal.SIGINT)
    received = 0
    while (line := peer.line()) != r"ann>\quit":
        assert line == "ann>" + "x" * 499
        received += 1
    assert received > 0
    peer.expect_end()
    peer.close()
    assert client.finish() == 1
    assert b" texts were not sent.\n" in client.err


# ---- the same as over TCP ----

test_no_handle = over_tcp.test_no_handle
test_bad_handle_with_pipes = over_tcp.test_bad_handle_with_pipes
test_full_before_the_handle = over_tcp.test_full_before_the_handle
test_turns = over_tcp.test_turns
test_relay = over_tcp.test_relay
test_texts_are_shown_as_they_are = over_tcp.test_texts_are_shown_as_they_are
test_octet_by_octet = over_tcp.test_octet_by_octet
test_long_texts = over_tcp.test_long_texts
test_texts_by_the_thousand = over_tcp.test_texts_by_the_thousand
test_quit = over_tcp.test_quit
test_waiting_texts_go_before_leaving = over_tcp.test_waiting_texts_go_before_leaving
test_patience = over_tcp.test_patience
test_leaving_at_once = over_tcp.test_leaving_at_once
test_interrupt_before_the_handle = over_tcp.test_interrupt_before_the_handle
test_interrupt_while_the_server_does_not_read = (
    over_tcp.test_interrupt_while_the_server_does_not_read
)
test_draining_ends = over_tcp.test_draining_ends
test_draining_has_a_bound = over_tcp.test_draining_has_a_bound
test_reset_after_leaving = over_tcp.test_reset_after_leaving
test_server_quits = over_tcp.test_server_quits
test_errors = over_tcp.test_errors
test_end_of_stream_after_welcome = over_tcp.test_end_of_stream_after_welcome
test_end_of_stream_before_welcome = over_tcp.test_end_of_stream_before_welcome
test_reset = over_tcp.test_reset
test_unfinished_line = over_tcp.test_unfinished_line
test_too_long = over_tcp.test_too_long
test_output_without_reader = over_tcp.test_output_without_reader
test_interrupt_while_nobody_reads_the_output = over_tcp.test_interrupt_while_nobody_reads_the_output
test_a_chat_at_a_terminal = over_tcp.test_a_chat_at_a_terminal
test_half_typed_text_is_kept = over_tcp.test_half_typed_text_is_kept
test_several_lines_at_once = over_tcp.test_several_lines_at_once
test_leaving_a_terminal = over_tcp.test_leaving_a_terminal
test_handle_taken_at_a_terminal = over_tcp.test_handle_taken_at_a_terminal
test_stop_and_go_on = over_tcp.test_stop_and_go_on
