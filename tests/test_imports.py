"""Who may import whom, read from the syntax trees."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What the core may use of the standard library: nothing that does I/O, or knows the time.
PURE = {"collections", "enum", "re", "typing"}
ROOMS = {"chatproto", "reference", "conformance", "endurance", "tools", "tests", "bench"}
MAY_IMPORT = {
    "chatproto": {"chatproto", "attrs"} | PURE,
    "reference": {"chatproto", "reference", "attrs", "prompt_toolkit"} | sys.stdlib_module_names,
    "conformance": {"conformance", "hypothesis", "jinja2", "markupsafe", "rich", "trustme"}
    | sys.stdlib_module_names,
    "endurance": {"endurance", "reference", "tests", "tools", "attrs", "matplotlib"}
    | sys.stdlib_module_names,
    "tools": {"tools", "attrs"} | sys.stdlib_module_names,
    "fuzz": {"fuzz", "chatproto", "conformance", "tests", "atheris", "rich"}
    | sys.stdlib_module_names,
}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_know_only_whom_they_may(room: str) -> None:
    paths = list((ROOT / room).rglob("*.py"))
    assert paths
    for path in paths:
        assert {name.partition(".")[0] for name in imported(path)} <= MAY_IMPORT[room], path


def test_the_programs_use_public_names_of_the_core_only() -> None:
    for path in (ROOT / "reference").rglob("*.py"):
        private = {name for name in imported(path) if name.startswith("chatproto._")}
        assert not private, path
