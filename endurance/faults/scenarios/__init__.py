"""The tables of scenarios, a file for each kind."""

from attrs import evolve

from endurance.faults.scenario import Scenario
from endurance.faults.scenarios import (
    cables,
    clocks,
    crowds,
    killing,
    logs,
    readers,
    scarcity,
    screens,
    shutdown,
    starts,
    stopping,
    strangers,
    vanishing,
)

KINDS = (
    *(vanishing, cables, strangers, killing, stopping, shutdown),
    *(screens, logs, scarcity, clocks, readers, crowds, starts),
)


def _over_tls(scenario: Scenario) -> Scenario:
    needs = [*scenario.needs, *(["TLS of the C client"] if "C client" in scenario.needs else [])]
    return evolve(scenario, name=f"{scenario.name}, over TLS", over_tls=True, needs=needs)


_PLAIN = [each for kind in KINDS for each in kind.SCENARIOS]
SCENARIOS = [*_PLAIN, *(_over_tls(each) for each in _PLAIN if not each.only_plain)]
