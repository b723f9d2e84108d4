"""The suite's side of a person: starts a program, types into it, and reads its screen.

Standard input is a pipe. Standard output is a raw pseudo-terminal, or a pipe: many programs
buffer a pipe until it is full. Each process leads a group of its own and ends with it.
"""

import atexit
import contextlib
import fcntl
import os
import pty
import re
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import termios
import time
import tty
from pathlib import Path

from conformance import strays
from conformance.trace import telling

_READ_OCTETS = 65536
_SCREEN_MAX = 4 << 20
"""Octets of a screen that are kept; a program that floods its screen is read no further."""
_DYING_SECONDS = 0.2
_ERRORS_KEPT = 4096
_ERRORS_READ_MAX = 1 << 20
"""Octets of standard error that are read in one go: it may be written faster than it is read."""
_KILL_SECONDS = 5.0
_ESCAPES = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-B0-2]"
)
_LISTEN = "0A"
_running: dict[int, "Program"] = {}


@atexit.register
def end_all() -> None:
    """End whatever still runs."""
    for program in list(_running.values()):
        program.kill()
    strays.end_strays()


class Program:
    """A process under test with its standard input and screen."""

    def __init__(self, command: str, *, tty_output: bool = True, tty_input: bool = False) -> None:
        self.command = command
        self._master = -1
        child_ends = []
        if tty_output or tty_input:
            self._master, slave = pty.openpty()
            child_ends.append(slave)
            tty.setraw(slave, termios.TCSANOW)
        self._mark = strays.new_mark()
        stdin: int = slave if tty_input else subprocess.PIPE
        stdout: int = slave if tty_output else subprocess.PIPE
        try:
            self.process = subprocess.Popen(
                shlex.split(command),
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.PIPE,
                env={**os.environ, strays.VARIABLE: self._mark},
                start_new_session=True,
                bufsize=0,
            )
        except BaseException:
            if self._master >= 0:
                os.close(self._master)
            raise
        finally:
            for each in child_ends:
                os.close(each)
        self._in = self._master if self.process.stdin is None else self.process.stdin.fileno()
        self._out = self._master if self.process.stdout is None else self.process.stdout.fileno()
        assert self.process.stderr is not None
        self._error = self.process.stderr.fileno()
        os.set_blocking(self._error, False)
        self._error_open = True
        self.errors = b""
        """The end of what it has written to standard error."""
        self.errors_size = 0
        os.set_blocking(self._out, False)
        os.set_blocking(self._in, False)
        self._out_open = True
        self.screen = b""
        """What it has written and nobody has looked at."""
        self._lines: list[bytes] = []
        self._lines_end = 0
        """Where on the screen the last of these lines ends."""
        self.input_ended = False
        _running[self.process.pid] = self

    # The screen

    def read(self) -> None:
        """Take what is on the screen, and what went to standard error."""
        self._read_errors()
        pieces = [self.screen]
        left = _SCREEN_MAX - len(self.screen)
        while self._out_open and left > 0:
            try:
                pieces.append(os.read(self._out, _READ_OCTETS))
            except BlockingIOError:
                break
            except OSError:
                pieces.append(b"")
            self._out_open = bool(pieces[-1])
            left -= len(pieces[-1])
        self.screen = b"".join(pieces)

    @property
    def flooded(self) -> bool:
        """Whether so much is on the screen that no more of it is read."""
        return len(self.screen) >= _SCREEN_MAX

    def outputs(self) -> list[int]:
        """The descriptors that are to be read."""
        screen = self._out_open and not self.flooded
        return [*([self._out] if screen else []), *([self._error] if self._error_open else [])]

    def _read_errors(self) -> None:
        enough = self.errors_size + _ERRORS_READ_MAX
        while self._error_open and self.errors_size < enough:
            try:
                octets = os.read(self._error, _READ_OCTETS)
            except BlockingIOError:
                return
            self._error_open = bool(octets)
            self.errors_size += len(octets)
            self.errors = (self.errors + octets)[-_ERRORS_KEPT:]

    def wait_screen(self, seconds: float) -> bool:
        """Wait until something is written; False when the time is over or nothing more comes."""
        if not self.outputs():
            return False
        with selectors.DefaultSelector() as selector:
            for output in self.outputs():
                selector.register(output, selectors.EVENT_READ)
            if not selector.select(seconds):
                return False
        self.read()
        return bool(self.outputs())

    def lines(self) -> list[bytes]:
        """The whole lines on the screen, without colours and prompts' carriage returns."""
        end = self.screen.rfind(b"\n") + 1
        new = self.screen[self._lines_end : end]
        self._lines += [plain(line) for line in new.split(b"\n")[:-1]]
        self._lines_end = end
        return self._lines

    def clear_screen(self) -> None:
        """Forget what is on it."""
        self.screen = b""
        self._lines = []
        self._lines_end = 0

    @property
    def last_words(self) -> str:
        """The last lines on standard error, or else on the screen, for a sentence on its end."""
        said = self.errors if self.errors.strip() else self.screen[-_ERRORS_KEPT:]
        return telling(b"\n".join(map(plain, said.split(b"\n"))))

    # Typing

    def type(self, octets: bytes, seconds: float) -> bool:
        """Type; False if it was not read in time."""
        deadline = time.monotonic() + seconds
        while octets:
            try:
                octets = octets[os.write(self._in, octets) :]
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self.read()
                with selectors.DefaultSelector() as selector:
                    selector.register(self._in, selectors.EVENT_WRITE)
                    selector.select(min(left, 0.05))
            except OSError:
                return False
        return True

    def wait_typed(self, seconds: float) -> None:
        """Wait until it has read all that was typed, where the system can tell."""
        deadline = time.monotonic() + seconds
        unread = bytearray(4)
        while self.alive and time.monotonic() < deadline and not self.input_ended:
            try:
                fcntl.ioctl(self._in, termios.FIONREAD, unread)
            except OSError:
                return
            if not int.from_bytes(unread, sys.byteorder):
                return
            self.wait_screen(0.002)

    def type_some(self, octets: bytes | memoryview) -> int:
        """Type as much as is taken at once; how many octets that was."""
        try:
            return os.write(self._in, octets) if octets else 0
        except OSError:
            return 0

    def end_input(self) -> None:
        """End its standard input."""
        self.input_ended = True
        if self.process.stdin is not None:
            self.process.stdin.close()

    # The end

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def signal(self, name: str) -> None:
        """Send it a signal; what stops it, or lets it go on, goes to its whole group."""
        number = getattr(signal, name)
        with contextlib.suppress(ProcessLookupError):
            if number in (signal.SIGSTOP, signal.SIGCONT):
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    def ended(self, seconds: float) -> int | None:
        """Its exit status, negative for a signal, once it has ended; None if it runs on."""
        deadline = time.monotonic() + seconds
        pidfd = os.pidfd_open(self.process.pid) if hasattr(os, "pidfd_open") and self.alive else -1
        try:
            with selectors.DefaultSelector() as selector:
                if pidfd >= 0:
                    selector.register(pidfd, selectors.EVENT_READ)
                for output in self.outputs():
                    selector.register(output, selectors.EVENT_READ)
                while self.alive and (left := deadline - time.monotonic()) > 0:
                    selector.select(min(left, 0.05))
                    self.read()
                    for closed in set(selector.get_map()) - {pidfd, *self.outputs()}:
                        selector.unregister(closed)
        finally:
            if pidfd >= 0:
                os.close(pidfd)
        self.read()
        return self.process.poll()

    def status(self, *, broken: bool) -> int | None:
        """Its exit status; it gets a moment to end if a connection broke, or its screen did."""
        self.read()
        return self.ended(_DYING_SECONDS if broken or not self._out_open else 0.0)

    def kill(self) -> None:
        """End it with its whole process group, and take back every descriptor."""
        if _running.pop(self.process.pid, None) is None:
            return
        outlived = not self.alive
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
            if outlived:
                strays.survivors.append(self.process.pid)
        try:
            self.process.wait(_KILL_SECONDS)
        except subprocess.TimeoutExpired:  # it may belong to somebody else by now
            strays.survivors.append(self.process.pid)
        strays.note_end(self._mark)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        if self._master >= 0:
            os.close(self._master)


def ending(status: int) -> str:
    """How a program ended, by its status."""
    return f"signal {-status}" if status < 0 else f"status {status}"


def plain(line: bytes) -> bytes:
    """A line without escape sequences, and without what a carriage return wrote over."""
    return _ESCAPES.sub(b"", line).rstrip(b"\r").rpartition(b"\r")[2]


def listening(port: int) -> bool | None:
    """Whether somebody listens there, without a connection; None where the system cannot say."""
    found = None
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            found = bool(found)
            for row in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                local, _, state = row.split()[1:4]
                if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                    return True
    return found


def wait_listening(port: int, program: Program, seconds: float) -> bool:
    """Wait until it listens; False if it has ended, floods its screen, or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        there = listening(port)
        if there is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                there = True
        if there:
            return program.alive
        if not program.alive or program.flooded:
            return False
        program.ended(0.01)
    return False
