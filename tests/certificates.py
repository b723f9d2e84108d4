"""Certificates for tests, made anew in each run."""

import ssl
from functools import cached_property
from pathlib import Path

import trustme
from attrs import frozen

HOST = "127.0.0.1"


@frozen(slots=False)
class Certificates:
    """Two authorities that know nothing of each other, and what they have signed, in PEM files."""

    directory: Path

    @cached_property
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @cached_property
    def stranger(self) -> trustme.CA:
        return trustme.CA()

    @cached_property
    def ca(self) -> Path:
        return self._written("ca", self.authority.cert_pem)

    @cached_property
    def other_ca(self) -> Path:
        return self._written("other-ca", self.stranger.cert_pem)

    def server(self, *names: str) -> Path:
        return self._issued("server", self.authority, *names or (HOST,))

    def client(self) -> Path:
        return self._issued("client", self.authority, "ann@example.org")

    def strangers_client(self) -> Path:
        return self._issued("stranger", self.stranger, "ann@example.org")

    def client_context(self, certificate: Path | None = None) -> ssl.SSLContext:
        """Of a client that trusts the authority, and shows this certificate."""
        context = ssl.create_default_context(cafile=self.ca)
        if certificate is not None:
            context.load_cert_chain(certificate)
        return context

    def _issued(self, file: str, ca: trustme.CA, *names: str) -> Path:
        return self._written(file, ca.issue_cert(*names).private_key_and_cert_chain_pem)

    def _written(self, file: str, pem: trustme.Blob) -> Path:
        path = self.directory / f"{file}.pem"
        pem.write_to_path(str(path))
        return path
