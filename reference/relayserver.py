r"""The relay: everybody hears everybody.

    python -m reference.relayserver PORT

What a client says goes to all the others, and is shown here. What the operator types
goes to all as SERVER. \kick HANDLE sends somebody away; \quit, or Ctrl-C, ends the relay.
"""

import argparse
import asyncio
import contextlib
import re
import resource
import socket
import sys
import time
from functools import partial

from chatproto import HANDLE_PATTERN, LocalProtocolError, Relay, __version__, limits
from reference._console import Console, InputError, open_console
from reference._direct_selector import DirectSelector
from reference._limit_log import LimitLog
from reference._listen import banner
from reference._program import (
    SPARE_CONNECTIONS,
    bounds,
    number,
    parse_server_arguments,
    run_server,
    server_arguments,
    until_first,
)
from reference._room import Peer, Room

PROGRAM = f"relayserver {__version__} (chat/{limits.VERSION})"
TICK_SECONDS = 0.1
KICK = re.compile(rf"\\kick ({HANDLE_PATTERN})")
OWN_DESCRIPTORS = 32
"""Descriptors that are not connections."""


class RelayServer:
    """The relay, the sockets of its room, and its operator."""

    def __init__(
        self,
        console: Console,
        selector: DirectSelector,
        listening: socket.socket,
        arguments: argparse.Namespace,
    ) -> None:
        self._console = console
        self._relay: Relay[Peer] = Relay(arguments.max_clients)
        self._room = Room(
            self._relay,
            selector,
            listening,
            self._show,
            LimitLog(console.show),
            bounds=arguments.bounds,
            tls=arguments.tls,
            queue_max=arguments.queue_limit,
            queue_total_max=arguments.queue_total,
            rate=arguments.rate,
        )
        self._selector = selector

    def _show(self, octets: bytes) -> None:
        if self._console.show_lines(octets):
            self._selector.hand_back()  # for its timer

    async def tick(self) -> None:
        """Do what is due by time."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._room.tick()

    async def operate(self) -> None:
        r"""Take what the operator types, until \quit; the end of input means nothing
        but at a terminal (RELAY-17).
        """
        while True:
            try:
                line = await self._console.read()
                if line == r"\quit" or (line is None and self._console.at_terminal):
                    return
                if line is None:
                    await asyncio.Event().wait()
                    return
                self._typed(line)
            except (InputError, LocalProtocolError) as error:
                self._console.show(f"-- not sent: {error}")

    def _typed(self, line: str) -> None:
        if kick := KICK.fullmatch(line):
            self._room.apply(self._relay.kick(kick[1]))
            self._console.show(f"-- {kick[1]} is removed")
        else:
            self._room.apply(self._relay.say(line))
        self._room.flush()

    async def stop(self) -> None:
        """Say goodbye to everyone, and deliver what is queued (STOP-1, STOP-2)."""
        self._room.close_door()
        self._room.apply(self._relay.stop())
        self._room.flush()
        begun = time.monotonic()
        while self._room.ending and time.monotonic() - begun < limits.SHUTDOWN_MAX_SECONDS - 1:
            await asyncio.sleep(TICK_SECONDS / 10)
            if time.monotonic() - begun >= limits.DRAIN_MIN_SECONDS:
                self._room.close_idle_endings()
        self._room.close_all()


async def serve(
    selector: DirectSelector,
    listening: socket.socket,
    arguments: argparse.Namespace,
    signalled: asyncio.Event,
) -> int:
    """Run the relay until a signal, or its operator, ends it."""
    print(banner(PROGRAM, listening, arguments.host, tls=arguments.tls is not None))
    print(r"\kick HANDLE sends somebody away, \quit or Ctrl-C ends the relay.")
    print("Awaiting client connections", flush=True)
    async with open_console() as console:
        server = RelayServer(console, selector, listening, arguments)
        await until_first(server.operate(), server.tick(), signalled.wait())
        await server.stop()
    return 0


def descriptors_for_clients(handshakes: int) -> int:
    """As many connections as this process may have; the soft limit is raised to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(
        limits.RELAY_CLIENTS_MIN,
        min(hard, 1 << 20) - OWN_DESCRIPTORS - SPARE_CONNECTIONS - handshakes,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit status is that of TERM-11 and STOP-1."""
    parser = server_arguments(
        "relayserver",
        PROGRAM,
        "Pass what each client says on to all the others, over chat/1.",
        r"Type \kick HANDLE to send somebody away, \quit or Ctrl-C to end the relay.",
        per_address=1000,
    )
    parser.add_argument(
        "--max-clients",
        metavar="N",
        type=number("N", int, limits.RELAY_CLIENTS_MIN, 1 << 20),
        default=10_000,
        help="connections at a time; further ones are told that it is full (%(default)s)",
    )
    parser.add_argument(
        "--queue-limit",
        metavar="OCTETS",
        type=number("OCTETS", int, limits.QUEUE_MIN_OCTETS, 1 << 40),
        default=1 << 20,
        help="what may wait for a client that reads slowly, before it is sent away (%(default)s)",
    )
    parser.add_argument(
        "--queue-total",
        metavar="OCTETS",
        type=number("OCTETS", int, limits.QUEUE_TOTAL_MIN_OCTETS, 1 << 50),
        default=1 << 28,
        help="what may wait for all clients together; then those for whom most waits are sent "
        "away (%(default)s)",
    )
    parser.add_argument(
        "--rate",
        metavar="OCTETS",
        type=number("OCTETS", int, 0, 1 << 40),
        default=1 << 20,
        help="what a client may send in a second; it is read no faster (%(default)s; 0: no limit)",
    )
    parsed = parse_server_arguments(parser, arguments)
    handshakes = parsed.max_handshakes if parsed.tls else 0
    parsed.max_clients = min(parsed.max_clients, descriptors_for_clients(handshakes))
    parsed.bounds = bounds(parsed, parsed.max_clients)
    selector = DirectSelector()
    return run_server(parsed, partial(serve, selector), selector)


if __name__ == "__main__":
    sys.exit(main())
