"""How long a quiet client's line takes to a quiet receiver, with and without a flood beside.

The relay runs as it is delivered, its limits too. The flood comes from one other program,
from the same address; its octets reach the quiet receiver as well.
"""

import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from bench import programs
from bench.flooder import HOST, KINDS
from bench.samples import P50, P99, Samples
from bench.servers import OURS, Own

QUIET = "quiet"
SCENARIOS = (QUIET, *(f"beside {kind}" for kind in KINDS))
LINES = 400
PAUSE_SECONDS = 0.005
"""Between two lines, as of somebody who types fast: nothing is under way then."""
RECEIVERS = 10
"""Others in the room."""
READ_OCTETS = 1 << 20
BEGUN_SECONDS = 1.0
"""After so long a flood has used up what it may send at once."""


def measure(samples: Samples, rounds: int, tell: Callable[[str], None]) -> None:
    """Interleaved rounds: quiet, and beside each kind of flood."""
    command = [sys.executable, "-m", "reference.relayserver", "0", "--host", HOST]
    for turn in range(rounds):
        for scenario in SCENARIOS:
            tell(f"fairness {turn + 1} of {rounds}: {scenario}")
            running = Own(OURS, "chat", command, "").start(0)
            flooder = None
            try:
                with Room(running.port) as room:
                    if scenario != QUIET:
                        flooder = _flooder(running.port, scenario.removeprefix("beside "))
                        room.listen(BEGUN_SECONDS)
                    samples.add(scenario, OURS, room.latency())
            finally:
                if flooder is not None:
                    programs.stop(flooder)
                running.stop()


def _flooder(port: int, kind: str) -> "subprocess.Popen[bytes]":
    with programs.on_cpus(programs.cpus_of_load()):
        return subprocess.Popen([sys.executable, "-m", "bench.flooder", str(port), kind])  # noqa: S603 (our own)


class Room:
    """A quiet speaker, and receivers; one of them is looked at."""

    def __init__(self, port: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._all = [socket.create_connection((HOST, port)) for _ in range(2 + RECEIVERS)]
        self._speaker, self._receiver, *_ = self._all
        for each in self._all:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            each.setblocking(False)
            self._selector.register(each, selectors.EVENT_READ)
        self._heard = b""

    def __enter__(self) -> "Room":
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for each in self._all:
            each.close()

    def latency(self) -> dict[str, float]:
        """Median and 99th percentile, in microseconds."""
        took = []
        for number in range(LINES):
            line = b"quiet>line %d\n" % number
            self._heard = b""
            begun = time.perf_counter()
            self._speaker.sendall(line)
            while line not in self._heard:
                self._read(None)
            took.append((time.perf_counter() - begun) * 1e6)
            self.listen(PAUSE_SECONDS)
        return {P50: statistics.median(took), P99: statistics.quantiles(took, n=100)[98]}

    def listen(self, seconds: float) -> None:
        """Read all that comes for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)

    def _read(self, seconds: float | None) -> None:
        for key, _ in self._selector.select(seconds):
            receiver = key.fileobj
            assert isinstance(receiver, socket.socket)
            octets = receiver.recv(READ_OCTETS)
            if receiver is self._receiver:
                rest = self._heard[self._heard.rfind(b"\n") + 1 :]
                self._heard = rest + octets
