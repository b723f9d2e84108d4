"""Hostile inputs of every class at our servers; bystanders must not notice.

python -m endurance.hostile --inputs 10000
"""

import argparse
import asyncio
import fnmatch
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from endurance.common import subjects
from endurance.common.server import ServerFailedError
from endurance.common.subjects import Subject
from endurance.hostile.assault import Outcome
from endurance.hostile.classes import Make, classes, classes_over_tls
from endurance.hostile.run import Record, assail

_HEADINGS = "   inputs      time   checked         p99      memory  how the connections ended"


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hostile", description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", metavar="N", type=int, default=500, help="of each class (500)")
    subjects.add_arguments(parser)
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="of all chance (1)")
    parser.add_argument("--match", metavar="GLOB", default="*", help="only these classes")
    parsed = parser.parse_args(arguments)
    if not 1 <= parsed.inputs <= 10_000_000:
        parser.error("--inputs is 1 to 10000000")
    if not fnmatch.filter(classes_over_tls(), parsed.match):
        parser.error(f"--match: the classes are {', '.join(classes_over_tls())}")
    return parsed


def _chosen(subject: Subject, match: str) -> dict[str, Make]:
    there = classes_over_tls() if subject.tls else classes()
    return {name: make for name, make in there.items() if fnmatch.fnmatch(name, match)}


def _tell(outcome: Outcome) -> None:
    ends = ", ".join(f"{how} {count:,}" for how, count in outcome.ends.most_common())
    print(
        f"{outcome.name:18} {outcome.inputs:9,} {outcome.seconds:7.1f} s {outcome.checked:9,} "
        f"{outcome.p99_ms:8.1f} ms {outcome.memory_kib / 1024:7.2f} MiB  {ends}",
        flush=True,
    )


def _report(record: Record) -> None:
    before, after = record.before_kib / 1024, record.after_kib / 1024
    print(f"memory {before:.2f} MiB before, warmed up, and {after:.2f} MiB after")
    for fault in record.faults:
        print(f"WRONG  {fault}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parsed = _arguments(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers are ended then, too
    records = []
    begun = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="hostile-") as directory:
            for subject in subjects.chosen(parsed, Path(directory)):
                print(f"\n{subject.name:18} {_HEADINGS}", flush=True)
                records.append(record := Record(subject))
                inflicted = _chosen(subject, parsed.match)
                asyncio.run(assail(record, inflicted, parsed.inputs, parsed.seed, _tell))
                _report(record)
    except ServerFailedError as error:
        print(f"hostile: a server does not start: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("hostile: interrupted", file=sys.stderr)
        return 1
    well = not any(record.faults for record in records)
    verdict = "nobody else noticed anything" if well else "something was wrong, see above"
    print(f"\n{time.monotonic() - begun:.0f} s; {verdict}")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
