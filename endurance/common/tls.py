"""TLS between a server of ours and those who come to it, with certificates of this run."""

import socket
import ssl
from pathlib import Path

from attrs import frozen

from reference._tls import TlsSocket, client_context
from tests.certificates import Certificates


@frozen
class Tls:
    """What both ends need."""

    certificate: Path
    """Of the server, with its key."""
    authority: Path
    _context: ssl.SSLContext

    @property
    def of_server(self) -> list[str]:
        """Options of a server."""
        return ["--tls-cert", str(self.certificate)]

    @property
    def of_client(self) -> list[str]:
        """Options of a client program."""
        return ["--tls", "--ca", str(self.authority)]

    def over(self, connected: socket.socket, host: str) -> TlsSocket:
        """A client's end of TLS on this connection to a host, before its handshake."""
        return TlsSocket(connected, self._context, host)


def tls_for(directory: Path, *hosts: str) -> Tls:
    """For a server that is reached by these names and addresses; its files go there."""
    certificates = Certificates(directory)
    context = client_context(certificates.ca, None, None)
    return Tls(certificates.server(*hosts), certificates.ca, context)
