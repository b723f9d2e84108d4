"""What a scenario plays on: servers, those who chat, hosts and cables, and the last reckoning."""

import asyncio
import contextlib
import functools
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import Any

from endurance.common.tls import Tls, tls_for
from endurance.faults.cable import CLEAR, Cable, Weather
from endurance.faults.clock import Clock
from endurance.faults.hosts import Host
from endurance.faults.ledger import Ledger
from endurance.faults.programs import CLIENTS, PYTHON, SECONDS, Process, WrongError
from endurance.faults.voices import SAID, Client, Member, Voice
from tests.programs import nobodys_port

SCREEN = "the operator's screen"
SMALL = 8192
"""Octets of buffers so small that what is queued is queued by the server."""
LISTEN = "0A"
"""A state of TCP, as the kernel writes it."""
NOT_SHOWN = re.compile(r"-- (\d+) lines were not shown here")
END_SECONDS = 60.0
"""A shutdown takes five (STOP-2); but some scenarios leave little of the processors."""
LOOK_SECONDS = 0.02
RELAY = [*PYTHON, "reference.relayserver"]
CHATSERVER = [*PYTHON, "reference.chatserver"]


class LostError(Exception):
    """The ledger is not right; what is wrong, a line each."""


class Operator(Voice):
    """Who is at a chat server: answers each text of those who are expected."""

    def __init__(self, dice: random.Random, process: Process) -> None:
        super().__init__("SERVER", Ledger(), dice)
        self.process = process
        self._sessions: dict[str, Ledger] = {}
        process.shown.take = self._take
        self.answers = True

    def expect(self, name: str) -> Ledger:
        """The ledger of a session with somebody who stays to its end."""
        ledger = self._sessions[name] = Ledger()
        ledger.arrive(self.name)
        return ledger

    async def say(self) -> None:
        """Type the next reply."""
        self.process.type(self._next_text())

    def heard_of(self, name: str) -> int:
        """How many texts of this session the screen has shown."""
        return self._sessions[name].heard_of(self.name, name)

    def _take(self, line: str) -> None:
        said = SAID.fullmatch(line)
        if said and said[1] in self._sessions:
            self.ledger = self._sessions[said[1]]
            self.ledger.hear(self.name, said[1], said[2])
            if self.answers:
                self.process.type(self._next_text())


class Stage:
    """Everything of one scenario; all is taken away at its end."""

    def __init__(self, dice: random.Random, directory: Path, *, over_tls: bool = False) -> None:
        self.dice = dice
        self._over_tls = over_tls
        self.directory = directory
        self.ledger = Ledger()
        """Of the relay."""
        self.ledgers = [self.ledger]
        self.voices: list[Member | Client] = []
        self.processes: list[Process] = []
        self.servers: list[Process] = []
        self.connections = 0
        self.not_shown = 0
        """Lines that the relay says it did not show."""
        self.things: list[Host | Cable | Clock] = []
        """What is closed at the end, the last first."""
        self._mounts: list[Path] = []
        self._held: list[int] = []
        self._ports = contextlib.ExitStack()
        self.port = 0
        self.address = "127.0.0.1"

    # Who is there

    def process(self, command: list[str], *, name: str = "the program", **how: Any) -> Process:
        """Start a program."""
        process = Process(command, name=name, **how)
        self.processes.append(process)
        return process

    @functools.cached_property
    def tls(self) -> Tls | None:
        """What all use to reach a server: by now it is known on which cables that is."""
        if not self._over_tls:
            return None
        cables = [thing for thing in self.things if isinstance(thing, Cable)]
        addresses = [address for cable in cables for address in cable.near_addresses]
        return tls_for(self.directory, "localhost", self.address, "::1", *addresses)

    def server_process(self, command: list[str], port: int, *options: str, **how: Any) -> Process:
        """Start a server."""
        tls = self.tls.of_server if self.tls else []
        return self.process([*command, str(port), *tls, *options], name=command[2], **how)

    def client_process(
        self, kind: str, address: str, port: int, *options: str, **how: Any
    ) -> Process:
        """Start a client program."""
        tls = self.tls.of_client if self.tls else []
        command = [*CLIENTS[kind], *tls, *options, address, str(port)]
        return self.process(command, name=f"the {kind}", **how)

    async def server(self, command: list[str], *options: str, port: int = 0, **how: Any) -> Process:
        """Start a server, and wait until it listens."""
        process = self.server_process(command, port, *options, **how)
        found = await process.shown.line(r"Listening on port (\d+)")
        self.port = int(found[1])
        self.servers.append(process)
        return process

    async def relay(self, *options: str, **how: Any) -> Process:
        """Start a relay; its screen hears everything."""
        process = await self.server(RELAY, *options, **how)
        self.watch_screen(process)
        return process

    def watch_screen(self, relay: Process) -> None:
        """Keep the ledger of what the relay shows."""
        relay.shown.take = self._shown
        self.ledger.arrive(SCREEN)

    def _shown(self, line: str) -> None:
        if said := SAID.fullmatch(line):
            self.ledger.hear(SCREEN, said[1], said[2])
        elif missed := NOT_SHOWN.fullmatch(line):
            self.not_shown += int(missed[1])

    async def chatserver(self, *options: str, **how: Any) -> Operator:
        """Start a chat server, with its operator."""
        process = await self.server(CHATSERVER, *options, **how)
        return Operator(self.dice, process)

    async def connect(
        self, name: str, ledger: Ledger | None = None, address: str = "", **how: Any
    ) -> Member:
        """A connection that says nothing yet."""
        member = Member(name, ledger or self.ledger, self.dice, tls=self.tls, **how)
        await member.connect([address or self.address], self.port)
        self.voices.append(member)
        self.connections += 1
        return member

    async def member(self, name: str, **how: Any) -> Member:
        """Somebody who has joined the relay."""
        member = await self.connect(name, **how)
        await member.join()
        return member

    async def members(self, *names: str, **how: Any) -> list[Member]:
        """Several of them."""
        return [await self.member(name, **how) for name in names]

    async def guest(self, operator: Operator, name: str, **how: Any) -> Member:
        """Somebody who has said that he joins the chat server."""
        ledger = operator.expect(name)
        self.ledgers.append(ledger)
        guest = await self.connect(name, ledger, **how)
        ledger.arrive(name)
        await guest.send(rf"{name}>\join chat/1")
        return guest

    def start_client(
        self,
        kind: str,
        name: str,
        *options: str,
        ledger: Ledger | None = None,
        address: str = "",
        **how: Any,
    ) -> Client:
        """Start a client program, which may not be there yet."""
        process = self.client_process(kind, address or self.address, self.port, *options, **how)
        client = Client(kind, name, ledger or self.ledger, self.dice, process)
        self.voices.append(client)
        self.connections += 1
        return client

    async def client(self, kind: str, name: str, *options: str, **how: Any) -> Client:
        """A client program that has joined the relay."""
        client = self.start_client(kind, name, *options, **how)
        await client.welcomed()
        return client

    async def caller(
        self, operator: Operator, kind: str, name: str, *options: str, **how: Any
    ) -> Client:
        """A client program at the chat server, welcomed."""
        ledger = operator.expect(name)
        self.ledgers.append(ledger)
        return await self.client(kind, name, *options, ledger=ledger, **how)

    # Where they are

    def host(self, *, buffers: int = 0) -> Host:
        """A host of its own, whose system holds so much for a socket."""
        host = Host(buffers=buffers)
        self.things.append(host)
        return host

    def cable(
        self, near: Host, far: Host, there: Weather = CLEAR, back: Weather = CLEAR, mtu: int = 1500
    ) -> Cable:
        """A cable between two of them."""
        cable = Cable(near, far, self.dice, there, back, mtu=mtu)
        self.things.append(cable)
        return cable

    def small_disk(self, size: str) -> Path:
        """A directory on a disk of this size."""
        disk = self.directory / "disk"
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(disk)]
        subprocess.run(command, check=True, capture_output=True)
        self._mounts.append(disk)
        return disk

    def hold(self, descriptor: int) -> None:
        """Close it at the end."""
        self._held.append(descriptor)

    def free_port(self) -> int:
        """A port that nobody listens on, for whom it is told."""
        return self._ports.enter_context(nobodys_port())

    async def listening(self, port: int) -> None:
        """Wait until somebody listens there, who cannot say so, nor is to notice."""

        def listens() -> bool:
            tables = [each.read_text(encoding="ascii") for each in Path("/proc/net").glob("tcp*")]
            return any(re.search(rf":{port:04X} \S+ {LISTEN} ", table) for table in tables)

        await self.until(listens, f"nobody listens on port {port}")
        self.port = port

    # What must hold

    def stayers(self) -> list[Member | Client]:
        """Those whom something is promised to."""
        return [voice for voice in self.voices if voice.name in voice.ledger.listeners]

    async def settle(self, *, without: Collection[str] = (), seconds: float = SECONDS) -> None:
        """Each but these says one more line; then everybody but these must have heard all."""
        for voice in self.stayers():
            if voice.name not in without:
                await voice.say()

        def all_heard() -> bool:
            return not any(
                ledger.outstanding(without) or ledger.uneven(without) for ledger in self.ledgers
            )

        await self.until(all_heard, "", seconds, without)
        here = {voice.name for voice in self.stayers()}
        for voice in self.stayers():
            if isinstance(voice, Member) and voice.hears_presence and voice.name not in without:
                await voice.until_present(here - {voice.name})
        self.check(without)

    async def start_server(self, command: list[str], *options: str, **how: Any) -> Process:
        """Start a server that may not be able to say where it listens."""
        port = self.free_port()
        process = self.server_process(command, port, *options, **how)
        self.servers.append(process)
        await self.listening(port)
        return process

    async def until(
        self,
        holds: Callable[[], bool],
        what: str,
        seconds: float = SECONDS,
        without: Collection[str] = (),
    ) -> None:
        """Wait for a condition; where it cannot come any more the ledger says why."""
        everybody = [name for ledger in self.ledgers for name in ledger.listeners]
        look_again = 1.0
        begun = time.monotonic()
        while not holds():
            waited = time.monotonic() - begun
            if waited > seconds:
                self.check(without)
                raise WrongError(what or f"not all is heard in {seconds:g} s")
            if waited > look_again:  # rarely, for it takes its time
                look_again *= 2
                self.check(everybody)
            self.check_servers()
            await asyncio.sleep(LOOK_SECONDS)

    def check(self, without: Collection[str] = ()) -> None:
        """Raise LostError if the ledgers are not right; these need not have heard all yet."""
        faults = [fault for ledger in self.ledgers for fault in ledger.faults(without)]
        if faults:
            raise LostError(*faults)

    def check_servers(self) -> None:
        """Raise WrongError if a server ended, or met what its authors did not expect."""
        for process in self.processes:
            told = process.errors.lines if process.errors else []
            if process in self.servers and process.is_over and not process.expected_end:
                raise WrongError("\n".join([f"{process.name} ended", *told]))
            if any("Traceback" in line for line in told):
                raise WrongError("\n".join([f"{process.name} failed:", *told]))

    async def end(self) -> None:
        r"""End what still runs, as a person does: servers say \quit and end well (STOP-1)."""
        self.check_servers()
        for server in self.servers:
            if not server.expected_end:
                server.signal(signal.SIGTERM)
                await server.ends_with(0, END_SECONDS)
        self.check_servers()
        self.check()

    @property
    def said(self) -> int:
        """Lines said."""
        return sum(ledger.said for ledger in self.ledgers)

    @property
    def delivered(self) -> int:
        """Lines delivered."""
        return sum(ledger.delivered for ledger in self.ledgers)

    async def close(self) -> None:
        """Take everything away."""
        for voice in self.voices:
            if isinstance(voice, Member):
                await voice.close()
        for process in self.processes:
            await process.close()
        for thing in reversed(self.things):
            thing.close()
        for held in self._held:
            os.close(held)
        self._ports.close()
        for disk in self._mounts:
            subprocess.run(["umount", "--lazy", str(disk)], check=False)


@contextlib.asynccontextmanager
async def stage(
    dice: random.Random, directory: Path, *, over_tls: bool = False
) -> AsyncIterator[Stage]:
    """A stage that is cleared at the end."""
    made = Stage(dice, directory, over_tls=over_tls)
    try:
        yield made
    finally:
        await made.close()
