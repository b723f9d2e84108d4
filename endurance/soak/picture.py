"""The picture of a run: four plots over the same time."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from endurance.soak.judge import levels, quarters
from endurance.soak.samples import Sample

_INK, _ONE, _OTHER = "#606870", "#2b7bba", "#e8743b"
_RATE_SECONDS = 10
_AROUND = 0.1
"""So much is shown below and above the memory: what is flat is to look flat."""


def draw(samples: Sequence[Sample], title: str, file: Path) -> None:
    """Write an SVG."""
    minutes = [sample.seconds / 60 for sample in samples]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "soak", "font.size": 9}):
        figure = Figure(figsize=(8, 8), layout="constrained")
        figure.suptitle(title, fontsize=11)
        memory, descriptors, latency, visits = figure.subplots(4, 1, sharex=True)
        held = [sample.memory_kib / 1024 for sample in samples]
        memory.plot(minutes, held, color=_ONE, linewidth=0.9)
        memory.set_ylim(min(held) * (1 - _AROUND), max(held) * (1 + _AROUND))
        _levels(memory, samples)
        _label(memory, "resident memory, MiB", "shaded: warm-up; bars: medians")
        descriptors.plot(minutes, [s.descriptors for s in samples], color=_ONE, linewidth=0.9)
        descriptors.plot(minutes, [s.threads for s in samples], color=_OTHER, linewidth=0.9)
        _label(descriptors, "descriptors", "threads")
        latency.plot(minutes, [s.p50_ms for s in samples], color=_ONE, linewidth=0.9)
        latency.plot(minutes, [s.p99_ms for s in samples], color=_OTHER, linewidth=0.9)
        latency.set_yscale("log", subs=[])
        latency.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        latency.yaxis.set_major_formatter("{x:g}")
        _label(latency, "latency, ms: p50", "p99")
        visits.plot(minutes, _rates(samples), color=_ONE, linewidth=0.9)
        visits.set_ylim(bottom=0)
        _label(visits, f"visits a second (over {_RATE_SECONDS} s)")
        visits.set_xlabel("minutes")
        figure.savefig(file, format="svg", metadata={"Date": None})


def _label(plot: Axes, one: str, other: str = "") -> None:
    plot.set_title(one, loc="left", color=_ONE, fontsize=9)
    plot.set_title(other, loc="right", color=_OTHER, fontsize=9)
    plot.grid(alpha=0.25)
    plot.margins(x=0.01)
    for side in ("top", "right"):
        plot.spines[side].set_visible(False)


def _levels(plot: Axes, samples: Sequence[Sample]) -> None:
    """The median of each quarter that is judged."""
    if not all(quarters(samples)):
        return
    for part, level in zip(quarters(samples), levels(samples), strict=True):
        ends = [part[0].seconds / 60, part[-1].seconds / 60]
        plot.plot(ends, [level / 1024] * 2, color=_OTHER, linewidth=2)
    plot.axvspan(0, quarters(samples)[0][0].seconds / 60, color=_INK, alpha=0.12)


def _rates(samples: Sequence[Sample]) -> list[float]:
    back = [samples[max(0, index - _RATE_SECONDS)] for index in range(len(samples))]
    return [
        (now.visits - then.visits) / max(now.seconds - then.seconds, 1)
        for then, now in zip(back, samples, strict=True)
    ]
