"""Points for a course: a rubric file that says how many for which requirements."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from conformance.report.model import UNJUDGED, WELL, Judged, Report, is_must, judged

_VISIBILITIES = {"visible", "hidden", "after_due_date", "after_published"}
_MOST_POINTS = 1_000_000
_KEYS = {"name", "points", "requirements", "should", "all_or_nothing", "visibility"}


class RubricError(ValueError):
    """The rubric file cannot be used; the message says why."""


@dataclass(frozen=True)
class Category:
    """Points for all requirements whose ids match one of the globs.

    They are given in proportion to the requirements kept, or only if all are (``all_or_nothing``).
    SHOULD requirements count if ``should`` says so.
    """

    name: str
    points: float
    requirements: tuple[str, ...]
    should: bool = False
    all_or_nothing: bool = False
    visibility: str = "visible"

    def counted(self, report: Report) -> list[Judged]:
        """Its requirements that were judged in this run."""
        return [
            each
            for each in judged(report)
            if any(fnmatchcase(each.requirement["id"], glob) for glob in self.requirements)
            and each.verdict not in UNJUDGED
            and (
                is_must(each.requirement) or (self.should and "SHOULD" in each.requirement["word"])
            )
        ]

    def score(self, counted: list[Judged]) -> float:
        """The points earned."""
        kept = sum(each.verdict in WELL for each in counted)
        if not counted or (self.all_or_nothing and kept < len(counted)):
            return 0.0
        return round(self.points * kept / len(counted), 2)


def read(path: Path) -> list[Category]:
    """The categories of a rubric file.

    Raises:
        RubricError: the file is missing, is no TOML, or has no usable categories.

    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RubricError(f"cannot read the rubric {path.name}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RubricError(f"the rubric {path.name} is no TOML: {error}") from error
    tables = data.get("category")
    if not isinstance(tables, list) or not tables:
        raise RubricError(f"the rubric {path.name} has no [[category]]")
    categories = [_category(table) for table in tables]
    names = [category.name for category in categories]
    for name in names:
        if names.count(name) > 1:
            raise RubricError(f"two categories of the rubric are called {name!r}")
    return categories


def standard(report: Report) -> list[Category]:
    """Without a rubric: one point for each MUST for which there is a case."""
    return [
        Category(each.requirement["id"], 1.0, (each.requirement["id"],))
        for each in judged(report)
        if is_must(each.requirement)
        and each.requirement["testable"]
        and (each.verdict not in UNJUDGED or not report["smoke"]["before"])
    ]


def _category(table: Any) -> Category:
    if not isinstance(table, dict) or not isinstance(table.get("name"), str):
        raise RubricError("a category of the rubric has no name")
    name, points, globs = table["name"], table.get("points"), table.get("requirements")
    if unknown := sorted(set(table) - _KEYS):
        raise RubricError(f"category {name!r} has an unknown key {unknown[0]!r}")
    if isinstance(points, bool) or not isinstance(points, int | float):
        raise RubricError(f"category {name!r} needs points, a number")
    if not 0 <= points <= _MOST_POINTS:
        raise RubricError(f"category {name!r} has {points} points")
    if not isinstance(globs, list) or not globs or not all(isinstance(glob, str) for glob in globs):
        raise RubricError(f'category {name!r} needs requirements, such as ["LINE-*"]')
    for key in ("should", "all_or_nothing"):
        if not isinstance(table.get(key, False), bool):
            raise RubricError(f"category {name!r}: {key} is true or false")
    visibility = table.get("visibility", "visible")
    if not isinstance(visibility, str) or visibility not in _VISIBILITIES:
        raise RubricError(f"category {name!r} has no such visibility: {visibility!r}")
    return Category(
        name,
        float(points),
        tuple(globs),
        table.get("should", False),
        table.get("all_or_nothing", False),
        visibility,
    )
