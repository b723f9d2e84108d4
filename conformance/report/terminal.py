"""The report for a terminal: each failure in some ten lines, then the summary."""

import textwrap
from collections.abc import Mapping
from typing import Any, cast

from rich.console import Console
from rich.text import Text

from conformance.report import shell, text_chart
from conformance.report.model import (
    Entry,
    Failure,
    Report,
    Requirement,
    counts,
    entries,
    judged,
    must_score,
    severity,
    started,
)
from conformance.report.octets import clean
from conformance.report.sequence import sequence
from conformance.report.text_chart import ASCII, UNICODE, Glyphs

WIDEST = 120
NARROWEST = 60

STYLES = {
    "PASS": "green",
    "FAIL": "bold red",
    "ERROR": "bold magenta",
    "XPASS": "bold red",
    "INCONCLUSIVE": "bold yellow",
    "XFAIL": "yellow",
    "WARN": "yellow",
    "INFO": "cyan",
}

_MEANING = {
    0: "Every MUST that was tested passed.",
    1: "A MUST failed, or a known failure passed.",
    2: "The suite was used wrongly.",
    3: "The target could not be started or reached, or failed the smoke test.",
    4: "Nothing failed, but results are inconclusive or the suite itself is at fault.",
    5: "Nothing was selected.",
}


def terminal(report: Mapping[str, Any], console: Console) -> None:
    """Print the report; colours and line drawing only where the terminal has them."""
    cleaned = cast(Report, clean(dict(report)))
    width = max(NARROWEST, min(console.width, WIDEST))
    glyphs = ASCII if console.options.ascii_only else UNICODE
    for line in _lines(cleaned, width, glyphs):
        console.print(line, soft_wrap=True, highlight=False)


def entry_lines(report: Report, entry: Entry, width: int, glyphs: Glyphs = UNICODE) -> list[Text]:
    """One trouble: its clause, how it was found, the chart, and how to get it again."""
    verdict, failure = entry.result["verdict"], entry.result["failure"]
    lines = _clause(report, entry.requirement, verdict, width, glyphs)
    if failure:
        lines += _failure(failure, width, glyphs)
    else:
        words = f"{entry.result['case']}: {entry.result['detail']}"
        lines += _paragraph(words, width, 6, glyphs, first=6)
    if entry.further:
        cases = "case shows" if entry.further == 1 else "cases show"
        lines.append(Text(f" {entry.further} further {cases} the same.", style="dim"))
    return lines


def plain(report: Report, entry: Entry, width: int) -> str:
    """The same as text without colours, for other files."""
    return "\n".join(line.plain.rstrip() for line in entry_lines(report, entry, width))


def settings_line(report: Report) -> str:
    """The settings of the run that are there, as ``name value``."""
    return ", ".join(
        f"{name} {' '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in report["settings"].items()
        if value not in (None, []) and name not in ("interrupted", "max_seconds")
    )


def target_name(report: Report) -> str:
    """What was tested, as the user named it."""
    target = report["target"]
    return target["command"] or " ".join(target["addresses"]) or "no address"


def _lines(report: Report, width: int, glyphs: Glyphs) -> list[Text]:
    suite, target = report["suite"], report["target"]
    head = f"{suite['name']} {suite['version']} {glyphs.dot} {target['kind']} "
    lines = [
        *_paragraph(f"{head}{glyphs.dot} {target_name(report)}", width, 0, glyphs, "bold"),
        *_paragraph(settings_line(report), width, 0, glyphs, "dim"),
        Text(),
    ]
    if not started(report):
        lines += _paragraph(f"NOT STARTED  {report['smoke']['sentence']}", width, 6, glyphs)
        lines[3].stylize("bold red", 0, len("NOT STARTED"))
        return [*lines, Text(), *_paragraph(meaning(report), width, 0, glyphs)]
    for entry in entries(report):
        lines += [*entry_lines(report, entry, width, glyphs), Text()]
    return lines + _summary(report, width, glyphs)


def _summary(report: Report, width: int, glyphs: Glyphs) -> list[Text]:
    kept, all_of_them = must_score(report)
    verdicts = counts([each.verdict for each in judged(report)])
    lines = _counted("requirements", verdicts, width)
    if report["verdict_counts"]:
        lines += _counted("cases", report["verdict_counts"], width)
    for reason, ids in _untested(report).items():
        lines += _paragraph(f"not tested   {' '.join(ids)}: {reason}", width, 13, glyphs, "dim")
    if not report["smoke"]["after"]:
        sentence = f"After the cases: {report['smoke']['sentence']}"
        lines += _paragraph(sentence, width, 2, glyphs, "bold red")
    for remark in report.get("remarks", []):
        lines += _paragraph(remark, width, 2, glyphs, "bold")
    sentence = (
        f"{kept} of {all_of_them} MUST requirements that were tested are kept, "
        f"in {report['seconds']:.1f} s. {meaning(report)}"
    )
    style = "green" if report["exit_status"] == 0 else "red"
    return lines + _paragraph(sentence, width, 0, glyphs, style)


def _untested(report: Report) -> dict[str, list[str]]:
    """Requirements for which nothing was decided, by the reason."""
    found: dict[str, list[str]] = {}
    for each in judged(report):
        if each.verdict == "NOT TESTED":
            reason = each.results[0]["detail"] if each.results else each.requirement["reason"]
            found.setdefault(reason or "there is no case of it", []).append(each.requirement["id"])
    return found


def _counted(what: str, verdicts: Mapping[str, int], width: int) -> list[Text]:
    lines = [Text(f"{what:<13}")]
    for verdict in sorted(verdicts, key=severity):
        number = f"{verdicts[verdict]} {verdict}"
        if len(lines[-1]) + len(number) + 2 > width:
            lines.append(Text(" " * 13))
        lines[-1].append(number, style=STYLES.get(verdict, "")).append("  ")
    return lines


def meaning(report: Report) -> str:
    """What the exit status says, as a sentence."""
    status = report["exit_status"]
    return f"{_MEANING.get(status, 'The run was broken off.')} (exit status {status})"


def _clause(
    report: Report, requirement: Requirement, verdict: str, width: int, glyphs: Glyphs
) -> list[Text]:
    name = f"{verdict}  {requirement['id']}  "
    word = f"{requirement['who']} {requirement['word']}".strip()
    place = f"{report['suite']['spec']} {glyphs.section}{requirement['section']}"
    lines = _paragraph(f'{name}{word}  "{requirement["text"]}"   {place}', width, 6, glyphs)
    lines[0].stylize(STYLES.get(verdict, "bold"), 0, len(verdict))
    lines[0].stylize("bold", len(verdict), len(name) + len(word))
    return lines


def _failure(failure: Failure, width: int, glyphs: Glyphs) -> list[Text]:
    found = f" {glyphs.dot} ".join(how_found(failure))
    lines = _paragraph(found, width, 6, glyphs, "dim", first=6)
    shown = sequence(failure)
    lines += [_chart_line(line) for line in text_chart.draw(shown, width, glyphs)]
    if failure["expected"] and not any(step.expected for step in shown.steps):
        lines += _paragraph(f"expected {failure['expected']}", width, 1, glyphs, "red", first=1)
    words = (failure["closing"], failure["conclusion"] or failure["summary"])
    for sentence in filter(None, words):
        lines += _paragraph(sentence, width, 1, glyphs, first=1)
    for name, command in (("again", failure["again"]), *_by_hand(failure)):
        lines += _command(name, command, width, glyphs)
    return lines


def how_found(failure: Failure) -> list[str]:
    """Where among the examples it was, how small it was made, whether it came again."""
    operations = failure["shrunk_operations"]
    found = [f"example {failure['example']} of {failure['examples']}"]
    if operations:
        number = f"{operations} operation" if operations == 1 else f"{operations} operations"
        steps, seconds = failure["shrink_steps"], failure["shrink_seconds"]
        found.append(f"shrunk to {number} in {steps} steps, {seconds:.2f} s" if steps else number)
    again, tries = failure["confirmed"]
    found.append(
        f"confirmed {again} of {tries} on a fresh process" if tries else "not confirmed again"
    )
    return found


def _by_hand(failure: Failure) -> list[tuple[str, str]]:
    return [("" if place else "by hand", each) for place, each in enumerate(failure["by_hand"])]


def _command(name: str, command: str, width: int, glyphs: Glyphs) -> list[Text]:
    if not command:
        return []
    lines = [
        line
        for whole in glyphs.text(command).split("\n")
        for line in shell.lines(whole, width - 10) or [""]
    ]
    found = [Text(f" {label:<9}") for label in (name, *[""] * (len(lines) - 1))]
    for line, text in zip(found, lines, strict=True):
        line.stylize("bold")
        line.append(text)
    return found


def _chart_line(line: str) -> Text:
    text = Text(line)
    _, expected, _ = line.partition("  expected ")
    if expected:
        text.stylize("red", line.index(expected) + 2)
    return text


def _paragraph(
    text: str, width: int, indent: int, glyphs: Glyphs, style: str = "", first: int = 0
) -> list[Text]:
    lines = textwrap.wrap(
        glyphs.text(" ".join(text.split("\n"))),
        width,
        initial_indent=" " * first,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )
    return [Text(line, style=style) for line in lines]
