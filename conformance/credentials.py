"""Certificates for a run: an authority of the suite's own, and what good and bad ends show.

They are made with the library trustme, in a temporary directory that is removed at the end.
"""

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

_HOSTS = ("127.0.0.1", "::1", "localhost")
_ELSEWHERE = "elsewhere.invalid"


@dataclass(frozen=True)
class Identity:
    """The files of a certificate and of its key, which may be the same."""

    certificate: str
    key: str | None = None


@dataclass(frozen=True)
class Credentials:
    """An authority, and identities by name: all but ``foreign`` are of this authority."""

    authority: str
    identities: dict[str, Identity]


@cache
def own() -> Credentials:
    """Those of this run, and of processes that are forked from now on."""
    try:
        import trustme
    except ImportError:
        raise ValueError("for TLS certificates are needed: pip install trustme") from None
    directory = Path(tempfile.mkdtemp(prefix="chat-conformance-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    authority, stranger = trustme.CA(), trustme.CA()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    made = {
        "server": authority.issue_cert(*_HOSTS),
        "client": authority.issue_cert("client.invalid"),
        "foreign": stranger.issue_cert(*_HOSTS),
        "other name": authority.issue_cert(_ELSEWHERE),
        "common name": authority.issue_cert(_ELSEWHERE, common_name=_HOSTS[0]),
        "expired": authority.issue_cert(*_HOSTS, not_after=yesterday),
    }
    identities = {}
    for name, each in made.items():
        certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in each.cert_chain_pems))
        each.private_key_pem.write_to_path(key)
        identities[name] = Identity(str(certificate), str(key))
    authority.cert_pem.write_to_path(directory / "authority.pem")
    return Credentials(str(directory / "authority.pem"), identities)
