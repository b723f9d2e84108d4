"""SECURITY.md: the threats of the spec, and tests that exist."""

import fnmatch
import re
from pathlib import Path

import pytest

from conformance.cases import CASES
from endurance.faults.scenarios import SCENARIOS
from tools import spec_text

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NO_PROMISE = {"Silent listeners"}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in re.findall(r"^\| .*$", TEXT, re.MULTILINE)[1:]
]
REFERENCES = sorted({name for row in ROWS for name in re.findall(r"`([^`]+)`", row[3])})


def test_the_threats_are_those_of_the_spec() -> None:
    spec = spec_text.CHAT_1.read_text(encoding="utf-8")
    section = spec.partition("\n## 15 ")[2]
    named = re.findall(r"^\*\*([A-Z][a-z][^*]*?)\.?\*\*", section, re.MULTILINE)
    assert [row[0] for row in ROWS] == named


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_what_is_promised_is_held_by_something(row: list[str]) -> None:
    _, promised, _, held = row
    assert bool(promised) == bool(held) == (row[0] not in NO_PROMISE)


@pytest.mark.parametrize("reference", REFERENCES)
def test_it_exists(reference: str) -> None:
    kind, _, name = reference.partition(" ")
    if reference.startswith("tests/"):
        file, _, function = reference.partition("::")
        assert f"def {function}" in (ROOT / file).read_text(encoding="utf-8")
    elif kind == "nox":
        session = name.removeprefix("-s ")
        assert f"\ndef {session}(" in (ROOT / "noxfile.py").read_text(encoding="utf-8")
    elif kind == "faults":
        assert fnmatch.filter([each.name for each in SCENARIOS], name)
    else:
        assert reference in CASES
