"""The debug view: every line, state change and connection event, with time and peer."""

import contextlib
import logging
import os
import queue
import sys
import threading
from pathlib import Path

LOG = logging.getLogger("chatproto")
UNWRITTEN_MAX = 10_000
"""Lines that may wait to be written; those beyond that are counted, and the count is written."""
CLOSE_SECONDS = 1
"""So long the end waits for them."""


class _Writer(logging.Handler):
    """Writes in a thread of its own: a pipe that nobody reads, or a slow disk, holds up nobody."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._unwritten: queue.Queue[bytes] = queue.Queue(UNWRITTEN_MAX)
        self._missed = 0
        threading.Thread(target=self._write, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{self.format(record)}\n"
        if self._missed:
            line = f"-- {self._missed} lines are missing here\n{line}"
        try:
            self._unwritten.put_nowait(line.encode(errors="replace"))
            self._missed = 0
        except queue.Full:
            self._missed += 1

    def _write(self) -> None:
        while True:
            octets = self._unwritten.get()
            with contextlib.suppress(OSError):  # a full disk: later there may be room again
                while octets:
                    octets = octets[os.write(self._descriptor, octets) :]
            self._unwritten.task_done()

    def flush(self) -> None:
        """Wait until all is written, but not for ever."""
        with self._unwritten.all_tasks_done:
            self._unwritten.all_tasks_done.wait_for(
                lambda: not self._unwritten.unfinished_tasks, CLOSE_SECONDS
            )


def open_view(*, debug: bool, log_file: Path | None) -> None:
    """Send the view to standard error and to a file, as asked. Raises OSError."""
    handlers = []
    if debug:
        handlers.append(_Writer(sys.stderr.fileno()))
    if log_file is not None:
        handlers.append(_Writer(os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)))
    layout = logging.Formatter("%(asctime)s.%(msecs)03d %(message)s", "%Y-%m-%d %H:%M:%S")
    for handler in handlers:
        handler.setFormatter(layout)
        LOG.addHandler(handler)
    LOG.setLevel(logging.DEBUG if handlers else logging.CRITICAL + 1)
    LOG.propagate = False


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
