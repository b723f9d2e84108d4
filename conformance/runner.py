"""A run: smoke test, cases, smoke test again; and the report of it as data."""

import datetime
import queue
import shlex
import statistics
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from conformance import __version__, replay, smoke, spec
from conformance.cases import Case
from conformance.finder import FIND_SECONDS, Finder, Outcome, unfit
from conformance.results import bound, reason, rows, untested, without_surprise
from conformance.settings import Settings
from conformance.strays import end_strays, survivors
from conformance.target import Target, written_address
from conformance.trace import telling
from conformance.upper_tester import end_all
from conformance.verdicts import (
    EXIT_INCONCLUSIVE,
    EXIT_NOTHING,
    EXIT_TARGET,
    count,
    exit_status,
)

SHRINK_PATIENCE_MIN = 0.05
BUILD_SECONDS = 600
JOBS = 3
"""So many processes of a target that the suite starts are tested side by side."""
TROUBLE_SECONDS = {"quick": 15.0, "standard": 90.0, "thorough": 600.0}
"""How long a run looks closely at failures, times ``--patience``."""
TROUBLE_ENDS = 3
"""After so many times as long the cases that are left are not run."""
HASTE = 0.25
UNREACHABLE_MAX = 3
"""After so many cases in succession that could not reach the target it is given up."""


class Run:
    """One run against one target. ``report`` is complete at every time.

    Failures take time: each is waited for, made smaller and confirmed. So that a target that
    fails nearly everything costs a bounded time too, only so much of it is spent. Then the run
    gets hasty: it waits a quarter as long, makes nothing smaller and confirms a failure once.
    When three times as much is spent, or the target cannot be reached any more, the cases that
    are left are not run, and the report says why.
    """

    def __init__(
        self, target: Target, settings: Settings, progress: Callable[[int, int, str], None]
    ) -> None:
        self.target = target
        self.settings = settings
        self.progress = progress
        self.cases = settings.cases(target.kind)
        self.targets: queue.SimpleQueue[Target] = queue.SimpleQueue()
        self.outcomes: list[Outcome] = []
        self.ended: list[Outcome] = []
        """Of the cases that were run, in the order in which they ended."""
        self.given_up = ""
        """Why the cases that are left are not run."""
        self.jobs = settings.jobs or JOBS if target.operable else 1
        self.begun = time.monotonic()
        self.started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.smoke: dict[str, Any] = {"before": False, "after": False, "sentence": ""}
        self.interrupted = False

    def run(self) -> dict[str, Any]:
        """Do all of it; Ctrl-C ends it early, with what is done so far."""
        replay.clear(self.settings.report)
        try:
            if self.cases and self._build() and self._smoke("before"):
                self._run_cases()
                self._smoke("after")
        except KeyboardInterrupt:
            self.interrupted = True
            self.smoke["sentence"] = "The run was broken off."
        finally:
            self.target.stop()
            end_strays()
        return self.report()

    def _build(self) -> bool:
        command = self.settings.build
        if command is None:
            return True
        try:
            built = subprocess.run(
                shlex.split(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=BUILD_SECONDS,
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            self.smoke["sentence"] = f"It could not be built: {error}."
            return False
        if built.returncode:
            self.smoke["sentence"] = (
                f"It could not be built: {command} ended with status {built.returncode}. "
                + telling(built.stdout)
            ).strip()
        return not built.returncode

    def _smoke(self, when: str) -> bool:
        sentence, trips = smoke.test(self.target, FIND_SECONDS * 2 * self.settings.patience)
        self.smoke[when] = not sentence
        if sentence and when == "after":
            sentence = f"It passed the smoke test before the cases, and not after them: {sentence}"
        self.smoke["sentence"] = sentence or self.smoke["sentence"] or "It works."
        self.shrink_patience = max(SHRINK_PATIENCE_MIN, 20 * _percentile_99(trips))
        return not sentence

    def _run_cases(self) -> None:
        for _ in range(self.jobs):
            self.targets.put(self.target.another() if self.target.operable else self.target)
        with ThreadPoolExecutor(self.jobs) as pool:
            futures = [pool.submit(self._run_case, case) for case in self.cases]
            try:
                for number, (case, future) in enumerate(zip(self.cases, futures, strict=True)):
                    self.progress(number, len(self.cases), case.name)
                    self.outcomes.append(future.result())
            except KeyboardInterrupt:
                self._break_off(pool, futures)
                raise
        while not self.targets.empty():
            if (each := self.targets.get()) is not self.target:
                each.stop()

    def _break_off(self, pool: ThreadPoolExecutor, futures: list[Future[Outcome]]) -> None:
        """End all cases that run, and keep the outcomes of those that were done."""
        done = [each.result() for each in futures[len(self.outcomes) :] if each.done()]
        self.outcomes += done
        self.target.broken_off.set()
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(each.done() for each in futures):
            end_all()
            wait(futures, 0.1)
        end_all()

    def _run_case(self, case: Case) -> Outcome:
        deadline = self.begun + self.settings.max_seconds
        if time.monotonic() > deadline:
            return Outcome(case, unsupported="the time of --max-seconds was over")
        if why := unfit(case, self.target):
            return Outcome(case, unsupported=why)
        self.given_up = self.given_up or self._too_much()
        if self.given_up:
            return Outcome(case, unsupported=self.given_up)
        target = self.targets.get()
        finder = self._finder(target)
        try:
            outcome = finder.run(
                case, self.settings.examples_of(case), self.settings.seed, deadline
            )
        finally:
            finder.fence.close()
            self.targets.put(target)
            end_strays()
        self.ended.append(outcome)
        return outcome

    def _finder(self, target: Target) -> Finder:
        patience = FIND_SECONDS * self.settings.patience
        shrink_patience = self.shrink_patience * self.settings.patience
        if self._trouble() < 1:
            return Finder(target, patience=patience, shrink_patience=shrink_patience)
        patience = max(HASTE * patience, shrink_patience)
        return Finder(
            target,
            patience=patience,
            shrink_patience=patience,
            shrink_seconds=0,
            confirmations=1,
        )

    def _trouble(self) -> float:
        """How much of the time for failures is spent."""
        spent = sum(each.seconds for each in self.ended if each.troubled) / self.jobs
        return spent / (TROUBLE_SECONDS[self.settings.profile] * self.settings.patience)

    def _too_much(self) -> str:
        """Why no more cases should be run, or nothing."""
        last = self.ended[-UNREACHABLE_MAX:]
        if len(last) == UNREACHABLE_MAX and all(each.unreachable for each in last):
            return f"the run was given up: {last[-1].inconclusive}."
        if self._trouble() > TROUBLE_ENDS:
            count = sum(each.troubled for each in self.ended)
            return (
                f"the run was given up: the failures of {count} cases took too long; mend "
                "those, choose cases with --only, or allow more time with --patience."
            )
        return ""

    def _remarks(self) -> list[str]:
        """What a reader has to know besides the results."""
        found = []
        if self.target.tls is not None:
            found.append("It was tested over TLS: all octets here are those inside.")
            if self.target.tls.trusted is None:
                found.append("The server's certificate was not verified: no --ca was given.")
        if self.given_up:
            left = sum(outcome.unsupported == self.given_up for outcome in self.outcomes)
            found.append(f"{left} cases were not run; {self.given_up}")
        elif self._trouble() >= 1:
            found.append(
                "So much failed that the last cases were judged in haste: "
                "their failures are not made smaller, and confirmed only once."
            )
        if survivors:
            found.append(
                f"{len(survivors)} processes of the target ran on when it had ended; "
                "they were killed."
            )
        return found

    def report(self) -> dict[str, Any]:
        """All of it, in the published shape."""
        results = [
            row for outcome in self.outcomes for row in rows(self.target, self.settings, outcome)
        ]
        results = without_surprise(results)
        seen = {row["requirement"] for row in results}
        results += untested(self.target, self.settings, seen, interrupted=self.interrupted)
        counts = count(results)
        return {
            "suite": {"name": "chat/1 conformance", "version": __version__, "spec": spec.NAME},
            "target": {
                "kind": self.target.kind,
                "command": self.target.command,
                "addresses": [
                    written_address(each, self.target.scheme) for each in self.target.addresses
                ],
            },
            "settings": {**self.settings.public(), "interrupted": self.interrupted},
            "started": self.started,
            "seconds": round(time.monotonic() - self.begun, 3),
            "smoke": self.smoke,
            "left_running": list(survivors),
            "remarks": self._remarks(),
            "requirements": [
                {
                    "id": each.id,
                    "section": each.section,
                    "who": each.who,
                    "word": each.word,
                    "text": each.text,
                    "testable": each.testable,
                    "reason": reason(each, self.target.kind),
                }
                for each in bound(self.target.kind)
                if self.settings.chosen(each.id)
            ],
            "results": results,
            "verdict_counts": counts,
            "exit_status": self._exit_status(counts),
        }

    def _exit_status(self, counts: dict[str, int]) -> int:
        if not self.cases:
            return EXIT_NOTHING
        if not self.smoke["before"]:
            return EXIT_INCONCLUSIVE if self.interrupted else EXIT_TARGET
        status = exit_status(counts)
        broken = self.interrupted or not self.smoke["after"]
        return EXIT_INCONCLUSIVE if broken and status != 1 else status


def _percentile_99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[-1] if len(seconds) > 1 else 0.0
