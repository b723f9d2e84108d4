"""Waiting that can be cut short."""

import asyncio


async def pause(seconds: float, enough: asyncio.Event) -> bool:
    """Wait so long, or until it is enough; whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await enough.wait()
    except TimeoutError:
        return False
    return True
