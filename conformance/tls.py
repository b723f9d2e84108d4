"""TLS under the suite's end of a connection: the octets sent and received are those inside.

OpenSSL works in memory here and not on the socket. So all that one read of TCP's stream brings is
there at once, nothing readable stays hidden behind a socket with nothing to read, and a handshake
can be left hanging anywhere.
"""

import contextlib
import shlex
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from conformance import credentials
from conformance.credentials import Identity

_READ_OCTETS = 65536
_RECORD_MAX = 16384
_LAST_SECONDS = 0.2
"""So long close_notify may wait for room."""
_HEADER = 5
"""Octets of a record's header; the last two of them say how many follow."""
_PROTOCOLS = 240
"""Of 250 octets each, in ALPN: a list of them has less than 64 KiB."""
_CUT = "UNEXPECTED_EOF_WHILE_READING"
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


_PLACES = ("cert", "key", "ca")
_NEEDS = {"ca": "client has to know whom it may trust", "cert": "server needs a certificate"}


class CutError(ConnectionError):
    """TCP's stream has ended without close_notify (TLS-8)."""


class TlsSocket(socket.socket):
    """A TCP socket with TLS over it. As on any socket, what is not taken whole is sent again."""

    def __init__(
        self, raw: socket.socket, context: ssl.SSLContext, *, serve: bool, name: str | None = None
    ) -> None:
        super().__init__(fileno=raw.detach())
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, serve, name)
        self._owed = b""
        """Octets of TCP's stream that the system has not taken."""
        self._carried = 0
        """Octets inside the record that is owed."""
        self._end: Exception | None = None
        """What all reads come to from now on; ``SSLZeroReturnError`` after close_notify."""
        self.written = 0
        """Octets of TCP's stream that the system has taken."""

    def hello(self) -> None:
        """Begin the handshake as a client, and leave it there."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
        self.sendall_raw(self._outgoing.read())

    def handshake(self, seconds: float) -> None:
        """Do it, or the rest of it; OSError if it fails or takes longer.

        TCP's stream is read record by record, so that what follows the handshake stays in it.
        """
        deadline = time.monotonic() + seconds
        header, due = b"", _HEADER
        while not self._shaken(deadline):
            self._allow(deadline)
            octets = super().recv(due)
            if not octets:
                raise CutError("the stream ended before the handshake did")
            self._incoming.write(octets)
            due -= len(octets)
            if len(header) < _HEADER:
                header += octets
                due = due or int.from_bytes(header[3:])
            elif not due:
                header, due = b"", _HEADER
        self.setblocking(False)

    def _shaken(self, deadline: float) -> bool:
        """Whether the handshake is done; what it has to say is sent, be it an alert."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._owed += self._outgoing.read()
            with contextlib.suppress(ConnectionError):  # reading tells what has become of it
                while self._owed:
                    self._allow(deadline)
                    self._flush()
        return True

    def _allow(self, deadline: float) -> None:
        self.settimeout(max(0.001, deadline - time.monotonic()))

    def recv(self, bufsize: int = 0, flags: int = 0, /) -> bytes:
        """All that one read of TCP's stream brings, however much; nothing after close_notify.

        BlockingIOError if nothing has come yet, CutError at an end without close_notify.
        """
        del bufsize, flags
        if self._end is None:
            octets = super().recv(_READ_OCTETS)
            if octets:
                self._incoming.write(octets)
            else:
                self._incoming.write_eof()
            if inside := self._decrypted():
                return inside
        if self._end is None:
            raise BlockingIOError
        if isinstance(self._end, ssl.SSLZeroReturnError):
            return b""
        raise self._end

    def _decrypted(self) -> bytes:
        pieces = []
        try:
            while piece := self._tls.read(_READ_OCTETS):
                pieces.append(piece)
            self._end = ssl.SSLZeroReturnError()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            cut = isinstance(error, ssl.SSLEOFError) or error.reason == _CUT
            self._end = CutError("the stream of TCP ended without close_notify") if cut else error
        self._owed += self._outgoing.read()
        with contextlib.suppress(OSError):  # an answer of TLS's own
            self._flush()
        return b"".join(pieces)

    def send(self, octets: bytes | memoryview, flags: int = 0, /) -> int:  # type: ignore[override]
        """Send a beginning of them as one record; BlockingIOError until all of it is taken."""
        del flags
        if not self._carried:
            beginning = bytes(octets[:_RECORD_MAX])
            self._owed += self.sealed(beginning)
            self._carried = len(beginning)
        self._flush()
        carried, self._carried = self._carried, 0
        return carried

    def sealed(self, octets: bytes) -> bytes:
        """The record with these octets inside, for ``sendall_raw``."""
        self._tls.write(octets)
        return self._outgoing.read()

    def sendall_raw(self, octets: bytes) -> None:
        """Send octets of TCP's stream as they are."""
        self._owed += octets
        self._flush()

    def _flush(self) -> None:
        while self._owed:
            sent = super().send(self._owed)
            self.written += sent
            self._owed = self._owed[sent:]

    def shutdown(self, how: int) -> None:
        """Say by close_notify that our side ends, then end TCP's stream; the other side goes on."""
        with contextlib.suppress(ssl.SSLError):  # that theirs is not there yet
            self._tls.unwrap()
        self._owed += self._outgoing.read()
        self.settimeout(_LAST_SECONDS)
        with contextlib.suppress(TimeoutError):
            self._flush()
        self.setblocking(False)
        self.cut(how)

    def cut(self, how: int = socket.SHUT_WR) -> None:
        """End TCP's stream without close_notify."""
        super().shutdown(how)


@dataclass(frozen=True)
class Tls:
    """How the suite speaks TLS with a target."""

    trusted: str | None = None
    """A file of authorities; without one a server's certificate is not verified."""
    shown: Identity | None = None
    """What we show, a client's if it is asked for one."""
    asks: bool = False
    """Whether clients are asked for certificates, as far as we know."""

    def connect(
        self, raw: socket.socket, host: str, shows: str = "", version: str = "1.3"
    ) -> TlsSocket:
        """A client's end of TLS, before its handshake."""
        context = client_context(self.trusted, self.identity(shows), version)
        return TlsSocket(raw, context, serve=False, name=host)

    def accept(self, raw: socket.socket, shows: str = "", version: str = "1.3") -> TlsSocket:
        """A server's end of TLS, before its handshake."""
        asked = self.trusted if self.asks else None
        context = server_context(self.identity(shows), asked, version)
        return TlsSocket(raw, context, serve=True)

    def identity(self, shows: str) -> Identity | None:
        """Our usual one, ``nothing``, or one of the suite's own by its name."""
        if shows in ("", "nothing"):
            return None if shows else self.shown
        return credentials.own().identities[shows]


def is_wanted(command: str) -> bool:
    """Whether files of TLS are named in it."""
    return any(f"{{{name}}}" in command for name in _PLACES)


def of_command(command: str, *, is_client: bool) -> Tls | None:
    """TLS for a command with ``{cert}``, ``{key}`` or ``{ca}`` in it; ValueError if one lacks."""
    if not is_wanted(command):
        return None
    there = {name: f"{{{name}}}" in command for name in _PLACES}
    if there["cert"] != there["key"]:
        raise ValueError("--run needs both {cert} and {key} where a certificate and its key go")
    needed = "ca" if is_client else "cert"
    if not there[needed]:
        raise ValueError(f"--run needs {{{needed}}} too: a {_NEEDS[needed]}")
    own = credentials.own()
    asks = there["cert"] if is_client else there["ca"]
    shown = "server" if is_client else "client" if asks else None
    return Tls(own.authority, own.identities[shown] if shown else None, asks)


def filled(command: str, *, is_client: bool) -> str:
    """The command with files of ours for ``{cert}``, ``{key}`` and ``{ca}``."""
    own = credentials.own()
    theirs = own.identities["client" if is_client else "server"]
    files = {"cert": theirs.certificate, "key": theirs.key, "ca": own.authority}
    for name in _PLACES:
        command = command.replace(f"{{{name}}}", shlex.quote(str(files[name])))
    return command


def client_hello() -> bytes:
    """The first octets of a client's handshake, from which nothing follows."""
    return _hello(client_context(None, None, "1.3"))


@cache
def hello_in_pieces() -> bytes:
    """A long first message of a client, whose end is missing, in records of an octet each."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.set_alpn_protocols([f"{number:0250}" for number in range(_PROTOCOLS)])
    rest = _hello(context)
    records = []
    while rest:
        end = _HEADER + int.from_bytes(rest[3:_HEADER])
        records += [rest[:3] + b"\0\1" + bytes([octet]) for octet in rest[_HEADER:end]]
        rest = rest[end:]
    return b"".join(records[:-1])


def _hello(context: ssl.SSLContext) -> bytes:
    outgoing = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    return outgoing.read()


@cache
def client_context(trusted: str | None, shown: Identity | None, version: str) -> ssl.SSLContext:
    """What a client of ours believes, shows, and speaks; ValueError if a file cannot be read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = trusted is not None
    context.verify_mode = ssl.CERT_NONE if trusted is None else ssl.CERT_REQUIRED
    return _filled(context, trusted, shown, version)


@cache
def server_context(shown: Identity | None, asked: str | None, version: str) -> ssl.SSLContext:
    """What a server of ours shows, whom it asks for, and what it speaks.

    It sends no session tickets: a client that only talks would leave them unread.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_NONE if asked is None else ssl.CERT_REQUIRED
    context.num_tickets = 0
    return _filled(context, asked, shown, version)


def _filled(
    context: ssl.SSLContext, trusted: str | None, shown: Identity | None, version: str
) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = _VERSIONS[version]
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # some versions of Python hide a cut
    _load(trusted, context.load_verify_locations, trusted)
    if shown is not None:
        _load(shown.certificate, context.load_cert_chain, shown.certificate, shown.key)
    return context


def _load(named: str | None, load: Callable[..., object], *files: str | None) -> None:
    if named is not None:
        try:
            load(*files)
        except OSError as error:
            raise ValueError(f"{named} cannot be used for TLS: {words(error)}") from None


def words(error: OSError) -> str:
    """An error in words for a person, without OpenSSL's decoration."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return error.strerror or str(error)
