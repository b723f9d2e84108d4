"""Builds of the C client for tests, one at a time, however many processes run tests."""

import fcntl
import subprocess
from pathlib import Path

C_CLIENT = Path(__file__).parent.parent / "c_client"


def tried(*arguments: str, directory: Path = C_CLIENT) -> subprocess.CompletedProcess[str]:
    """What came of make with these."""
    with (C_CLIENT / "Makefile").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        return subprocess.run(
            ["make", "-s", "-C", str(directory), *arguments],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
        )


def make(*arguments: str) -> str:
    """What make says that has done it."""
    made = tried(*arguments)
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout
