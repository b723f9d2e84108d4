"""The goals, as data, and whether they are reached. Each is a bound on a ratio or a number."""

from collections.abc import Iterator

from attrs import frozen

from bench import codec, fairness
from bench.measure import STARTS
from bench.peers import PEERS
from bench.samples import (
    CPU,
    IDLE_KIB,
    IDLE_SECONDS,
    MESSAGE,
    P50,
    P99,
    START,
    WALL,
    Samples,
)
from bench.servers import FLOOR, OURS

_PEERS = tuple(peer.name for peer in PEERS)
_OTHERS_THAN_REDIS = tuple(name for name in _PEERS if name != "redis")


@frozen
class Goal:
    """A metric of ours is at most so many times the best of some others', or so much."""

    scenario: str
    metric: str
    at_most: float
    beside: tuple[str, ...] = ()
    """Whose is compared; empty: ``at_most`` is the number itself."""
    beside_scenario: str = ""
    """Where theirs was measured, if elsewhere."""
    ours: str = OURS


@frozen
class Verdict:
    """A goal, and what came of it."""

    goal: str
    figure: str
    reached: bool | None
    """None: not measured."""


def _goals() -> Iterator[Goal]:
    for receivers in (10, 100, 500):
        yield Goal(f"A{receivers}/W1", CPU, 1.15, (FLOOR,))
        yield Goal(f"A{receivers}/W1", CPU, 1.05, ("redis",))
        yield Goal(f"A{receivers}/W1", CPU, 1.0, _OTHERS_THAN_REDIS)
    for window in (64, 1024):
        for receivers in (10, 100, 500):
            hard = (receivers, window) == (10, 1024)
            yield Goal(f"A{receivers}/W{window}", CPU, 1.5 if hard else 1.25, (FLOOR,))
            yield Goal(f"A{receivers}/W{window}", CPU, 0.5, _PEERS)
    for clients in (50, 200):
        yield Goal(f"B{clients}/W1", CPU, 1.3, (FLOOR,))
        yield Goal(f"B{clients}/W1", CPU, 1.0, _PEERS)
        yield Goal(f"B{clients}/W16", CPU, 1.5, (FLOOR,))
        yield Goal(f"B{clients}/W16", CPU, 0.25, ("redis",))
    for rate in (1_000, 3_000, 12_000, 30_000):
        yield Goal(f"R50@{rate}", P50, 1.0, ("redis",))
        yield Goal(f"R50@{rate}", P99, 1.25, (FLOOR,))
    yield Goal("idle10000", IDLE_KIB, 4)
    yield Goal("idle10000", IDLE_SECONDS, 2)
    yield Goal("idle10000", CPU, 1.1, (OURS,), "A10/W1")
    for stalled in (1, 100, 1_000):
        yield Goal(f"stalled{stalled}", WALL, 1.1, (OURS,), "stalled0")
    for scenario in fairness.SCENARIOS[1:]:
        yield Goal(scenario, P50, 3, (OURS,), fairness.QUIET)
        yield Goal(scenario, P99, 3, (OURS,), fairness.QUIET)
    yield Goal(STARTS, START, 150)
    yield Goal(codec.SCENARIO, MESSAGE, 1_000, ours=codec.OURS)
    yield Goal(codec.SCENARIO, MESSAGE, 1.0, codec.OTHERS, ours=codec.OURS)


GOALS = tuple(_goals())


def judge(samples: Samples) -> list[Verdict]:
    """All goals, in order."""
    return [_judge(goal, samples) for goal in GOALS]


def _judge(goal: Goal, samples: Samples) -> Verdict:
    wanted = f"{goal.scenario} {goal.metric} ≤ {goal.at_most:g}"
    number = samples.median(goal.scenario, goal.ours, goal.metric)
    if not goal.beside:
        if number is None:
            return Verdict(wanted, "not measured", None)
        return Verdict(wanted, short(number), number <= goal.at_most)
    elsewhere = goal.beside_scenario or goal.scenario
    best = samples.best(elsewhere, goal.beside, goal.metric)
    who = goal.beside[0] if len(goal.beside) == 1 else "the best other"
    wanted += f" × {goal.beside_scenario or who}"
    if number is None or best is None:
        return Verdict(wanted, "not measured", None)
    theirs, whose = best
    figure = f"{number / theirs:.2f} ({short(number)} to {short(theirs)}, {whose})"
    return Verdict(wanted, figure, number <= goal.at_most * theirs)


def short(number: float) -> str:
    """The number with three digits that count."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
