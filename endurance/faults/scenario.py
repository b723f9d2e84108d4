"""What a scenario is."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from attrs import Factory, frozen

from endurance.faults.stage import Stage

Play = Callable[..., Awaitable[None]]
"""Called with the stage and the scenario's own arguments; raises what is wrong."""


@frozen
class Scenario:
    """Something that goes wrong, and what must hold nevertheless."""

    name: str
    """``kind/what``."""
    holds: str
    """One sentence."""
    play: Play
    arguments: Mapping[str, Any] = Factory(dict)
    quick: bool = False
    """Whether it is in the short form."""
    patient: bool = False
    """Whether it waits for more than a minute, and for nothing else."""
    only_plain: bool = False
    """Whether TLS knows nothing of the kind."""
    over_tls: bool = False
    needs: Collection[str] = ()
    """What must be there, of ``needs.NEEDS``."""

    async def run(self, stage: Stage) -> None:
        """Play it."""
        await self.play(stage, **self.arguments)
