"""Inputs of one class at a server, many connections side by side."""

import asyncio
import itertools
import random
import time
from collections import Counter

from attrs import frozen

from endurance.common.server import Server
from endurance.common.tally import Tally
from endurance.common.wire import Place, Wire
from endurance.hostile.classes import Make
from endurance.hostile.inputs import Ending, Input

SIDE_BY_SIDE = 32
HANG_SECONDS = 30
SHOWN = 200
"""Octets of an input that are told of."""
BREATH = 16
"""Pieces sent before other connections have their turn."""
_LETTERS = "bcdfghjklm"


@frozen
class Outcome:
    """What came of one class."""

    name: str
    inputs: int
    seconds: float
    ends: Counter[str]
    """How the connections ended."""
    checked: int
    """Lines of bystanders that came once and in order meanwhile."""
    p99_ms: float
    """Of the bystanders' lines."""
    memory_kib: int


class Assault:
    """On one server."""

    def __init__(self, server: Server, tally: Tally, seed: int) -> None:
        self._server = server
        self._tally = tally
        self._chance = random.Random(seed)

    async def run(self, name: str, make: Make, inputs: int) -> Outcome:
        """So many inputs of one class."""
        begun, checked = time.monotonic(), self._tally.checked
        ends: Counter[str] = Counter()
        left = iter(range(inputs))
        letters = itertools.product("q", _LETTERS, _LETTERS)
        handles = ["".join(three).encode() for three in itertools.islice(letters, SIDE_BY_SIDE)]

        async def take(handle: bytes) -> None:
            for _ in left:
                ends[await self._inflict(name, make(self._chance, handle))] += 1

        self._tally.take_latencies()
        await asyncio.gather(*map(take, handles))
        (p99,) = self._tally.take_latencies(0.99) or (0.0,)
        return Outcome(
            *(name, inputs, time.monotonic() - begun, ends),
            *(self._tally.checked - checked, p99, self._server.resources().memory_kib),
        )

    async def _inflict(self, name: str, what: Input) -> str:
        """How the server ended it."""
        place = self._server.place
        try:
            wire = await Wire.to(Place(place.port) if what.bare else place)
        except OSError as error:
            self._tally.fault(f"{name}: no connection: {error.strerror}")
            return "no connection"
        try:
            async with asyncio.timeout(HANG_SECONDS):
                with wire:
                    return await _sent(wire, what)
        except TimeoutError:
            octets = b"".join(what.pieces)[:SHOWN]
            self._tally.fault(f"{name}: not ended within {HANG_SECONDS} s: {octets!r}…")
            return "hang"


async def _sent(wire: Wire, what: Input) -> str:
    for number, piece in enumerate(what.pieces):
        wire.send(piece)
        if number % BREATH == 0:
            await asyncio.sleep(0)
    wire.send_beneath(what.beneath)
    if what.silence:
        await asyncio.sleep(what.silence)
    match what.ending:
        case Ending.END:
            wire.end()
        case Ending.RESET:
            wire.reset()
        case Ending.CLOSE:
            wire.close()
    return await wire.until_ended()
