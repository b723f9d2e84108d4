"""What a process holds, as Linux tells it from outside.

Tasks of an event loop cannot be seen from there. One that is never ended holds memory, and
most hold a socket: they are seen as growth of these.
"""

from pathlib import Path

from attrs import frozen


@frozen
class Resources:
    """What a process holds at one moment."""

    memory_kib: int
    """Resident."""
    descriptors: int
    threads: int


def resources_of(pid: int) -> Resources:
    """What it holds now. Raises OSError once it has ended."""
    process = Path("/proc", str(pid))
    return Resources(
        _number(process / "smaps_rollup", "Rss:"),  # counted there, only estimated elsewhere
        sum(1 for _ in (process / "fd").iterdir()),
        _number(process / "status", "Threads:"),
    )


def _number(file: Path, label: str) -> int:
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith(label):
            return int(line.split()[1])
    raise OSError(f"{file} does not tell {label}")
