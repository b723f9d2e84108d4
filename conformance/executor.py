"""Carries out a list of operations against a target, and says where it deviates.

What an operation does is an act: a function in :mod:`conformance.acts` with the operation's name.
"""

import itertools
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from conformance import oracle, spec
from conformance.deviation import Deviation, InconclusiveError, UnsupportedError
from conformance.drain_fence import DrainFence
from conformance.lower_tester import Network
from conformance.operations import Operation
from conformance.spec import CLIENT
from conformance.target import BROKEN_OFF, Target
from conformance.trace import Trace
from conformance.upper_tester import Program, ending

MIDDLE = {"relay": "relay", "turns": "server", "client": "client"}
"""What a sequence chart calls a target of each kind."""


@dataclass
class Screen:
    """How far the person has read what the program shows."""

    read_lines: int = 0
    noted_lines: int = 0
    usual_lines: int = 0
    """How many lines were added between the first two looks."""
    heard_octets: int = 0
    """What it had said, on either output, at the last ``listen_up``."""
    heard_screen: int = 0
    left_unread: bool = False


class Executor:
    """One run of one script."""

    def __init__(
        self, target: Target, fence: DrainFence, patience: float, blame: list[str]
    ) -> None:
        self.target = target
        self.patience = patience
        self.blame = blame
        self.middle = MIDDLE[target.kind]
        self.person = "user" if target.kind == CLIENT else "operator"
        self.trace = Trace()
        self.network = Network(self.trace, fence, self.middle)
        self.pending: dict[str, deque[oracle.Event]] = {}
        """By connection, the rest of a presence line of several handles."""
        self.last: dict[str, oracle.Event] = {}
        self.own_handle: dict[str, str] = {}
        self.counter = itertools.count()
        self.screen = Screen()
        self.own_program: Program | None = None
        self.listener: socket.socket | None = None
        self.port = 0
        self.measured: dict[str, tuple[int, int] | None] = {}
        self.signalled_at = 0.0
        self.ended_after = 0.0
        self.exited = False
        """Whether it was seen to end as it should."""
        self.died = False
        self.stale = False
        """Whether the target should not be used for another script."""

    @property
    def program(self) -> Program | None:
        """The process that the script is about."""
        return self.own_program or self.target.program

    @property
    def person_side(self) -> Program:
        """The same, where its standard input and output are ours; else UnsupportedError."""
        program = self.program
        if program is None:
            raise UnsupportedError(f"needs the {self.person}'s side of the target")
        return program

    def run(self, operations: list[Operation]) -> None:
        """Carry them out; raises Deviation, InconclusiveError or UnsupportedError."""
        try:
            if self.target.kind != CLIENT and operations[:1] and operations[0]["op"] != "fresh":
                self.target.ready()
                if self.target.program is not None:
                    self.target.program.read()
                    self.target.program.clear_screen()
            for operation in operations:
                if self.target.broken_off.is_set():
                    self.stale = True
                    raise InconclusiveError(BROKEN_OFF)
                self.network.screen = None if self.screen.left_unread else self.program
                ACTS[operation["op"]](self, operation)
        except (Deviation, KeyboardInterrupt):
            self.stale = True
            raise
        finally:
            self._tear_down()
        if self.died:
            last = operations[-1] if operations else {"op": ""}
            raise Deviation(
                list(last.get("about") or self.blame),
                "died",
                "the program ended when all connections had ended",
                "a server that goes on",
            )

    def _tear_down(self) -> None:
        if not self.network.close(0.2 if self.stale else max(self.patience, 1.0)):
            self.stale = True
        program = self.target.program
        if program is not None and not program.alive:
            self.stale = self.died = True
        if self.own_program is not None:
            self.own_program.kill()
        if self.listener is not None:
            self.listener.close()
        if self.stale:
            self.target.stop()

    def deviate(self, operation: Operation, symptom: str, summary: str, expected: str) -> NoReturn:
        """Raises Deviation; that a program has ended, or floods us, is the first to be said."""
        about = list(operation.get("about") or self.blame)
        at = operation.get("at", self.person)
        self.network.read_all()
        self.trace.add(self.middle, at, "expected", b"", expected)
        self.trace.complete = True
        status = None
        if self.program is not None and not self.exited:
            status = self.program.status(broken=symptom in ("end", "reset", "cut"))
        judges = self.judges(operation)
        if status is not None and (judges or status):
            if status < 0:
                about = list(dict.fromkeys(["TERM-6", *about]))
            words = self.program.last_words if self.program else ""
            summary += f"; the program has ended with {ending(status)}"
            summary += f' and the words "{words}"' if words else ""
            symptom = "died"
        elif flooded := self._flooded():
            summary += f"; {flooded}, of which no more is read"
            symptom = "flooded"
        elif not judges:
            raise UnsupportedError(spec.NOT_JUDGED)
        raise Deviation(about, symptom, summary, expected)

    def judges(self, operation: Operation) -> bool:
        """Whether it breaks something that is judged when this is not as it should be."""
        about = operation.get("about") or self.blame
        return not self.target.tls or not spec.not_over_tls().issuperset(about)

    def _flooded(self) -> str:
        """What the target has written more of than is kept, or nothing."""
        if self.program is not None and self.program.flooded:
            return f"it floods its screen with {len(self.program.screen):,} octets"
        for each in self.network.connections.values():
            if each.flooded:
                return f"it floods {each.name} with {each.received:,} octets"
        return ""


Act = Callable[[Executor, Operation], None]
ACTS: dict[str, Act] = {}
"""What each operation does, by its name; filled by the modules of conformance.acts."""


def act(function: Act) -> Act:
    """Register what the operation of this name does."""
    ACTS[function.__name__.rstrip("_")] = function
    return function


def also(operation: Operation, requirement: str) -> Operation:
    """The operation, with one more requirement that it is about."""
    return {**operation, "about": list(dict.fromkeys([requirement, *operation.get("about", [])]))}
