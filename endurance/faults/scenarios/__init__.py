"""The tables of scenarios, a file for each kind."""

from endurance.faults.scenarios import cables

SCENARIOS = [*cables.SCENARIOS]
