"""All bugs and oddities of the subjects, for whoever tests the suite."""

import sys
from dataclasses import dataclass

from conformance.subjects import client, null, relay, turns
from conformance.subjects.catalogue import Bug, Oddity


@dataclass(frozen=True)
class Subject:
    """One program, with what can be switched on in it."""

    name: str
    """``relay``, ``turns`` or ``client``: the module, and the kind of target."""
    bugs: tuple[Bug, ...]
    oddities: tuple[Oddity, ...]

    def command(self, switch: str = "", name: str = "") -> list[str]:
        """How it is started, but for its last arguments: PORT, or HOST PORT."""
        start = [sys.executable, "-m", f"conformance.subjects.{self.name}"]
        return [*start, f"--{switch}={name}"] if switch else start


SUBJECTS: tuple[Subject, ...] = (
    Subject("relay", relay.BUGS, relay.ODDITIES),
    Subject("turns", turns.BUGS, turns.ODDITIES),
    Subject("client", client.BUGS, client.ODDITIES),
)


def bugs() -> list[tuple[str, Bug]]:
    """Every bug, with the name of its subject."""
    return [(subject.name, each) for subject in SUBJECTS for each in subject.bugs]


def oddities() -> list[tuple[str, Oddity]]:
    """Every oddity, with the name of its subject."""
    return [(subject.name, each) for subject in SUBJECTS for each in subject.oddities]


def null_commands() -> list[tuple[str, list[str]]]:
    """Every null implementation: ``server`` or ``client``, and how it is started."""
    start = [sys.executable, "-m", "conformance.subjects.null"]
    servers = [("server", [*start, kind]) for kind in null.KINDS]
    return [*servers, *(("client", [*start, f"client-{kind}"]) for kind in null.KINDS)]


def main() -> None:
    """Print the registry, a line for each bug and oddity."""
    for name, bug in bugs():
        print(f"{name}  bug  {bug.name}  {' or '.join(bug.requirements)}  {bug.what}")
    for name, odd in oddities():
        print(f"{name}  odd  {odd.name}  {odd.why}  {odd.what}")


if __name__ == "__main__":
    main()
