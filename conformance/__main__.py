"""The command line: ``python -m conformance relay|turns|client …``; see the README."""

import argparse
import contextlib
import math
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from conformance import (
    __version__,
    cases_client,
    cases_relay,
    cases_turns,
    finder,
    replay,
    selftest,
    show,
    smoke,
    spec,
)
from conformance.cases import CASES, PROFILES
from conformance.deviation import InconclusiveError, UnsupportedError
from conformance.runner import Run, Settings, reason
from conformance.spec import CLIENT, KINDS, TURNS
from conformance.target import Target, parse_address
from conformance.verdicts import (
    EXIT_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_PASSED,
    EXIT_TARGET,
    EXIT_USAGE,
    Claims,
)

_ALL = (cases_relay, cases_turns, cases_client)
"""The modules that register cases."""

_BREAKING_OFF = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

EXAMPLES = r"""
examples:
  python -m conformance relay --run './myrelay {port}'
  python -m conformance turns --run 'node server.js {port}' --report report
  python -m conformance client --run './client {host} {port}' --only 'CLIENT-*'
  python -m conformance relay tcp://127.0.0.1:5000 --profile standard
  python -m conformance replay report/replay/*.json --run './myrelay {port}'
  python -m conformance list --explain RELAY-2
"""


class _Parser(argparse.ArgumentParser):
    """Its status for wrong usage is argparse's own, 2."""


def _positive(written: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(written) < math.inf:
            return float(written)
    raise argparse.ArgumentTypeError(f"{written} is no number above 0")


def _count(written: str) -> int:
    if written.isdecimal() and int(written):
        return int(written)
    raise argparse.ArgumentTypeError(f"{written} is no whole number above 0")


def _target_arguments(parser: argparse.ArgumentParser, kind: str | None) -> None:
    if kind != CLIENT:
        parser.add_argument(
            "addresses",
            nargs="*",
            metavar="tcp://HOST:PORT",
            help="a server that runs already; several are the nodes of one relay",
        )
    parser.add_argument("--run", metavar="CMD", help="start this; {port} and {host} are filled in")
    parser.add_argument(
        "--tty",
        choices=("none", "stdout", "both"),
        default="stdout",
        help="which of its standard input and output are a (raw) terminal (%(default)s)",
    )
    if kind in (TURNS, None):
        parser.add_argument(
            "--operator",
            metavar="none|tcp:HOST:PORT",
            default="none",
            help="where an attached server's operator is typed for and read (%(default)s)",
        )
    parser.add_argument(
        "--patience",
        type=_positive,
        default=1.0,
        metavar="X",
        help="wait so many times as long as usual (%(default)s)",
    )


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--profile", choices=PROFILES, default="quick", help="how thorough (%(default)s)")
    add(
        "--level", choices=("must", "should"), default="should", help="what is judged (%(default)s)"
    )
    add("--only", action="append", default=[], metavar="ID|GLOB", help="these requirements")
    add("--skip", action="append", default=[], metavar="ID|GLOB", help="not these requirements")
    add(
        "--examples",
        type=_count,
        metavar="N",
        help="scripts of each case, instead of the profile's",
    )
    add("--seed", type=int, default=0, metavar="N", help="what is generated (%(default)s)")
    add("--max-seconds", type=_positive, default=3600.0, metavar="S", help="stop after it")
    add("-j", "--jobs", type=_count, default=0, metavar="N", help="clients tested at a time")
    add("--known", type=Path, metavar="FILE.toml", help="known failures")
    add("--pics", type=Path, metavar="FILE.toml", help="what is claimed to be supported")
    add("--report", type=Path, metavar="DIR", help="write the reports there")
    add("--rubric", type=Path, metavar="FILE.toml", help="points by category, for gradescope.json")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="python -m conformance",
        description="Tests any implementation of chat/1 over real sockets.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"conformance {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for kind, what in (
        ("relay", "test a relay"),
        ("turns", "test a turn server"),
        ("client", "test a client program"),
    ):
        one = commands.add_parser(kind, help=what)
        _target_arguments(one, kind)
        _run_arguments(one)
    again = commands.add_parser("replay", help="run saved failures again")
    again.add_argument("files", nargs="+", type=Path, metavar="FILE")
    again.add_argument(
        "--at",
        action="append",
        default=[],
        dest="addresses",
        metavar="tcp://HOST:PORT",
        help="a server that runs already; several are the nodes of one relay",
    )
    _again_arguments(again)
    listing = commands.add_parser("list", help="list requirements and cases")
    listing.add_argument("--explain", metavar="ID", help="a requirement's clause and its cases")
    trial = commands.add_parser("smoke", help="only see whether there is anything to test")
    trial.add_argument("kind", choices=KINDS)
    _target_arguments(trial, None)
    selftest.add_arguments(commands.add_parser("selftest", help="test the suite itself"))
    return top


def _again_arguments(again: argparse.ArgumentParser) -> None:
    again.add_argument("--run", metavar="CMD", help="start this; {port} and {host} are filled in")
    again.add_argument("--tty", choices=("none", "stdout", "both"), default="stdout")
    again.add_argument("--operator", default="none")
    again.add_argument("--patience", type=_positive, default=1.0, metavar="X")


def _target(kind: str, arguments: argparse.Namespace) -> Target:
    """The target that the arguments name; ValueError with a sentence if they name none."""
    written: Sequence[str] = getattr(arguments, "addresses", ())
    if bool(written) == bool(arguments.run):
        raise ValueError("name either the addresses of a running server, or a command with --run")
    if arguments.run and "{port}" not in arguments.run:
        raise ValueError("--run needs {port} where the port goes")
    if arguments.run:
        _see_command(arguments.run)
    operator = getattr(arguments, "operator", "none")
    if operator != "none" and not operator.startswith("tcp:"):
        raise ValueError(f"--operator is none or tcp:HOST:PORT, not {operator!r}")
    target = Target(
        kind,
        arguments.run,
        tuple(parse_address(each) for each in written),
        "" if operator == "none" else operator.removeprefix("tcp:"),
        arguments.tty,
        arguments.patience,
    )
    if target.operator:
        parse_address(target.operator)
    return target


def _see_command(command: str) -> None:
    try:
        shlex.split(command)
    except ValueError as error:
        raise ValueError(f"--run {command}: {error}") from None


def _see_directory(directory: Path) -> None:
    """Make the directory, and see that reports can be written there; ValueError if not."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        why = error.strerror
        raise ValueError(f"--report {directory}: no reports can be written there ({why})") from None


def _run(arguments: argparse.Namespace) -> int:
    target = _target(arguments.command, arguments)
    for each in (*arguments.only, *arguments.skip):
        if not any(spec.chosen(name, [each], []) for name in spec.requirements()):
            raise ValueError(f"no requirement is called {each}")
    settings = Settings(
        profile=arguments.profile,
        seed=arguments.seed,
        examples=arguments.examples,
        patience=arguments.patience,
        level=arguments.level,
        only=tuple(arguments.only),
        skip=tuple(arguments.skip),
        max_seconds=arguments.max_seconds,
        jobs=arguments.jobs,
        claims=Claims.read(arguments.known, arguments.pics),
        report=arguments.report,
    )
    if arguments.report is not None:
        _see_directory(arguments.report)
    show.see_rubric(arguments.rubric)
    report = Run(target, settings, show.progress()).run()
    show.report(report, arguments.report, arguments.rubric)
    return int(report["exit_status"])


def _replay(arguments: argparse.Namespace) -> int:
    failed = False
    for path in arguments.files:
        saved = replay.load(path)
        target = _target(saved["kind"], arguments)
        patience = finder.FIND_SECONDS * arguments.patience
        one = finder.Finder(target, patience=patience, shrink_patience=patience)
        try:
            found = replay.run(saved, one)
        except (InconclusiveError, UnsupportedError) as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            return EXIT_TARGET
        finally:
            target.stop()
        failed = failed or found is not None
        show.replayed(path, saved, found, target)
    return EXIT_FAILED if failed else EXIT_PASSED


def _smoke(arguments: argparse.Namespace) -> int:
    target = _target(arguments.kind, arguments)
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
    commands = {"replay": _replay, "smoke": _smoke, "list": _list, "selftest": selftest.main}
    try:
        return commands.get(parsed.command, _run)(parsed)
    except ValueError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("conformance: broken off", file=sys.stderr)
        return EXIT_INCONCLUSIVE
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


__all__ = ["CASES", "main", "reason"]

if __name__ == "__main__":
    sys.exit(main())
