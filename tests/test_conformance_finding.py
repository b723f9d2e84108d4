"""A bug is found, made small, confirmed, saved and found again; nothing else is."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import strategies as st

from conformance import replay
from conformance.cases import CASES, Case
from conformance.cases.register import Draw
from conformance.cases.room import Room
from conformance.deviation import Deviation, InconclusiveError
from conformance.executor import ACTS
from conformance.finder import Finder
from conformance.operations import Operation, Script, pack, unpack
from conformance.target import Target
from conformance.trace import Trace, condensed
from tests.conformance_scripts import FAR, scripts

CORRECT = f"{sys.executable} -m conformance.subjects.relay {{port}}"


def mutant(name: str) -> str:
    return f"{sys.executable} -m conformance.subjects.relay --bug={name} {{port}}"


@contextmanager
def finder(command: str = "nothing {port}", **options: float) -> Iterator[Finder]:
    found = Finder(Target("relay", command), **{"patience": 1, "shrink_patience": 0.1, **options})  # type: ignore[arg-type]
    try:
        yield found
    finally:
        found.target.stop()
        found.fence.close()


class Process(Target):
    """Remembers what it heard until it is stopped."""

    def stop(self) -> None:
        self.port = 0


class Imagined(Finder):
    """Fails by what ``fails`` says about the numbers that a script has, and had before."""

    def __init__(self, fails: list[str]) -> None:
        super().__init__(
            Process("relay", "nothing {port}"), patience=1, shrink_patience=1, shrink_seconds=FAR
        )
        self.fence.close()
        self.fails = fails
        self.heard: list[int] = []

    def attempt(
        self, _case: Case, operations: list[Operation], _patience: float
    ) -> tuple[Deviation | None, Trace]:
        numbers = [each["n"] for each in operations]
        if not self.target.port:  # it was started again
            self.heard.clear()
        self.target.port = 1
        self.heard += numbers
        if self.fails and eval(self.fails[0], {"numbers": numbers, "heard": self.heard}):
            if len(self.fails) > 1:
                self.fails.pop(0)
            return Deviation(["LINE-1"], "wrong", "it is wrong", "right"), Trace()
        return None, Trace()


def numbers_case() -> Case:
    def numbers(draw: Draw) -> Script:
        """Some numbers."""
        script = Script()
        for number in draw(st.lists(st.integers(0, 99), min_size=1, max_size=9)):
            script.add("number", n=number)
        return script

    return Case("relay.numbers", "relay", ("LINE-1",), numbers, 1, "quick", 0, False, False)


def test_a_failure_is_made_as_small_as_it_can_be() -> None:
    found = Imagined(["max(numbers) > 41"]).run(numbers_case(), 200, 0, FAR).finding
    assert found is not None
    assert found.operations == [{"op": "number", "n": 42}]
    assert found.confirmed == 3


def test_what_fails_only_after_something_else_is_found_with_it() -> None:
    found = Imagined(["7 in heard and numbers[-1] > 50"]).run(numbers_case(), 300, 0, FAR).finding
    assert found is not None
    said = [each["n"] for script in found.before for each in script] + [
        each["n"] for each in found.operations
    ]
    assert 7 in said
    assert said[-1] > 50


def test_what_is_not_seen_again_is_inconclusive() -> None:
    once = Imagined(["max(numbers) > 41", "False"])
    outcome = once.run(numbers_case(), 200, 0, FAR)
    assert outcome.finding is None
    assert "seen once and not again" in outcome.inconclusive


def test_a_fault_of_a_case_is_an_error_and_no_finding() -> None:
    def broken(_draw: Draw) -> Script:
        """It is broken."""
        raise ZeroDivisionError

    case = Case("relay.broken", "relay", ("LINE-1",), broken, 1, "quick", 0, False, False)
    outcome = Imagined(["True"]).run(case, 10, 0, FAR)
    assert "ZeroDivisionError" in outcome.error
    assert outcome.finding is None


def test_a_set_up_that_fails_is_inconclusive() -> None:
    class Unready(Imagined):
        def attempt(
            self, _case: Case, _operations: list[Operation], _patience: float
        ) -> tuple[Deviation | None, Trace]:
            raise InconclusiveError("it is not there")

    assert Unready([]).run(numbers_case(), 10, 0, FAR).inconclusive == "it is not there"


def test_the_deadline_ends_a_case_after_one_script() -> None:
    outcome = Imagined(["False"]).run(numbers_case(), 200, 0, deadline=0)
    assert outcome.examples == 1
    assert outcome.cut_short


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_seed_gives_the_same_scripts(case: Case) -> None:
    assert scripts(case, 3, 5) == scripts(case, 3, 5)


def test_another_seed_gives_others() -> None:
    texts = CASES["relay.texts-are-kept"]
    assert scripts(texts, 20, 1) != scripts(texts, 20, 2)


def test_a_replay_file_fails_against_the_mutant_and_passes_when_it_is_mended(
    tmp_path: Path,
) -> None:
    case = CASES["relay.cuts"]
    with finder(mutant("loses-second-line")) as against:
        finding = against.run(case, 60, 0, FAR).finding
        assert finding is not None
        assert finding.deviation.requirements[0] == "STREAM-1"
        assert any("segmentation" in hint for hint in finding.trace.hints)
        path = tmp_path / "replay.json"
        path.write_text(replay.dump(case, finding), encoding="utf-8")
        again = replay.run(replay.load(path), against)
        assert again is not None
        assert again.deviation.symptom == finding.deviation.symptom
    with finder(CORRECT) as against:
        assert replay.run(replay.load(path), against) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"case": "relay.no-such"}', "\udcff"])
def test_what_is_no_replay_file_gets_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=r"x\.json"):
        replay.load(path)


def test_operations_are_the_same_in_json() -> None:
    operations = [
        {"op": "send", "at": "A", "octets": b"a>" + b"x" * 500 + b"\xff\n", "cuts": [1]},
        {"op": "send", "octets": b""},
        {"op": "expect", "event": ["welcome", 1, None], "then": {"at": "B", "octets": b"\0"}},
    ]
    assert unpack(json.loads(json.dumps(pack(operations)))) == operations


def test_commands_by_hand_pause_where_the_cuts_are() -> None:
    script = Room().join("W").send("W", b"w>\xc3\xa9\n", [3])
    [command] = replay.by_hand(script.operations, "relay")
    assert "printf 'w>\\303'; sleep .2; printf '\\251\\n'; cat" in command


def test_long_runs_of_a_chart_are_left_out() -> None:
    entry = {"t_ms": 0.0, "from": "relay", "to": "W", "kind": "octets", "octets": "x", "note": ""}
    shown = condensed([entry] * 50 + [{**entry, "to": "A"}])
    assert len(shown) == 8
    assert shown[2]["note"] == "… and 44 more …"


def test_every_act_says_what_it_does() -> None:
    assert all(act.__doc__ for act in ACTS.values())
