"""The picture of a measurement, with matplotlib: long kept well, and it draws without a browser.

Its ground is transparent and its colours are of middle lightness, so that a page can be
light or dark.
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.samples import CPU, TITLES, Samples
from bench.servers import FLOOR, OURS

SHOWN = ("A100/W1", "A100/W64", "B50/W1", "B200/W16")
_INK = "#808890"
_COLOURS = {OURS: "#e8743b", FLOOR: "#19a979"}
_OTHER = "#5899da"


def draw(samples: Samples, file: Path) -> bool:
    """Bars of server CPU for each delivery; False if there is nothing to draw."""
    measured, servers = samples.have(CPU)
    shown = [name for name in SHOWN if name in measured] or measured[:4]
    if not shown:
        return False
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 9}):
        figure = Figure(figsize=(2.4 * len(shown) + 1.2, 0.28 * len(servers) + 1.1))
        figure.suptitle(f"{TITLES[CPU]} (logarithmic; less is better)", color=_INK, fontsize=10)
        plots = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for plot, scenario in zip(plots, shown, strict=True):
            _bars(plot, scenario, servers, samples)
        plots[0].invert_yaxis()  # the others share it
        figure.tight_layout()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return True


def _bars(plot: Axes, scenario: str, servers: list[str], samples: Samples) -> None:
    numbers = [samples.median(scenario, server, CPU) or 0 for server in servers]
    colours = [_COLOURS.get(server, _OTHER) for server in servers]
    bars = plot.barh(servers, numbers, color=colours, height=0.7)
    labels = [f"{number:,.0f}" if number else "" for number in numbers]
    plot.bar_label(bars, labels, padding=2, color=_INK, fontsize=8)
    plot.set_xscale("log")
    plot.set_xlim(min(n for n in numbers if n) / 3, max(numbers) * 6)
    plot.set_title(scenario, color=_INK, fontsize=9)
    plot.tick_params(colors=_INK, length=0)
    plot.set_xticks([])
    plot.minorticks_off()
    for side in plot.spines.values():
        side.set_visible(False)
