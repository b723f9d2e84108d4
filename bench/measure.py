"""One run of a scenario beside one server, and all runs in interleaved rounds."""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from bench import programs
from bench.samples import CPU, IDLE_KIB, IDLE_SECONDS, LOAD_SHARE, P50, P99, START, WALL, Samples
from bench.scenarios import Scenario
from bench.servers import QUEUE_OFF, Server, ServerFailedError

RUN_SECONDS = 180
"""The longest of any run; the load generator's own bounds are shorter."""
STARTS = "start"
"""The scenario in which a server is only started."""


@frozen
class Effort:
    """How much is measured."""

    rounds: int
    seconds: float
    warmup: float


def measure_all(
    samples: Samples,
    load: Path,
    scenarios: Sequence[Scenario],
    servers: Sequence[Server],
    effort: Effort,
    tell: Callable[[str], None],
) -> None:
    """Round by round; in each all scenarios, in each of these all servers.

    What is compared is measured within seconds of each other, and in another order in
    each round.
    """
    for turn in range(effort.rounds):
        for scenario in scenarios:
            asked = [s for s in servers if not scenario.servers or s.name in scenario.servers]
            shift = turn % max(len(asked), 1)
            for server in (*asked[shift:], *asked[:shift]):
                tell(f"round {turn + 1} of {effort.rounds}: {scenario.name}, {server.name}")
                _measure(samples, load, scenario, server, effort)


def measure_starts(
    samples: Samples, servers: Sequence[Server], rounds: int, tell: Callable[[str], None]
) -> None:
    """From the start of the process until it listens."""
    for turn in range(rounds):
        for server in servers:
            tell(f"start {turn + 1} of {rounds}: {server.name}")
            begun = time.perf_counter()
            running = server.start(QUEUE_OFF)
            took = time.perf_counter() - begun
            running.stop()
            samples.add(STARTS, server.name, {START: took * 1e3})


def _measure(
    samples: Samples, load: Path, scenario: Scenario, server: Server, effort: Effort
) -> None:
    try:
        running = server.start(scenario.queue)
    except ServerFailedError as error:
        samples.void.append(f"{scenario.name}: {error}")
        return
    try:
        outcome = _load(
            load,
            *("--protocol", server.protocol),
            *("--port", str(running.port)),
            *("--server", str(running.pid)),
            *("--together", str(server.together)),
            *("--seconds", str(effort.seconds), "--warmup", str(effort.warmup)),
            *scenario.arguments,
        )
    finally:
        running.stop()
    if outcome["void"]:
        samples.void.append(f"{scenario.name}, {server.name}: {outcome['void']}")
    else:
        samples.add(scenario.name, server.name, _metrics(outcome))


def _load(program: Path, *arguments: str) -> dict[str, Any]:
    try:
        said = programs.output_of([str(program), *arguments], RUN_SECONDS, programs.cpus_of_load())
        outcome: dict[str, Any] = json.loads(said)
    except (subprocess.TimeoutExpired, ValueError) as error:
        return {"void": f"the load generator failed: {error}"}
    return outcome


def _metrics(outcome: dict[str, Any]) -> dict[str, float]:
    metrics = {
        CPU: outcome["cpu_ns"],
        WALL: outcome["wall_ns"],
        P50: outcome["p50_us"],
        P99: outcome["p99_us"],
        LOAD_SHARE: outcome["load_cpu_ns"] / (outcome["seconds"] * 1e9),
    }
    if outcome["idle"]:
        metrics |= {IDLE_KIB: outcome["idle_kib"], IDLE_SECONDS: outcome["idle_seconds"]}
    return metrics
