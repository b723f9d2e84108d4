"""Programs of the bench: built from C on the spot, run on their own CPUs, ended by their id."""

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
C_FLAGS = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion")
STOP_SECONDS = 3


class MissingToolError(Exception):
    """What is needed to measure at all is not there; the sentence says what."""


def build(name: str, directory: Path) -> Path:
    """Compile ``name``.c; the path of the program."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise MissingToolError("there is no C compiler (cc); the load generator is in C")
    program = directory / name
    run = subprocess.run(  # noqa: S603 (our own sources)
        [compiler, *C_FLAGS, "-Werror", "-o", str(program), str(HERE / f"{name}.c")],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise MissingToolError(f"{name}.c does not compile here:\n{run.stderr}")
    return program


def cpus_of_load() -> set[int]:
    """The last CPU: whether server and load share one changes what a send costs fourfold."""
    return {max(os.sched_getaffinity(0))}


def cpus_of_server() -> set[int]:
    """All the others, if there are any."""
    cpus = os.sched_getaffinity(0)
    return cpus - cpus_of_load() or cpus


@contextlib.contextmanager
def on_cpus(cpus: set[int]) -> Iterator[None]:
    """What is started meanwhile runs on these CPUs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def start(command: list[str], *, output: int, user: str | None = None) -> "subprocess.Popen[bytes]":
    """Start a server, on its CPUs; ``user`` is one without privileges."""
    with on_cpus(cpus_of_server()):
        return subprocess.Popen(  # noqa: S603 (the commands are the bench's own)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
        )


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End it, and wait until it has ended."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def output_of(command: list[str], seconds: float, cpus: set[int] | None = None) -> str:
    """What a program says on standard output and error, until it ends.

    Raises subprocess.TimeoutExpired after so many seconds.
    """
    with on_cpus(cpus or os.sched_getaffinity(0)):
        process = subprocess.Popen(  # noqa: S603 (the commands are the bench's own)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        said, _ = process.communicate(timeout=seconds)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return said
