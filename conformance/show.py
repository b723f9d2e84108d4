"""What a person sees: progress, the report, lists. The reports' forms are in conformance.report."""

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from conformance import report as rendering
from conformance import spec
from conformance.cases import CASES, NOT_TESTED
from conformance.finder import Finding
from conformance.spec import KINDS, NO_TEST, Requirement
from conformance.target import Target

WIDTH = 100


def progress() -> Callable[[int, int, str], None]:
    """A line on standard error, where that is a terminal."""

    def show(number: int, of: int, name: str) -> None:
        print(f"\r\x1b[K{number}/{of} {name}", end="", file=sys.stderr, flush=True)

    return show if sys.stderr.isatty() else lambda _number, _of, _name: None


def report(made: dict[str, Any], directory: Path | None, rubric: Path | None) -> None:
    """Print it, and write it into the directory if there is one."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    rendering.terminal(made, Console())
    if directory is not None:
        rendering.write(made, directory, rubric=rubric)


def see_rubric(rubric: Path | None) -> None:
    """ValueError with a sentence for what is wrong in a rubric."""
    if rubric is not None:
        rendering.read_rubric(rubric)


def replayed(path: Path, saved: dict[str, Any], found: Finding | None, target: Target) -> None:
    """What came of a replay."""
    name = f"{path.name} ({saved['case']})"
    if found is None:
        print(f"{name}: passes now")
        return
    print(f"{name}: fails, {', '.join(found.deviation.requirements)}")
    for entry in found.trace.entries:
        ends = f"{entry['from']} → {entry['to']}"
        print(f"  {entry['t_ms']:8.1f} ms  {ends:18} {entry['octets']} {entry['note']}")
    print(f"  {found.deviation.summary}; expected {found.deviation.expected}")
    print(f"  {found.trace.closing or f'the {target.kind} kept the connection'}")


def listing() -> None:
    """All requirements, with the number of cases for each kind, and why some have none."""
    for requirement in spec.requirements().values():
        proved = [f"{kind} {len(cases_of(requirement.id, kind))}" for kind in KINDS
                  if cases_of(requirement.id, kind)]  # fmt: skip
        reasons = dict.fromkeys(
            NOT_TESTED[kind][requirement.id] for kind in KINDS if requirement.id in NOT_TESTED[kind]
        )
        words = [*proved, *reasons] if requirement.testable else [NO_TEST]
        print(f"{requirement.id:10} {requirement.word:10} {requirement.who:22} {'; '.join(words)}")


def explain(requirement: Requirement) -> None:
    """A clause and its cases."""
    print(f"{requirement.id}  [{requirement.who} {requirement.word}]  {spec.NAME} "
          f"section {requirement.section}")  # fmt: skip
    print(textwrap.fill(requirement.text, WIDTH, initial_indent="  ", subsequent_indent="  "))
    if not requirement.testable:
        print(f"\n  {NO_TEST}")
    for kind in KINDS:
        for name in cases_of(requirement.id, kind):
            print(f"\n  {name} (from the profile {CASES[name].profile} on)")
            print(f"      {CASES[name].about}")
        if requirement.id in NOT_TESTED[kind]:
            print(f"\n  {kind}: {NOT_TESTED[kind][requirement.id]}")


def cases_of(requirement: str, kind: str) -> list[str]:
    """The names of the cases of a kind that prove it."""
    return [
        name for name, each in CASES.items() if each.kind == kind and requirement in each.proves
    ]
