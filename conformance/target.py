"""What is tested: a program that the suite starts, or a server that somebody else runs."""

import re
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass

from conformance.deviation import InconclusiveError
from conformance.spec import CLIENT
from conformance.upper_tester import Program, free_port, wait_listening

START_SECONDS = 15.0
HOST = "127.0.0.1"
SMALL_BUFFER, SMALL_SEGMENT = 4096, 536
"""Octets: with these the system holds little, and most of what waits is in the server."""
_ADDRESS = re.compile(r"(?:tcp://)?(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^\s:]+)):(?P<port>\d+)")

Address = tuple[str, int]


def parse_address(written: str) -> Address:
    """``tcp://HOST:PORT`` or ``HOST:PORT``; ValueError with a sentence if it is neither."""
    match = _ADDRESS.fullmatch(written)
    if match is None:
        raise ValueError(f"{written!r} is no address such as tcp://127.0.0.1:5000")
    return match["six"] or match["host"], int(match["port"])


@dataclass
class Target:
    """One implementation under test. ``command`` has {port}, a client's also {host}."""

    kind: str
    command: str | None = None
    addresses: tuple[Address, ...] = ()
    operator: str = ""
    """Where the operator of an attached server is: ``none`` or ``tcp:HOST:PORT``."""
    tty: str = "stdout"
    program: Program | None = None
    port: int = 0
    starts: int = 0

    @property
    def operable(self) -> bool:
        """Whether something can be typed and read at it."""
        return self.command is not None

    def another(self) -> "Target":
        """The same, with a process of its own."""
        return Target(self.kind, self.command, self.addresses, self.operator, self.tty)

    def written(self, host: str, port: int | str) -> str:
        """The command line for this address."""
        assert self.command is not None
        command = self.command.replace("{host}", host).replace("{port}", str(port))
        return re.sub(r"^python3? ", f"{sys.executable} ", command)

    def start(self, port: int, tty: str = "") -> Program:
        """Start a server on this port; it listens when this returns."""
        program = self.launch(port, tty=tty)
        if not wait_listening(port, program, START_SECONDS):
            status = program.process.poll()
            program.kill()
            said = b" / ".join(program.lines()[-3:]).decode(errors="replace")
            how = "does not listen" if status is None else f"ended with status {status}"
            raise InconclusiveError(f"the target {how} on port {port}. {said}".strip())
        return program

    def launch(self, port: int | str, host: str = HOST, tty: str = "") -> Program:
        """Start the program, and wait for nothing."""
        self.starts += 1
        try:
            return Program(
                self.written(host, port),
                tty_output=(tty or self.tty) != "none",
                tty_input=(tty or self.tty) == "both",
            )
        except OSError as error:
            raise InconclusiveError(f"the target cannot be started: {error}") from None

    def ready(self) -> None:
        """See that a server runs; a client is started by each case."""
        if self.command is None or self.kind == CLIENT:
            return
        if self.program is None or not self.program.alive or self.program.input_ended:
            self.stop()
            self.port = free_port()
            self.program = self.start(self.port)

    def stop(self) -> None:
        """End the running server."""
        if self.program is not None:
            self.program.kill()
            self.program = None

    def connect(self, index: int, port: int, seconds: float, slow: bool = False) -> socket.socket:
        """A connection to the server, of our index-th client: one node after the other."""
        nodes = self.addresses or ((HOST, port),)
        address = nodes[index % len(nodes)]
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        connected = socket.socket(family, socket.SOCK_STREAM)
        try:
            if slow:
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)
            connected.settimeout(seconds)
            connected.connect(address)
        except OSError as error:
            with suppress(OSError):
                connected.close()
            raise InconclusiveError(
                f"cannot connect to {address[0]}:{address[1]}: {error}"
            ) from None
        return connected
