"""Mutants that somebody else has built, for the selftest: read from a TOML file.

An entry of it, all keys but the last one needed::

    [[mutant]]
    kind = "client"                     # or "relay", "turns"
    name = "ignores-turns"
    requirements = ["CLIENT-7"]         # found by any of these it counts as killed
    command = "./mutant {host} {port}"  # a server's has {port} alone; with TLS as for --run
    slow = true                         # it shows only after half a minute
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.spec import CLIENT, KINDS, requirements

_TYPES: dict[str, type] = {
    "kind": str,
    "name": str,
    "requirements": list,
    "command": str,
    "slow": bool,
}


@dataclass(frozen=True)
class Mutant:
    """A program with one bug, and the requirements that the bug breaks."""

    kind: str
    name: str
    requirements: tuple[str, ...]
    command: str
    slow: bool = False


def read(path: Path) -> list[Mutant]:
    """The mutants of a file; ValueError with a sentence for what is wrong in it."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    entries = table.get("mutant")
    if set(table) != {"mutant"} or not isinstance(entries, list):
        raise ValueError(f"{path} must consist of entries that begin with [[mutant]]")
    found: dict[tuple[str, str], Mutant] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            mutant = _mutant(entry)
        except ValueError as error:
            raise ValueError(f"{path}: mutant {number}: {error}") from None
        if (mutant.kind, mutant.name) in found:
            raise ValueError(f"{path}: mutant {number}: there is another {mutant.name!r}")
        found[mutant.kind, mutant.name] = mutant
    return list(found.values())


def _mutant(entry: Any) -> Mutant:
    if not isinstance(entry, dict):
        raise ValueError("it is no table")
    for key, value in entry.items():
        if key not in _TYPES:
            raise ValueError(f"there is no key {key!r}; there are {', '.join(_TYPES)}")
        if not isinstance(value, _TYPES[key]):
            raise ValueError(f"the key {key!r} has a value of the wrong type")
    for key in _TYPES:
        if key != "slow" and not entry.get(key):
            raise ValueError(f"it has no {key}")
    kind, command = entry["kind"], entry["command"]
    if kind not in KINDS:
        raise ValueError(f"there is no kind {kind!r}; there are {', '.join(KINDS)}")
    for each in entry["requirements"]:
        if each not in list(requirements()):
            raise ValueError(f"there is no requirement {each!r}")
        if kind not in requirements()[each].kinds:
            raise ValueError(f"the requirement {each} does not bind a target of the kind {kind}")
    for place in ("{host}", "{port}") if kind == CLIENT else ("{port}",):
        if place not in command:
            raise ValueError(f"its command has no {place}")
    return Mutant(
        kind, entry["name"], tuple(entry["requirements"]), command, entry.get("slow", False)
    )
