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
from conformance.trace import condensed
from conformance.verdicts import Verdict

PROGRAM = "chat-conformance"


def rows(target: Target, settings: Settings, outcome: Outcome) -> Iterable[dict[str, Any]]:
    """What a case says about each requirement that it is about, as the report has it.

    A failure is one of the first requirement that it breaks, of those that the run is about;
    what else may be at fault is named in it, and left to other cases.
    """
    finding = outcome.finding
    blamed = finding.deviation.requirements if finding else []
    broken = next(filter(settings.chosen, blamed), None)
    about = [each for each in outcome.case.proves if settings.chosen(each)]
    if target.tls is not None:
        about = [each for each in about if each not in spec.not_over_tls()]
    for each in dict.fromkeys([*([broken] if broken else []), *about]):
        verdict, detail = _verdict(settings, outcome, each, each == broken)
        failed = finding is not None and each == broken
        yield {
            "requirement": each,
            "case": outcome.case.name,
            "verdict": str(verdict),
            "detail": detail,
            "examples": outcome.examples,
            "seconds": round(outcome.seconds, 3),
            "failure": _failure(target, settings, outcome, each) if failed else None,
        }


def without_surprise(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A known failure passes (XPASS) only if no case of its requirement fails as expected."""
    failing = {row["requirement"] for row in found if row["verdict"] == Verdict.XFAIL}
    return [
        {**row, "verdict": str(Verdict.PASS)}
        if row["verdict"] == Verdict.XPASS and row["requirement"] in failing
        else row
        for row in found
    ]


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
        deviation = outcome.finding.deviation
        why = f"this case stopped at a failure of {deviation.requirements[0]}"
        if any(map(settings.chosen, deviation.requirements)):
            return Verdict.NOT_TESTED, why
        return Verdict.INCONCLUSIVE, f"{why}, which was not chosen: {deviation.summary}"
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
    where = settings.report / name if settings.report else Path("DIR") / name
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
        "chart": condensed(finding.trace.entries),
        "closing": finding.trace.closing,
        "conclusion": " ".join([_sentence(deviation, requirement), *finding.trace.hints]),
        "again": f"{program()} replay {where} {_how(target)}",
        "by_hand": replay.by_hand(finding.operations, target.kind, tls=target.tls),
        "replay": name,
    }


def program() -> str:
    """How the suite was started."""
    return sys.argv[0] if Path(sys.argv[0]).name == PROGRAM else "python -m conformance"


def _how(target: Target) -> str:
    if target.command is not None:
        return f"--run {shlex.quote(target.command)}"
    written = [f"--at {written_address(each, target.scheme)}" for each in target.addresses]
    return " ".join([*written, *_tls_options(target)])


def _tls_options(target: Target) -> Iterable[str]:
    if target.tls is not None and target.tls.trusted:
        yield f"--ca {shlex.quote(target.tls.trusted)}"
    shown = target.tls.shown if target.tls else None
    for name, file in (("cert", shown.certificate), ("key", shown.key)) if shown else ():
        if file:
            yield f"--{name} {shlex.quote(file)}"


def untested(
    target: Target, settings: Settings, seen: set[str], *, interrupted: bool
) -> Iterable[dict[str, Any]]:
    """Rows for the requirements that no case says anything about, and why."""
    for each in bound(target.kind):
        if each.id in seen or not settings.chosen(each.id):
            continue
        judged = not (target.tls and each.id in spec.not_over_tls())
        why = reason(each, target.kind) if judged else spec.NOT_JUDGED
        why = why or "no case of it was run in this profile"
        if interrupted and judged:
            why = BROKEN_OFF
        supported = settings.claims.supported.get(each.id)
        verdict = Verdict.UNSUPPORTED if supported is False else Verdict.NOT_TESTED
        yield {
            "requirement": each.id,
            "case": "",
            "verdict": str(verdict),
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


def _sentence(deviation: Deviation, requirement: str) -> str:
    """What came, what should have, and what else may be at fault."""
    summary = deviation.summary
    others = [each for each in deviation.requirements if each != requirement]
    also = f" It may also be a matter of {', '.join(others)}." if others else ""
    return f"{summary[:1].upper()}{summary[1:]}; expected {deviation.expected}.{also}"
