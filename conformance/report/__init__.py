"""The reports of a run: for the terminal, a browser, CI, a course, and a README.

What comes from a target is hostile until it is escaped: every rendering but report.json (whose
form escapes by itself) gets a copy of the report in which nothing invisible is left.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from conformance.report.badge import badge, deserved
from conformance.report.batch import merge_csv
from conformance.report.exports import junit, report_json
from conformance.report.gradescope import gradescope
from conformance.report.html import code_spans, html
from conformance.report.model import Report
from conformance.report.octets import clean, escaped
from conformance.report.rubric import RubricError, standard
from conformance.report.rubric import read as read_rubric
from conformance.report.terminal import terminal

__all__ = ["RubricError", "escaped", "merge_csv", "read_rubric", "terminal", "write"]


def write(report: Mapping[str, Any], directory: Path, *, rubric: Path | None = None) -> list[Path]:
    """Write the report in all its forms into the directory, and tell which files these are.

    A badge of an earlier run is removed if this run deserves none.

    Raises:
        RubricError: the rubric file cannot be used; everything else is written all the same.

    """
    cleaned = cast(Report, clean(dict(report)))
    templates = _templates()
    texts = {
        "index.html": html(cleaned, templates),
        "report.json": report_json(report),
        "junit.xml": junit(cleaned),
    }
    directory.mkdir(parents=True, exist_ok=True)
    picture = directory / "badge.svg"
    if deserved(cleaned):
        texts[picture.name] = badge(cleaned, templates)
    else:
        picture.unlink(missing_ok=True)
    written = [_save(directory / name, text) for name, text in texts.items()]
    categories = read_rubric(rubric) if rubric else standard(cleaned)
    return [*written, _save(directory / "gradescope.json", gradescope(cleaned, categories))]


def _save(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _templates() -> Environment:
    """Escapes everything that a template is given, whatever the file is called."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    templates.filters["code_spans"] = code_spans
    return templates
