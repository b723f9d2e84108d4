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
    tls: tuple[str, ...]
    """Arguments with which it speaks TLS, and certificates are asked for."""

    def command(self, switch: str = "", name: str = "", *, over_tls: bool = False) -> list[str]:
        """How it is started, but for its last arguments: PORT, or HOST PORT."""
        start = [sys.executable, "-m", f"conformance.subjects.{self.name}"]
        start += self.tls if over_tls else ()
        return [*start, f"--{switch}={name}"] if switch else start


_SERVER_TLS = ("--tls-cert", "{cert}", "--tls-key", "{key}", "--tls-client-ca", "{ca}")
_CLIENT_TLS = ("--tls", "--ca", "{ca}", "--cert", "{cert}", "--key", "{key}")
SUBJECTS: tuple[Subject, ...] = (
    Subject("relay", relay.BUGS, relay.ODDITIES, _SERVER_TLS),
    Subject("turns", turns.BUGS, turns.ODDITIES, _SERVER_TLS),
    Subject("client", client.BUGS, client.ODDITIES, _CLIENT_TLS),
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
