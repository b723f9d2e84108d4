"""What cases came to, as rows of the report."""

import shlex
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conformance import replay, spec
from conformance.cases import CASES, NOT_TESTED
from conformance.deviation import Deviation
from conformance.executor import MIDDLE
from conformance.finder import Outcome
from conformance.settings import Settings
from conformance.target import BROKEN_OFF, Target, written_address
from conformance.verdicts import Verdict


def rows(target: Target, settings: Settings, outcome: Outcome) -> Iterable[dict[str, Any]]:
    """What a case says about each requirement that it is about, as the report has it."""
    finding = outcome.finding
    blamed = finding.deviation.requirements if finding else []
    for each in dict.fromkeys([*blamed, *outcome.case.proves]):
        if settings.chosen(each) or each in blamed:
            verdict, detail = _verdict(settings, outcome, each, each in blamed)
            failed = finding is not None and each in blamed
            yield {
                "requirement": each,
                "case": outcome.case.name,
                "verdict": str(verdict),
                "detail": detail,
                "examples": outcome.examples,
                "seconds": round(outcome.seconds, 3),
                "failure": _failure(target, settings, outcome, each) if failed else None,
            }


def _verdict(
    settings: Settings, outcome: Outcome, requirement: str, blamed: bool
) -> tuple[Verdict, str]:
    claims = settings.claims
    about = outcome.case.about
    if outcome.error:
        return Verdict.ERROR, outcome.error.strip().splitlines()[-1]
    if outcome.finding is not None:
        symptom = outcome.finding.deviation.symptom
        if blamed:
            verdict, word = claims.of_failure(spec.requirements()[requirement], symptom)
            return verdict, word or outcome.finding.deviation.summary
        return Verdict.NOT_TESTED, "this case stopped at a failure of another requirement"
    if outcome.inconclusive:
        return Verdict.INCONCLUSIVE, outcome.inconclusive
    if outcome.unsupported:
        return Verdict.NOT_TESTED, outcome.unsupported
    verdict, word = claims.of_success(requirement)
    return verdict, word or about


def _failure(
    target: Target, settings: Settings, outcome: Outcome, requirement: str
) -> dict[str, Any]:
    finding = outcome.finding
    assert finding is not None
    saved = replay.dump(outcome.case, finding)
    name = f"replay/{requirement}-{zlib.crc32(saved.encode()):08x}.json"
    if settings.report is not None:
        path = settings.report / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(saved, encoding="utf-8")
    where = settings.report / name if settings.report else Path(name)
    deviation = finding.deviation
    return {
        "symptom": deviation.symptom,
        "summary": deviation.summary,
        "expected": deviation.expected,
        "example": finding.example,
        "examples": settings.examples_of(outcome.case),
        "shrunk_operations": len(finding.operations),
        "shrink_steps": finding.shrink_steps,
        "shrink_seconds": round(finding.shrink_seconds, 2),
        "confirmed": [finding.confirmed, finding.confirmations],
        "participants": finding.trace.participants(MIDDLE[target.kind]),
        "chart": finding.trace.entries,
        "closing": finding.trace.closing,
        "conclusion": " ".join([_sentence(deviation), *finding.trace.hints]),
        "again": f"{Path(sys.executable).name} -m conformance replay {where} {_how(target)}",
        "by_hand": replay.by_hand(finding.operations, target.kind),
        "replay": name,
    }


def _how(target: Target) -> str:
    if target.command is not None:
        return f"--run {shlex.quote(target.command)}"
    return " ".join(f"--at {written_address(each)}" for each in target.addresses)


def untested(
    target: Target, settings: Settings, seen: set[str], *, interrupted: bool
) -> Iterable[dict[str, Any]]:
    """Rows for the requirements that no case says anything about, and why."""
    for each in bound(target.kind):
        if each.id in seen or not settings.chosen(each.id):
            continue
        why = reason(each, target.kind) or "no case of it was run in this profile"
        if interrupted:
            why = BROKEN_OFF
        yield {
            "requirement": each.id,
            "case": "",
            "verdict": str(Verdict.NOT_TESTED),
            "detail": why,
            "examples": 0,
            "seconds": 0.0,
            "failure": None,
        }


def bound(kind: str) -> list[spec.Requirement]:
    """What binds a kind of implementation, and what its cases prove besides."""
    ids = {each.id for each in spec.binding(kind)}
    ids |= {each for case in CASES.values() if case.kind == kind for each in case.proves}
    return [each for each in spec.requirements().values() if each.id in ids]


def reason(requirement: spec.Requirement, kind: str) -> str | None:
    """Why no case proves it; None where one does."""
    if not requirement.testable:
        return spec.NO_TEST
    return NOT_TESTED[kind].get(requirement.id)


def _sentence(deviation: Deviation) -> str:
    """What came, and what should have."""
    summary = deviation.summary
    return f"{summary[:1].upper()}{summary[1:]}; expected {deviation.expected}."
