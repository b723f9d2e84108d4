"""What a subject can have: a bug that the suite must find, or an oddity that it must let pass."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """One thing that a subject does wrong."""

    name: str
    requirements: tuple[str, ...]
    """The requirement that it breaks; where several are named, each is as right as the others."""
    what: str
    slow: bool = False
    """It shows only after half a minute."""
    tls: bool = False
    """It shows only over TLS."""


@dataclass(frozen=True)
class Oddity:
    """One thing that a subject does as few others do, and rightly."""

    name: str
    what: str
    why: str
    tls: bool = False
    """It is one of TLS."""


def bug(name: str, requirements: str, what: str, *, slow: bool = False, tls: bool = False) -> Bug:
    """A row of a table of bugs; the requirements are separated by blanks."""
    return Bug(name, tuple(requirements.split()), what, slow, tls)


def switches(
    program: str, bugs: Iterable[Bug], oddities: Iterable[Oddity]
) -> argparse.ArgumentParser:
    """The arguments with which one bug or one oddity is switched on."""
    parser = argparse.ArgumentParser(prog=f"python -m conformance.subjects.{program}")
    which = parser.add_mutually_exclusive_group()
    names = [each.name for each in bugs]
    which.add_argument("--bug", metavar="NAME", choices=names, default="")
    names = [each.name for each in oddities]
    which.add_argument("--odd", metavar="NAME", choices=names, default="")
    return parser
