"""The scripts of the suite's cases, generated as in a run, but carried out by nobody."""

from conformance.cases import Case
from conformance.deviation import Deviation
from conformance.finder import Finder
from conformance.operations import Operation
from conformance.target import Target
from conformance.trace import Trace

FAR = 1e9
"""A deadline that no test reaches."""


class Recorder(Finder):
    """Keeps what it is to run."""

    def __init__(self, kind: str) -> None:
        super().__init__(Target(kind, "nothing {port}"), patience=1, shrink_patience=1)
        self.seen: list[list[Operation]] = []

    def attempt(
        self, _case: Case, operations: list[Operation], _patience: float
    ) -> tuple[Deviation | None, Trace]:
        self.seen.append(operations)
        return None, Trace()


def scripts(case: Case, examples: int, seed: int) -> list[list[Operation]]:
    recorder = Recorder(case.kind)
    try:
        outcome = recorder.run(case, examples, seed, FAR)
    finally:
        recorder.fence.close()
    assert not outcome.error
    return recorder.seen
