"""The debug view: every line, state change and connection event, with time and peer."""

import logging
import sys
from pathlib import Path

LOG = logging.getLogger("chatproto")


def open_view(*, debug: bool, log_file: Path | None) -> None:
    """Send the view to standard error and to a file, as asked. Raises OSError."""
    handlers: list[logging.Handler] = []
    if debug:
        handlers.append(logging.StreamHandler(sys.stderr))
    if log_file is not None:
        handlers.append(logging.FileHandler(log_file, encoding="utf-8", errors="replace"))
    layout = logging.Formatter("%(asctime)s.%(msecs)03d %(message)s", "%Y-%m-%d %H:%M:%S")
    for handler in handlers:
        handler.setFormatter(layout)
        LOG.addHandler(handler)
    LOG.setLevel(logging.DEBUG if handlers else logging.CRITICAL + 1)
    LOG.propagate = False
    logging.raiseExceptions = False  # a full disk or a closed pipe must not end a chat


def log_lines(peer: str, direction: str, octets: bytes) -> None:
    """Tell the view of each of the lines; an unfinished one, and the end, too."""
    for line in octets.split(b"\n")[: -1 if octets.endswith(b"\n") else None]:
        LOG.debug("%s %s %s", peer, direction, visible(line) if octets else "end of stream")


def visible(octets: bytes) -> str:
    """The octets for a log: text as it is, everything that is not printable escaped."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in octets.decode(errors="backslashreplace")
    )
