"""Ends what programs under test leave running, wherever it has gone.

Each program is started with a mark in its environment, which its descendants inherit; /proc
tells who has it. Where there is no /proc only process groups are ended.
"""

import contextlib
import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "CHAT_CONFORMANCE_PROGRAM"
_RUN = os.getpid()
"""The same in worker processes, which are forked."""
_ROUNDS = 8
"""So often it is looked for more: what is looked for may fork meanwhile."""
_numbers = itertools.count(1)
_ended: set[bytes] = set()
"""Marks of programs whose descendants have not been looked for since they ended."""
survivors: list[int] = []
"""Processes, or groups of them, that lived on when their program had ended; they are killed."""


def new_mark() -> str:
    """A mark for one program of this run."""
    return f"{_RUN}.{os.getpid()}.{next(_numbers)}"


def note_end(mark: str) -> None:
    """The program with this mark has ended; so must all that have it."""
    _ended.add(mark.encode())


def end_strays() -> None:
    """End what ended programs have left behind outside their groups."""
    ended = set(_ended)
    _ended.difference_update(ended)
    rounds = _ROUNDS if ended else 0
    while rounds and (found := set(_marked(ended)).difference(survivors)):
        for number in found:
            _kill(number)
        survivors.extend(found)
        rounds -= 1


def end_run() -> None:
    """End every program of this run, those of its worker processes too."""
    rounds = _ROUNDS
    while rounds and (found := list(_marked())):
        for number in found:
            _kill(number)
        rounds -= 1


def _kill(number: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(number, signal.SIGKILL)


def _marked(marks: set[bytes] | None = None) -> Iterator[int]:
    """Processes with one of these marks, or any of this run."""
    beginning, ours = f"{VARIABLE}=".encode(), f"{_RUN}.".encode()
    for place in Path("/proc").glob("[1-9]*/environ"):
        with contextlib.suppress(OSError):
            for each in place.read_bytes().split(b"\0"):
                mark = each.removeprefix(beginning) if each.startswith(beginning) else b""
                if mark.startswith(ours) if marks is None else mark in marks:
                    yield int(place.parent.name)
