"""Those who chat: members with sockets of ours, and the client programs; all keep the ledger."""

import asyncio
import contextlib
import random
import re
import socket
import struct
from collections.abc import Callable, Sequence

from endurance.common.tls import Tls
from endurance.faults.hosts import Host
from endurance.faults.ledger import Ledger
from endurance.faults.programs import SECONDS, Process, WrongError
from reference._tls import TlsSocket

SAID = re.compile(r"([A-Za-z0-9][\w.-]{0,9})>(.*)", re.ASCII)
LETTERS = "abcdefghijklmnopqrstuvwxyz    éß€漢😀"
SHORT, LONG = 40, 490
QUIT = r"\quit"


class Voice:
    """Somebody who says numbered lines, each different."""

    def __init__(self, name: str, ledger: Ledger, dice: random.Random) -> None:
        self.name = name
        self.ledger = ledger
        self._dice = dice
        self.said = 0
        """Lines."""
        self.text_max = SHORT
        """Octets of a text, about."""

    def _next_text(self) -> str:
        self.said += 1
        words = "".join(self._dice.choices(LETTERS, k=self._dice.randrange(self.text_max)))
        text = f"{self.said} {words}".encode()[: self.text_max + 8].decode(errors="ignore")
        self.ledger.say(self.name, text)
        return text

    async def say(self) -> None:
        """Say the next line."""
        raise NotImplementedError

    async def talk(self, lines: int, gap: float = 0.01) -> None:
        """Say so many lines, a gap in seconds after each."""
        for _ in range(lines):
            if self.is_dismissed:
                return
            await self.say()
            await asyncio.sleep(gap)

    @property
    def is_dismissed(self) -> bool:
        """Whether the server has said its last word."""
        return False


class Member(Voice):
    """A client whose octets are ours, so that it can do what no program would."""

    def __init__(
        self,
        name: str,
        ledger: Ledger,
        dice: random.Random,
        *,
        tls: Tls | None = None,
        host: Host | None = None,
        window: int = 0,
        segment: int = 0,
        gulp: int = 65536,
    ) -> None:
        """``window`` is for its system's buffer, ``segment`` the most octets of a packet, and
        ``gulp`` of one read; 0: as usual.
        """
        super().__init__(name, ledger, dice)
        self._tls = tls
        self._host = host
        self._gulp = gulp
        self._window = window
        self._segment = segment
        self._unread = b""
        self._reading: asyncio.Task[None] | None = None
        self._may_write = asyncio.Event()
        """Set when TLS's handshake is over, if there is one."""
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._loop = asyncio.get_running_loop()
        self.changed = asyncio.Event()
        """Set when something came."""
        self.present: set[str] = set()
        """The others, as the relay has told."""
        self.commands: list[str] = []
        """What the server said with a backslash."""
        self.at_end = self.was_reset = False

    @property
    def hears_presence(self) -> bool:
        """Whether ``present`` is kept."""
        return any(command.startswith(r"\welcome") for command in self.commands)

    @property
    def is_dismissed(self) -> bool:
        """Whether the server has said its last word."""
        return self.at_end or self.commands[-1:] == [QUIT]

    async def connect(self, addresses: Sequence[str], port: int) -> None:
        """Connect to the first address of its own family that answers."""
        family = socket.AF_INET6 if ":" in addresses[0] else socket.AF_INET
        with self._host.inside() if self._host else contextlib.nullcontext():
            self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._window:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._window)
        if self._segment:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, self._segment)
        await self._loop.sock_connect(self._socket, (addresses[0], port))
        if self._tls:
            self._socket = self._tls.over(self._socket, addresses[0])
        else:
            self._may_write.set()
        self._reading = asyncio.create_task(self._read())

    async def join(self) -> None:
        """Join, and wait for the welcome of a relay: from then on it must hear everything."""
        await self.send(rf"{self.name}>\join chat/1")
        await self.until(lambda: self.hears_presence, "was not welcomed")
        self.ledger.arrive(self.name)

    async def send(self, line: str, end: str = "\n") -> None:
        """Send a line as it is."""
        await self.send_octets(f"{line}{end}".encode())

    async def send_octets(self, octets: bytes) -> None:
        """Send octets. What a server that has gone does not take is no matter."""
        await self._may_write.wait()
        with contextlib.suppress(ConnectionError):
            await self._loop.sock_sendall(self._socket, octets)

    async def send_urgent(self, octets: bytes) -> None:
        """Send octets, the last of them out of band."""
        with contextlib.suppress(OSError):
            self._socket.send(octets, socket.MSG_OOB)

    async def say(self) -> None:
        """Say the next line."""
        await self.send(f"{self.name}>{self._next_text()}")

    async def say_at_once(self, lines: int, end: str = "\n") -> None:
        """Say so many lines in one piece."""
        said = "".join(f"{self.name}>{self._next_text()}{end}" for _ in range(lines))
        await self.send_octets(said.encode())

    async def say_by_octets(self, lines: int) -> None:
        """Say so many lines, each octet in a packet of its own."""
        for _ in range(lines):
            for octet in f"{self.name}>{self._next_text()}\n".encode():
                await self.send_octets(bytes([octet]))
                await asyncio.sleep(0)

    def pause(self) -> None:
        """Read nothing for now."""
        self._may_read.clear()

    def go_on(self) -> None:
        """Read again."""
        self._may_read.set()

    async def until(self, holds: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
        """Wait for a condition on what has come."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    if self.at_end:
                        raise WrongError(f"{self.name} {what} before the end: {self.commands[-3:]}")
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            raise WrongError(f"{self.name} {what} in {seconds:g} s") from None

    async def until_present(self, names: set[str]) -> None:
        """Wait until the relay has told that these are here, and nobody else."""
        await self.until(
            lambda: self.present == names, f"was not told that just {sorted(names)} are here"
        )

    async def until_told(self) -> None:
        """Wait for a command, or for the end of the stream."""
        while not (self.commands or self.at_end):
            self.changed.clear()
            await self.changed.wait()

    async def until_end(self, seconds: float = SECONDS) -> str:
        """Wait for the end of its stream; the last command that it was told."""
        try:
            async with asyncio.timeout(seconds):
                while not self.at_end:
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            raise WrongError(f"the stream to {self.name} has not ended in {seconds:g} s") from None
        return self.commands[-1] if self.commands else ""

    def half_close(self) -> None:
        """End its own side of the stream."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    async def close(self) -> None:
        """Close, as a program that ends does: with what is unread a reset, else an end."""
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._socket.close()

    async def reset(self) -> None:
        """Close with a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await self.close()

    async def leave(self) -> None:
        r"""Say \quit and go, as one should."""
        self.ledger.leave(self.name)
        await self.send(rf"{self.name}>\quit")
        self.half_close()
        await self.until_end()
        await self.close()

    async def _read(self) -> None:
        if isinstance(self._socket, TlsSocket):
            with contextlib.suppress(OSError):  # reading tells what has become of it
                await self._socket.handshake()
            self._may_write.set()
        while True:
            await self._may_read.wait()
            try:
                octets = await self._loop.sock_recv(self._socket, self._gulp)
            except OSError:
                octets = b""
                self.was_reset = True
            *lines, self._unread = (self._unread + octets).split(b"\n")
            for line in lines:
                self._take(line.decode())
            self.at_end = not octets
            self.changed.set()
            if self.at_end:
                return
            if self._gulp < 65536:
                await asyncio.sleep(0)

    def _take(self, line: str) -> None:
        handle, _, text = line.partition(">")
        if handle != "SERVER" or not text.startswith("\\"):
            self.ledger.hear(self.name, handle, text)
            return
        self.commands.append(text)
        command, *words = text.split(" ")
        if command == r"\joined":
            self.present.update(words)
        elif command == r"\left":
            self.present.difference_update(words)


class Client(Voice):
    """One of the client programs, with its user."""

    def __init__(
        self, kind: str, name: str, ledger: Ledger, dice: random.Random, process: Process
    ) -> None:
        super().__init__(name, ledger, dice)
        self.kind = kind
        self.process = process
        if process.output:
            process.output.take = self._take
        process.type(name)

    async def welcomed(self) -> None:
        """Wait until it has been welcomed."""
        await self.process.shown.line("(?i)^-- welcome")
        self.ledger.arrive(self.name)

    async def say(self) -> None:
        """Type the next line."""
        self.process.type(self._next_text())

    async def leave(self, status: int = 0) -> None:
        r"""Type \quit; it must end with this status."""
        self.process.type(r"\quit")
        await self.process.ends_with(status)
        self.ledger.leave(self.name)

    def _take(self, line: str) -> None:
        found = SAID.fullmatch(line)
        if found:
            self.ledger.hear(self.name, found[1], found[2])
