"""The command line: its arguments, and the targets and settings that they name."""

import argparse
import contextlib
import math
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from conformance import __version__, selftest, spec
from conformance.cases import PROFILES
from conformance.credentials import Identity
from conformance.results import program
from conformance.settings import Settings
from conformance.spec import CLIENT, KINDS, TURNS
from conformance.target import Target, parse_address
from conformance.tls import Tls, client_context
from conformance.verdicts import Claims

_RUN_HELP = (
    "start this, without a shell; {port} and {host} are filled in; "
    "with {cert} and {key}, or a client's {ca}, it speaks TLS"
)
_ADDRESS = "tcp|tls://HOST:PORT"
_ATTACHED_HELP = "a server that runs already; several are the nodes of one relay"
EXAMPLES = r"""
examples:
  python -m conformance relay --run './myrelay {port}'
  python -m conformance turns --run 'node server.js {port}' --report report
  python -m conformance client --run './client {host} {port}' --only 'CLIENT-*'
  python -m conformance relay tcp://127.0.0.1:5000 --profile standard
  python -m conformance relay --run './myrelay {port} --cert {cert} --key {key}'
  python -m conformance client --run './client --tls --ca {ca} {host} {port}'
  python -m conformance turns tls://chat.example:5000 --ca ca.pem
  python -m conformance replay report/replay/*.json --run './myrelay {port}'
  python -m conformance csv submissions/*/report > grades.csv
  python -m conformance list --explain RELAY-2
"""


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
            metavar=_ADDRESS,
            help=_ATTACHED_HELP,
        )
        _tls_arguments(parser)
    parser.add_argument("--run", metavar="CMD", help=_RUN_HELP)
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


def _tls_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--ca", metavar="FILE", help="authorities of a server at tls://; else it is not verified")
    add("--cert", metavar="FILE", help="the certificate that is shown to it")
    add("--key", metavar="FILE", help="its key, if it is not in the same file")


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--build", metavar="CMD", help="do this first; if it fails the target is not tested")
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
    top = argparse.ArgumentParser(
        prog=program(),
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
        metavar=_ADDRESS,
        help=_ATTACHED_HELP,
    )
    _tls_arguments(again)
    _again_arguments(again)
    table = commands.add_parser("csv", help="make one table of many reports")
    table.add_argument("reports", nargs="+", type=Path, metavar="DIR|report.json")
    listing = commands.add_parser("list", help="list requirements and cases")
    listing.add_argument("--explain", metavar="ID", help="a requirement's clause and its cases")
    trial = commands.add_parser("smoke", help="only see whether there is anything to test")
    trial.add_argument("kind", choices=KINDS)
    _target_arguments(trial, None)
    selftest.add_arguments(commands.add_parser("selftest", help="test the suite itself"))
    return top


def _again_arguments(again: argparse.ArgumentParser) -> None:
    again.add_argument("--run", metavar="CMD", help=_RUN_HELP)
    again.add_argument("--tty", choices=("none", "stdout", "both"), default="stdout")
    again.add_argument("--operator", default="none")
    again.add_argument("--patience", type=_positive, default=1.0, metavar="X")


def target_of(kind: str, arguments: argparse.Namespace) -> Target:
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
        _tls_of(arguments, written),
        arguments.patience,
    )
    if target.operator:
        parse_address(target.operator)
    return target


def _tls_of(arguments: argparse.Namespace, addresses: Sequence[str]) -> Tls | None:
    """How TLS is spoken with servers that run already; that of a command is made with it."""
    over_tls = [each.startswith("tls://") for each in addresses]
    ca, cert, key = (getattr(arguments, each, None) for each in ("ca", "cert", "key"))
    if not any(over_tls):
        if ca or cert or key:
            raise ValueError("--ca, --cert and --key are for servers at tls://HOST:PORT")
        return None
    if not all(over_tls):
        raise ValueError("the nodes of one relay are all at tls:// or all at tcp://")
    if key and not cert:
        raise ValueError("--key needs --cert")
    shown = Identity(cert, key) if cert else None
    client_context(ca, shown, "1.3")
    return Tls(ca, shown, asks=shown is not None)


def _see_command(command: str) -> None:
    try:
        shlex.split(command)
    except ValueError as error:
        raise ValueError(f"--run {command}: {error}") from None


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings that the arguments name; ValueError with a sentence for what is wrong."""
    for each in (*arguments.only, *arguments.skip):
        if not any(spec.chosen(name, [each], []) for name in spec.requirements()):
            raise ValueError(f"no requirement is called {each}")
    if arguments.report is not None:
        _see_directory(arguments.report)
    return Settings(
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
        build=arguments.build,
    )


def _see_directory(directory: Path) -> None:
    """Make the directory, and see that reports can be written there; ValueError if not."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        why = error.strerror
        raise ValueError(f"--report {directory}: no reports can be written there ({why})") from None
