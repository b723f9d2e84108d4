"""gradescope.json: the results format of Gradescope's autograders."""

import json
from typing import Any

from conformance.report.model import Judged, Report, counts, entries, judged, started
from conformance.report.rubric import Category
from conformance.report.terminal import plain

_WIDTH = 88
_MOST_CHARTS = 3
"""So many charts for each category; the rest are named only."""

_REMARKS = {
    "INCONCLUSIVE": "not reproducible: run it again",
    "ERROR": "a fault of the test suite: tell your teacher",
    "XFAIL": "a known failure",
    "WARN": "a SHOULD is missed",
}


def gradescope(report: Report, categories: list[Category]) -> str:
    """One test for each category; all with no points if the target did not start."""
    up = started(report)
    tests = [_start(report)] if not up else []
    for number, category in enumerate(categories, 1):
        counted = category.counted(report) if up else []
        score = category.score(counted)
        output = _output(report, category, counted) if up else "Not tested."
        tests.append(
            {
                "name": category.name,
                "number": str(number),
                "score": score,
                "max_score": category.points,
                "status": "passed" if score == category.points and up else "failed",
                "output": output,
                "output_format": "text",
                "visibility": category.visibility,
            }
        )
    results = {
        "score": round(sum(float(test["score"]) for test in tests), 2),
        "execution_time": round(report["seconds"]),
        "output": _overview(report),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }
    return json.dumps(results, indent=1) + "\n"


def _start(report: Report) -> dict[str, Any]:
    return {
        "name": "The program was built and started",
        "number": "0",
        "score": 0.0,
        "max_score": 0.0,
        "status": "failed",
        "output": report["smoke"]["sentence"],
        "output_format": "text",
        "visibility": "visible",
    }


def _overview(report: Report) -> str:
    if not started(report):
        return report["smoke"]["sentence"]
    verdicts = counts([each.verdict for each in judged(report)])
    numbers = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items())
    sentences = [f"Requirements of {report['suite']['spec']}: {numbers}."]
    if not report["smoke"]["after"]:
        sentences.append(f"After the cases: {report['smoke']['sentence']}")
    return "\n".join(sentences)


def _output(report: Report, category: Category, counted: list[Judged]) -> str:
    if not counted:
        return "None of its requirements could be tested: no points."
    lines = [f"{each.requirement['id']}: {_verdict(each.verdict)}" for each in counted]
    if category.all_or_nothing:
        lines.insert(0, "All of these, or no points:")
    ids = {each.requirement["id"] for each in counted}
    troubles = [entry for entry in entries(report) if entry.requirement["id"] in ids]
    for entry in troubles[:_MOST_CHARTS]:
        lines += ["", plain(report, entry, _WIDTH)]
    left = len(troubles) - _MOST_CHARTS
    if left > 0:
        lines += ["", f"{left} further failures are in the full report."]
    return "\n".join(lines)


def _verdict(verdict: str) -> str:
    return f"{verdict} ({_REMARKS[verdict]})" if verdict in _REMARKS else verdict
