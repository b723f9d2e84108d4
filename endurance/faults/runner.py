"""Runs scenarios, several side by side since they mostly wait, and tells of each."""

import asyncio
import itertools
import random
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from attrs import frozen

from endurance.faults.programs import WrongError
from endurance.faults.scenario import Scenario
from endurance.faults.stage import LostError, stage

SIDE_BY_SIDE = 6
SECONDS_MAX = 150.0
"""So long a scenario takes at most."""


@frozen
class Outcome:
    """What came of a scenario."""

    scenario: Scenario
    wrong: tuple[str, ...]
    """Sentences; none if what must hold held."""
    said: int
    delivered: int
    connections: int
    seconds: float


async def play(scenario: Scenario, seed: int, seconds: float = SECONDS_MAX) -> Outcome:
    """Play one. What is random in it follows from the seed."""
    begun = time.monotonic()
    wrong: tuple[str, ...] = ()
    with tempfile.TemporaryDirectory(prefix="faults-") as directory:
        dice = random.Random(f"{seed} {scenario.name}")
        async with stage(dice, Path(directory), over_tls=scenario.over_tls) as on_stage:
            try:
                async with asyncio.timeout(seconds):
                    await scenario.run(on_stage)
                    await on_stage.end()
            except TimeoutError:
                wrong = (f"not done in {seconds:g} s", *_faults(on_stage.check))
            except Exception as error:  # noqa: BLE001 (it has failed, and the others go on)
                wrong = _sentences(error)
    return Outcome(
        scenario,
        wrong,
        on_stage.said,
        on_stage.delivered,
        on_stage.connections,
        time.monotonic() - begun,
    )


def _sentences(error: Exception) -> tuple[str, ...]:
    match error:
        case ExceptionGroup():
            return tuple(itertools.chain.from_iterable(map(_sentences, error.exceptions)))
        case LostError():
            return tuple(map(str, error.args))
        case WrongError() | OSError():
            return (str(error),)
    return ("".join(traceback.format_exception(error)),)


def _faults(check: Callable[[], None]) -> tuple[str, ...]:
    try:
        check()
    except LostError as error:
        return _sentences(error)
    return ()


async def play_all(
    scenarios: Iterable[Scenario], seed: int, tell: Callable[[Outcome], None]
) -> None:
    """Play them; those that only wait for long beside all others."""
    free = asyncio.Semaphore(SIDE_BY_SIDE)

    async def play_when_free(scenario: Scenario) -> None:
        if scenario.patient:
            tell(await play(scenario, seed))
        else:
            async with free:
                tell(await play(scenario, seed))

    async with asyncio.TaskGroup() as group:
        for scenario in sorted(scenarios, key=lambda each: not each.patient):
            group.create_task(play_when_free(scenario))
