"""What was measured: for each scenario, server and metric one number a round."""

import statistics
from collections.abc import Iterable

from attrs import define, field

CPU = "cpu_ns"
WALL = "wall_ns"
P50 = "p50_us"
P99 = "p99_us"
IDLE_KIB = "idle_kib"
IDLE_SECONDS = "idle_seconds"
START = "start_ms"
MESSAGE = "message_ns"
LOAD_SHARE = "load_share"

TITLES = {
    CPU: "CPU of the server, ns for each delivery",
    WALL: "Time between deliveries, ns",
    P50: "Latency, median, µs",
    P99: "Latency, 99th percentile, µs",
    IDLE_KIB: "Resident memory, KiB for each idle connection",
    IDLE_SECONDS: "Time to get all idle connections in, s",
    START: "Start until it listens, ms",
    MESSAGE: "Time for each message, ns",
    LOAD_SHARE: "CPU of the load generator, share of the time",
}

Key = tuple[str, str, str]
"""Scenario, server, metric."""


@define
class Samples:
    """All numbers, and what was void."""

    numbers: dict[Key, list[float]] = field(factory=dict)
    void: list[str] = field(factory=list)
    """Sentences: which run does not count, and why."""

    def add(self, scenario: str, server: str, metrics: dict[str, float]) -> None:
        """The numbers of one run."""
        for metric, number in metrics.items():
            self.numbers.setdefault((scenario, server, metric), []).append(number)

    def median(self, scenario: str, server: str, metric: str) -> float | None:
        """The median over the rounds, if there is any number."""
        numbers = self.numbers.get((scenario, server, metric))
        return statistics.median(numbers) if numbers else None

    def spread(self, scenario: str, server: str, metric: str) -> float | None:
        """From the least to the most, as a share of the median; None for one number."""
        numbers = self.numbers.get((scenario, server, metric), [])
        if len(numbers) < 2:
            return None
        middle = statistics.median(numbers)
        return (max(numbers) - min(numbers)) / middle if middle else None

    def best(self, scenario: str, servers: Iterable[str], metric: str) -> tuple[float, str] | None:
        """The least median among these servers, and whose it is."""
        medians = [
            (median, server)
            for server in servers
            if (median := self.median(scenario, server, metric)) is not None
        ]
        return min(medians) if medians else None

    def have(self, metric: str) -> tuple[list[str], list[str]]:
        """The scenarios and the servers with such numbers, in the order of measuring."""
        keys = [key for key in self.numbers if key[2] == metric]
        return list(dict.fromkeys(k[0] for k in keys)), list(dict.fromkeys(k[1] for k in keys))
