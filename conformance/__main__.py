"""``python -m conformance relay|turns|client …``: carries out the command; see the README."""

import argparse
import os
import signal
import sys
from types import FrameType

from conformance import finder, replay, selftest, show, smoke, spec
from conformance import report as rendering
from conformance.command_line import parser, settings_of, target_of
from conformance.deviation import InconclusiveError, UnsupportedError
from conformance.runner import Run
from conformance.verdicts import (
    EXIT_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_PASSED,
    EXIT_TARGET,
    EXIT_USAGE,
)

_BREAKING_OFF = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _run(arguments: argparse.Namespace) -> int:
    target = target_of(arguments.command, arguments)
    settings = settings_of(arguments)
    show.see_rubric(arguments.rubric)
    report = Run(target, settings, show.progress()).run()
    show.report(report, arguments.report, arguments.rubric)
    return int(report["exit_status"])


def _replay(arguments: argparse.Namespace) -> int:
    failed = False
    for path in arguments.files:
        saved = replay.load(path)
        target = target_of(saved["kind"], arguments)
        patience = finder.FIND_SECONDS * arguments.patience
        one = finder.Finder(target, patience=patience, shrink_patience=patience)
        try:
            found = replay.run(saved, one)
        except (InconclusiveError, UnsupportedError) as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            return EXIT_TARGET
        finally:
            one.fence.close()
            target.stop()
        failed = failed or found is not None
        show.replayed(path, saved, found, target)
    return EXIT_FAILED if failed else EXIT_PASSED


def _smoke(arguments: argparse.Namespace) -> int:
    target = target_of(arguments.kind, arguments)
    try:
        sentence, _ = smoke.test(target, 2 * finder.FIND_SECONDS * arguments.patience)
    finally:
        target.stop()
    print(sentence or "It works.")
    return EXIT_TARGET if sentence else EXIT_PASSED


def _list(arguments: argparse.Namespace) -> int:
    wanted = arguments.explain
    if wanted is not None and wanted not in spec.requirements():
        raise ValueError(f"there is no requirement {wanted}")
    if wanted is None:
        show.listing()
    else:
        show.explain(spec.requirements()[wanted])
    return EXIT_PASSED


def _csv(arguments: argparse.Namespace) -> int:
    print(rendering.merge_csv(arguments.reports), end="")
    return EXIT_PASSED


_COMMANDS = {
    "replay": _replay,
    "csv": _csv,
    "smoke": _smoke,
    "list": _list,
    "selftest": selftest.main,
}
"""What is not a kind of target is one of these."""


def _break_off(_number: int, _frame: FrameType | None) -> None:
    """Once: after that there is only to be ended what still runs."""
    for each in _BREAKING_OFF:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    for each in _BREAKING_OFF:
        signal.signal(each, _break_off)
    parsed = parser().parse_args(arguments)
    try:
        status = _COMMANDS.get(parsed.command, _run)(parsed)
        sys.stdout.flush()
    except ValueError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("conformance: broken off", file=sys.stderr)
        return EXIT_INCONCLUSIVE
    except BrokenPipeError:  # whoever read the report has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_INCONCLUSIVE
    return status


if __name__ == "__main__":
    sys.exit(main())
