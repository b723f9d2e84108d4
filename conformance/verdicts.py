"""Verdicts, and what they make of a run."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from conformance.spec import Requirement, requirements


class Verdict(StrEnum):
    """What one case says about one requirement."""

    PASS = "PASS"  # noqa: S105
    WARN = "WARN"
    """A SHOULD is missed."""
    INFO = "INFO"
    UNSUPPORTED = "UNSUPPORTED"
    """The implementer says that it is not there."""
    NOT_TESTED = "NOT TESTED"
    XFAIL = "XFAIL"
    XPASS = "XPASS"
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"
    ERROR = "ERROR"
    """A fault of the suite itself."""


EXIT_PASSED, EXIT_FAILED, EXIT_USAGE, EXIT_TARGET, EXIT_INCONCLUSIVE, EXIT_NOTHING = range(6)


@dataclass(frozen=True)
class Claims:
    """What the implementer says beforehand: known failures, and what is supported (PICS)."""

    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By requirement: a reason, and optionally the expected symptom."""
    supported: Mapping[str, bool] = field(default_factory=dict)

    @classmethod
    def read(cls, known: Path | None, pics: Path | None) -> "Claims":
        """From TOML files; ValueError with a sentence for what is wrong in them."""
        claims = cls(_known(_toml(known)), _toml(pics).get("supported", {}))
        if not isinstance(claims.supported, dict):
            raise ValueError("[supported] is a table of requirements")
        for name in (*claims.known, *claims.supported):
            if name not in requirements():
                raise ValueError(f"there is no requirement {name}")
        for name, supported in claims.supported.items():
            if not isinstance(supported, bool):
                raise ValueError(f"{name} is supported (true) or not (false)")
            if requirements()[name].must:
                raise ValueError(f"{name} is a MUST: only a SHOULD or MAY can be unsupported")
        return claims

    def of_failure(self, requirement: Requirement, symptom: str) -> tuple[Verdict, str]:
        """The verdict for a deviation, and a word on it."""
        expected = self.known.get(requirement.id)
        if expected is not None and expected.get("symptom", symptom) == symptom:
            return Verdict.XFAIL, f"known: {expected['reason']}"
        supported = self.supported.get(requirement.id)
        if requirement.must or supported:
            return Verdict.FAIL, ""
        if supported is False:
            return Verdict.UNSUPPORTED, "the implementer says so"
        return (Verdict.WARN if requirement.word.startswith("SHOULD") else Verdict.INFO), ""

    def of_success(self, requirement: str) -> tuple[Verdict, str]:
        """The verdict where no deviation was found."""
        if requirement in self.known:
            return Verdict.XPASS, "listed as a known failure, and passes"
        return Verdict.PASS, ""


def _toml(path: Path | None) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def _known(table: dict[str, Any]) -> dict[str, dict[str, str]]:
    for name, entry in table.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("reason"), str):
            raise ValueError(f"the known failure {name} needs a reason")
    return table


def count(results: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How often each verdict was given, all of them named."""
    found = Counter(str(each["verdict"]) for each in results)
    return {str(verdict): found[str(verdict)] for verdict in Verdict}


def exit_status(counts: Mapping[str, int]) -> int:
    """The exit status of a run that got through its smoke test."""
    if counts["FAIL"] or counts["XPASS"]:
        return EXIT_FAILED
    if counts["INCONCLUSIVE"] or counts["ERROR"]:
        return EXIT_INCONCLUSIVE
    decided = ("PASS", "WARN", "INFO", "XFAIL", "UNSUPPORTED")
    return EXIT_PASSED if any(counts[each] for each in decided) else EXIT_NOTHING
