"""What the limits do, said to the operator and in the log, but not too often (LIMIT-4)."""

import asyncio
from collections.abc import Callable

from attrs import define

from reference._view import LOG

SECONDS = 10
"""The same is said once in so many seconds, with how often it happened meanwhile."""


@define
class _Said:
    more: int = 0
    last: str = ""


class LimitLog:
    """Says what happened to whom; of many that are alike, the first and how many more."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._said: dict[str, _Said] = {}

    def say(self, what: str, whom: str) -> None:
        """Say that it happened to this peer."""
        said = self._said.get(what)
        if said is None:
            self._tell(what, whom)
        else:
            said.more += 1
            said.last = whom

    def _tell(self, what: str, whom: str) -> None:
        self._show(f"-- {what}: {whom}")
        LOG.warning("%s: %s", what, whom)
        self._said[what] = _Said()
        asyncio.get_running_loop().call_later(SECONDS, self._tell_more, what)

    def _tell_more(self, what: str) -> None:
        said = self._said.pop(what)
        if said.more:
            self._tell(what, f"{said.more} more, the last {said.last}")
