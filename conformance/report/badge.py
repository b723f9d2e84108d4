"""badge.svg: how many requirements are kept, in one line for a README."""

from jinja2 import Environment

from conformance.report.model import (
    Report,
    counts,
    is_must,
    judged,
    must_score,
    started,
)

_LETTER = 6.6
_PADDING = 12
_GREEN, _AMBER, _RED, _GREY = "#2a7a3f", "#8a5a00", "#b3261e", "#5a5f66"


def deserved(report: Report) -> bool:
    """No badge while a MUST is inconclusive: it would say more than is known."""
    return not any(
        each.verdict == "INCONCLUSIVE" and is_must(each.requirement) for each in judged(report)
    )


def badge(report: Report, templates: Environment) -> str:
    """The badge as SVG."""
    label = f"chat/1 {report['target']['kind']}"
    text, colour = _text(report)
    widths = [round(len(each) * _LETTER + 2 * _PADDING) for each in (label, text)]
    return templates.get_template("badge.svg").render(
        label=label, text=text, colour=colour, left=widths[0], right=widths[1]
    )


def _text(report: Report) -> tuple[str, str]:
    if not started(report):
        return "did not start", _RED
    kept, tested = must_score(report)
    verdicts = counts([each.verdict for each in judged(report) if each.results])
    if not tested:
        return "nothing tested", _GREY
    text = f"{kept} of {tested} MUST"
    if verdicts.get("WARN"):
        text += f", {verdicts['WARN']} SHOULD missed"
    if verdicts.get("NOT TESTED"):
        text += f", {verdicts['NOT TESTED']} not tested"
    if verdicts.get("FAIL") or verdicts.get("XPASS") or not report["smoke"]["after"]:
        return text, _RED
    return text, _GREEN if kept == tested else _AMBER
