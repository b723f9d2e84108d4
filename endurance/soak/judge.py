"""Is it flat? Pure functions of what was measured."""

import itertools
import statistics
from collections.abc import Sequence

from attrs import frozen

from endurance.common.resources import Resources
from endurance.soak.samples import Sample

WARM_UP = 0.25
"""The part of the run that is not judged."""
LONG_MINUTES = 20
MEMORY_LONG, MEMORY_SHORT = 0.02, 0.10
"""How much memory may rise. In a short run caches and the allocator are still filling up."""
LATENCY_RATIO, LATENCY_LONG_MS, LATENCY_SHORT_MS = 2.0, 50.0, 1000.0
"""The 99th percentile may become so many times longer; what is below a time is the machine's,
and in a short run that machine may have begun to do something else.
"""
QUARTERS = 4
_POINTS = 120
"""That a slope is computed from: enough, and the pairs of them are not too many."""


@frozen
class Verdict:
    """What was judged, the figure, and whether it is well."""

    what: str
    figure: str
    well: bool


def quarters(samples: Sequence[Sample]) -> list[Sequence[Sample]]:
    """What came after the warm-up, in four parts."""
    judged = samples[int(len(samples) * WARM_UP) :]
    edges = [len(judged) * part // QUARTERS for part in range(QUARTERS + 1)]
    return [judged[a:b] for a, b in itertools.pairwise(edges)]


def levels(samples: Sequence[Sample]) -> list[float]:
    """The median of the memory in each quarter, in KiB."""
    return [statistics.median(s.memory_kib for s in quarter) for quarter in quarters(samples)]


def judge(
    samples: Sequence[Sample], before: Resources, after: Resources, minutes: float
) -> list[Verdict]:
    """All verdicts. ``before`` and ``after`` are without any visitor."""
    if len(samples) < 2 * QUARTERS:
        return [Verdict("samples", f"{len(samples)} are too few to judge", well=False)]
    is_long = minutes >= LONG_MINUTES
    bound = MEMORY_LONG if is_long else MEMORY_SHORT
    latency_ms = LATENCY_LONG_MS if is_long else LATENCY_SHORT_MS
    first, *_, last = levels(samples)
    rise = last / first - 1
    judged = [sample for quarter in quarters(samples) for sample in quarter]
    slope = _slope(judged) * (judged[-1].seconds - judged[0].seconds) / first
    early, *_, late = (statistics.median(s.p99_ms for s in part) for part in quarters(samples))
    return [
        Verdict(
            f"memory rises by at most {bound:.0%} from the first quarter to the last",
            f"{rise:+.2%}, from {first / 1024:.2f} to {last / 1024:.2f} MiB",
            rise <= bound,
        ),
        Verdict(
            f"the slope of memory comes to at most {bound:.0%}",
            f"{slope:+.2%}",
            slope <= bound,
        ),
        Verdict(
            "as many descriptors as before",
            f"{after.descriptors} after {before.descriptors}",
            after.descriptors <= before.descriptors,
        ),
        Verdict(
            "as many threads as before",
            f"{after.threads} after {before.threads}",
            after.threads <= before.threads,
        ),
        Verdict(
            f"p99 of latency at most {LATENCY_RATIO:g} times as long, or below {latency_ms:g} ms",
            f"{late:.2f} ms after {early:.2f} ms",
            late <= max(latency_ms, LATENCY_RATIO * early),
        ),
    ]


def _slope(samples: Sequence[Sample]) -> float:
    """KiB a second: the median over all pairs, which no single spike can move (Theil, Sen)."""
    thinned = samples[:: max(1, len(samples) // _POINTS)]
    return statistics.median(
        (b.memory_kib - a.memory_kib) / (b.seconds - a.seconds)
        for a, b in itertools.combinations(thinned, 2)
    )
