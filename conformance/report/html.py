"""index.html: the whole report as one file that needs nothing beside itself."""

import re
from dataclasses import dataclass
from itertools import groupby

from jinja2 import Environment
from markupsafe import Markup, escape

from conformance.report.model import (
    SEVERITY,
    Entry,
    Judged,
    Report,
    counts,
    entries,
    judged,
    must_score,
    started,
)
from conformance.report.sequence import sequence
from conformance.report.svg_chart import Drawing, lay_out
from conformance.report.terminal import how_found, meaning, target_name

_WIDE, _NARROW = 820.0, 332.0

_MARKS = {
    "PASS": "✓",
    "WARN": "!",
    "INFO": "i",
    "UNSUPPORTED": "–",
    "NOT TESTED": "○",
    "XFAIL": "✗",
    "XPASS": "✓",
    "INCONCLUSIVE": "?",
    "FAIL": "✗",
    "ERROR": "‼",
}
"""A sign beside each colour, for those who do not see colours."""

_EXPLAINED = {
    "PASS": "kept, as far as was seen",
    "WARN": "a SHOULD is missed",
    "INFO": "a MAY: which choice was seen",
    "UNSUPPORTED": "declared as not implemented",
    "NOT TESTED": "could not be tested here",
    "XFAIL": "a known failure",
    "XPASS": "a known failure that passed",
    "INCONCLUSIVE": "not set up or not reproducible",
    "FAIL": "a MUST is broken",
    "ERROR": "a fault of the suite itself",
}


@dataclass(frozen=True)
class Shown:
    """A trouble with its anchor and its drawings, a wide and a narrow one."""

    anchor: str
    entry: Entry
    found: str
    wide: Drawing | None
    narrow: Drawing | None
    replay: str


def html(report: Report, templates: Environment) -> str:
    """The page. The report must have been cleaned: nothing invisible is left in it."""
    every = judged(report) if started(report) else []
    shown = [_shown(number, entry) for number, entry in enumerate(entries(report), 1)]
    if not started(report):
        shown = []
    return templates.get_template("index.html").render(
        report=report,
        started=started(report),
        target=target_name(report),
        meaning=meaning(report),
        must=must_score(report),
        counted=counts([each.verdict for each in every]),
        sections=_sections(every),
        shown=shown,
        anchors=_anchors(shown),
        marks=_MARKS,
        explained={verdict: _EXPLAINED[verdict] for verdict in SEVERITY},
    )


def code_spans(text: str) -> Markup:
    """A clause with what stands in back quotes as code; everything in it is escaped."""
    parts = [escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part
        for place, part in enumerate(parts)
    )


def _sections(every: list[Judged]) -> list[tuple[str, list[Judged]]]:
    return [
        (section, list(group))
        for section, group in groupby(every, key=lambda each: each.requirement["section"])
    ]


def _anchors(shown: list[Shown]) -> dict[str, str]:
    """Where the first trouble of each requirement is."""
    return {each.entry.requirement["id"]: each.anchor for each in reversed(shown)}


def _shown(number: int, entry: Entry) -> Shown:
    failure = entry.result["failure"]
    anchor = f"trouble-{number}"
    if not failure:
        return Shown(anchor, entry, "", None, None, "")
    chart = sequence(failure)
    wide, narrow = (lay_out(chart, width) if chart.steps else None for width in (_WIDE, _NARROW))
    file_name = failure["replay"].removeprefix("replay/")
    replay = file_name if re.fullmatch(r"[\w][\w.-]*", file_name, re.ASCII) else ""
    return Shown(anchor, entry, " · ".join(how_found(failure)), wide, narrow, replay)
