"""What watches servers for long is itself watched: it must see what is wrong, and only that."""

import asyncio
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from endurance.common.resources import Resources
from endurance.common.server import PROGRAMS
from endurance.common.subjects import Subject
from endurance.hostile import run as hostile
from endurance.hostile.assault import Outcome
from endurance.hostile.classes import classes, classes_over_tls
from endurance.soak import run as soak
from endurance.soak.judge import Verdict, judge
from endurance.soak.picture import draw
from endurance.soak.samples import Sample

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")

BEFORE = Resources(memory_kib=20_000, descriptors=10, threads=3)
LONG, SHORT = 30.0, 2.0


def samples(*, growth: float = 0.0, p99_growth: float = 0.0) -> list[Sample]:
    """Half an hour with some noise; ``growth`` is that of the whole time."""
    chance = random.Random(1)
    return [
        Sample(
            seconds=float(second),
            memory_kib=round(25_000 * (1 + growth * second / 1800) + chance.gauss(0, 200)),
            descriptors=10 + chance.randrange(20),
            threads=3,
            p50_ms=1.0,
            p99_ms=40 * (1 + p99_growth * second / 1800),
            visits=6 * second,
        )
        for second in range(1, 1801)
    ]


def wrong(verdicts: list[Verdict]) -> str:
    return "; ".join(verdict.what for verdict in verdicts if not verdict.well)


def test_what_is_flat_is_well() -> None:
    assert wrong(judge(samples(), BEFORE, BEFORE, LONG)) == ""


def test_memory_that_falls_is_well() -> None:
    assert wrong(judge(samples(growth=-0.1), BEFORE, BEFORE, LONG)) == ""


@pytest.mark.parametrize(("growth", "minutes"), [(0.05, LONG), (0.3, SHORT)])
def test_a_leak_is_seen_as_a_rise_and_as_a_slope(growth: float, minutes: float) -> None:
    found = wrong(judge(samples(growth=growth), BEFORE, BEFORE, minutes))
    assert "memory rises" in found
    assert "slope of memory" in found


def test_a_rise_that_comes_back_in_the_end_is_no_leak_but_one_that_stays_is() -> None:
    flat = samples()
    peak = [attrs.evolve(s, memory_kib=40_000) if 900 < s.seconds < 1000 else s for s in flat]
    step = [attrs.evolve(s, memory_kib=26_000) if s.seconds > 1200 else s for s in flat]
    assert wrong(judge(peak, BEFORE, BEFORE, LONG)) == ""
    assert "memory rises" in wrong(judge(step, BEFORE, BEFORE, LONG))


def test_lost_descriptors_and_threads_are_seen() -> None:
    descriptor, thread = (
        attrs.evolve(BEFORE, descriptors=11),
        attrs.evolve(BEFORE, threads=4),
    )
    assert "descriptors" in wrong(judge(samples(), BEFORE, descriptor, LONG))
    assert "threads" in wrong(judge(samples(), BEFORE, thread, LONG))


def test_latency_that_grows_is_seen_but_not_a_busy_machine() -> None:
    assert "latency" in wrong(judge(samples(p99_growth=40), BEFORE, BEFORE, LONG))
    assert wrong(judge(samples(p99_growth=1), BEFORE, BEFORE, LONG)) == ""


def test_too_few_samples_are_not_well() -> None:
    assert "samples" in wrong(judge(samples()[:5], BEFORE, BEFORE, LONG))


@pytest.mark.parametrize("count", [1, 5, 1800])
def test_there_is_a_picture_of_any_number_of_samples(tmp_path: Path, count: int) -> None:
    draw(samples()[:count], "title", tmp_path / "picture.svg")
    assert "resident memory" in (tmp_path / "picture.svg").read_text(encoding="utf-8")


@pytest.fixture
def soaked(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], soak.Record]:
    """A run of some seconds."""

    def run(kind: str) -> soak.Record:
        monkeypatch.setattr("endurance.soak.samples.SAMPLE_SECONDS", 0.2)
        record = soak.Record(Subject(kind))
        asyncio.run(soak.soak(record, 0.07, 1, asyncio.Event(), lambda _sample: None))
        return record

    return run


def test_a_soak_sees_a_leak(
    monkeypatch: pytest.MonkeyPatch, soaked: Callable[[str], soak.Record]
) -> None:
    monkeypatch.setitem(PROGRAMS, "relay", ("tests.leaky_relay",))
    record = soaked("relay")
    assert "memory rises" in wrong(record.verdicts)
    assert record.faults == []


def test_a_soak_sees_that_a_server_has_ended(
    monkeypatch: pytest.MonkeyPatch, soaked: Callable[[str], soak.Record]
) -> None:
    monkeypatch.setitem(PROGRAMS, "relay", ("tests.dying_relay",))
    record = soaked("relay")
    assert f"it ended with status {-signal.SIGALRM}" in record.faults
    assert not record.well


def test_a_soak_of_the_turn_server_checks_what_is_said(
    soaked: Callable[[str], soak.Record],
) -> None:
    record = soaked("turns")
    assert record.faults == []
    assert record.checked > 9


def test_a_soak_that_is_interrupted_keeps_what_there_is() -> None:
    record, stop = soak.Record(Subject("relay")), asyncio.Event()
    asyncio.run(soak.soak(record, LONG, 1, stop, lambda _sample: stop.set()))
    assert len(record.samples) == 1
    assert record.verdicts == []
    assert record.faults == []


ONE_CLASS = {"bad UTF-8": classes()["bad UTF-8"]}


def assailed(kind: str) -> tuple[hostile.Record, list[Outcome]]:
    record, outcomes = hostile.Record(Subject(kind)), list[Outcome]()
    asyncio.run(hostile.assail(record, ONE_CLASS, 200, 1, outcomes.append))
    return record, outcomes


@pytest.mark.parametrize("kind", PROGRAMS)
def test_hostile_inputs_are_counted_by_how_they_ended(kind: str) -> None:
    record, (outcome,) = assailed(kind)
    assert outcome.ends == {"encoding": 200}
    assert record.faults == []


def test_a_line_that_a_bystander_loses_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROGRAMS, "relay", ("tests.forgetful_relay",))
    monkeypatch.setattr("endurance.common.bystanders.SETTLE_SECONDS", 1)  # it is waited in vain
    record, _ = assailed("relay")
    assert any("instead of line" in fault or "did not hear" in fault for fault in record.faults)


def test_every_class_makes_what_the_seed_decides() -> None:
    for make in classes_over_tls().values():
        first, again = ([make(random.Random(seed), b"ann") for seed in range(20)] for _ in range(2))
        assert first == again
        assert any(each != first[0] for each in first)
