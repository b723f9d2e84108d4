"""The tables of scenarios, a file for each kind."""

from endurance.faults.scenarios import (
    cables,
    killing,
    logs,
    scarcity,
    screens,
    shutdown,
    stopping,
    strangers,
    vanishing,
)

KINDS = (vanishing, cables, strangers, killing, stopping, shutdown, screens, logs, scarcity)
SCENARIOS = [each for kind in KINDS for each in kind.SCENARIOS]
