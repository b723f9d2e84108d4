"""All checks: the default sessions of nox, several at a time, since they mostly wait.

    python tools/check.py [OPTION OF NOX …]

Says what begins and how it ended; shows the output of what failed, and leaves all of it in
``.nox/logs``. The status is 1 if anything failed.
"""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".nox" / "logs"
AT_A_TIME = min(4, 1 + (os.cpu_count() or 1))
FIRST = ("lint", "types", "selftest", "tests", "soak", "conformance")
"""What tells most soon, then what takes longest; all others after them."""
NOX = (sys.executable, "-m", "nox", *sys.argv[1:])


def sessions() -> list[str]:
    """The default sessions, in the order in which to begin them."""
    listed = subprocess.run([*NOX, "--list"], cwd=ROOT, check=True, capture_output=True, text=True)
    found = re.findall(r"^\* (\S+)", listed.stdout, re.MULTILINE)
    return [name for name in FIRST if name in found] + [name for name in found if name not in FIRST]


def run(session: str) -> bool:
    """Run one; whether it is green."""
    tell(f"{session} …")
    begun = time.monotonic()
    log = LOGS / f"{session}.log"
    with log.open("wb") as written:
        done = subprocess.run(
            [*NOX, "--session", session],
            cwd=ROOT,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    green = done.returncode == 0
    if not green:
        tell(log.read_text(encoding="utf-8", errors="replace"))
    tell(f"{session}: {'green' if green else 'FAILED'}, {time.monotonic() - begun:.0f} s")
    return green


def tell(what: str) -> None:
    """Show it at once, whole lines only, whoever else shows something."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main() -> int:
    """Run all; the exit status."""
    LOGS.mkdir(parents=True, exist_ok=True)
    # Built once before all: several sessions would build it at the same time.
    subprocess.run(["make", "-s", "-C", str(ROOT / "c_client"), "all"], check=True)
    begun = time.monotonic()
    names = sessions()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        try:
            green = list(pool.map(run, names))
        except KeyboardInterrupt:  # the sessions got it as well
            pool.shutdown(cancel_futures=True)
            return 1
    failed = [name for name, well in zip(names, green, strict=True) if not well]
    tell(f"{len(names) - len(failed)} of {len(names)} green, {time.monotonic() - begun:.0f} s")
    if failed:
        tell(f"failed: {', '.join(failed)}; one alone: .venv/bin/nox -s NAME; logs: {LOGS}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
