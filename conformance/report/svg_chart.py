"""A sequence chart laid out for SVG; the template ``chart.svg`` draws it."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from rich.cells import cell_len

from conformance.report.sequence import Sequence, Step

LETTER = 7.23
"""The width of a letter, in the units of the drawing: 12 in a monospaced type."""

LINE = 15.0
_TIME = 48.0
_HEAD = 26.0
_ABOVE = 12.0
_MOST_LINES = 6
_LEAST_GAP = 84.0
_WIDEST_ALONE = 280.0
"""Words beside one lifeline can be read on a phone without scrolling."""


@dataclass(frozen=True)
class Words:
    """A line of a label; ``octets`` tells what was on the wire from what is said about it."""

    x: float
    y: float
    text: str
    octets: bool


@dataclass(frozen=True)
class Row:
    """One arrow (from ``x1`` to ``x2``) or, if these are equal, a mark on a lifeline."""

    step: Step
    y: float
    x1: float
    x2: float
    words: list[Words]

    @property
    def head(self) -> str:
        """The points of the arrow head."""
        back = -9 if self.x2 > self.x1 else 9
        x, y = self.x2, self.y
        return f"{x:g},{y:g} {x + back:g},{y - 4.5:g} {x + back:g},{y + 4.5:g}"


@dataclass(frozen=True)
class Lifeline:
    """A participant: its name in a box, and the line below."""

    x: float
    name: str
    box: float


@dataclass(frozen=True)
class Drawing:
    """Everything with its place."""

    width: float
    height: float
    lifelines: list[Lifeline]
    rows: list[Row]
    sentences: list[str]


def lay_out(sequence: Sequence, width: float) -> Drawing:
    """The chart in at most ``width``, or in as little more as its participants need."""
    return _Layout(sequence, width).drawing()


@dataclass(frozen=True)
class _Layout:
    sequence: Sequence
    width: float

    def drawing(self) -> Drawing:
        """Rows from top to bottom, each as high as its label."""
        rows: list[Row] = []
        y = _HEAD + 4
        for step in self.sequence.steps:
            row = self._row(step, y)
            rows.append(row)
            y = row.y + 6
        lifelines = [
            Lifeline(x, name, self._box(name))
            for x, name in zip(self._places, self.sequence.names, strict=True)
        ]
        right = max([self._edge, *(self._end(words) for row in rows for words in row.words)])
        return Drawing(round(right), round(y + 8), lifelines, rows, self.sequence.sentences())

    @cached_property
    def _places(self) -> list[float]:
        """Where each lifeline stands."""
        names = self.sequence.names
        first = _TIME + self._box(names[0]) / 2
        gaps = [
            max(_LEAST_GAP, (self._box(left) + self._box(right)) / 2 + 8)
            for left, right in pairwise(names)
        ]
        wanted = [max(gap, self._wanted(place)) for place, gap in enumerate(gaps)]
        spare = self.width - first - self._box(names[-1]) / 2 - 2
        while sum(gaps) < min(spare, sum(wanted)) - 1:
            open_gaps = [place for place, gap in enumerate(gaps) if gap < wanted[place]]
            smallest = min(open_gaps, key=lambda place: gaps[place])
            gaps[smallest] += 1
        return [first + sum(gaps[:place]) for place in range(len(names))]

    @cached_property
    def _edge(self) -> float:
        return self._places[-1] + self._box(self.sequence.names[-1]) / 2 + 2

    @staticmethod
    def _box(name: str) -> float:
        return max(36.0, cell_len(name) * LETTER + 16)

    @staticmethod
    def _end(words: Words) -> float:
        return words.x + cell_len(words.text) * LETTER / 2 + 2

    def _wanted(self, gap: int) -> float:
        """The width of a gap in which no label would be broken."""
        labels = [
            max(cell_len(text) for text, _ in _parts(step))
            for step in self.sequence.steps
            if not step.alone and min(step.source, step.target) == gap and _parts(step)
        ]
        return max(labels, default=0) * LETTER + 28

    def _row(self, step: Step, top: float) -> Row:
        x1, x2 = self._places[step.source], self._places[step.target]
        room = min(self._edge - _TIME, _WIDEST_ALONE) if step.alone else abs(x2 - x1) - 18
        letters = max(int(room / LETTER), 8)
        lines = [
            (line, octets) for text, octets in _parts(step) for line in _wrapped(text, letters)
        ]
        widest = max((cell_len(line) for line, _ in lines), default=0) * LETTER
        middle = (x1 + x2) / 2
        if step.alone:
            middle = max(min(x1, self._edge - widest / 2), _TIME + widest / 2)
        words = [
            Words(middle, top + _ABOVE + LINE * (number + 0.5), line, octets)
            for number, (line, octets) in enumerate(lines)
        ]
        bottom = top + _ABOVE + LINE * len(lines) + (6 if step.alone else 8)
        return Row(step, bottom, x1, x2, words)


def _parts(step: Step) -> list[tuple[str, bool]]:
    octets = f"expected {step.octets}" if step.expected and step.octets else step.octets
    note = f"expected {step.note}" if step.expected and not step.octets else step.note
    return [(text, is_octets) for text, is_octets in ((octets, True), (note, False)) if text]


def _wrapped(text: str, letters: int) -> list[str]:
    """The text in lines, broken behind a blank if there is one; too many are cut."""
    lines: list[str] = []
    while text and len(lines) < _MOST_LINES:
        end = _fitting(text, letters)
        if end < len(text) and " " in text[1 : end + 1]:
            end = text.rindex(" ", 1, end + 1) + 1
        lines.append(text[:end].rstrip())
        text = text[end:]
    if text:
        lines[-1] = lines[-1][: letters - 1] + "…"
    return lines


def _fitting(text: str, letters: int) -> int:
    """How many characters of the text have so many columns at most; at least one."""
    width = 0
    for place, character in enumerate(text):
        width += cell_len(character)
        if width > letters and place:
            return place
    return len(text)
