"""What is tested: a program that the suite starts, or a server that somebody else runs."""

import re
import shlex
import socket
import ssl
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace

from conformance import tls
from conformance.deviation import InconclusiveError, UnreachableError
from conformance.ports import free_port
from conformance.spec import CLIENT
from conformance.tls import Tls, TlsSocket
from conformance.upper_tester import Program, ending, wait_listening

START_SECONDS = 15.0
HOST = "127.0.0.1"
BROKEN_OFF = "the run was broken off"
SMALL_BUFFER, SMALL_SEGMENT = 4096, 536
"""Octets: with these the system holds little, and most of what waits is in the server."""
_ADDRESS = re.compile(
    r"(?:(?:tcp|tls)://)?(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^\s:]+)):(?P<port>\d+)"
)

Address = tuple[str, int]


def parse_address(written: str) -> Address:
    """``tcp://HOST:PORT``, ``tls://…`` or ``HOST:PORT``; ValueError with a sentence if not."""
    match = _ADDRESS.fullmatch(written)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise ValueError(f"{written!r} is no address such as tcp://127.0.0.1:5000")
    return match["six"] or match["host"], int(match["port"])


def written_address(address: Address, scheme: str = "tcp") -> str:
    """What ``parse_address`` reads."""
    host, port = address
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@dataclass
class Target:
    """One implementation under test. ``command`` has {port}, a client's also {host}.

    With {cert} and {key}, or a client's {ca}, it speaks TLS.
    """

    kind: str
    command: str | None = None
    addresses: tuple[Address, ...] = ()
    operator: str = ""
    """HOST:PORT where the operator of an attached server types and reads, or nothing."""
    tty: str = "stdout"
    tls: Tls | None = None
    """How TLS is spoken with it, if it is."""
    patience: float = 1.0
    """So many times as long as usual it may take to start."""
    program: Program | None = None
    port: int = 0
    starts: int = 0
    broken_off: threading.Event = field(default_factory=threading.Event)
    """Set when whatever is tested with it, or with another one of it, should come to an end."""

    def __post_init__(self) -> None:
        if self.tls is None and self.command is not None:
            self.tls = tls.of_command(self.command, is_client=self.kind == CLIENT)

    @property
    def scheme(self) -> str:
        """What stands before its addresses."""
        return "tls" if self.tls else "tcp"

    @property
    def operable(self) -> bool:
        """Whether something can be typed and read at it."""
        return self.command is not None

    def another(self) -> "Target":
        """The same, with a process of its own."""
        return replace(self, program=None, port=0, starts=0)

    def written(self, host: str, port: int | str) -> str:
        """The command line for this address."""
        assert self.command is not None
        command = self.command.replace("{host}", host).replace("{port}", str(port))
        if self.tls is not None:
            command = tls.filled(command, is_client=self.kind == CLIENT)
        return re.sub(r"^python3? ", f"{sys.executable} ", command)

    def start(self, port: int, tty: str = "") -> Program:
        """Start a server on this port; it listens when this returns."""
        program = self.launch(port, tty=tty)
        seconds = START_SECONDS * self.patience
        if not wait_listening(port, program, seconds):
            status = program.ended(0.0)
            program.kill()
            if program.flooded:
                how = f"floods its screen and does not listen on port {port}"
            elif status is None:
                how = f"does not listen on port {port} within {seconds:.0f} s"
            elif status == 0:
                how = "ended with status 0, but a server has to stay in the foreground"
            else:
                how = f"ended with {ending(status)} and did not listen on port {port}"
            raise UnreachableError(f"the target {how}; {self._advice(program, port)}")
        return program

    def _advice(self, program: Program, port: int | str) -> str:
        said = f'it says "{program.last_words}"; ' if program.last_words else ""
        return f"{said}see whether it does when started by hand: {self.written(HOST, port)}"

    def launch(self, port: int | str, host: str = HOST, tty: str = "") -> Program:
        """Start the program, and wait for nothing."""
        if self.broken_off.is_set():
            raise InconclusiveError(BROKEN_OFF)
        self.starts += 1
        try:
            return Program(
                self.written(host, port),
                tty_output=(tty or self.tty) != "none",
                tty_input=(tty or self.tty) == "both",
            )
        except OSError as error:
            raise UnreachableError(
                f"the target cannot be started ({error.strerror}); "
                f"see that its program can be run: {self.written(host, port)}"
            ) from None

    def ready(self) -> None:
        """See that a server runs, or its operator is connected; each case starts a client."""
        if self.operator:
            self._connect_operator()
        if self.command is None or self.kind == CLIENT:
            return
        if self.program is None or not self.program.alive or self.program.input_ended:
            self.stop()
            self.port = free_port()
            self.program = self.start(self.port)

    def _connect_operator(self) -> None:
        if self.program is None or not self.program.alive or self.program.input_ended:
            self.stop()
            host, port = parse_address(self.operator)
            bridge = [sys.executable, "-m", "conformance.remote_operator", host, str(port)]
            self.program = Program(shlex.join(bridge), tty_output=False)

    def stop(self) -> None:
        """End the running server, or leave the operator of one that was running."""
        if self.program is not None:
            self.program.kill()
            self.program = None

    def address(self, index: int, port: int) -> Address:
        """Where our index-th client connects to: one node after the other."""
        nodes = self.addresses or ((HOST, port),)
        return nodes[index % len(nodes)]

    def connect(self, address: Address, seconds: float, *, slow: bool) -> socket.socket:
        """A connection of TCP to the server."""
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
            raise UnreachableError(
                f"cannot connect to {address[0]}:{address[1]} ({error}); "
                "see that the server runs and takes connections there"
            ) from None
        return connected


def shake(connected: TlsSocket, seconds: float) -> None:
    """Do the handshake of TLS; UnreachableError, and no connection any more, if it fails."""
    try:
        connected.handshake(seconds)
    except OSError as error:
        connected.close()
        distrusted = isinstance(error, ssl.SSLCertVerificationError)
        advice = "what --ca names" if distrusted else "that it speaks TLS 1.3"
        why = tls.words(error)
        raise UnreachableError(f"the handshake of TLS fails ({why}); see {advice}") from None
