"""What is measured once a second."""

import asyncio
import time
from collections.abc import Callable

from attrs import frozen

from endurance.common.pause import pause
from endurance.common.server import Server
from endurance.common.tally import Tally
from endurance.soak.load import Load

SAMPLE_SECONDS = 1.0


@frozen
class Sample:
    """One moment."""

    seconds: float
    """Since the load began."""
    memory_kib: int
    descriptors: int
    threads: int
    p50_ms: float
    p99_ms: float
    visits: int
    """That have ended so far."""


async def take_samples(
    server: Server, load: Load, tally: Tally, enough: asyncio.Event, keep: Callable[[Sample], None]
) -> None:
    """Sample until it is enough."""
    begun = time.monotonic()
    p50 = p99 = 0.0
    while not await pause(SAMPLE_SECONDS, enough):
        held = server.resources()
        p50, p99 = tally.take_latencies(0.5, 0.99) or (p50, p99)
        keep(
            Sample(
                *(time.monotonic() - begun, held.memory_kib, held.descriptors, held.threads),
                *(p50, p99, load.visits),
            )
        )
