"""Files that a user gives to the suite: whatever is in one, there is a sentence and no traceback.

An input is the text of a file; or it names places in a good file, and what strange value stands
there instead.
"""

import contextlib
import copy
import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance import further, replay
from conformance.cases import CASES
from conformance.deviation import InconclusiveError, UnsupportedError
from conformance.finder import Finder
from conformance.report import merge_csv, read_rubric
from conformance.spec import CLIENT, RELAY, TURNS
from conformance.target import Target
from conformance.verdicts import Claims
from fuzz.source import Source

_DEEP: list[Any] = []
for _ in range(90):
    _DEEP = [_DEEP]
STRANGE: list[Any] = [
    *(True, False, -1, 0, 7, 10**400, 1e300, -0.5, float("inf"), float("nan")),
    *("", "x", "\n", "RELAY-1", "é\u202e", "hex", "{port}", "connect"),
    *([], [[]], [1], ["x"], [None], {}, {"a": 1}, {"octets": []}, {"octets": [7]}),
    *({"octets": [{"hex": "zz"}]}, {"octets": [{"repeat": "x", "times": 10**400}]}, _DEEP),
]
_LEFT_OUT = len(STRANGE)
_NOBODY = {
    kind: Finder(Target(kind), patience=0.0, shrink_patience=0.0) for kind in (RELAY, TURNS, CLIENT)
}


@dataclass(frozen=True)
class Kind:
    """A kind of file: what reads it, how it is written, and a good one."""

    read: Callable[[Path], object]
    write: Callable[[Any], str]
    good: dict[str, Any]


def toml(value: Any) -> str:
    """A file with one key in each line; JSON's strings and numbers are TOML's too."""
    return "".join(f"{json.dumps(key)} = {_inline(each)}\n" for key, each in value.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(key)} = {_inline(each)}" for key, each in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return {"Infinity": "inf", "NaN": "nan", "null": '""'}.get(json.dumps(value), json.dumps(value))


def _merged(path: Path) -> None:
    head, row = csv.reader(io.StringIO(merge_csv([path])))
    assert len(head) == len(row), "a row of another length"


def _replayed(path: Path) -> None:
    """Nobody is there to be tested, so that nothing is waited for."""
    saved = replay.load(path)
    with contextlib.suppress(InconclusiveError, UnsupportedError):
        replay.run(saved, _NOBODY[saved["kind"]])


KINDS = {
    "replay file": Kind(
        _replayed,
        json.dumps,
        {
            "case": next(iter(CASES)),
            "before": [[{"op": "connect", "at": "A"}]],
            "operations": [
                {"op": "connect", "at": "A"},
                {"op": "send", "at": "A", "octets": {"octets": ["a>", {"hex": "ff0a"}]}},
                {
                    "op": "send",
                    "at": "A",
                    "octets": {"octets": [{"repeat": "x", "times": 30}]},
                    "cuts": [1],
                },
                {"op": "type", "octets": {"octets": ["hi\n"]}},
                {"op": "signal", "name": "SIGTERM"},
            ],
        },
    ),
    "known failures": Kind(
        lambda path: Claims.read(path, None),
        toml,
        {"RELAY-12": {"reason": "issue 12", "symptom": "missing"}},
    ),
    "PICS": Kind(
        lambda path: Claims.read(None, path),
        toml,
        {"supported": {"TURN-2": False, "TURN-17": True}},
    ),
    "rubric": Kind(
        read_rubric,
        toml,
        {
            "category": [
                {
                    "name": "Framing",
                    "points": 40,
                    "requirements": ["LINE-*"],
                    "should": True,
                    "all_or_nothing": False,
                    "visibility": "hidden",
                }
            ]
        },
    ),
    "mutants": Kind(
        further.read,
        toml,
        {
            "mutant": [
                {
                    "kind": "client",
                    "name": "a",
                    "requirements": ["LINE-5"],
                    "command": "./a {host} {port}",
                    "slow": True,
                }
            ]
        },
    ),
    "report": Kind(
        _merged,
        json.dumps,
        {
            "target": {"kind": "relay", "command": None, "addresses": []},
            "smoke": {"before": True, "after": True, "sentence": ""},
            "requirements": [{"id": "LINE-1", "word": "MUST", "testable": True}],
            "results": [{"requirement": "LINE-1", "verdict": "PASS", "failure": None}],
            "exit_status": 0,
            "seconds": 1.5,
        },
    ),
}


def fuzz(octets: bytes) -> None:
    """Which kind of file; and what is in it, or (odd) what is changed in a good one."""
    source = Source(octets)
    kind = list(KINDS.values())[source.number() % len(KINDS)]
    is_changed = source.number() & 1
    written = kind.write(_changed(kind.good, source)).encode() if is_changed else source.rest()
    with tempfile.NamedTemporaryFile() as file:
        file.write(written)
        file.flush()
        try:
            kind.read(Path(file.name))
        except ValueError as error:
            assert str(error), "an error without a word"


def _changed(good: dict[str, Any], source: Source) -> dict[str, Any]:
    """Up to three values of it replaced by strange ones, or left out."""
    made = copy.deepcopy(good)
    for _ in range(source.number() % 3 + 1):
        places = list(_places(made))
        if not places:
            break
        inside, key = places[source.number() % len(places)]
        number = source.number() % (len(STRANGE) + 1)
        if number == _LEFT_OUT:
            del inside[key]
        else:
            inside[key] = copy.deepcopy(STRANGE[number])
    return made


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container in it, with each of its keys."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield value, key
        yield from _places(value[key])
