"""All servers that are measured, and how one of them is running while it is."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from attrs import define, frozen

from bench import programs
from bench.peers import PEERS, Peer

OURS = "our relay"
FLOOR = "floor: gathered"
UNLIMITED = ("--max-per-address", "0", "--connect-rate", "0")
"""All clients of the bench come from one address, and all at once."""
READY_SECONDS = 15
QUEUE_OFF = 1 << 30
"""Octets for a slow receiver where no limit is wanted."""
_PROGRAM_DIRECTORIES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_UNPRIVILEGED = "nobody"


class ServerFailedError(Exception):
    """A server did not start, or did not stay; the sentence says which."""


class Server(Protocol):
    """A server that can be started as often as is wanted."""

    @property
    def name(self) -> str:
        """As it stands in the tables."""

    @property
    def protocol(self) -> str:
        """As the load generator calls it."""

    @property
    def together(self) -> int:
        """Connections that may be getting in at a time."""

    def version(self) -> str:
        """Its version, for the record."""

    def start(self, queue: int) -> "Running":
        """Start it; it is ready when this returns. ``queue``: see bench.peers."""


@define
class Running:
    """A server's process, until it is stopped."""

    process: "subprocess.Popen[bytes]"
    port: int
    clean_up: Callable[[], None] = lambda: None

    @property
    def pid(self) -> int:
        """Of its process, which has all its threads."""
        return self.process.pid

    def stop(self) -> None:
        """End it, and remove what it left behind."""
        programs.stop(self.process)
        self.clean_up()


@frozen
class Own:
    """A program of ours: it takes any free port and says ``Listening on port PORT``."""

    name: str
    protocol: str
    command: list[str]
    said_version: str
    together: int = 8

    def version(self) -> str:
        """Its version, or what stands for one."""
        return self.said_version

    def start(self, queue: int) -> Running:  # noqa: ARG002 (its own bound is a MiB)
        """Start it; what it shows goes through a pipe, which is read all the time."""
        process = programs.start(self.command, output=subprocess.PIPE)
        screen = process.stdout
        assert screen is not None
        bound = threading.Timer(READY_SECONDS, process.kill)
        bound.start()
        try:
            for line in screen:
                if found := re.search(rb"^Listening on port (\d+)", line):
                    threading.Thread(target=_read_all, args=(screen,), daemon=True).start()
                    return Running(process, int(found[1]))
        finally:
            bound.cancel()
        programs.stop(process)
        raise ServerFailedError(f"{self.name} does not start: {' '.join(self.command)}")


def _read_all(screen: IO[bytes]) -> None:
    with screen:
        while os.read(screen.fileno(), 1 << 16):
            pass


@frozen
class Installed:
    """A server of another project that is installed here."""

    peer: Peer
    program: str

    @property
    def name(self) -> str:
        """As it stands in the tables."""
        return self.peer.name

    @property
    def protocol(self) -> str:
        """As the load generator calls it."""
        return self.peer.protocol

    @property
    def together(self) -> int:
        """Connections that may be getting in at a time."""
        return self.peer.together

    def version(self) -> str:
        """The first number with a dot that it says of itself."""
        said = programs.output_of([self.program, *self.peer.version], READY_SECONDS)
        found = re.search(r"\d+(?:\.\d+)+", said)
        return found[0] if found else "?"

    def start(self, queue: int) -> Running:
        """Start it with a configuration of its own, without privileges."""
        directory = tempfile.TemporaryDirectory(prefix=f"bench-{self.peer.name}-")
        user = _UNPRIVILEGED if os.geteuid() == 0 else None
        if user:
            shutil.chown(directory.name, user)
        port = _free_port()
        file = Path(directory.name, "configuration")
        file.write_text(
            self.peer.configuration.format(port=port, directory=directory.name, queue=queue)
        )
        file.chmod(0o644)
        arguments = [argument.format(file=file) for argument in self.peer.arguments]
        process = programs.start([self.program, *arguments], output=subprocess.DEVNULL, user=user)
        running = Running(process, port, directory.cleanup)
        try:
            _wait_until_listening(self.name, running)
        except BaseException:
            running.stop()
            raise
        return running


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_listening(name: str, running: Running) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while running.process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", running.port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            time.sleep(0.05)  # it takes note that this one has gone
            return
    raise ServerFailedError(f"{name} does not listen within {READY_SECONDS} s")


def own_servers(floor: Path) -> list[Server]:
    """The three floors, our relay, and the naive one. ``floor`` is the program in C."""
    from chatproto import __version__

    relay = [sys.executable, "-m", "reference.relayserver", "0", "--rate", "0"]
    python = f"Python {sys.version.split()[0]}"
    return [
        Own(FLOOR, "plain", [str(floor), "gathered"], "C"),
        Own("floor: chunks", "plain", [str(floor), "chunks"], "C"),
        Own("floor: lines", "plain", [str(floor), "lines"], "C"),
        Own(
            OURS,
            "chat",
            [*relay, "--host", "127.0.0.1", "--max-clients", "15000", *UNLIMITED],
            f"{__version__}, {python}",
        ),
        Own("naive asyncio", "plain", [sys.executable, "-m", "bench.naive"], python),
    ]


def installed_servers() -> tuple[list[Server], list[str]]:
    """Other people's servers; and the names of those that are not installed."""
    found: list[Server] = []
    missing = []
    for peer in PEERS:
        program = shutil.which(peer.program, path=_PROGRAM_DIRECTORIES)
        if program:
            found.append(Installed(peer, program))
        else:
            missing.append(peer.name)
    return found, missing
