"""The shape of a report, and what all renderings of it ask of it."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

ChartEvent = TypedDict(
    "ChartEvent",
    {"t_ms": float, "from": str, "to": str, "kind": str, "octets": str, "note": str},
)
"""One event of a sequence chart; ``kind`` is octets, event or expected."""


class Failure(TypedDict):
    """How a case failed: the smallest exchange that shows it, and how to get it again."""

    symptom: str
    summary: str
    expected: str
    example: int
    examples: int
    shrunk_operations: int
    shrink_steps: int
    shrink_seconds: float
    confirmed: list[int]
    participants: list[str]
    chart: list[ChartEvent]
    closing: str
    conclusion: str
    again: str
    by_hand: list[str]
    replay: str


class Result(TypedDict):
    """What one case said about one requirement."""

    requirement: str
    case: str
    verdict: str
    detail: str
    examples: int
    seconds: float
    failure: Failure | None


class Requirement(TypedDict):
    """One requirement of the specification."""

    id: str
    section: str
    who: str
    word: str
    text: str
    testable: bool
    reason: str | None


class Suite(TypedDict):
    """Which suite tested against which document."""

    name: str
    version: str
    spec: str


class Target(TypedDict):
    """What was tested."""

    kind: str
    command: str | None
    addresses: list[str]


class Smoke(TypedDict):
    """The smoke tests before and after the cases, and what to say of them."""

    before: bool
    after: bool
    sentence: str


class Report(TypedDict):
    """A whole run, as ``schema.json`` describes it."""

    suite: Suite
    target: Target
    settings: dict[str, Any]
    started: str
    seconds: float
    smoke: Smoke
    requirements: list[Requirement]
    results: list[Result]
    verdict_counts: dict[str, int]
    exit_status: int
    remarks: NotRequired[list[str]]
    versions: NotRequired[dict[str, str]]


SEVERITY = (
    "FAIL",
    "ERROR",
    "XPASS",
    "INCONCLUSIVE",
    "XFAIL",
    "WARN",
    "PASS",
    "INFO",
    "UNSUPPORTED",
    "NOT TESTED",
)
"""All verdicts; of several for one requirement the first in this order counts."""

WELL = frozenset({"PASS", "INFO", "XPASS"})
"""Verdicts of a requirement that is kept, as far as was seen."""

UNJUDGED = frozenset({"UNSUPPORTED", "NOT TESTED"})
"""Verdicts that say nothing about the target."""

TROUBLE = frozenset({"FAIL", "ERROR", "XPASS", "INCONCLUSIVE", "XFAIL", "WARN"})
"""Verdicts of which a reader wants to know more."""


@dataclass(frozen=True)
class Entry:
    """One trouble as a reader meets it: further results of the same kind are only counted."""

    requirement: Requirement
    result: Result
    further: int


@dataclass(frozen=True)
class Judged:
    """A requirement, the verdict over all its cases, and these."""

    requirement: Requirement
    verdict: str
    results: list[Result]


def is_must(requirement: Requirement) -> bool:
    """Whether missing it is a failure (MUST, MUST NOT)."""
    return requirement["word"].startswith("MUST")


def started(report: Report) -> bool:
    """Whether the target came up well enough for any case to be run."""
    return report["smoke"]["before"]


def severity(verdict: str) -> int:
    """A number to sort verdicts by, the worst first."""
    return SEVERITY.index(verdict)


def judged(report: Report) -> list[Judged]:
    """Every requirement with its verdict, in the order of the document.

    A requirement without a case is NOT TESTED. One that has results but is not listed (the suite
    was given another document) is added at the end, so that nothing that was found is lost.
    """
    cases: dict[str, list[Result]] = {each["id"]: [] for each in report["requirements"]}
    for result in report["results"]:
        cases.setdefault(result["requirement"], []).append(result)
    return [
        Judged(
            requirement,
            min((each["verdict"] for each in cases[name]), key=severity, default="NOT TESTED"),
            cases[name],
        )
        for name, requirement in _listed(report, cases).items()
    ]


def entries(report: Report) -> list[Entry]:
    """The troubles, the worst first: one for each (verdict, requirement, symptom).

    Of several results the one with the fewest operations stands for all.
    """
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in report["results"]:
        if result["verdict"] in TROUBLE:
            symptom = result["failure"]["symptom"] if result["failure"] else result["detail"]
            key = (result["verdict"], result["requirement"], symptom)
            groups.setdefault(key, []).append(result)
    requirements = _listed(report, {result["requirement"]: [] for result in report["results"]})
    places = {name: place for place, name in enumerate(requirements)}
    found = [
        Entry(requirements[name], min(results, key=_operations), len(results) - 1)
        for (_, name, _), results in groups.items()
    ]
    return sorted(
        found,
        key=lambda each: (severity(each.result["verdict"]), places[each.requirement["id"]]),
    )


def counts(verdicts: list[str]) -> dict[str, int]:
    """How many there are of each verdict, in the order of severity; none that is not there."""
    counted = Counter(verdicts)
    return {verdict: counted[verdict] for verdict in SEVERITY if counted[verdict]}


def must_score(report: Report) -> tuple[int, int]:
    """How many of the MUST requirements that were judged are kept, and how many were judged."""
    verdicts = [
        each.verdict
        for each in judged(report)
        if is_must(each.requirement) and each.verdict not in UNJUDGED
    ]
    return sum(verdict in WELL for verdict in verdicts), len(verdicts)


def _operations(result: Result) -> tuple[bool, int]:
    failure = result["failure"]
    return (failure is None, failure["shrunk_operations"] if failure else 0)


def _listed(report: Report, found: dict[str, list[Result]]) -> dict[str, Requirement]:
    listed = {each["id"]: each for each in report["requirements"]}
    for name in found:
        if name not in listed:
            listed[name] = Requirement(
                id=name, section="", who="", word="MUST", text="", testable=True, reason=None
            )
    return listed
