"""The fault scenarios can fail: relays with a bug each, which the ledger must find."""

import asyncio
import os
import re
import sys

import pytest

from endurance.faults import stage
from endurance.faults.runner import play
from endurance.faults.scenarios import SCENARIOS

NAMED = {scenario.name: scenario for scenario in SCENARIOS}
SUBJECT = [sys.executable, "-m", "conformance.subjects.relay"]
AT_ONCE = "readers/relay: 300 lines in one piece, LF"
STRANGERS = "strangers/relay: a reset after some lines"
HALF_CLOSED = "readers/relay: one ends its side before it reads"
READS_LATE = "shutdown/relay: one reads late"
FOUND = {
    "loses-fifth-of-batch": (AT_ONCE, "never heard line"),
    "reverses-batch": (AT_ONCE, "after line"),
    "order-differs": (AT_ONCE, "not heard by all in one order"),
    "joined-get-twice": (STRANGERS, "2 times"),
    "echoes-to-sender": (STRANGERS, "heard its own line"),
    "forgets-last-client": (STRANGERS, "never heard line"),
    "never-announces-left": (STRANGERS, "not done"),
    "shows-twice": (STRANGERS, "the operator's screen heard"),
    # Cut amid a line the quit is lost with it; between two lines it is not.
    "stop-drops-queue": (READS_LATE, "was told is|never heard line"),
    "half-close-drops-queue": (HALF_CLOSED, "of 800 lines"),
}


def faults_of(monkeypatch: pytest.MonkeyPatch, name: str, *options: str) -> str:
    if "hosts" in NAMED[name].needs and os.getuid() != 0:
        pytest.skip("hosts of our own are for root")
    monkeypatch.setattr(stage, "RELAY", [*SUBJECT, *options])
    return "\n".join(asyncio.run(play(NAMED[name], seed=1, seconds=12)).wrong)


@pytest.mark.parametrize("name", sorted({name for name, _ in FOUND.values()}))
def test_a_correct_relay_survives(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert faults_of(monkeypatch, name) == ""


@pytest.mark.parametrize("bug", FOUND)
def test_a_bug_is_found(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    name, what = FOUND[bug]
    assert re.search(what, faults_of(monkeypatch, name, "--bug", bug))


def test_names_are_unique_and_each_says_what_must_hold() -> None:
    assert len(NAMED) == len(SCENARIOS)
    for scenario in SCENARIOS:
        assert scenario.holds.endswith(".")


def test_every_kind_is_in_the_short_form() -> None:
    def kinds(*, quick: bool) -> set[str]:
        return {each.name.partition("/")[0] for each in SCENARIOS if each.quick or not quick}

    assert kinds(quick=False) - kinds(quick=True) == {"vanishing"}  # they take 90 seconds
