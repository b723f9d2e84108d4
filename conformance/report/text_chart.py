"""A sequence chart drawn with characters, for terminals of 80 columns and more."""

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from conformance.report.octets import in_ascii, left_to_right
from conformance.report.sequence import Sequence, Step

_LEFT = 8
"""Columns of the time, with the blanks around it."""

_NARROWEST = 14
_ARROW = 8
"""What an arrow needs beside its label, with the blank behind it."""


@dataclass(frozen=True)
class Glyphs:
    """The characters that a chart is drawn with."""

    line: str
    dotted: str
    right: str
    left: str
    cut: str
    dot: str
    section: str

    def text(self, text: str) -> str:
        """A text in the characters that the terminal has, in the order of reading."""
        text = left_to_right(text)
        return text if self is UNICODE else in_ascii(text)


UNICODE = Glyphs("─", "┄", "▶", "◀", "…", "·", "§")
ASCII = Glyphs("-", ".", ">", "<", "...", "-", "section ")


def draw(sequence: Sequence, width: int, glyphs: Glyphs = UNICODE) -> list[str]:
    """The lines of the chart, none wider than ``width``."""
    shown = Sequence(
        [glyphs.text(name) for name in sequence.names],
        [
            Step(
                step.t_ms,
                step.source,
                step.target,
                step.kind,
                glyphs.text(step.octets),
                glyphs.text(step.note),
            )
            for step in sequence.steps
        ],
    )
    if not shown.steps:
        return []
    places = _places(shown, width)
    return _Columns(shown, places, width, glyphs).lines() if places else _list(shown, width, glyphs)


def shorten(text: str, width: int, mark: str) -> str:
    """The text with its middle left out, so that it fits."""
    if cell_len(text) <= width:
        return text
    room = max(width - len(mark), 0)
    tail = room // 3
    end = text[-tail:] if tail else ""
    while cell_len(end) > tail:
        end = end[1:]
    return set_cell_size(text, room - cell_len(end)).rstrip() + mark + end


def _places(sequence: Sequence, width: int) -> list[int]:
    """At which column each participant stands; [] if there is no room for all."""
    names, steps = sequence.names, sequence.steps
    gaps = [max(_NARROWEST, cell_len(name) + 2) for name in names[:-1]]
    for step in steps:
        if not step.expected and abs(step.source - step.target) == 1:
            gap = min(step.source, step.target)
            gaps[gap] = max(gaps[gap], cell_len(step.label) + _ARROW)
    behind = cell_len(names[-1])
    room = width - _LEFT - behind
    least = [
        min(gap, max(_NARROWEST, cell_len(name) + 2))
        for gap, name in zip(gaps, names[:-1], strict=True)
    ]
    if sum(least) > room:
        return []
    while sum(gaps) > room:
        widest = max(range(len(gaps)), key=lambda gap: gaps[gap] - least[gap])
        gaps[widest] -= 1
    return [_LEFT + sum(gaps[:place]) for place in range(len(names))]


@dataclass(frozen=True)
class _Columns:
    """The usual chart: a column for each participant, arrows between them."""

    sequence: Sequence
    places: list[int]
    width: int
    glyphs: Glyphs

    def lines(self) -> list[str]:
        """The head, and then one line or more for each step."""
        head = " t/ms".ljust(_LEFT)
        for place, name in zip(self.places, self.sequence.names, strict=True):
            head = set_cell_size(head, place) + name
        drawn, steps = [head], self.sequence.steps
        for before, step in zip([None, *steps[:-1]], steps, strict=True):
            if step.expected and before and not before.expected and before.target == step.target:
                beside = self._beside(drawn[-1], step)
                if beside:
                    drawn[-1] = beside
                    continue
            drawn += self._step(step)
        return [line.rstrip() for line in drawn]

    def _step(self, step: Step) -> list[str]:
        time = f"{step.time:>6}".ljust(_LEFT)
        if step.expected:
            return self._words(time, step.target, f"expected {step.label}")
        if step.alone:
            return self._words(time, step.source, step.label)
        first, last = sorted((step.source, step.target))
        start, span = self.places[first], self.places[last] - self.places[first] - 1
        room = span - _ARROW + 1
        label, below = step.label, ""
        if cell_len(label) > room and step.octets:
            label, below = step.octets, step.note
        arrow = self._arrow(step, shorten(label, room, self.glyphs.cut), span)
        lines = [set_cell_size(time, start) + arrow]
        if below:
            lines += self._words("", first, below, indent=3)
        return lines

    def _arrow(self, step: Step, label: str, span: int) -> str:
        line = self.glyphs.line if step.kind == "octets" else self.glyphs.dotted
        text = f"{line * 2} {label} " if label else ""
        if step.source < step.target:
            return text + line * (span - 1 - cell_len(text)) + self.glyphs.right
        text = f"{self.glyphs.left}{text}"
        return text + line * (span - cell_len(text))

    def _words(self, time: str, column: int, words: str, indent: int = 0) -> list[str]:
        """Words at a column, moved to the left as far as they need it."""
        words = shorten(words, self.width - _LEFT, self.glyphs.cut)
        place = max(_LEFT, min(self.places[column] + indent, self.width - cell_len(words)))
        return [set_cell_size(time, place) + words]

    def _beside(self, line: str, step: Step) -> str:
        """The line with what was expected behind it, "" if that does not fit."""
        words = f"expected {step.label}"
        place = max(self.places[step.target], cell_len(line) + 2)
        fits = place + cell_len(words) <= self.width
        return set_cell_size(line, place) + words if fits else ""


def _list(sequence: Sequence, width: int, glyphs: Glyphs) -> list[str]:
    """The chart of a crowd: no columns, the names stand before what they said."""
    drawn = [" t/ms"]
    for step in sequence.steps:
        source, target = sequence.names[step.source], sequence.names[step.target]
        if step.expected:
            ends = f"{target} expected"
        else:
            ends = source if step.alone else f"{source} {glyphs.line}{glyphs.right} {target}"
        line = f"{step.time:>6}".ljust(_LEFT) + f"{ends}  {step.label}"
        drawn.append(shorten(line, width, glyphs.cut))
    return drawn
