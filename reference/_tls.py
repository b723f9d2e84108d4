"""TLS under the calls of a socket, so that what is above needs not know of it (spec 2.1)."""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, cast

from chatproto import limits

PIECE_OCTETS = 16_384
"""What one record of TLS carries at most."""
RECORD_HEADER_OCTETS = 5
HANDSHAKE_RECORDS = 256
"""More are no handshake: it may come in pieces, but each costs time."""
ANSWERS_OCTETS = 1024
"""What TLS itself may have to answer to one read: to update a key takes 27."""
UNSENT_OCTETS = 2 * PIECE_OCTETS
"""What of a record, and of such answers, the system may not have taken."""
READ_OCTETS = limits.READ_MAX_OCTETS
"""What one read brings at most."""

# What every read goes through: buffers of its own for each leave the heap in pieces.
_READ = memoryview(bytearray(READ_OCTETS))
_DECRYPTED = memoryview(bytearray(READ_OCTETS))


class TlsError(Exception):
    """A certificate or a key that cannot be used; its text is a sentence for a person."""


def server_context(certificate: Path, key: Path | None, client_ca: Path | None) -> ssl.SSLContext:
    """What a server shows, and whom it asks for a certificate (TLS-1, TLS-3). Raises TlsError."""
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0  # who leaves them unread when it closes sends a reset
    _show(context, certificate, key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        _trust(context, client_ca)
    return context


def client_context(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Whom a client trusts, and what it shows if it is asked (TLS-1, TLS-6). Raises TlsError."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    if ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _trust(context, ca)
    if certificate is not None:
        _show(context, certificate, key)
    return context


def _context(side: int) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # some versions of Python hide a cut (TLS-8)
    return context


CUT = "UNEXPECTED_EOF_WHILE_READING"
WRONG_NAME = {62, 64}
"""X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH"""
UNTRUSTED = {2, 18, 19, 20, 21}
"""Codes of X509_V_ERR for a chain that leads to no authority that is trusted"""
CLAUSES = {
    CUT: "it ended the connection instead",
    **dict.fromkeys(
        ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"),
        "it does not talk TLS",
    ),
    **dict.fromkeys(
        ("TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL"), "it does not talk TLS 1.3"
    ),
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate (--cert FILE)",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it shows no certificate",
}
"""What OpenSSL calls an error, and what a person is told"""


def reason(error: BaseException) -> str:
    """Why a connection failed, as a clause for a person."""
    match error:
        case ssl.SSLCertVerificationError(verify_code=code, verify_message=message):
            if code in WRONG_NAME:
                return f"its certificate is for somebody else ({message})"
            if code in UNTRUSTED:
                return f"its certificate is of no authority that is trusted here ({message})"
            return f"its certificate cannot be used ({message})"
        case ssl.SSLError(reason=str(name)):
            words = name.rpartition("_ALERT_")[2].lower().replace("_", " ")
            if "_ALERT_" in name and ("certificate" in words or "unknown ca" in words):
                words = f"it does not take this certificate ({words})"
            return CLAUSES.get(name, words)
        case TimeoutError():
            return "it took too long"
        case OSError(strerror=str(words)):
            return words
    return str(error)


def _show(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    def refuse() -> str:
        raise TlsError(f"{key or certificate}: the key is encrypted; give one without a passphrase")

    _read(certificate)
    if key is not None:
        _read(key)
    try:
        context.load_cert_chain(certificate, key, password=refuse)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise TlsError(f"{key or certificate}: not the key of the certificate") from None
        raise TlsError(
            f"{certificate}: no certificate with its key in PEM form"
            + (f", the key in {key}" if key else "; is the key in a file of its own?")
        ) from None


def _trust(context: ssl.SSLContext, authorities: Path) -> None:
    _read(authorities)
    try:
        context.load_verify_locations(authorities)
    except ssl.SSLError:
        raise TlsError(f"{authorities}: no certificate in PEM form") from None


def _read(file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as error:
        raise TlsError(f"{file}: {error.strerror}") from None


class TlsSocket(socket.socket):
    """A connected socket that does not wait, and whose octets travel inside TLS.

    What is readable never hides inside it: ``recv`` gives all that one read of the network
    brought, and the handshake reads no octet of what follows.
    """

    def __init__(
        self, connected: socket.socket, context: ssl.SSLContext, host: str | None = None
    ) -> None:
        """Takes the socket over, unless this fails; ``host`` is the server that a client wants
        to reach.
        """
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=host is None, server_hostname=host
        )
        super().__init__(
            connected.family, connected.type, connected.proto, fileno=connected.detach()
        )
        self.setblocking(False)
        self._unsent = b""
        """Octets of TLS that the system did not take yet."""
        self._owed = 0
        """Octets that are in there, but were not yet said to be sent."""
        self._peers_end: OSError | bool = False
        """Whether the peer's stream has ended; by an error if it was not ended well."""
        self._goodbye_said = False
        """Whether our stream has, but for what is unsent."""
        self.taken = 0
        """Octets of TCP's stream that ``recv`` took last."""

    async def handshake(self) -> None:
        """Agree with the peer. Raises ssl.SSLError, or another OSError, if that fails."""
        header = b""
        left = records = 0
        while True:
            await asyncio.sleep(0)  # others have their turn, however much has come already
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush_waiting()
            except ssl.SSLError:
                self._try_to_flush()  # the alert
                await self._drain()
                raise
            else:
                await self._flush_waiting()
                return
            octets = await self._receive(left or RECORD_HEADER_OCTETS - len(header))
            self._heard(octets)
            if left:
                left -= len(octets)
                continue
            header += octets
            if len(header) == RECORD_HEADER_OCTETS:
                records += 1
                if records > HANDSHAKE_RECORDS:
                    raise OSError(errno.EPROTO, "it takes too many records")
                left = int.from_bytes(header[3:])
                header = b""

    async def _receive(self, most: int) -> bytes:
        loop = asyncio.get_running_loop()
        while True:
            try:
                return super().recv(most)
            except BlockingIOError:
                await _until_ready(self.fileno(), loop.add_reader, loop.remove_reader)

    async def _drain(self) -> None:
        """Discard what still comes, so that no reset destroys the alert (as in CLOSE-1)."""
        discarded = 0
        with contextlib.suppress(OSError):
            super().shutdown(socket.SHUT_WR)
            async with asyncio.timeout(limits.DRAIN_MIN_SECONDS):
                while discarded < limits.DRAIN_MIN_OCTETS:
                    octets = await self._receive(READ_OCTETS)
                    discarded += len(octets) or limits.DRAIN_MIN_OCTETS

    async def _flush_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._flush()
            except BlockingIOError:
                await _until_ready(self.fileno(), loop.add_writer, loop.remove_writer)
            else:
                return

    # As a socket

    def recv(self, bufsize: int, _flags: int = 0) -> bytes:
        """What a read of at most so many octets of the network brings; READ_OCTETS or fewer.
        Raises ConnectionResetError after a stream that was not ended well (TLS-8), and
        ssl.SSLError.
        """
        return bytes(_DECRYPTED[: self.recv_into(_DECRYPTED, bufsize)])

    def recv_into(self, buffer: Any, nbytes: int = 0, _flags: int = 0) -> int:
        """As ``recv``, into a buffer that has room for READ_OCTETS."""
        self._must_be_open()
        if not self._peers_end:
            try:
                received = self._received(buffer, nbytes or READ_OCTETS)
            except MemoryError:
                raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from None
            if received:
                return received
            if not self._peers_end:
                raise BlockingIOError(errno.EAGAIN, "not a whole record yet")
        error, self._peers_end = self._peers_end, True
        if isinstance(error, OSError):
            try:
                raise error  # once, as a socket does
            finally:
                del error  # or it refers to itself, by its traceback, and keeps us in memory
        return 0

    def _received(self, buffer: Any, most: int) -> int:
        self.taken = 0
        room = READ_OCTETS - PIECE_OCTETS - self._incoming.pending
        self.taken = super().recv_into(_READ, min(most, room))
        self._heard(_READ[: self.taken])
        received = self._decrypt_into(buffer)
        answers = self._outgoing.pending
        self._try_to_flush()
        if answers > ANSWERS_OCTETS or len(self._unsent) > UNSENT_OCTETS:
            self._end(OSError(errno.EPROTO, "it asks for too many answers of TLS"))
        return received

    def _heard(self, octets: bytes | memoryview) -> None:
        if octets:
            self._incoming.write(octets)
        else:
            self._incoming.write_eof()

    def _decrypt_into(self, buffer: Any) -> int:
        view, received = memoryview(buffer), 0
        try:
            while count := cast("int", self._tls.read(PIECE_OCTETS, view[received:])):
                received += count
            self._end(True)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._end(True)
        except ssl.SSLError as error:
            cut = isinstance(error, ssl.SSLEOFError) or error.reason == CUT
            self._end(
                ConnectionResetError(errno.ECONNRESET, "cut off without a goodbye")
                if cut
                else error.with_traceback(None)
            )
        return received

    def _end(self, how: OSError | Literal[True]) -> None:
        self._peers_end = how
        with contextlib.suppress(OSError):
            # From now on it is readable, and so the end is noticed after what came before it.
            super().shutdown(socket.SHUT_RD)

    def send(self, octets: Any, _flags: int = 0) -> int:
        """How many octets were sent. Raises BlockingIOError if none; those that follow the
        ones said to be sent must then come again.
        """
        self._must_be_open()
        self._flush()
        sent, self._owed = self._owed, 0
        view = memoryview(octets)
        while sent < len(view):
            piece = view[sent : sent + PIECE_OCTETS]
            self._tls.write(piece)
            try:
                self._flush()
            except BlockingIOError:
                self._owed = len(piece)
                if not sent:
                    raise
                return sent
            sent += len(piece)
        return sent

    def sendmsg(self, buffers: Iterable[Any], *_: Any) -> int:
        """As ``send`` of what they hold together, but perhaps of a first part only."""
        octets = b""
        for each in buffers:
            octets += each
            if len(octets) >= PIECE_OCTETS:
                break
        return self.send(octets)

    def shutdown(self, how: int) -> None:
        """End our side: close_notify, then the end of the stream (TLS-7)."""
        with contextlib.suppress(OSError):
            self._say_goodbye()
        super().shutdown(how)

    def close(self) -> None:
        """Close; the goodbye is said if that can be."""
        if self.fileno() < 0:
            return
        if not self._unsent:
            with contextlib.suppress(OSError):
                self._say_goodbye()
        super().close()
        # A transport of asyncio keeps its socket until garbage is collected; TLS needs much memory.
        del self._tls, self._incoming, self._outgoing

    def _must_be_open(self) -> None:
        if self.fileno() < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def _say_goodbye(self) -> None:
        if self._goodbye_said:
            return
        self._goodbye_said = True
        with contextlib.suppress(ssl.SSLError):  # the peer has not said it yet
            self._tls.unwrap()
        try:
            self._flush()
        except BlockingIOError:
            # Full by chance with what came before; there is no later time to come back to.
            size = self.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * size)
            self._flush()

    def _flush(self) -> None:
        self._unsent += self._outgoing.read()
        while self._unsent:
            self._unsent = self._unsent[super().send(self._unsent) :]

    def _try_to_flush(self) -> None:
        with contextlib.suppress(OSError):
            self._flush()


async def _until_ready(
    descriptor: int, add: Callable[..., object], remove: Callable[[int], object]
) -> None:
    ready = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not ready.done():  # cancelled in the same turn
            ready.set_result(None)

    add(descriptor, wake)
    try:
        await ready
    finally:
        remove(descriptor)
