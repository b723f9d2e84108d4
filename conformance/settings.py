"""What a run is to do, and which cases that selects."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance import spec
from conformance.cases import CASES, PROFILES, Case
from conformance.verdicts import Claims

EXAMPLES = {
    "quick": {"relay": 12, "turns": 5, "client": 1},
    "standard": {"relay": 80, "turns": 40, "client": 8},
    "thorough": {"relay": 600, "turns": 300, "client": 40},
}
"""Examples of a case with the share 1."""


@dataclass(frozen=True)
class Settings:
    """What a run is to do."""

    profile: str = "quick"
    seed: int = 0
    examples: int | None = None
    patience: float = 1.0
    level: str = "should"
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    max_seconds: float = 3600.0
    jobs: int = 0
    claims: Claims = field(default_factory=Claims)
    report: Path | None = None
    build: str | None = None
    """What is done first."""

    def public(self) -> dict[str, Any]:
        """As the report tells them."""
        return {
            "profile": self.profile,
            "seed": self.seed,
            "examples": self.examples,
            "patience": self.patience,
            "level": self.level,
            "only": list(self.only),
            "skip": list(self.skip),
            "max_seconds": self.max_seconds,
        }

    def examples_of(self, case: Case) -> int:
        """How many scripts of a case are run."""
        base = self.examples or EXAMPLES[self.profile][case.kind]
        return max(1, case.every, round(base * case.share))

    def chosen(self, requirement: str) -> bool:
        """Whether the run is about it."""
        at_level = self.level == "should" or spec.requirements()[requirement].must
        return at_level and spec.chosen(requirement, self.only, self.skip)

    def cases(self, kind: str) -> list[Case]:
        """The cases to run against a target of this kind, in order."""
        return [
            case
            for case in CASES.values()
            if case.kind == kind
            and PROFILES.index(case.profile) <= PROFILES.index(self.profile)
            and any(map(self.chosen, case.proves))
        ]
