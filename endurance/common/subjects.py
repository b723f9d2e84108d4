"""Which of our servers are put through it, and how they are reached."""

import argparse
from pathlib import Path

from attrs import frozen

from endurance.common.server import PROGRAMS
from endurance.common.tls import Tls, tls_for
from endurance.common.wire import HOST


@frozen
class Subject:
    """A server, reached over TCP alone or over TLS."""

    kind: str
    tls: Tls | None = None

    @property
    def name(self) -> str:
        """As it stands in reports."""
        return f"{self.kind} over TLS" if self.tls else self.kind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that choose subjects."""
    parser.add_argument("--server", choices=(*PROGRAMS, "both"), default="both")
    parser.add_argument("--over", choices=("tcp", "tls", "both"), default="both")


def chosen(parsed: argparse.Namespace, directory: Path) -> list[Subject]:
    """Those that the options choose; files of TLS are written to the directory."""
    kinds = PROGRAMS if parsed.server == "both" else (parsed.server,)
    ways: list[Tls | None] = [None] if parsed.over != "tls" else []
    if parsed.over != "tcp":
        ways.append(tls_for(directory, HOST))
    return [Subject(kind, tls) for tls in ways for kind in kinds]
