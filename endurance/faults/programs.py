"""Our programs as processes: started on a host, under limits, their pipes read or left alone."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from endurance.faults.hosts import Host

ROOT = Path(__file__).resolve().parents[2]
C_CLIENT = ROOT / "c_client" / "chatclient"
SECONDS = 60.0
"""So long is waited for anything, unless something else is said. Most comes at once."""
PIPE = subprocess.PIPE


class WrongError(Exception):
    """Something that must hold does not; the sentence says what."""


class Output:
    """One of the output streams of a process, line by line as it comes."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._loop = asyncio.get_running_loop()
        self._unfinished = b""
        self._reading = False
        self.lines: list[str] = []
        self.take: Callable[[str], None] = lambda _line: None
        """Called with each line."""
        self.came = asyncio.Event()
        self.at_end = False
        os.set_blocking(pipe, False)

    def read_on(self) -> None:
        """Read from now on whatever comes."""
        self._reading = True
        self._loop.add_reader(self._pipe, self._read)

    def leave_alone(self) -> None:
        """Read nothing for now, so that it fills."""
        self._reading = False
        self._loop.remove_reader(self._pipe)

    def read_rest(self) -> None:
        """Read what the process left behind, unless it is left alone."""
        while self._reading:
            before = len(self.lines)
            self._read()
            if len(self.lines) == before:
                return

    def close(self) -> None:
        """Close our end: whoever writes there is told that nobody reads."""
        if self._pipe >= 0:
            self.leave_alone()
            os.close(self._pipe)
            self._pipe = -1

    def _read(self) -> None:
        try:
            octets = os.read(self._pipe, 1 << 16)
        except BlockingIOError:
            return
        if not octets:
            self.leave_alone()
            self.at_end = True
        *lines, self._unfinished = (self._unfinished + octets).split(b"\n")
        for line in lines:
            text = line.decode(errors="backslashreplace")
            self.lines.append(text)
            self.take(text)
        self.came.set()

    async def line(self, pattern: str, seconds: float = SECONDS) -> re.Match[str]:
        """The first line so far, or yet to come, in which the pattern is found."""
        looked = 0
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for line in self.lines[looked:]:
                        if found := re.search(pattern, line):
                            return found
                    looked = len(self.lines)
                    if self.at_end:
                        raise WrongError(f"no {pattern!r} among {self.lines[-5:]} to the end")
                    self.came.clear()
                    await self.came.wait()
        except TimeoutError:
            raise WrongError(f"no {pattern!r} among {self.lines[-5:]} in {seconds:g} s") from None


class Process:
    """A running program."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        name: str,
        host: Host | None = None,
        limits: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        closed: Sequence[int] = (),
        wrapped: Sequence[str] = (),
        stdin: int = PIPE,
        stdout: int = PIPE,
        stderr: int = PIPE,
    ) -> None:
        """Start it. The limits are options of prlimit(1); ``closed`` are standard descriptors
        that it does not get at all, ``wrapped`` is a command that becomes this one.
        """
        command = [*wrapped, *command]
        if closed:
            closing = " ".join(f"{fd}>&-" for fd in closed)
            command = ["sh", "-c", f'exec "$@" {closing}', "sh", *command]
        if limits:
            command = [
                "prlimit",
                *(f"--{what}={limit}" for what, limit in limits.items()),
                *command,
            ]
        self.name = name
        with host.inside() if host else contextlib.nullcontext():
            self._process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=ROOT,
                env=os.environ | (environment or {}),
            )
        self.output, self.errors = (
            Output(os.dup(pipe.fileno())) if pipe else None
            for pipe in (self._process.stdout, self._process.stderr)
        )
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()
        for each in (self.output, self.errors):
            if each:
                each.read_on()
        self._to_type = b""
        self._pidfd = os.pidfd_open(self._process.pid)
        self._end = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(self._pidfd, self._ended)
        self.expected_end = False
        """Whether it is no fault if this process is over at the end."""

    @property
    def shown(self) -> Output:
        """Its standard output."""
        assert self.output
        return self.output

    @property
    def told(self) -> Output:
        """Its standard error."""
        assert self.errors
        return self.errors

    def type(self, *lines: str) -> None:
        """Type lines; what it does not read at once waits here."""
        assert self._process.stdin
        self._to_type += "".join(f"{line}\n" for line in lines).encode()
        os.set_blocking(self._process.stdin.fileno(), False)
        self._type()

    def _type(self) -> None:
        loop = asyncio.get_running_loop()
        assert self._process.stdin
        pipe = self._process.stdin.fileno()
        try:
            written = os.write(pipe, self._to_type)
        except BlockingIOError:
            written = 0
        except BrokenPipeError:
            self._to_type = b""
            written = 0
        self._to_type = self._to_type[written:]
        if self._to_type:
            loop.add_writer(pipe, self._type)
        else:
            loop.remove_writer(pipe)

    def end_input(self) -> None:
        """End its standard input."""
        if self._process.stdin:
            with contextlib.suppress(ValueError, OSError):
                asyncio.get_running_loop().remove_writer(self._process.stdin.fileno())
                self._process.stdin.close()

    def signal(self, *numbers: signal.Signals) -> None:
        """Send it signals."""
        for number in numbers:
            self._process.send_signal(number)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._end.done()

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        self._end.set_result(self._process.wait())

    async def ended(self, seconds: float = SECONDS) -> int:
        """Wait for its end; the exit status, a signal's number negative."""
        try:
            async with asyncio.timeout(seconds):
                status = await asyncio.shield(self._end)
        except TimeoutError:
            raise WrongError(f"{self.name} has not ended in {seconds:g} s") from None
        self.expected_end = True
        for output in (self.output, self.errors):
            if output:
                output.read_rest()
        return int(status)

    async def ends_with(self, status: int, seconds: float = SECONDS) -> None:
        """Wait for its end, which must have this exit status."""
        actual = await self.ended(seconds)
        if actual != status:
            raise WrongError(
                f"{self.name} ended with status {actual}, not {status}; it said "
                f"{(self.errors.lines if self.errors else [])[-3:]}"
            )

    async def close(self) -> None:
        """End it at once, if it has not ended."""
        if not self.is_over:
            self._process.kill()
            await asyncio.shield(self._end)
        self.end_input()
        for output in (self.output, self.errors):
            if output:
                output.close()


PYTHON = [sys.executable, "-m"]
CLIENTS: dict[str, list[str]] = {
    "Python client": [*PYTHON, "reference.chatclient"],
    "C client": [str(C_CLIENT)],
}
