"""Runs one case: generates scripts, shrinks a failing one, and confirms it on a fresh process."""

import json
import time
import traceback
import zlib
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisException

from conformance import spec
from conformance.acts import Executor
from conformance.cases import Case
from conformance.deviation import (
    Deviation,
    InconclusiveError,
    UnreachableError,
    UnsupportedError,
)
from conformance.drain_fence import DrainFence
from conformance.operations import Operation, Script, pack
from conformance.spec import CLIENT
from conformance.target import Target
from conformance.trace import Trace

FIND_SECONDS = 2.0
"""What is waited for an answer before a failure is believed; times ``--patience``."""
SHRINK_SECONDS = 1.5
"""How long a failure is made smaller."""
CONFIRMATIONS = 3
CONFIRM_SECONDS_MIN = 0.5
_SESSION_SECONDS = 5.0
"""How long it is tried what of a session is needed for a failure."""
_TRIED_SESSIONS = 12
_RECUTS_MAX = 20


@dataclass
class Finding:
    """A failure of a case, made small."""

    deviation: Deviation
    trace: Trace
    operations: list[Operation]
    before: list[list[Operation]] = field(default_factory=list)
    """Scripts that have to run first, in the same process."""
    example: int = 0
    shrink_steps: int = 0
    shrink_seconds: float = 0.0
    confirmed: int = 0
    confirmations: int = CONFIRMATIONS


@dataclass
class Outcome:
    """What became of a case."""

    case: Case
    examples: int = 0
    seconds: float = 0.0
    finding: Finding | None = None
    inconclusive: str = ""
    unsupported: str = ""
    error: str = ""
    cut_short: bool = False
    unreachable: bool = False
    """Whether it is inconclusive because the target cannot be started or reached."""

    @property
    def troubled(self) -> bool:
        """Whether it took more than running the scripts once."""
        return bool(self.finding or self.inconclusive or self.error)


def unfit(case: Case, target: Target) -> str:
    """Why a case cannot be tried with a target, or nothing."""
    if case.alone and not target.operable:
        return "needs a target that the suite starts"
    if case.operator and not target.operable and not target.operator:
        return "needs the operator's side"
    if case.tls and target.tls is None:
        places = "{ca}" if target.kind == CLIENT else "{cert} and {key}"
        attached = "" if target.kind == CLIENT else ", or test it at tls://HOST:PORT"
        return f"the target does not use TLS: name {places} in --run{attached}"
    if case.asked and not (target.tls and target.tls.asks):
        return "nobody asks for clients' certificates: name {ca} in --run, or give --cert"
    if target.tls is not None and spec.not_over_tls().issuperset(case.proves):
        return spec.NOT_JUDGED
    return ""


class Finder:
    """Runs cases against one target, one after the other."""

    def __init__(
        self,
        target: Target,
        *,
        patience: float,
        shrink_patience: float,
        shrink_seconds: float = SHRINK_SECONDS,
        confirmations: int = CONFIRMATIONS,
    ) -> None:
        self.target = target
        self.confirmations = confirmations
        self.shrink_seconds = shrink_seconds
        self.patience = patience
        self.shrink_patience = shrink_patience
        self.fence = DrainFence()

    def attempt(
        self, case: Case, operations: list[Operation], patience: float
    ) -> tuple[Deviation | None, Trace]:
        """One run of one script."""
        if why := unfit(case, self.target):
            raise UnsupportedError(why)
        executor = Executor(self.target, self.fence, patience, list(case.proves))
        try:
            executor.run(operations)
        except Deviation as deviation:
            return deviation, executor.trace
        return None, executor.trace

    def run(self, case: Case, examples: int, seed_: int, deadline: float) -> Outcome:
        """Generate up to so many scripts and run each; the first that fails is made small."""
        outcome = Outcome(case)
        begun = time.monotonic()
        search = _Search(self, case, outcome, deadline)

        @seed(zlib.crc32(f"{seed_} {case.name}".encode()))
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
        )
        @given(case.scripts())
        def generated(script: Script) -> None:
            search.step(script.operations)

        try:
            generated()
        except (Deviation, HypothesisException):
            if search.first is None:
                outcome.error = traceback.format_exc(limit=3)
        except Exception:  # noqa: BLE001 - a fault of a case must not end the run
            outcome.error = traceback.format_exc(limit=-4)
        if search.first is not None and not outcome.error:
            try:
                self._conclude(search, outcome)
            except (InconclusiveError, UnsupportedError) as error:
                summary = search.first.deviation.summary
                outcome.inconclusive = f"{summary}, and when it was run again, {error}"
                outcome.unreachable = isinstance(error, UnreachableError)
        outcome.seconds = time.monotonic() - begun
        return outcome

    def _conclude(self, search: "_Search", outcome: Outcome) -> None:
        """Confirm the small failure, else the first one, else the whole session."""
        assert search.first is not None
        assert search.smallest is not None
        found_seconds = time.monotonic() - search.found_at
        for finding in (search.smallest, search.first):
            finding.example = search.found_in
            finding.shrink_steps = search.steps
            finding.shrink_seconds = found_seconds
            finding.confirmations = self.confirmations
            if self.confirm(search.case, finding):
                self._vary(search.case, finding)
                outcome.finding = finding
                return
        finding = search.first
        finding.before = search.session[:-1]
        if self._confirm_session(search.case, finding):
            outcome.finding = finding
        else:
            outcome.inconclusive = (
                f"seen once and not again on a fresh process: {finding.deviation.summary}, "
                f"expected {finding.deviation.expected}"
            )

    def confirm(self, case: Case, finding: Finding) -> int:
        """Run it again on a fresh process; how often it failed.

        The first time with all patience; then with ten times that of the shrinking.
        """
        finding.confirmed = 0
        shorter = min(self.patience, max(CONFIRM_SECONDS_MIN, 10 * self.shrink_patience))
        for patience in (self.patience, *[shorter] * (self.confirmations - 1)):
            self.target.stop()
            deviation, trace = self._replay(case, finding.before, finding.operations, patience)
            if deviation is not None:
                finding.confirmed += 1
                finding.deviation, finding.trace = deviation, trace
            elif not finding.confirmed:
                break
        return finding.confirmed

    def _vary(self, case: Case, finding: Finding) -> None:
        """Does it depend on segmentation? Then say so."""
        again = [_recut(operation) for operation in finding.operations]
        if again == finding.operations:
            return
        try:
            deviation, _ = self.attempt(case, again, self.patience)
        except (InconclusiveError, UnsupportedError):
            return
        if deviation is None:
            cut = any(operation.get("cuts") for operation in finding.operations)
            how = "in one write" if cut else "with each line in a write of its own"
            finding.trace.hints.append(f"The same octets {how} pass: it depends on segmentation.")

    def _replay(
        self,
        case: Case,
        before: list[list[Operation]],
        operations: list[Operation],
        patience: float,
    ) -> tuple[Deviation | None, Trace]:
        for each in before:
            self.attempt(case, each, self.patience)
        return self.attempt(case, operations, patience)

    def _confirm_session(self, case: Case, finding: Finding) -> int:
        """Does it fail after all that came before? Then leave out what is not needed."""
        until = time.monotonic() + _SESSION_SECONDS

        def fails(before: list[list[Operation]]) -> bool:
            if time.monotonic() > until:
                return False
            self.target.stop()
            deviation, trace = self._replay(case, before, finding.operations, self.patience)
            if deviation is not None:
                finding.deviation, finding.trace = deviation, trace
            return deviation is not None

        if not fails(finding.before):
            return 0
        size = len(finding.before) // 2
        tried = 0
        while size and tried < _TRIED_SESSIONS:
            for start in range(0, len(finding.before), size):
                fewer = finding.before[:start] + finding.before[start + size :]
                tried += 1
                if fails(fewer):
                    finding.before = fewer
                    break
            else:
                size //= 2
        return self.confirm(case, finding)


def _recut(operation: Operation) -> Operation:
    """The same octets in one write if they were cut, else each line in a write of its own."""
    if operation["op"] != "send":
        return operation
    if operation.get("cuts"):
        return {name: value for name, value in operation.items() if name != "cuts"}
    octets: bytes = operation["octets"]
    cuts = [at + 1 for at, octet in enumerate(octets[:-1]) if octet == ord("\n")]
    return {**operation, "cuts": cuts} if 0 < len(cuts) <= _RECUTS_MAX else operation


class _Search:
    """The state of one case while hypothesis calls it."""

    def __init__(self, finder: Finder, case: Case, outcome: Outcome, deadline: float) -> None:
        self.finder = finder
        self.case = case
        self.outcome = outcome
        self.deadline = deadline
        self.known: dict[str, Deviation | None] = {}
        self.session: list[list[Operation]] = []
        self.first: Finding | None = None
        self.smallest: Finding | None = None
        self.smallest_key = ""
        self.found_at = 0.0
        self.found_in = 0
        self.steps = 0
        self.stopped = False

    def step(self, operations: list[Operation]) -> None:
        """Run one script, or remember what came of it; raises its deviation."""
        key = json.dumps(pack(operations), sort_keys=True)
        if self.first is not None and self._late():
            if key == self.smallest_key and self.smallest is not None:
                raise self.smallest.deviation.with_traceback(None)
            return
        if key not in self.known:
            self.known[key] = self._run(operations, key)
        deviation = self.known[key]
        if deviation is not None:
            raise deviation.with_traceback(None)

    def _late(self) -> bool:
        now = time.monotonic()
        return now - self.found_at > self.finder.shrink_seconds or now > self.deadline

    def _run(self, operations: list[Operation], key: str) -> Deviation | None:
        if self.stopped:
            return None
        if self.outcome.examples and time.monotonic() > self.deadline:
            self.stopped = self.outcome.cut_short = True
            return None
        shrinking = self.first is not None
        patience = self.finder.shrink_patience if shrinking else self.finder.patience
        if shrinking:
            self.steps += 1
        else:
            self.outcome.examples += 1
            self.session.append(operations)
        try:
            deviation, trace = self.finder.attempt(self.case, operations, patience)
        except InconclusiveError as error:
            self._stop(inconclusive=str(error))
            self.outcome.unreachable = isinstance(error, UnreachableError)
            return None
        except UnsupportedError as error:
            self._stop(unsupported=str(error))
            return None
        if deviation is None:
            return None
        if self.first is None:
            self.found_at = time.monotonic()
            self.found_in = self.outcome.examples
            self.first = Finding(deviation, trace, operations)
        elif deviation.requirements != self.first.deviation.requirements:
            return None
        if self.smallest is None or (len(key), key) < (len(self.smallest_key), self.smallest_key):
            self.smallest = Finding(deviation, trace, operations)
            self.smallest_key = key
        return deviation

    def _stop(self, inconclusive: str = "", unsupported: str = "") -> None:
        self.stopped = True
        if self.first is None:
            self.outcome.inconclusive = inconclusive
            self.outcome.unsupported = unsupported
