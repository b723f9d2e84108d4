"""Fixtures for all tests."""

from collections.abc import Iterator

import pytest

from tests.certificates import Certificates
from tests.programs import Peer


@pytest.fixture(autouse=True)
def _close_peers() -> Iterator[None]:
    yield
    while Peer.opened:
        Peer.opened.pop().close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))
