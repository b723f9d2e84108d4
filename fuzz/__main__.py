"""python -m fuzz: all fuzzers, for some seconds each; --help tells the rest."""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from fuzz import campaign
from fuzz.targets import C_TARGETS, TARGETS

NAMES = [*C_TARGETS, *TARGETS]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)}")
    parser.add_argument(
        "--seconds", type=int, default=2, metavar="N", help="for each target (%(default)s)"
    )
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument(
        "--keep", action="store_true", help="add to the corpora what was found, as little as can be"
    )
    parser.add_argument("--replay", metavar="TARGET", choices=NAMES, help="run FILEs in it, once")
    parsed = parser.parse_args()
    if not parsed.replay and (unknown := set(parsed.names) - set(NAMES)):
        parser.error(f"there is no target {min(unknown)}")
    return parsed


def _fuzz(names: list[str], seconds: int, jobs: int, *, keep: bool) -> int:
    begun = time.monotonic()
    campaign.prepare(names)
    print(campaign.HEAD)
    with ThreadPoolExecutor(jobs) as pool:
        results = [
            _told(each.result())
            for each in as_completed(pool.submit(campaign.run, name, seconds) for name in names)
        ]
    for result in results if keep else ():
        if not result.wrong:
            campaign.merge(result.name)
    bad = [result.name for result in results if result.wrong]
    print(
        f"{sum(result.executions for result in results):,} executions of {len(results)} targets "
        f"in {time.monotonic() - begun:.0f} s; "
        + (f"something is wrong in {', '.join(bad)}" if bad else "nothing found")
    )
    return len(bad) > 0


def _told(result: campaign.Result) -> campaign.Result:
    print(result.line(), flush=True)
    return result


def main() -> int:
    """Do what is asked for; the exit status."""
    arguments = _arguments()
    if arguments.replay:
        campaign.prepare([arguments.replay])
        result = campaign.replay(arguments.replay, [Path(each) for each in arguments.names])
        print(result.line())
        return bool(result.wrong)
    names = [name for name in NAMES if not arguments.names or name in arguments.names]
    return _fuzz(names, arguments.seconds, arguments.jobs, keep=arguments.keep)


if __name__ == "__main__":
    sys.exit(main())
