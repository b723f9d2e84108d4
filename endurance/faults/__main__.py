"""Play what can go wrong around the programs, and see that nothing is lost that is promised.

python -m endurance.faults --quick
python -m endurance.faults --match 'cable/*' --seed 7
"""

import argparse
import asyncio
import fnmatch
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence

from endurance.faults import containment
from endurance.faults.needs import missing
from endurance.faults.runner import Outcome, play_all
from endurance.faults.scenario import Scenario
from endurance.faults.scenarios import SCENARIOS

NOT_ALLOWED = 77


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="endurance.faults", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--quick", action="store_true", help="some of every kind, in a minute or two"
    )
    parser.add_argument("--match", metavar="GLOB", default="*", help="only these, as 'cable/*'")
    parser.add_argument("--list", action="store_true", help="say what must hold in each, and end")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="of all that is random")
    return parser.parse_args(arguments)


def _chosen(arguments: argparse.Namespace) -> list[Scenario]:
    named = [each for each in SCENARIOS if fnmatch.fnmatch(each.name, arguments.match)]
    return [each for each in named if each.quick] if arguments.quick else named


class _Report:
    """A line for each scenario as it ends, and what they come to."""

    def __init__(self, scenarios: int) -> None:
        self._scenarios = scenarios
        self._begun = time.monotonic()
        self.done: list[Outcome] = []

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.done if outcome.wrong]

    def tell(self, outcome: Outcome) -> None:
        self.done.append(outcome)
        print(
            f"{len(self.done):3}/{self._scenarios} {'LOST' if outcome.wrong else 'held'} "
            f"{outcome.scenario.name:58} {outcome.said:6,} said {outcome.delivered:7,} delivered "
            f"{outcome.connections:4} connections {outcome.seconds:5.1f} s",
            flush=True,
        )
        if outcome.wrong:
            print(f"    must hold: {outcome.scenario.holds}")
            for sentence in outcome.wrong:
                print("    " + sentence.replace("\n", "\n    "), flush=True)

    def sum_up(self, seed: int) -> None:
        done = self.done
        print(
            f"{len(done) - len(self.failed)} of {len(done)} fault scenarios survived with nothing "
            f"lost that the spec promises: {sum(each.said for each in done):,} lines said, "
            f"{sum(each.delivered for each in done):,} delivered, "
            f"{sum(each.connections for each in done):,} connections, "
            f"{time.monotonic() - self._begun:.0f} s, seed {seed}"
        )
        for outcome in self.failed:
            print(f"lost: --seed {seed} --match '{outcome.scenario.name}'")


def _play(arguments: argparse.Namespace) -> int:
    chosen = _chosen(arguments)
    reasons = {
        each.name: next(filter(None, map(missing, sorted(each.needs))), "") for each in chosen
    }
    report = _Report(sum(not reason for reason in reasons.values()))
    try:
        asyncio.run(
            play_all(
                [each for each in chosen if not reasons[each.name]], arguments.seed, report.tell
            )
        )
    except KeyboardInterrupt:
        print(f"interrupted: {report._scenarios - len(report.done)} scenarios were not played")
        report.sum_up(arguments.seed)
        return 1
    report.sum_up(arguments.seed)
    for reason, scenarios in Counter(filter(None, reasons.values())).items():
        print(f"not played: {scenarios} scenarios, because {reason}")
    if not report.done:
        return NOT_ALLOWED
    return 1 if report.failed else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status: 1 if something was lost, 77 if nothing could be played."""
    parsed = _arguments(arguments)
    if parsed.list:
        for each in _chosen(parsed):
            print(f"{each.name}{' (quick)' if each.quick else ''}: {each.holds}")
        return 0
    if containment.is_inside():
        containment.settle_in()
    elif entrance := containment.entrance():
        again = sys.argv[1:] if arguments is None else arguments
        return containment.run_inside(entrance, [sys.executable, "-m", "endurance.faults", *again])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return _play(parsed)


if __name__ == "__main__":
    sys.exit(main())
