"""What a server holds when nothing is under way."""

import asyncio
import time

from endurance.common.resources import Resources
from endurance.common.server import Server

LOOK_SECONDS = 0.5
REST_SECONDS = 45
"""So long it may take until everything of the last visitor is closed (CLOSE-1: 30 s)."""


async def unchanging(server: Server) -> Resources:
    """What it holds once those who came first are all that is there."""
    held, last = server.resources(), None
    while last is None or held.descriptors != last.descriptors:
        last = held
        await asyncio.sleep(LOOK_SECONDS)
        held = server.resources()
    return held


async def at_rest(server: Server, before: Resources) -> Resources:
    """What it holds when nobody's connection is left, or when that was waited for in vain."""
    deadline = time.monotonic() + REST_SECONDS
    while (held := server.resources()).descriptors > before.descriptors:
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(LOOK_SECONDS)
    return held
