"""TLS for the subjects: a socket that does not block, with a handshake that takes its time.

It has the methods of a socket that a :class:`~conformance.subjects.net.Connection` uses. OpenSSL
is given octets in memory; those that it has decrypted and nobody has read are ``hidden`` from
whoever waits for the socket.
"""

import contextlib
import socket
import ssl
from dataclasses import dataclass

from conformance.subjects.catalogue import Bug, Oddity, bug

READ_MAX = 65536
RECORD_MAX = 16384
TINY_RECORD = 7
"""Octets in each record of the oddity ``tiny-records``."""
HANDSHAKE_SECONDS = 10.0
"""A handshake may take so long (TLS-5)."""
_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL."""


@dataclass(frozen=True)
class Files:
    """What is named on a command line."""

    cert: str | None = None
    key: str | None = None
    ca: str | None = None
    """Whom a client trusts, or whose certificates a server asks for."""


class TlsSocket:
    """A TCP socket with TLS over it."""

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        *,
        host: str | None = None,
        bug: str = "",
        odd: str = "",
    ) -> None:
        self.sock = sock
        self.bug = bug
        self.odd = odd
        self.shaken = False
        """Whether the handshake has succeeded."""
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, host is None, host)
        self._decrypted = bytearray()
        self._encrypted = bytearray()
        self._heard_end = False
        self._said_end = False
        sock.setblocking(False)
        self.fileno = sock.fileno
        self.setsockopt = sock.setsockopt
        self.getpeername = sock.getpeername

    @property
    def hidden(self) -> bool:
        """Whether there is something to read that the system does not know of."""
        return bool(self._decrypted) or (self._heard_end and self.shaken)

    def shake(self) -> bool:
        """Go on with the handshake; whether it has succeeded. OSError if it has failed."""
        if self.bug == "handshake-octet-by-octet":
            return self._shake_slowly()
        self._fill()
        return self._go_on()

    def _shake_slowly(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            while octet := self.sock.recv(1):
                self._in.write(octet)
                if self._go_on():
                    return True
            self._in.write_eof()
        return self._go_on()

    def _go_on(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            with contextlib.suppress(OSError):
                self._drain()
        self.shaken = True
        self._decrypt()
        return True

    def _fill(self) -> None:
        """Take what has come, if anything has."""
        with contextlib.suppress(BlockingIOError):
            octets = self.sock.recv(READ_MAX)
            if octets:
                self._in.write(octets)
            else:
                self._in.write_eof()

    def _decrypt(self) -> None:
        try:
            while octets := self._tls.read(RECORD_MAX):
                self._decrypted += octets
            self._heard_end = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._heard_end = True
        except ssl.SSLError:
            if self.bug == "cut-is-an-end":
                self._heard_end = True
            elif not self._decrypted:
                raise

    def recv(self, most: int) -> bytes:
        """What has come; nothing after close_notify. OSError after an end without it (TLS-8)."""
        if not self.shaken and not self.shake():
            raise BlockingIOError
        if not self._decrypted and not self._heard_end:
            self._fill()
            self._decrypt()
            if not self._decrypted and not self._heard_end:
                raise BlockingIOError
        octets = bytes(self._decrypted[:most])
        del self._decrypted[:most]
        return octets

    def send(self, octets: bytes | bytearray) -> int:
        """Encrypt a part of them, once all before is sent."""
        if not self.shaken and not self.shake():
            raise BlockingIOError
        self._drain()
        part = bytes(octets[: TINY_RECORD if self.odd == "tiny-records" else RECORD_MAX])
        self._tls.write(part)
        with contextlib.suppress(BlockingIOError):
            self._drain()
        return len(part)

    def _drain(self) -> None:
        """Send what is encrypted; BlockingIOError if the system does not take all of it."""
        self._encrypted += self._out.read()
        while self._encrypted:
            del self._encrypted[: self.sock.send(self._encrypted)]

    @property
    def owes(self) -> bool:
        """Whether something is encrypted and not sent."""
        return bool(self._encrypted)

    def flush(self) -> None:
        """Send what is owed; BlockingIOError if the system does not take all of it."""
        self._drain()

    def setblocking(self, blocking: bool) -> None:
        """As that of a socket."""
        self.sock.setblocking(blocking)

    def shutdown(self, how: int) -> None:
        """Say close_notify (TLS-7), then end the stream; BlockingIOError if it has to wait."""
        if self.bug != "ends-without-close-notify":
            if not self._said_end:
                with contextlib.suppress(ssl.SSLError):
                    self._tls.unwrap()
            self._said_end = True
            self._drain()
        self.sock.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()


def _context(side: int) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # some versions of Python hide a cut (TLS-8)
    return context


def server_context(files: Files, bug: str, odd: str) -> ssl.SSLContext:
    """TLS 1.3, a certificate, and whose certificates are asked for (TLS-1, TLS-3)."""
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    assert files.cert is not None
    context.load_cert_chain(files.cert, files.key)
    context.num_tickets = 2 if odd == "session-tickets" else 0
    if bug != "takes-tls-1.2":
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    if files.ca is not None and bug != "asks-for-no-certificate":
        context.load_verify_locations(files.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        if bug == "certificate-optional":
            context.verify_mode = ssl.CERT_OPTIONAL
    return context


def client_context(files: Files, bug: str) -> ssl.SSLContext:
    """TLS 1.3, and whom we trust (TLS-1, TLS-6)."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    if bug != "takes-tls-1.2":
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(files.ca)
    if files.cert is not None:
        context.load_cert_chain(files.cert, files.key)
    if bug in ("checks-no-name", "checks-no-authority"):
        context.check_hostname = False
    if bug == "checks-no-authority":
        context.verify_mode = ssl.CERT_NONE
    if bug == "checks-no-dates":
        context.verify_flags |= _NO_CHECK_TIME
    return context


SERVER_BUGS: tuple[Bug, ...] = tuple(
    bug(name, requirements, what, tls=True)
    for name, requirements, what in (
        ("takes-tls-1.2", "TLS-1", "It takes TLS 1.2, too."),
        ("takes-plain-octets", "TLS-2", "It serves peers that do not begin with a handshake."),
        ("counts-unfinished-handshake", "TLS-2", "Whose handshake has not ended is a client."),
        ("certificate-optional", "TLS-3", "It serves clients that show no certificate."),
        ("asks-for-no-certificate", "TLS-3", "It asks for no certificate, though it was told to."),
        ("handshake-blocks", "TLS-4", "While a handshake hangs it does nothing else."),
        ("handshakes-in-turn", "TLS-4", "A handshake waits for the one before."),
        (
            "handshake-octet-by-octet",
            "TLS-4",
            "It reads a handshake octet by octet, and nothing else as long as there is more.",
        ),
        ("dies-of-failed-handshake", "TLS-4 TLS-1", "A handshake that fails ends the program."),
        ("handshake-for-ever", "TLS-5", "It never ends a handshake that hangs."),
        ("ends-without-close-notify", "TLS-7", "It ends TCP's stream without close_notify."),
        ("cut-unnoticed", "TLS-8", "It does not take a cut for an end."),
    )
)
"""What a server can do wrong over TLS."""

CLIENT_BUGS: tuple[Bug, ...] = tuple(
    bug(name, requirements, what, tls=True)
    for name, requirements, what in (
        ("takes-tls-1.2", "TLS-1", "It takes TLS 1.2, too."),
        ("checks-no-authority", "TLS-6", "It trusts everybody."),
        ("checks-no-name", "TLS-6", "It takes a certificate with any name."),
        ("checks-no-dates", "TLS-6", "It takes a certificate that has expired."),
        ("distrusts-in-silence", "TLS-6", "It does not say why it does not connect."),
        ("ends-without-close-notify", "TLS-7", "It ends TCP's stream without close_notify."),
        ("cut-is-an-end", "TLS-8", "It takes a cut for a good end."),
    )
)
"""What a client can do wrong over TLS."""

_SERVER_ROWS = (
    ("over-tls", "It speaks TLS.", "Section 2.1."),
    ("session-tickets", "It sends session tickets.", "Section 2.1: it does well not to."),
)
_ROWS = (
    ("tiny-records", "It sends records of seven octets.", "STREAM-1: records mean nothing."),
    ("ends-both-directions", "Its end is that of both directions.", "CLOSE-1 is not judged."),
)
SERVER_ODDITIES: tuple[Oddity, ...] = tuple(
    Oddity(*row, tls=True) for row in (*_SERVER_ROWS, *_ROWS)
)
"""What a server may do over TLS."""

CLIENT_ODDITIES: tuple[Oddity, ...] = tuple(
    Oddity(*row, tls=True) for row in (_SERVER_ROWS[0], *_ROWS)
)
"""What a client may do over TLS."""
