"""Measure our relay and codec beside a floor in C and other people's servers.

python -m bench --quick
python -m bench --rounds 5 --json figures.json --svg figures.svg
"""

import argparse
import fnmatch
import json
import os
import platform
import resource
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench import codec, fairness, goals, measure, picture, report
from bench.measure import STARTS, Effort
from bench.programs import MissingToolError, build
from bench.samples import Samples
from bench.scenarios import SCENARIOS, Scenario
from bench.servers import OURS, Server, installed_servers, own_servers

QUICK = Effort(rounds=2, seconds=0.4, warmup=0.1)
FULL = Effort(rounds=5, seconds=1.0, warmup=0.2)
SMALL_ROUNDS = 7
"""Of what takes a moment only: starts, and the codec."""


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="about a minute: what says most")
    parser.add_argument("--rounds", metavar="N", type=int, help="of each run (5; quick: 2)")
    parser.add_argument(
        "--scenario", metavar="GLOB", default="*", help="only these, as 'A*/W1' (see --list)"
    )
    parser.add_argument("--server", metavar="GLOB", default="*", help="only these, as 'floor*'")
    parser.add_argument("--list", action="store_true", help="name scenarios and servers, and end")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures")
    parser.add_argument("--svg", metavar="FILE", type=Path, help="draw some of them")
    parsed = parser.parse_args(arguments)
    if parsed.rounds is not None and not 1 <= parsed.rounds <= 100:
        parser.error("--rounds is 1 to 100")
    return parsed


def _chosen(arguments: argparse.Namespace) -> list[Scenario]:
    named = [s for s in SCENARIOS if fnmatch.fnmatch(s.name, arguments.scenario)]
    return [s for s in named if s.quick] if arguments.quick else named


def _record(samples: Samples, versions: dict[str, str], missing: list[str]) -> dict[str, object]:
    figures: dict[str, dict[str, dict[str, list[float]]]] = {}
    for (scenario, server, metric), numbers in samples.numbers.items():
        figures.setdefault(metric, {}).setdefault(scenario, {})[server] = numbers
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "versions": versions,
        "not installed": missing,
        "figures": figures,
        "void": samples.void,
        "goals": [
            {"goal": verdict.goal, "figure": verdict.figure, "reached": verdict.reached}
            for verdict in goals.judge(samples)
        ],
    }


def _measure(arguments: argparse.Namespace, directory: Path, progress: Console) -> None:
    effort = QUICK if arguments.quick else FULL
    effort = Effort(arguments.rounds or effort.rounds, effort.seconds, effort.warmup)
    load, floor = build("load", directory), build("floor", directory)
    installed, missing = installed_servers()
    servers: list[Server] = [*own_servers(floor), *installed]
    servers = [server for server in servers if fnmatch.fnmatch(server.name, arguments.server)]
    scenarios = _chosen(arguments)
    versions = {server.name: server.version() for server in servers} | codec.versions()
    if arguments.list:
        print(
            "scenarios:", *(s.name for s in scenarios), STARTS, codec.SCENARIO, *fairness.SCENARIOS
        )
        print("servers:", *(f"{name!r}" for name in versions))
        return

    samples = Samples()
    small_rounds = 3 if arguments.quick else SMALL_ROUNDS
    if fnmatch.fnmatch(STARTS, arguments.scenario):
        ours = [server for server in servers if server.name == OURS]
        measure.measure_starts(samples, ours, small_rounds, progress.print)
    if fnmatch.fnmatch(codec.SCENARIO, arguments.scenario):
        codec.measure(samples, small_rounds, progress.print)
    if any(fnmatch.fnmatch(name, arguments.scenario) for name in fairness.SCENARIOS):
        fairness.measure(samples, small_rounds, progress.print)
    measure.measure_all(samples, load, scenarios, servers, effort, progress.print)

    console = Console()
    report.show(console, samples, goals.judge(samples))
    console.print("Measured:", ", ".join(f"{name} {said}" for name, said in versions.items()))
    if missing:
        console.print("Not installed, so not measured:", ", ".join(missing))
    if arguments.json:
        record = _record(samples, versions, missing)
        arguments.json.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    if arguments.svg and not picture.draw(samples, arguments.svg):
        console.print("Nothing was measured that could be drawn.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parsed = _arguments(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers are ended then, too
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            _measure(parsed, Path(directory), Console(stderr=True, highlight=False))
    except MissingToolError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
