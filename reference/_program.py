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

from reference._listen import listen_or_ask
from reference._view import open_view

T = TypeVar("T", int, float)


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


def server_arguments(program: str, version: str, what: str, how: str) -> argparse.ArgumentParser:
    """The arguments that every server takes."""
    parser = program_arguments(program, version, what, how)
    parser.add_argument(
        "port", metavar="PORT", type=number("PORT", int, 0, 65535), help="0 for any free port"
    )
    parser.add_argument("--host", help="listen on this address only, not on all interfaces")
    return parser


def prepare(arguments: argparse.Namespace) -> bool:
    """Open the debug view; False, and a sentence, where the program cannot run."""
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
