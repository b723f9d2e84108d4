"""Soak our servers: a steady load for minutes or hours, and nothing may grow.

python -m endurance.soak --minutes 30
"""

import argparse
import asyncio
import csv
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from endurance.common import subjects
from endurance.common.server import ServerFailedError
from endurance.soak.picture import draw
from endurance.soak.run import Record, soak
from endurance.soak.samples import Sample

TELL_SAMPLES = 10
"""A line of progress for each so many samples."""


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", metavar="M", type=float, default=2.0, help="(%(default)s)")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="of the load (1)")
    subjects.add_arguments(parser)
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("soak"), help="for pictures (soak/)"
    )
    parsed = parser.parse_args(arguments)
    if not 0 < parsed.minutes <= 10_000:
        parser.error("--minutes is more than 0, and at most 10000")
    return parsed


def _teller(name: str, minutes: float) -> Callable[[Sample], None]:
    def tell(sample: Sample) -> None:
        if round(sample.seconds) % TELL_SAMPLES == 0:
            print(
                f"{name}: {sample.seconds / 60:.1f} of {minutes:g} minutes, "
                f"{sample.visits:,} visits, {sample.memory_kib / 1024:.2f} MiB, "
                f"{sample.descriptors} descriptors, p99 {sample.p99_ms:.1f} ms",
                flush=True,
            )

    return tell


async def _soak(arguments: argparse.Namespace) -> tuple[list[Record], bool]:
    """What came of it, and whether it was interrupted."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    minutes, seed = arguments.minutes, arguments.seed
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        records = [Record(each) for each in subjects.chosen(arguments, Path(directory))]
        await asyncio.gather(
            *(
                soak(each, minutes, seed, stop, _teller(each.subject.name, minutes))
                for each in records
            )
        )
    return records, stop.is_set()


def _report(record: Record, directory: Path) -> None:
    """Draw, and say what there is to say."""
    name = record.subject.name
    picture = directory / f"{name.replace(' ', '-').lower()}.svg"
    print(f"\n{name}: ", end="")
    if record.samples:
        last = record.samples[-1]
        rate = last.visits / last.seconds * 3600
        with picture.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(field.name for field in attrs.fields(Sample))
            rows.writerows(attrs.astuple(sample) for sample in record.samples)
        draw(record.samples, f"{name}: {rate:,.0f} visits an hour", picture)
        print(f"{last.visits:,} visits, {rate:,.0f} an hour; ", end="")
    print(f"{record.checked:,} lines checked")
    print("  visits ended:", ", ".join(f"{how} {count:,}" for how, count in record.ends.items()))
    for verdict in record.verdicts:
        print(f"  {'well ' if verdict.well else 'WRONG'}  {verdict.what}: {verdict.figure}")
    for fault in record.faults:
        print(f"  WRONG  {fault}")
    if not record.well:
        print(f"  {name} did not stay as it was: see {picture}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parsed = _arguments(arguments)
    parsed.output.mkdir(parents=True, exist_ok=True)
    try:
        records, interrupted = asyncio.run(_soak(parsed))
    except ServerFailedError as error:
        print(f"soak: a server does not start: {error}", file=sys.stderr)
        return 1
    for record in records:
        _report(record, parsed.output)
    print(f"\npictures and samples are in {parsed.output}/")
    if interrupted:
        print("interrupted, so not judged")
    return 0 if not interrupted and all(record.well for record in records) else 1


if __name__ == "__main__":
    sys.exit(main())
