"""The tables of scenarios, a file for each kind."""

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
SCENARIOS = [each for kind in KINDS for each in kind.SCENARIOS]
