"""The tables of a terminal: figures with ratios, what was void, and the goals."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from bench import fairness
from bench.goals import Verdict, short
from bench.samples import (
    CPU,
    IDLE_KIB,
    IDLE_SECONDS,
    MESSAGE,
    P50,
    P99,
    START,
    TITLES,
    WALL,
    Samples,
)
from bench.servers import FLOOR, OURS

CELL = 20
"""Characters of a column."""
_METRICS = (CPU, WALL, P50, P99, IDLE_SECONDS, IDLE_KIB, START, MESSAGE)
_ONLY = {
    P50: ("R50", *fairness.SCENARIOS),
    P99: ("R50", *fairness.SCENARIOS),
    WALL: ("stalled",),
}
"""Metrics that are shown for scenarios of these names only; the rest is in the JSON file."""
_STYLES = {OURS: "bold", FLOOR: "cyan"}


def show(console: Console, samples: Samples, verdicts: list[Verdict]) -> None:
    """Everything, to be read from the end."""
    columns = max(1, (console.width - CELL) // CELL)
    for metric in _METRICS:
        scenarios, servers = samples.have(metric)
        chosen = [name for name in scenarios if name.startswith(_ONLY.get(metric, ("",)))]
        for start in range(0, len(chosen), columns):
            part = chosen[start : start + columns]
            console.print(_table(metric, part, servers, samples))
    console.print(
        "Medians; × is the ratio to the gathered floor in C, where there is one; "
        "± is half of what lies between the least and the most, in per cent of the median.\n"
    )
    for sentence, times in Counter(samples.void).items():
        console.print(f"void, {times} times: {sentence}", style="red", highlight=False)
    console.print(_goals(verdicts))


def _table(metric: str, scenarios: list[str], servers: list[str], samples: Samples) -> Table:
    table = Table(title=TITLES[metric], title_justify="left", title_style="bold")
    table.add_column("", no_wrap=True)
    for scenario in scenarios:
        table.add_column(scenario, justify="right", no_wrap=True)
    for server in servers:
        cells = [_cell(metric, scenario, server, samples) for scenario in scenarios]
        if any(cells):
            table.add_row(server, *cells, style=_STYLES.get(server))
    return table


def _cell(metric: str, scenario: str, server: str, samples: Samples) -> str:
    number = samples.median(scenario, server, metric)
    if number is None:
        return ""
    parts = [short(number)]
    floor = samples.median(scenario, FLOOR, metric)
    if floor and server != FLOOR:
        parts.append(f"×{short(number / floor)}")
    spread = samples.spread(scenario, server, metric)
    if spread is not None:
        parts.append(f"±{spread / 2:.0%}".rstrip("%"))
    return " ".join(parts)


def _goals(verdicts: list[Verdict]) -> Table:
    reached = sum(verdict.reached is True for verdict in verdicts)
    measured = sum(verdict.reached is not None for verdict in verdicts)
    table = Table(
        title=f"Goals, and whether they are reached: {reached} of {measured} are",
        title_justify="left",
        title_style="bold",
    )
    table.add_column("")
    table.add_column("goal")
    table.add_column("figure")
    for verdict in verdicts:
        if verdict.reached is not None:
            mark = "[green]yes[/]" if verdict.reached else "[red]no[/]"
            table.add_row(mark, verdict.goal, verdict.figure)
    return table
