"""What was sent, received and expected, for the sequence chart of a failure."""

import itertools
import re
import time
from dataclasses import dataclass, field
from typing import Any

_OCTETS_MAX = 120
_ENTRIES_MAX = 400


def escape(octets: bytes) -> str:
    """Octets as a person can read them; runs of one octet are shortened."""
    written = []
    for run in re.finditer(rb"(?s)(.)\1{11,}|.", octets[:4096]):
        each = run[1] or run[0]
        shown = each.decode("latin-1").encode("unicode_escape").decode("ascii")
        shown = '\\"' if shown == '"' else shown
        written.append(f"{shown}*{len(run[0])} " if run[1] else shown)
    text = "".join(written)
    return text if len(text) <= _OCTETS_MAX else f"{text[:80]}… ({len(octets)} octets)"


_LAST_LINES = 3
_TROUBLE = re.compile(rb"(?i)error|exception|cannot|no such|not found|denied|failed")
_RUN_MAX = 6
"""So many entries of one direction one after the other are shown, and no more."""


def condensed(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries without the middle of long runs in one direction."""
    shown: list[dict[str, Any]] = []
    for _, run in itertools.groupby(entries, lambda e: (e["from"], e["to"], e["kind"])):
        same = list(run)
        left_out = len(same) - _RUN_MAX
        if left_out > 1:
            middle = {**same[2], "octets": "", "note": f"… and {left_out} more …"}
            same = [*same[:2], middle, *same[2 + left_out :]]
        shown += same
    return shown


def telling(said: bytes) -> str:
    """Of what a program has said those lines that say what is wrong, else the last ones."""
    lines = [line for line in said.split(b"\n") if line.strip()]
    errors = [line for line in lines if _TROUBLE.search(line)]
    return " / ".join(escape(line.strip()) for line in errors[:2] or lines[-_LAST_LINES:])


@dataclass
class Trace:
    """The entries of one run of one case, timed in milliseconds from its begin."""

    begun: float = field(default_factory=time.monotonic)
    entries: list[dict[str, Any]] = field(default_factory=list)
    closing: str = ""
    """How the target ended the last connection that it ended."""
    hints: list[str] = field(default_factory=list)
    """Sentences about what the failure depends on."""
    complete: bool = False
    """Whether nothing that comes now belongs to it."""

    def add(self, sender: str, receiver: str, kind: str, octets: bytes, note: str = "") -> None:
        """Note one thing that happened; what comes after too many is left out."""
        if len(self.entries) < _ENTRIES_MAX and not self.complete:
            self.entries.append(
                {
                    "t_ms": round((time.monotonic() - self.begun) * 1000, 1),
                    "from": sender,
                    "to": receiver,
                    "kind": kind,
                    "octets": escape(octets),
                    "note": note,
                }
            )

    def participants(self, middle: str) -> list[str]:
        """Everybody in the chart, the target in the middle."""
        others = sorted({e[side] for e in self.entries for side in ("from", "to")} - {middle, ""})
        half = (len(others) + 1) // 2
        return [*others[:half], middle, *others[half:]]
