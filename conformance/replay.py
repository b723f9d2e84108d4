"""Replay files: a failure's operations, to be run again; and the same for a person with nc."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from conformance.cases import CASES, Case
from conformance.finder import Finder, Finding
from conformance.operations import Operation, pack, unpack
from conformance.spec import CLIENT
from conformance.trace import Trace, escape

_BY_HAND_MAX = 6
_PARTS_MAX = 7
_PRINTED_MAX = 600
_LONG_RUN = re.compile(rb"(?s)(.)\1{31,}")


def dump(case: Case, finding: Finding) -> str:
    """The text of a replay file."""
    return (
        json.dumps(
            {
                "case": case.name,
                "kind": case.kind,
                "requirements": finding.deviation.requirements,
                "symptom": finding.deviation.symptom,
                "before": pack(finding.before),
                "operations": pack(finding.operations),
            },
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )


def load(path: Path) -> dict[str, Any]:
    """A replay file; ValueError with a sentence if it is none."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        if saved["case"] not in CASES:
            raise ValueError(f"{path}: there is no case {saved['case']} any more")
        saved["kind"] = CASES[saved["case"]].kind
        saved["before"] = unpack(saved["before"])
        saved["operations"] = unpack(saved["operations"])
    except (OSError, KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is no replay file: {error!r}") from None
    else:
        return dict(saved)


def run(saved: dict[str, Any], finder: Finder) -> Finding | None:
    """Run it again; what is found, or None if it passes now."""
    case = CASES[saved["case"]]
    trace = Trace()
    deviation = None
    for operations in [*saved["before"], saved["operations"]]:
        deviation, trace = finder.attempt(case, operations, finder.patience)
    if deviation is None:
        return None
    return Finding(deviation, trace, saved["operations"], saved["before"])


def by_hand(operations: list[Operation], kind: str) -> list[str]:
    """Commands with which a person sees about the same; ``$PORT`` is the target's."""
    if kind == CLIENT:
        sent = b"".join(each["octets"] for each in operations if each["op"] == "send")
        typed = b"".join(each["octets"] for each in operations if each["op"] == "type")
        return [
            f"{_printf(sent)} | nc -l -p $PORT",
            f"{_printf(typed)} | CLIENT localhost $PORT",
        ]
    commands = []
    for who in dict.fromkeys(each["at"] for each in operations if each["op"] == "connect"):
        sent = b"".join(e["octets"] for e in operations if e["op"] == "send" and e["at"] == who)
        ends = any(e["op"] == "end" and e["at"] == who for e in operations)
        if not sent:
            commands.append("nc localhost $PORT")
        elif ends:
            commands.append(f"{_printf(sent)} | nc -N localhost $PORT")
        else:
            commands.append(f"({_printf(sent)}; cat) | nc localhost $PORT")
    typed = b"".join(each["octets"] for each in operations if each["op"] == "type")
    commands += [f"and type: {escape(typed)}"] if typed else []
    return commands[:_BY_HAND_MAX]


def _printf(octets: bytes) -> str:
    """A command that writes these octets; long runs are not written out."""
    commands = []
    at = 0
    for run in _LONG_RUN.finditer(octets):
        commands += [_print_part(octets[at : run.start()])] if run.start() > at else []
        commands.append(f"head -c {len(run[0])} /dev/zero | tr '\\0' {_print_octet(run[1][0])}")
        at = run.end()
    commands += [_print_part(octets[at:])] if at < len(octets) or not commands else []
    if len(commands) > _PARTS_MAX:
        commands = [*commands[:_PARTS_MAX], "echo '…and more, see the replay file'"]
    return commands[0] if len(commands) == 1 else f"({'; '.join(commands)})"


def _print_octet(octet: int) -> str:
    return shlex.quote(chr(octet)) if 32 < octet < 127 and octet != 92 else f"'\\{octet:03o}'"


def _print_part(octets: bytes) -> str:
    written = "".join(
        chr(each) if 32 <= each < 127 and chr(each) not in "\\%'" else _escaped(each)
        for each in octets[:_PRINTED_MAX]
    )
    return f"printf {shlex.quote(written)}"


def _escaped(octet: int) -> str:
    return {10: "\\n", 13: "\\r", 92: "\\\\", 37: "%%"}.get(octet, f"\\{octet:03o}")
