"""What the fuzzers keep is borne, and finds a bug that is put in: so each of them can fail."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from chatproto import Act, ProtocolError
from fuzz.seeds import SEEDS
from fuzz.source import Source, counted
from fuzz.targets import C_TARGETS, HERE, IN_C, TARGETS, corpus, kept
from tests.c_build import C_CLIENT, tried

FILES_MAX, OCTETS_MAX = 260, 200 << 10


def inputs(name: str) -> Iterable[bytes]:
    yield from (path.read_bytes() for path in kept(name))
    yield from SEEDS[name]()


@pytest.mark.parametrize("name", TARGETS)
def test_a_python_target_bears_all_that_is_kept(name: str) -> None:
    for path in kept(name):
        TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("name", [*TARGETS, *C_TARGETS])
def test_a_corpus_is_small(name: str) -> None:
    files = list(corpus(name).iterdir())
    assert 0 < len(files) <= FILES_MAX
    assert sum(path.stat().st_size for path in files) <= OCTETS_MAX


@pytest.mark.parametrize("place", [HERE, IN_C], ids=["python", "c"])
@pytest.mark.parametrize("kind", ["corpus", "found"])
def test_nothing_is_kept_for_no_target(place: Path, kind: str) -> None:
    assert {path.name for path in (place / kind).iterdir()} <= {*TARGETS, *C_TARGETS}


@pytest.mark.parametrize("size", [0, 1, 254, 255, 256, 510, 511, 765])
def test_seeds_are_written_as_they_are_read(size: int) -> None:
    octets = bytes(range(256)) * 3
    source = Source(counted(octets[:size]) + b"more")
    assert (source.counted(), source.rest()) == (octets[:size], b"more")


# The C targets


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the C targets begin with, to be run besides what is kept."""
    place = tmp_path_factory.mktemp("seeds")
    for name in C_TARGETS:
        (place / name).mkdir()
        for number, octets in enumerate(SEEDS[name]()):
            (place / name / str(number)).write_bytes(octets)
    return place


def replay_in_c(goal: str, *variables: str, directory: Path = C_CLIENT) -> tuple[int, str]:
    """The exit status of make, and what was said."""
    made = tried("MUTANT=", *variables, goal, directory=directory)
    return made.returncode, made.stdout + made.stderr


def test_the_c_targets_bear_all_that_is_kept(seeds: Path) -> None:
    for variables in ((), (f"FUZZ_FOUND={seeds}",)):
        status, said = replay_in_c("fuzz-replay", *variables)
        assert status == 0, said
        assert said.count("all as it has to be") == len(C_TARGETS)


@pytest.mark.parametrize(
    ("mutant", "name"),
    [
        ("read-is-a-message", "wire"),
        ("text-of-501-shown", "wire"),
        ("anybody-commands", "wire"),
        ("quits-unwelcomed", "session"),
        ("later-version-taken", "session"),
        ("text-of-500-cut", "outbox"),
    ],
)
def test_a_bug_of_the_c_core_is_found(mutant: str, name: str, seeds: Path) -> None:
    subprocess.run([sys.executable, C_CLIENT / "tests" / "mutate.py", mutant], check=True)
    status, said = replay_in_c(
        f"fuzz-replay-{name}",
        f"FUZZ_CORPUS={IN_C / 'corpus'}",
        f"FUZZ_FOUND={seeds}",
        directory=C_CLIENT / "build" / "mutants" / mutant,
    )
    assert status != 0
    assert "NOT SO: " in said
    assert "with the input " in said


# Bugs put into Python


PLANTED: list[tuple[str, str, Any]] = [
    ("decoder", "chatproto._codec.HOLD_MAX", 511),  # and then it yields for ever
    ("decoder", "chatproto._codec._CR", 0x20),
    ("decoder", "chatproto._codec.CONTROL", re.compile("\x00")),
    ("decoder", "conformance.oracle.HANDLE", re.compile(b".*")),
    ("client", "chatproto._session.SERVER_HANDLE", "server"),
    ("turns", "chatproto._session.Session._may_say", lambda *_: Act.TEXT),
    ("relay", "chatproto._relay._QUIT", b">\\quitting\n"),
    ("relay", "chatproto._relay._is_fast", lambda chunk, beginning: chunk.startswith(beginning)),
    ("relay", "chatproto._relay._C1", re.compile(b"never")),
    ("reception", "conformance.acts.reception.escape", lambda octets: octets.decode("latin-1")),
    ("screen", "conformance.acts.person.escape", lambda octets: octets.decode("latin-1")),
    ("screen", "fuzz.screen.plain", lambda line: line),
    ("report", "conformance.report.octets._INVISIBLE", frozenset()),
    ("files", "conformance.replay._UNUSABLE", (OSError,)),
]


SIGNS = (
    AssertionError, LookupError, ProtocolError, RuntimeError, SyntaxError, TypeError, ValueError,
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "place", "bug"), PLANTED, ids=[f"{name} {place}" for name, place, _ in PLANTED]
)
def test_a_bug_put_into_python_is_found(
    name: str, place: str, bug: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, bug)
    with pytest.raises(SIGNS):
        for octets in inputs(name):
            TARGETS[name](octets)
