"""What a program writes to its terminal: the suite reads a screen, and repeats it harmlessly."""

import socket
from typing import Any

from conformance import acts
from conformance.deviation import Deviation
from conformance.drain_fence import DrainFence
from conformance.executor import ACTS
from conformance.operations import Operation
from conformance.target import Target
from conformance.trace import escape, telling
from conformance.upper_tester import Program, plain
from fuzz.source import Source

_FENCE = DrainFence()
_ESCAPED_MAX = 200
_OPERATIONS: list[Operation] = [
    {"op": "shown", "line": b"b>hi"},
    {"op": "not_shown", "line": b"b>hi"},
    {"op": "not_shown", "line": b"\x1b", "anywhere": True},
    {"op": "shown_once", "line": b"b>hi"},
    {"op": "note_screen"},
    {"op": "as_many_lines"},
    {"op": "listen_up"},
    {"op": "told"},
    {"op": "tells", "what": "handle"},
]


def fuzz(octets: bytes) -> None:
    """Operations behind their number, the standard error, and the screen."""
    source = Source(octets)
    wanted = [_OPERATIONS[number % len(_OPERATIONS)] for number in source.octets(source.number())]
    errors = source.counted()
    screen = source.rest()
    _repeat(screen)
    with _Shown(screen, errors) as program:
        run = acts.Executor(Target("turns"), _FENCE, 0.0, ["TERM-9"])
        run.own_program = program
        try:
            for operation in wanted:
                ACTS[operation["op"]](run, operation)
        except Deviation as deviation:
            assert deviation.summary.isprintable(), "what is on a screen is said as it is"
        program.read()
        assert program.screen == screen, "what is on a screen is lost"
        assert len(program.lines()) == screen.count(b"\n"), "lines are lost"
        assert program.last_words.isprintable()


def _repeat(screen: bytes) -> None:
    shown = plain(screen)
    assert b"\r" not in shown, "what was written over is read"
    assert plain(shown) == shown or b"\x1b" in shown, "read again it is another line"
    for words in (escape(screen), telling(screen)):
        assert words.isascii() or "…" in words
        assert words.isprintable(), "what is on a screen is said as it is"
    assert len(escape(screen)) <= _ESCAPED_MAX


class _Shown(Program):
    """A program that has ended and left this behind."""

    def __init__(self, screen: bytes, errors: bytes) -> None:
        self._pairs = [socket.socketpair(), socket.socketpair()]
        for (ours, theirs), octets in zip(self._pairs, (screen, errors), strict=True):
            theirs.sendall(octets)
            theirs.close()
            ours.setblocking(False)
        self._out, self._error = (ours.fileno() for ours, _ in self._pairs)
        self._out_open = self._error_open = True
        self.clear_screen()
        self.errors = b""
        self.errors_size = 0
        self.input_ended = True

    def __enter__(self) -> "_Shown":
        return self

    def __exit__(self, *_: Any) -> None:
        for ours, _theirs in self._pairs:
            ours.close()

    @property
    def alive(self) -> bool:
        """It has ended."""
        return False

    def status(self, *, broken: bool) -> int | None:
        """As it should."""
        del broken
        return None
