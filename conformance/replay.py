"""Replay files: a failure's operations, to be run again; and the same for a person by hand."""

import itertools
import json
import re
import shlex
from pathlib import Path
from typing import Any

from conformance.cases import CASES, Case
from conformance.executor import ACTS
from conformance.finder import Finder, Finding
from conformance.operations import Operation, pack, unpack
from conformance.spec import CLIENT
from conformance.tls import Tls
from conformance.trace import Trace

_HANGING = ("hang", "begin_handshake")
_CONNECTING = ("connect", "turned_away", *_HANGING)
_SENDING = ("send", "send_and_end", "send_and_close", "send_sealed", "turned_away")
_BY_HAND_MAX = 6
_PARTS_MAX = 7
_PRINTED_MAX = 200
_UNUSABLE = (
    OSError, LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError,
)  # fmt: skip
"""What a file that somebody has changed by hand can come to."""
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
        case = str(saved["case"])
        before = [_script(each) for each in saved["before"]]
        operations = _script(saved["operations"])
    except _UNUSABLE as error:
        raise ValueError(f"{path} is no replay file: {error!r}") from None
    if case not in CASES:
        raise ValueError(f"{path}: there is no case {case} any more")
    return {"case": case, "kind": CASES[case].kind, "before": before, "operations": operations}


def _script(saved: Any) -> list[Operation]:
    """The operations; an error of any kind if they are none."""
    operations = list(unpack(saved))
    for each in operations:
        if each["op"] not in ACTS:
            raise ValueError(f"there is no operation {each['op']}")
    return operations


def run(saved: dict[str, Any], finder: Finder) -> Finding | None:
    """Run it again; what is found, or None if it passes now.

    Raises ValueError, with a sentence, if an operation lacks something that it needs.
    """
    case = CASES[saved["case"]]
    trace = Trace()
    deviation = None
    for operations in [*saved["before"], saved["operations"]]:
        try:
            deviation, trace = finder.attempt(case, operations, finder.patience)
        except (*_UNUSABLE, AssertionError) as error:
            raise ValueError(f"its operations cannot be carried out: {error!r}") from None
    if deviation is None:
        return None
    return Finding(deviation, trace, saved["operations"], saved["before"])


def clear(report: Path | None) -> None:
    """Remove the replay files of an earlier run."""
    for each in (report / "replay").glob("*.json") if report else ():
        each.unlink()


def by_hand(operations: list[Operation], kind: str, tls: Tls | None = None) -> list[str]:
    """Commands with which a person sees about the same; ``$PORT`` is the target's.

    Each is for a terminal of its own, from the first on; pauses stand where a cut is.
    """
    typed = b"".join(each["octets"] for each in operations if each["op"] == "type")
    if kind == CLIENT:
        return [
            f"{_writing(operations, 'S')} | {_server(operations, tls)}",
            f"{_printf(typed)} | CLIENT localhost $PORT",
        ]
    connecting = {each["at"]: each for each in operations if each["op"] in _CONNECTING}
    commands = [
        f"{_writing(operations, who)} | {_client(each, tls)}" for who, each in connecting.items()
    ]
    left_out = len(commands) - _BY_HAND_MAX
    if left_out > 0:
        commands[_BY_HAND_MAX:] = [f"and {left_out} more: see the replay file"]
    if typed:
        commands.append(f"and for the program's standard input: {_printf(typed)}")
    return [
        *commands,
        *(f"and kill -{each['name'][3:]} it" for each in operations if each["op"] == "signal"),
    ]


def _client(connecting: Operation, tls: Tls | None) -> str:
    """What connects so; a handshake that hangs is one that never begins."""
    if tls is None or connecting.get("bare") or connecting["op"] in _HANGING:
        return "nc -N localhost $PORT"
    old = " -tls1_2" if connecting.get("version") == "1.2" else ""
    shown = " -cert CERT -key KEY" if tls.asks and connecting.get("shows") != "nothing" else ""
    return f"openssl s_client -quiet{old}{shown} -connect localhost:$PORT"


def _server(operations: list[Operation], tls: Tls | None) -> str:
    if tls is None:
        return "nc -l -p $PORT"
    old = " -tls1_2" if any(each.get("version") == "1.2" for each in operations) else ""
    return f"openssl s_server -quiet{old} -cert CERT -key KEY -accept $PORT"


def _writing(operations: list[Operation], who: str) -> str:
    """What writes all that somebody sends, and ends when he does."""
    written = []
    for each in operations:
        if each.get("at") == who and each["op"] in _SENDING:
            octets, cuts = each["octets"], each.get("cuts", [])[:_PARTS_MAX]
            edges = [0, *cuts, len(octets)]
            written += [_printf(octets[a:b]) for a, b in itertools.pairwise(edges)]
    if len(written) > _PARTS_MAX:
        written[_PARTS_MAX:] = ["echo '…and more, see the replay file'"]
    ends = any(
        each.get("at") == who and each["op"] in ("end", "reset", "close", "send_and_end")
        for each in operations
    )
    parts = "; sleep .2; ".join(written)
    return f"({'; '.join(filter(None, [parts, '' if ends else 'cat']))})"


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
