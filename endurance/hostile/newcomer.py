"""Somebody new, after everything that was done to a server."""

import asyncio

from endurance.common.wire import Place, Wire

NEWCOMER_SECONDS = 10
_LINES = {"relay": 3, "turns": 2}
"""Until he knows that he can chat: the welcome, who is here, what a bystander says; or the
welcome and an answer.
"""


async def newcomer(kind: str, place: Place) -> str:
    """Whether somebody new can chat at once: a sentence if not."""
    try:
        async with asyncio.timeout(NEWCOMER_SECONDS):
            with await Wire.to(place) as wire:
                wire.send(b"new>\\join chat/1\nnew>hello\n")
                await wire.until_lines(_LINES[kind])
                wire.send(b"new>\\quit\n")
                wire.end()
                how = await wire.until_ended()
    except (TimeoutError, OSError):
        return "a newcomer cannot chat"
    return "" if how == "left" else f"a newcomer's connection ended with {how}"
