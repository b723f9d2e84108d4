"""One CSV for a whole course: a line for each submission."""

import csv
import io
import json
from pathlib import Path
from typing import Any, cast

from conformance.report.model import SEVERITY, Report, judged, must_score, started
from conformance.report.octets import clean

_REPORT = "report.json"
_COLUMNS = ("submission", "target", "outcome", "exit status", "MUST kept", "MUST tested", "seconds")
_FORMULA = ("=", "+", "-", "@")
"""A cell that begins with one of these is a formula to a spreadsheet."""


def merge_csv(reports: list[Path]) -> str:
    """One line for each report.json (or directory with one), with a column per requirement.

    A submission is named after its directory. What cannot be read gets a line that says so.
    """
    submissions = list(zip(_names(reports), [_load(path) for path in reports], strict=True))
    ids = list(
        dict.fromkeys(
            each.requirement["id"]
            for _, loaded in submissions
            if not isinstance(loaded, str)
            for each in judged(loaded)
        )
    )
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow([*_COLUMNS, *SEVERITY, *ids])
    for name, loaded in submissions:
        if isinstance(loaded, str):
            row: list[Any] = [
                name,
                "",
                loaded,
                *[""] * (len(_COLUMNS) - 3 + len(SEVERITY) + len(ids)),
            ]
        else:
            row = [name, *_row(loaded, ids)]
        table.writerow([_harmless(cell) for cell in row])
    return written.getvalue()


def _row(report: Report, ids: list[str]) -> list[Any]:
    found = {each.requirement["id"]: each for each in judged(report)}
    verdicts = [each.verdict for each in found.values() if each.results]
    outcome = "tested" if started(report) else report["smoke"]["sentence"]
    kept, tested = must_score(report)
    return [
        report["target"]["kind"],
        outcome,
        report["exit_status"],
        kept,
        tested,
        f"{report['seconds']:.1f}",
        *[verdicts.count(verdict) for verdict in SEVERITY],
        *[found[name].verdict if name in found and found[name].results else "" for name in ids],
    ]


def _load(path: Path) -> Report | str:
    """The report, or a sentence that says why there is none."""
    file = _file(path)
    try:
        loaded = cast(Report, clean(json.loads(file.read_text(encoding="utf-8"))))
        _row(loaded, [])
    except OSError as error:
        return f"no report: {error.strerror}"
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        return "no report: the file is damaged"
    return loaded


def _names(paths: list[Path]) -> list[str]:
    """The names of the directories, with as much before them as makes them different."""
    files = [_file(path).resolve() for path in paths]
    parts = [
        (file.parent if file.name == _REPORT else file.with_suffix("")).parts for file in files
    ]
    for length in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(each[-length:]) for each in parts]
        if len(set(names)) == len(set(parts)):
            return names
    return []


def _file(path: Path) -> Path:
    return path / _REPORT if path.is_dir() else path


def _harmless(cell: Any) -> str:
    text = " ".join(str(cell).split("\n"))
    return f"'{text}" if text.startswith(_FORMULA) else text
