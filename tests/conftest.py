"""Fixtures for all tests."""

from collections.abc import Iterator

import pytest

from tests.programs import Peer


@pytest.fixture(autouse=True)
def _close_peers() -> Iterator[None]:
    yield
    while Peer.opened:
        Peer.opened.pop().close()
