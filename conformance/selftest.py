"""Tests the suite: it must find every known bug by its own requirement, and accuse nobody else."""

import argparse
import fnmatch
import multiprocessing
import os
import shlex
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from conformance import credentials, further, smoke, tls
from conformance.finder import FIND_SECONDS, Finder
from conformance.runner import Run
from conformance.settings import Settings
from conformance.spec import CLIENT
from conformance.strays import end_run
from conformance.target import Target
from conformance.verdicts import EXIT_FAILED, EXIT_PASSED

PATIENCE = 0.4
CONFORMING_PATIENCE = 4.0
"""Conforming ones need it on a busy machine only, and mutants would take their time."""
SHRINK_SECONDS = 0.0
SECOND_TRIES = 2
"""For each worker; with more there is something wrong with more than the machine."""


@dataclass(frozen=True)
class Check:
    """One thing to try: a null implementation, a mutant, or a conforming oddity."""

    what: str
    kind: str
    name: str
    command: str
    requirements: tuple[str, ...] = ()
    slow: bool = False
    seed: int = 0

    @property
    def title(self) -> str:
        """What the table calls it."""
        return f"{self.what} {self.kind}.{self.name}" + (f" seed {self.seed}" if self.seed else "")


@dataclass(frozen=True)
class Score:
    """What came of a check."""

    check: Check
    good: bool
    detail: str
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("-j", "--jobs", type=int, default=3 * (os.cpu_count() or 1), metavar="N")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="for each oddity (1)")
    parser.add_argument(
        "--match", default="*", metavar="GLOB", help="only these, by what the table calls them"
    )
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        type=Path,
        metavar="FILE.toml",
        help="further mutants, which somebody else has built",
    )
    parser.add_argument("--quiet", action="store_true", help="print only what went wrong")


def checks(seeds: int, also: Iterable[Path] = ()) -> list[Check]:
    """All of them, and those of the files ``also``."""
    from conformance.subjects import registry

    found = []
    for side, start in registry.null_commands():
        found += [
            Check("null", kind, start[-1], _command(start, kind))
            for kind in (("relay", "turns") if side == "server" else (CLIENT,))
        ]
    for subject in registry.SUBJECTS:
        kind = subject.name
        for bug in subject.bugs:
            command = _command(subject.command("bug", bug.name, over_tls=bug.tls), kind)
            found.append(Check("mutant", kind, bug.name, command, bug.requirements, bug.slow))
        oddities = [(each.name, "odd", each.name, each.tls) for each in subject.oddities]
        for title, switch, name, over_tls in [("correct", "", "", False), *oddities]:
            command = _command(subject.command(switch, name, over_tls=over_tls), kind)
            for seed in range(seeds):
                found.append(Check("odd", kind, title, command, seed=seed))
    found += [
        Check("mutant", each.kind, each.name, each.command, each.requirements, each.slow)
        for path in also
        for each in further.read(path)
    ]
    return found


def _command(start: list[str], kind: str) -> str:
    return shlex.join(start) + (" {host} {port}" if kind == CLIENT else " {port}")


def run(check: Check) -> Score:
    """Carry out one check."""
    begun = time.monotonic()
    judge: Callable[[Check], tuple[bool, str]] = {"mutant": _mutant}.get(check.what, _whole)
    try:
        good, detail = judge(check)
    except Exception as error:  # noqa: BLE001 - the table shows it, and goes on
        good, detail = False, f"{type(error).__name__}: {error}"
    return Score(check, good, detail, time.monotonic() - begun)


def _mutant(check: Check) -> tuple[bool, str]:
    """Killed, if a case fails by a requirement that the bug breaks."""
    target = Target(check.kind, check.command)
    profile = "thorough" if check.slow else "standard"
    examples = {"relay": 60, "turns": 40, "client": 10}[check.kind]
    settings = Settings(profile=profile, only=check.requirements, examples=examples)
    finder = Finder(
        target,
        patience=FIND_SECONDS * PATIENCE,
        shrink_patience=0.1,
        shrink_seconds=SHRINK_SECONDS,
        confirmations=1,
    )
    others: Counter[str] = Counter()
    try:
        cases = sorted(settings.cases(target.kind), key=lambda case: case.profile != "quick")
        for case in cases:
            outcome = finder.run(case, settings.examples_of(case), 1, time.monotonic() + 90)
            if outcome.finding is not None:
                blamed = outcome.finding.deviation.requirements
                if set(blamed) & set(check.requirements):
                    return True, f"{' '.join(blamed)} by {case.name}"
                others.update(blamed)
            elif outcome.inconclusive or outcome.error:
                others[outcome.inconclusive or outcome.error] += 1
    finally:
        target.stop()
    return False, f"survives {len(cases)} cases of {' '.join(check.requirements)}; seen: {others}"


def _whole(check: Check) -> tuple[bool, str]:
    """A whole quick run: an oddity must pass, a null implementation must not."""
    target = Target(check.kind, check.command, patience=CONFORMING_PATIENCE)
    if check.what == "null":
        try:
            sentence, _ = smoke.test(target, FIND_SECONDS * PATIENCE)
        finally:
            target.stop()
        return bool(sentence), sentence or "it passes the smoke test"
    settings = Settings(seed=check.seed, patience=CONFORMING_PATIENCE)
    report = Run(target, settings, lambda _number, _of, _name: None).run()
    bad = [
        f"{row['verdict']} {row['requirement']} {row['case']}: {row['detail']}"
        for row in report["results"]
        if row["verdict"] in ("FAIL", "INCONCLUSIVE", "ERROR", "XPASS")
    ]
    if not report["smoke"]["after"]:
        bad.append(report["smoke"]["sentence"])
    return not bad, "; ".join(bad) or f"{report['verdict_counts']['PASS']} passed"


def main(arguments: argparse.Namespace) -> int:
    """Run all checks, print the table; the exit status."""
    chosen = [
        each
        for each in checks(arguments.seeds, arguments.also)
        if fnmatch.fnmatchcase(each.title, arguments.match)
    ]
    if not chosen:
        raise ValueError(f"nothing is called {arguments.match}; see the table of a whole run")
    begun = time.monotonic()
    scores: list[Score] = []
    if any(tls.is_wanted(each.command) for each in chosen):
        credentials.own()  # once, for all worker processes
    pool = ProcessPoolExecutor(arguments.jobs, initializer=_end_at_once)
    futures = [pool.submit(run, each) for each in sorted(chosen, key=lambda each: not each.slow)]
    try:
        for future in as_completed(futures):
            scores.append(future.result())
            _tell(scores[-1], f"{len(scores)}/{len(chosen)}", quiet=arguments.quiet)
    except KeyboardInterrupt:
        print("broken off; so far:")
        for worker in multiprocessing.active_children():
            worker.terminate()
    finally:
        pool.shutdown(cancel_futures=True)
        end_run()
    wrong = sum(not each.good for each in scores)
    if len(scores) == len(chosen) and wrong <= arguments.jobs * SECOND_TRIES:
        scores = [_second_try(each) for each in scores]
    print("\r\x1b[K" if sys.stderr.isatty() else "")
    for what, words in (
        ("null", "null implementations rejected"),
        ("mutant", "mutants killed by their own requirement"),
        ("odd", "conforming ones accepted"),
    ):
        for kind in ("relay", "turns", CLIENT):
            some = [s.good for s in scores if s.check.what == what and s.check.kind == kind]
            if some:
                share = 100 * sum(some) / len(some)
                print(f"{kind:7} {sum(some):4} of {len(some):4} {words} ({share:.1f} %)")
    print(f"in {time.monotonic() - begun:.0f} s")
    complete = len(scores) == len(chosen) > 0
    return EXIT_PASSED if complete and all(score.good for score in scores) else EXIT_FAILED


def _second_try(score: Score) -> Score:
    """What went wrong beside many others is tried once more alone, and that is said."""
    if score.good:
        return score
    again = run(score.check)
    _tell(again, "once more, alone:", quiet=False)
    return again


def _end_at_once() -> None:
    """A worker that is told to end does so; what it has started is ended by the main process."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _tell(score: Score, progress: str, *, quiet: bool) -> None:
    """A line of the table, and on a terminal how far it is."""
    seen = sys.stderr.isatty()
    if seen:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if not score.good or not quiet:
        word = "ok" if score.good else "WRONG"
        print(f"{word:6} {score.check.title:52} {score.seconds:6.1f} s  {score.detail}", flush=True)
    if seen:
        print(f"{progress} {score.check.title}", end="", file=sys.stderr, flush=True)
