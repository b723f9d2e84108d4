"""What the server programs have in common: arguments, start, and end."""

import argparse
import asyncio
import importlib.util
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

from reference._door import Bounds
from reference._listen import listen_or_ask
from reference._standard_streams import settle_standard_streams
from reference._tls import TlsError, server_context
from reference._view import open_view

T = TypeVar("T", int, float)

SPARE_CONNECTIONS = 64
"""Connections beside the clients: those that are told why they go, and are then waited for."""


def number(what: str, kind: type[T], least: T, most: T) -> Callable[[str], T]:
    """An argument type for argparse, with a sentence for what is wrong."""

    def parsed(written: str) -> T:
        try:
            value = kind(written)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"{what} is a number from {least} to {most}, not {written!r}"
            )
        return value

    return parsed


def program_arguments(program: str, version: str, what: str, how: str) -> argparse.ArgumentParser:
    """The arguments that every program takes."""
    parser = argparse.ArgumentParser(prog=program, description=what, epilog=how)
    parser.add_argument(
        "--debug", action="store_true", help="show every line and event on standard error"
    )
    parser.add_argument(
        "--log-file", metavar="FILE", type=Path, help="the same, appended to a file"
    )
    parser.add_argument("--version", action="version", version=version)
    return parser


def server_arguments(
    program: str, version: str, what: str, how: str, *, per_address: int
) -> argparse.ArgumentParser:
    """The arguments that every server takes."""
    parser = program_arguments(program, version, what, how)
    parser.add_argument(
        "port", metavar="PORT", type=number("PORT", int, 0, 65535), help="0 for any free port"
    )
    parser.add_argument("--host", help="listen on this address only, not on all interfaces")
    tls = parser.add_argument_group("TLS")
    for option, what in (
        ("--tls-cert", "talk TLS, and show this certificate (PEM, with its chain)"),
        ("--tls-key", "the certificate's key, where it is not in the same file"),
        ("--tls-client-ca", "take only clients that show a certificate of these authorities"),
    ):
        tls.add_argument(option, metavar="FILE", type=Path, help=what)
    bounds = parser.add_argument_group("limits against abuse")
    bounds.add_argument(
        "--max-per-address",
        metavar="N",
        type=number("N", int, 0, 1 << 20),
        default=per_address,
        help="connections from one address, or one /64 of IPv6 (%(default)s; 0: no limit)",
    )
    bounds.add_argument(
        "--connect-rate",
        metavar="N",
        type=number("N", float, 0, 1e6),
        default=500.0,
        help="new connections a second from one address, ten times as many at once "
        "(%(default)s; 0: no limit)",
    )
    bounds.add_argument(
        "--max-handshakes",
        metavar="N",
        type=number("N", int, 1, 1 << 20),
        default=256,
        help="unfinished handshakes of TLS; then the oldest of the address with most of them "
        "gives way (%(default)s)",
    )
    return parser


def parse_server_arguments(
    parser: argparse.ArgumentParser, arguments: list[str] | None
) -> argparse.Namespace:
    """The arguments, with ``tls``: None without TLS. Ends the program if they are wrong."""
    parsed = parser.parse_args(arguments)
    parsed.tls = None
    if parsed.tls_cert is not None:
        try:
            parsed.tls = server_context(parsed.tls_cert, parsed.tls_key, parsed.tls_client_ca)
        except TlsError as error:
            parser.error(str(error))
    elif parsed.tls_key is not None or parsed.tls_client_ca is not None:
        parser.error("TLS needs a certificate: --tls-cert FILE")
    return parsed


def bounds(arguments: argparse.Namespace, clients: int) -> Bounds:
    """The bounds of a server for so many clients (LIMIT-1)."""
    return Bounds(
        connections=clients + SPARE_CONNECTIONS,
        per_address=arguments.max_per_address,
        per_second=arguments.connect_rate,
        handshakes=arguments.max_handshakes,
    )


def prepare(arguments: argparse.Namespace) -> bool:
    """Settle the standard streams and open the debug view.

    False, and a sentence, where the program cannot run.
    """
    settle_standard_streams()
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if at_terminal and importlib.util.find_spec("prompt_toolkit") is None:
        print("a terminal needs prompt_toolkit: pip install prompt_toolkit", file=sys.stderr)
        return False
    try:
        open_view(debug=arguments.debug, log_file=arguments.log_file)
    except OSError as error:
        print(f"cannot write the log: {error}", file=sys.stderr)
        return False
    return True


def stop_signals() -> asyncio.Event:
    """Set by SIGINT or SIGTERM from now on."""
    signalled = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, signalled.set)
    return signalled


Serve = Callable[[socket.socket, argparse.Namespace, asyncio.Event], Coroutine[None, None, int]]
"""Serves until the event is set, by a signal; returns the exit status."""


def run_server(
    arguments: argparse.Namespace, serve: Serve, selector: selectors.BaseSelector | None = None
) -> int:
    """Listen, then serve in a loop with this selector; the exit status (TERM-11, STOP-1)."""
    if not prepare(arguments):
        return 1
    try:
        listening = listen_or_ask(arguments.host, arguments.port)
        if listening is None:
            return 1
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
            return runner.run(_serve(serve, listening, arguments))
    except KeyboardInterrupt:
        print()
        return 1


async def _serve(serve: Serve, listening: socket.socket, arguments: argparse.Namespace) -> int:
    return await serve(listening, arguments, stop_signals())


async def until_first(*coroutines: Coroutine[None, None, object]) -> None:
    """Run all until one of them ends."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    for task in done:
        task.result()
