"""The table of the C client's mutants; that each is killed is for the suite's selftest to see."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conformance.cases import CASES
from conformance.spec import CLIENT, requirements

SOURCES = Path(__file__).parent.parent / "c_client"
TABLE = tomllib.loads((SOURCES / "tests" / "mutants.toml").read_text(encoding="utf-8"))
MUTANTS: list[dict[str, Any]] = TABLE["mutant"]

each_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant["name"])


def test_names_are_unique() -> None:
    assert Counter(mutant["name"] for mutant in MUTANTS).most_common(1)[0][1] == 1


@each_mutant
def test_a_row_is_whole(mutant: dict[str, Any]) -> None:
    row = ["name", "requirements", "what", "file", "old", "new"]
    assert list(mutant) in (row, [*row, "arguments"])
    assert {"{host}", "{port}"} <= set(mutant.get("arguments", "{host} {port}").split())
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mutant["name"])
    assert mutant["what"].endswith(".")


@each_mutant
def test_it_breaks_requirements_that_bind_clients_and_have_cases(mutant: dict[str, Any]) -> None:
    assert mutant["requirements"]
    for each in mutant["requirements"]:
        assert CLIENT in requirements()[each].kinds
        assert any(case.kind == CLIENT and each in case.proves for case in CASES.values())


@each_mutant
def test_it_is_one_change_of_the_source_as_it_is(mutant: dict[str, Any]) -> None:
    source = (SOURCES / mutant["file"]).read_text(encoding="utf-8")
    assert source.count(mutant["old"]) == 1
    assert mutant["new"] != mutant["old"]
