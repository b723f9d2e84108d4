"""What a sequence chart shows, before it is drawn as text or as SVG."""

from dataclasses import dataclass

from conformance.report.model import Failure
from conformance.report.octets import shortened

_ALWAYS_SHOWN = 3
"""So many participants are shown even if they have no part in the smallest case."""

_LONGEST_NAME = 16


@dataclass(frozen=True)
class Step:
    """One row. ``source`` and ``target`` are columns; they are equal for what one does alone."""

    t_ms: float
    source: int
    target: int
    kind: str
    octets: str
    note: str

    @property
    def expected(self) -> bool:
        """Whether this is what should have come and did not."""
        return self.kind == "expected"

    @property
    def alone(self) -> bool:
        """Whether it concerns one participant only."""
        return self.source == self.target

    @property
    def label(self) -> str:
        """Octets and note on one line."""
        return "  ".join(filter(None, (self.octets, self.note)))

    @property
    def time(self) -> str:
        """Milliseconds as they stand in the first column."""
        return f"{self.t_ms:.1f}" if self.t_ms < 9999.95 else f"{self.t_ms:.0f}"


@dataclass(frozen=True)
class Sequence:
    """Names of the columns, and the rows."""

    names: list[str]
    steps: list[Step]

    def sentences(self) -> list[str]:
        """The same in words, for those who cannot see the drawing."""
        return [self._sentence(step) for step in self.steps]

    def _sentence(self, step: Step) -> str:
        source, target = self.names[step.source], self.names[step.target]
        if step.expected:
            return f"{target} expected {step.label}"
        ends = source if step.alone else f"{source} to {target}"
        return f"{step.time} ms, {ends}: {step.label}"


def sequence(failure: Failure) -> Sequence:
    """The chart of a failure; participants that have no part in a crowded one are left out."""
    events = failure["chart"]
    taking_part = [
        name for event in events for name in (event["from"] or event["to"], event["to"]) if name
    ]
    names = list(dict.fromkeys([*failure["participants"], *taking_part]))
    if len(names) > _ALWAYS_SHOWN:
        names = [name for name in names if name in taking_part]
    steps = []
    for event in events:
        source, target = event["from"] or event["to"], event["to"] or event["from"]
        if source:
            steps.append(
                Step(
                    event["t_ms"],
                    names.index(source),
                    names.index(target),
                    event["kind"],
                    shortened(_one_line(event["octets"])),
                    _one_line(event["note"]),
                )
            )
    return Sequence([_short(_one_line(name)) for name in names], steps)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _one_line(text: str) -> str:
    return text.replace("\n", r"\n")
