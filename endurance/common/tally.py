"""What was checked, and what was found wrong."""

from collections import Counter

from attrs import define, field

SENTENCES_MAX = 20


@define
class Tally:
    """Counts of those who watch a server."""

    checked: int = 0
    """Lines that came exactly once and in order."""
    faults: Counter[str] = field(factory=Counter)
    """Sentences, and how often each was true."""
    latencies: list[float] = field(factory=list)
    """Seconds from saying to hearing, since they were last taken."""

    def heard(self, seconds: float) -> None:
        """A line came as it should."""
        self.checked += 1
        self.latencies.append(seconds)

    def fault(self, sentence: str) -> None:
        """Something was wrong."""
        self.faults[sentence] += 1

    def sentences(self) -> list[str]:
        """The faults, the most frequent first; of very many only some."""
        said = [f"{count} × {what}" for what, count in self.faults.most_common(SENTENCES_MAX)]
        more = len(self.faults) - len(said)
        return [*said, f"and {more} other faults"] if more else said

    def take_latencies(self, *parts: float) -> list[float]:
        """Quantiles of those since the last call, in milliseconds; empty if there are none."""
        taken, self.latencies = sorted(self.latencies), []
        return [1e3 * taken[int(part * len(taken))] for part in parts if taken]
