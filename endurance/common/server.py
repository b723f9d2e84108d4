"""A server of ours as its users run it, with pipes for its operator, watched from outside."""

import asyncio
import contextlib
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

from endurance.common.resources import Resources, resources_of
from endurance.common.tls import Tls
from endurance.common.wire import HOST, Place

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = {
    "relay": ("reference.relayserver",),
    "turns": ("reference.chatserver", "--waiting", "10000"),  # nobody is told that it is full
}
UNLIMITED = ("--max-per-address", "0", "--connect-rate", "0")
"""All visitors come from one address."""
START_SECONDS = 20
STOP_SECONDS = 10


class ServerFailedError(Exception):
    """The server did not start; the sentence says why."""


class Server:
    """A running server. What it writes is read all the time."""

    def __init__(self, process: asyncio.subprocess.Process, tls: Tls | None) -> None:
        self._process = process
        self._tls = tls
        self.place: Place
        self.show: Callable[[bytes], None] = lambda _octets: None
        """Called with what it writes to standard output, from the beginning of a line on."""
        self._complaints = b""
        self._reading: list[asyncio.Task[None]] = []

    @classmethod
    async def start(cls, kind: str, tls: Tls | None = None) -> Self:
        """Start it; it listens when this returns."""
        command = [sys.executable, "-m", *PROGRAMS[kind], "0", "--host", HOST, *UNLIMITED]
        process = await asyncio.create_subprocess_exec(
            *(*command, *(tls.of_server if tls else ())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            process_group=0,  # Ctrl-C is for us; we end it then
        )
        server = cls(process, tls)
        try:
            async with asyncio.timeout(START_SECONDS):
                await server._until_listening()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        return server

    async def _until_listening(self) -> None:
        screen, errors = self._process.stdout, self._process.stderr
        assert screen is not None
        assert errors is not None
        async for line in screen:
            if found := re.match(rb"Listening on port (\d+)", line):
                self.place = Place(int(found[1]), self._tls)
            if line.startswith(b"Awaiting client connections"):
                self._reading = [
                    asyncio.create_task(self._read(screen, self._shown)),
                    asyncio.create_task(self._read(errors, self._complained)),
                ]
                return
        raise ServerFailedError((await errors.read()).decode(errors="replace"))

    async def _read(self, pipe: asyncio.StreamReader, take: Callable[[bytes], None]) -> None:
        while octets := await pipe.read(1 << 16):
            take(octets)

    def _shown(self, octets: bytes) -> None:
        self.show(octets)

    def _complained(self, octets: bytes) -> None:
        self._complaints += octets

    def type(self, octets: bytes) -> None:
        """Type at the operator's place."""
        assert self._process.stdin is not None
        self._process.stdin.write(octets)

    def resources(self) -> Resources:
        """What its process holds. Raises OSError once it has ended."""
        return resources_of(self._process.pid)

    async def stop(self) -> list[str]:
        """End it; sentences about what was wrong with it."""
        wrong = []
        if self._process.returncode is not None:
            wrong.append("it ended by itself")
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                status = await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            status = 0
            wrong.append(f"it does not end within {STOP_SECONDS} s")
        if status:
            wrong.append(f"it ended with status {status}")
        await asyncio.gather(*self._reading)
        if self._complaints:
            said = self._complaints.decode(errors="replace")
            wrong.append(f"it complained: {said[:2000]}")
        return wrong
