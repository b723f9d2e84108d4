"""A program at a terminal, and what a person would see there."""

import contextlib
import select
import signal
import sys
from collections.abc import Callable

import pexpect
import pyte

from tests.programs import DEADLINE_SECONDS

ROWS, COLUMNS = 30, 100


def all_written(master: int) -> bytes:
    """All that was written to a terminal until nobody had it any more; its end is closed."""
    pieces = []
    with open(master, "rb", buffering=0) as end, contextlib.suppress(OSError):  # EIO: the end
        while select.select([end], [], [], DEADLINE_SECONDS)[0]:
            pieces.append(end.read(65536))
        raise AssertionError(f"still open, after {b''.join(pieces)!r}")
    return b"".join(pieces)


def end(program: pexpect.spawn) -> None:
    """End it at once, whatever it does."""
    if program.isalive():
        program.kill(signal.SIGKILL)
        program.wait()
    program.close()


def _heed_interrupts() -> None:
    """As at a terminal, also where the tests were started in the background of a shell."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Screen:
    """A terminal with the program in it; what a person would see is on ``rows()``."""

    def __init__(self, *arguments: str) -> None:
        self.program = pexpect.spawn(
            sys.executable,
            ["-m", *arguments],
            dimensions=(ROWS, COLUMNS),
            timeout=DEADLINE_SECONDS,
            preexec_fn=_heed_interrupts,
        )
        self._screen = pyte.Screen(COLUMNS, ROWS)
        # The program may ask where the cursor is.
        self._screen.write_process_input = self.program.send  # type: ignore[method-assign]
        self._stream = pyte.ByteStream(self._screen)

    def rows(self) -> list[str]:
        return [row.rstrip() for row in self._screen.display if row.strip()]

    def in_colour(self, row: str) -> bool:
        """Whether the last row that reads so begins in colour or bold; a text cannot."""
        at = max(y for y, shown in enumerate(self._screen.display) if shown.rstrip() == row)
        first = self._screen.buffer[at][0]
        return bool(first.fg != "default" or first.bold)

    def wait_for(self, what: Callable[[list[str]], bool]) -> list[str]:
        """Read what the program writes until the screen is as wanted."""
        while not what(self.rows()):
            try:
                self._read()
            except (pexpect.TIMEOUT, pexpect.EOF):
                raise AssertionError("\n".join(self.rows())) from None
        return self.rows()

    def _read(self) -> None:
        self._stream.feed(self.program.read_nonblocking(65536, DEADLINE_SECONDS))

    def wait_for_row(self, row: str) -> list[str]:
        return self.wait_for(lambda rows: row in rows)

    def wait_for_last(self, row: str) -> list[str]:
        """The last row: the prompt and what is typed behind it."""
        return self.wait_for(lambda rows: rows[-1:] == [row])

    def type(self, text: str) -> None:
        self.program.send(text)

    def close(self) -> None:
        end(self.program)

    def status(self) -> int:
        with contextlib.suppress(pexpect.EOF):
            while True:
                self._read()
        self.program.close()
        assert self.program.signalstatus is None
        return int(self.program.exitstatus)
