"""The codec beside parsers of other protocols: the same number of minimal messages.

Each library makes an object of each message. The messages are as small as the protocols
allow, and chosen in the others' favour: chunks of an HTTP body, which h11 yields with
less work than requests, and frames of WebSocket that are not masked.
"""

import time
from collections.abc import Callable
from importlib.metadata import version

import h11
from wsproto.connection import Connection, ConnectionType

from bench.samples import MESSAGE, Samples
from chatproto import Decoder, Role, Text
from chatproto import __version__ as our_version

OURS = "chatproto"
OTHERS = ("h11", "wsproto")
SCENARIO = "codec"
MESSAGES = 20_000
TOGETHER = 64
"""Messages in what one read brings."""

Parse = Callable[[int], int]
"""Parse so many times ``TOGETHER`` messages; returns how many there were."""


def versions() -> dict[str, str]:
    """Of the libraries."""
    return {OURS: our_version} | {name: version(name) for name in OTHERS}


def measure(samples: Samples, rounds: int, tell: Callable[[str], None]) -> None:
    """Interleaved rounds of all three."""
    for turn in range(rounds):
        tell(f"codec, round {turn + 1} of {rounds}")
        for name, parse in _PARSERS.items():
            begun = time.perf_counter_ns()
            parsed = parse(MESSAGES // TOGETHER)
            took = time.perf_counter_ns() - begun
            samples.add(SCENARIO, name, {MESSAGE: took / parsed})


def _chatproto(times: int) -> int:
    decoder = Decoder(Role.CLIENT)
    data = b"ann>hello\n" * TOGETHER
    parsed = 0
    for _ in range(times):
        decoder.receive(data)
        while (event := decoder.next_event()) is not None:
            assert type(event) is Text
            parsed += 1
    return parsed


def _h11(times: int) -> int:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.next_event()
    data = b"5\r\nhello\r\n" * TOGETHER
    parsed = 0
    for _ in range(times):
        connection.receive_data(data)
        while type(event := connection.next_event()) is h11.Data:
            parsed += 1
        assert event is h11.NEED_DATA
    return parsed


def _wsproto(times: int) -> int:
    connection = Connection(ConnectionType.CLIENT)
    data = b"\x81\x05hello" * TOGETHER
    parsed = 0
    for _ in range(times):
        connection.receive_data(data)
        parsed += sum(1 for _ in connection.events())
    return parsed


_PARSERS: dict[str, Parse] = {OURS: _chatproto, "h11": _h11, "wsproto": _wsproto}
