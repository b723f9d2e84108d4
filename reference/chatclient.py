r"""The client: chat with an operator, or with everybody, whichever server is there.

    python -m reference.chatclient HOST PORT

What arrives is shown at once, above what is being typed. \quit leaves.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import ssl
import sys
from collections.abc import Coroutine
from pathlib import Path

from chatproto import (
    SERVER_HANDLE,
    EndOfStream,
    Error,
    ErrorCode,
    Event,
    Ignored,
    Join,
    Joined,
    Kind,
    Left,
    LocalProtocolError,
    Outbox,
    Quit,
    Role,
    Session,
    State,
    Text,
    Violation,
    Welcome,
    __version__,
    limits,
)
from reference._console import Console, InputError, open_console
from reference._program import number, prepare, program_arguments, stop_signals
from reference._sockets import notice_vanished_peers
from reference._tls import TlsError, TlsSocket, client_context, reason
from reference._view import LOG, log_lines

PROGRAM = f"chatclient {__version__} (chat/{limits.VERSION})"
QUESTION = "What would you like your chat handle to be>"
READ_OCTETS = 65536
WAITING_MAX = 1000
"""Texts that may wait; then standard input is left alone until there is room."""
MEANINGS: dict[str, str] = {
    ErrorCode.TOO_LONG: "a line was too long",
    ErrorCode.MALFORMED: "a line was not of the form handle>text",
    ErrorCode.ENCODING: "a text was not UTF-8, or had control characters",
    ErrorCode.HANDLE_RESERVED: "that handle is the server's",
    ErrorCode.HANDLE_CHANGED: "the handle changed",
    ErrorCode.HANDLE_TAKEN: "somebody else has that handle",
    ErrorCode.TOO_SLOW: "this client read too slowly",
    ErrorCode.FULL: "the server takes no more clients",
    ErrorCode.IDLE: "nothing was said for long while others wait",
    ErrorCode.REMOVED: "the operator sent you away",
}

EXIT_WELL, EXIT_LOST, EXIT_WRONG = 0, 1, 2


class HandleTakenError(Exception):
    """The server says that somebody else has the handle."""


class Chat:
    """One connection, from the handle to the end."""

    def __init__(
        self,
        console: Console,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        patience: float,
    ) -> None:
        self._console = console
        self._reader = reader
        self._writer = writer
        self._patience = patience
        self._session = Session(Role.CLIENT)
        self._outbox = Outbox(self._session, "")
        self._room = asyncio.Event()
        self._room.set()
        self._heard_text = asyncio.Event()
        self._ended = asyncio.Event()
        """We have ended our side of the stream."""
        self._gone = asyncio.Event()
        """The server has ended its side, or the connection is lost."""
        self._unsent = 0
        self._still_here = 0  # handles of the roster that have not come yet
        self._last_word: Quit | Error | Violation | None = None
        self._lost = ""
        self._left_by_ourselves = False
        self._refused = False
        self._cut_off = False
        self._hurried = asyncio.Event()
        self._hoping: asyncio.Task[None] | None = None

    async def run(self, handle: str | None, interrupted: asyncio.Event) -> int:
        """Chat until somebody leaves; the exit status (TERM-5). Raises HandleTakenError."""
        tasks = [
            asyncio.create_task(coroutine)
            for coroutine in (
                self._hear(),
                self._type(handle),
                self._leave_on(interrupted),
                self._leave_on(self._console.failed),  # who sees nothing cannot chat
            )
        ]
        try:
            await self._ended.wait()
            if self._left_by_ourselves:
                await self._drain()
        finally:
            for task in [*tasks, self._hoping]:
                if task is not None:
                    task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._writer.transport.abort()
        return self._status()

    # Hearing

    async def _hear(self) -> None:
        try:
            while octets := await self._reader.read(READ_OCTETS):
                log_lines("", "<", octets)
                self._session.receive(octets)
                self._take_events()
                self._pump()
                await self._console.room()  # every text is shown (TERM-3)
            self._session.receive(b"")
        except OSError as error:
            self._lost = reason(error)
            LOG.debug("lost: %s", self._lost)
            self._session.receive(b"")
        self._gone.set()
        self._take_events()

    def _take_events(self) -> None:
        while (event := self._session.next_event()) is not None:
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case Text(handle, text):
                self._console.show(f"{handle}>{text}")
                self._heard_text.set()
            case Welcome(_, kind, words):
                self._welcome(kind, words)
            case Joined(handles):
                coming = len(handles) > self._still_here
                self._still_here = max(0, self._still_here - len(handles))
                self._say(f"{', '.join(handles)} {'joined' if coming else 'here already'}")
            case Left(handles):
                self._say(f"{', '.join(handles)} left")
            case Violation(code, line):
                self._say(
                    f"a line of {len(line)} octets is not shown: it breaks the protocol ({code})"
                )
                if code is ErrorCode.TOO_LONG:
                    self._last_word = event
                    self._end()
            case Quit() | Error():
                self._last_word = event
                self._end()
            case EndOfStream():
                self._end()
            case Ignored(command):
                LOG.debug("ignored: %s", command)

    def _welcome(self, kind: Kind, words: tuple[str, ...]) -> None:
        if kind is Kind.TURNS:
            self._say("welcome: you talk with one person, by turns")
            return
        here = next((word[5:] for word in words if word.startswith("here=")), "0")
        self._still_here = int(here) if here.isascii() and here.isdigit() and len(here) < 7 else 0
        self._say(f"welcome: everybody hears everybody; {self._still_here} here already")

    # Typing

    async def _type(self, handle: str | None) -> None:
        if not await self._join(handle):
            return
        while True:
            await self._room.wait()
            try:
                line = await self._console.read()
                if line == r"\quit" and self._outbox.leaving:
                    self._leave_at_once()
                elif line == r"\quit" or line is None:
                    self._leave()
                elif self._outbox.leaving:
                    self._say("not sent: you are leaving")
                else:
                    self._outbox.say(line)
                self._pump()
                if line is None and not self._console.at_terminal:
                    return
                with contextlib.suppress(OSError):  # hearing tells it
                    await self._writer.drain()
            except (InputError, LocalProtocolError) as error:
                self._say(f"not sent: {error}")

    async def _join(self, handle: str | None) -> bool:
        """Ask for the handle until it is one (CLIENT-2); False if there is none."""
        while True:
            try:
                if handle is None:
                    self._console.set_prompt(QUESTION)
                    handle = await self._console.read()
                if self._ended.is_set():  # the server has hung up meanwhile
                    return False
                if handle is None or handle == r"\quit":
                    self._leave()
                    self._pump()
                    return False
                octets = self._session.send(Join(handle))
            except (InputError, LocalProtocolError) as error:
                self._say(f"that cannot be your handle: {error}")
                if not self._console.at_terminal:
                    self._refused = True
                    self._end()
                    return False
                handle = None
                continue
            self._outbox = Outbox(self._session, handle)
            self._write(octets)
            self._pump()
            return True

    # Leaving

    async def _leave_on(self, interrupted: asyncio.Event) -> None:
        await interrupted.wait()
        self._leave_at_once()
        self._pump()

    def _leave(self) -> None:
        if not self._outbox.leaving:
            self._outbox.leave()
            if self._outbox:
                self._say(
                    f"leaving once {len(self._outbox)} waiting are sent; "
                    r"\quit again, or Ctrl-C, leaves at once"
                )
                self._hoping = asyncio.create_task(self._wait_for_turns())

    def _leave_at_once(self) -> None:
        self._hurried.set()
        self._unsent += len(self._outbox.drop())
        self._outbox.leave()

    async def _wait_for_turns(self) -> None:
        r"""While texts come there is hope that our turn does (CLIENT-11)."""
        while self._outbox:
            self._heard_text.clear()
            try:
                await asyncio.wait_for(self._heard_text.wait(), self._patience)
            except TimeoutError:
                with contextlib.suppress(LocalProtocolError):
                    self._session.unanswered()
                self._pump()
                return

    def _pump(self) -> None:
        """Send what may be sent, and show whose turn it is."""
        if self._session.state is not State.START and not self._ended.is_set():
            octets = self._outbox.take()
            self._write(octets)
            self._echo(octets)
        if self._outbox.leaving and not self._outbox and not self._ended.is_set():
            self._left_by_ourselves = True
            self._end()
        (self._room.set if len(self._outbox) < WAITING_MAX else self._room.clear)()
        self._show_whose_turn()

    def _write(self, octets: bytes) -> None:
        if octets:
            log_lines("", ">", octets)
            self._writer.write(octets)

    def _echo(self, octets: bytes) -> None:
        """At a terminal what was typed is shown when it is sent: the screen is the transcript."""
        if self._console.at_terminal:
            for line in octets.decode().split("\n")[:-1]:
                if line.partition(">")[2] != r"\quit":
                    self._console.show(line)

    def _end(self) -> None:
        """End our side of the stream."""
        if self._ended.is_set():
            return
        self._unsent += len(self._outbox.drop())
        with contextlib.suppress(LocalProtocolError):
            self._session.end()
        with contextlib.suppress(OSError):
            self._writer.write_eof()
        self._ended.set()

    async def _drain(self) -> None:
        """See that our last words go out, and wait for the server's end (CLOSE-1)."""
        going_out = self._writer.transport.get_write_buffer_size()
        gone_out = await self._in_time(self._writer.drain(), limits.DRAIN_MAX_SECONDS)
        self._cut_off = going_out > 0 and not gone_out
        await self._in_time(self._gone.wait(), limits.DRAIN_MIN_SECONDS)

    async def _in_time(self, waiting: Coroutine[None, None, object], seconds: float) -> bool:
        """Whether it is done before the time is over, or before an interrupt."""
        task = asyncio.ensure_future(waiting)
        hurry = asyncio.ensure_future(self._hurried.wait())
        done, _ = await asyncio.wait(
            {task, hurry}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if hurry in done and task not in done:
            done, _ = await asyncio.wait({task}, timeout=limits.DRAIN_MIN_SECONDS)
        for each in (task, hurry):
            each.cancel()
        await asyncio.gather(task, hurry, return_exceptions=True)
        return task in done and task.exception() is None

    def _status(self) -> int:
        """Say how it ended; the exit status."""
        if self._refused:
            return EXIT_WRONG
        why = "" if self._left_by_ourselves else self._why_it_ended()
        if self._unsent:
            self._say(f"{self._unsent} typed texts were not sent")
        if self._cut_off:
            self._say("what was typed last may not have been sent")
        return EXIT_LOST if why or self._unsent or self._cut_off else EXIT_WELL

    def _why_it_ended(self) -> str:
        """Why the server's end is a failure, said to the user; empty if it is none."""
        why = ""
        match self._last_word:
            case Error(code):
                if code == ErrorCode.HANDLE_TAKEN and self._console.at_terminal:
                    raise HandleTakenError
                why = f"the server ended it: {MEANINGS.get(code, 'an unknown error')} ({code})"
            case Violation(code):
                why = f"left, because the server broke the protocol ({code})"
            case Quit():
                self._say("the server has left")
            case None if self._lost:
                why = f"the connection is lost: {self._lost}"
            case None if self._session.welcomed:
                why = "the connection is lost: the server ended it without a word"
        if why:
            self._say(why)
        return why

    # Showing

    def _say(self, notice: str) -> None:
        self._console.show(f"-- {notice}")

    def _show_whose_turn(self) -> None:
        handle = self._session.handle
        if handle is None:
            return
        if self._session.may_send_text():
            self._console.set_prompt(f"{handle}>")
        else:
            waiting = f", {len(self._outbox)} waiting" if self._outbox else ""
            self._console.set_prompt(f"({SERVER_HANDLE}'s turn{waiting}) {handle}>")


async def connect(
    console: Console, host: str, port: int, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """Try each address of the host; None, and sentences, when none answers."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        print(f"no address for {host}: {error.strerror}. Is the name right?", file=sys.stderr)
        return None
    for family, _, _, _, address in found:
        console.show(f"Connecting to {host} ({address[0]}) port {port}")
        connecting = socket.socket(family, socket.SOCK_STREAM)
        connecting.setblocking(False)
        try:
            await loop.sock_connect(connecting, address)
        except OSError as error:
            connecting.close()
            print(
                f"cannot connect to {address[0]}: {os.strerror(error.errno or 0)}", file=sys.stderr
            )
            continue
        notice_vanished_peers(connecting)
        if tls is not None:
            connecting = TlsSocket(connecting, tls, host)
            try:
                async with asyncio.timeout(limits.HANDSHAKE_SECONDS):
                    await connecting.handshake()
            except OSError as error:
                connecting.close()
                print(f"no TLS with {host}: {reason(error)}", file=sys.stderr)
                return None
        reader, writer = await asyncio.open_connection(sock=connecting, limit=READ_OCTETS)
        writer.transport.set_write_buffer_limits(0)
        return reader, writer
    print(f"Is the server running on {host}, port {port}?", file=sys.stderr)
    return None


async def chat(arguments: argparse.Namespace) -> int:
    """Connect, and again when the handle is taken; the exit status."""
    interrupted = stop_signals()
    handle = arguments.handle
    async with open_console(patient=True) as console:
        while True:
            connecting = asyncio.create_task(
                connect(console, arguments.host, arguments.port, arguments.tls)
            )
            interruption = asyncio.create_task(interrupted.wait())
            await asyncio.wait({connecting, interruption}, return_when=asyncio.FIRST_COMPLETED)
            interruption.cancel()
            if not connecting.done():
                connecting.cancel()
                return EXIT_LOST
            if (connection := connecting.result()) is None:
                return EXIT_LOST
            try:
                status = await Chat(console, *connection, arguments.patience).run(
                    handle, interrupted
                )
            except HandleTakenError:
                console.show("-- somebody else has that handle; try another")
                handle = None
                continue
            console.show("Disconnected from server")
            return EXIT_LOST if console.failed.is_set() else status


def _tls(parser: argparse.ArgumentParser, parsed: argparse.Namespace) -> ssl.SSLContext | None:
    if not parsed.tls:
        if parsed.ca or parsed.cert or parsed.key:
            parser.error("--ca, --cert and --key are for --tls")
        return None
    if parsed.key and not parsed.cert:
        parser.error("--key is that of a certificate: --cert FILE")
    try:
        return client_context(parsed.ca, parsed.cert, parsed.key)
    except TlsError as error:
        parser.error(str(error))


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit status is that of TERM-5."""
    parser = program_arguments(
        "chatclient",
        PROGRAM,
        "Chat over chat/1, with an operator or with everybody.",
        r"Type \quit, or end the input, to leave; Ctrl-C leaves at once.",
    )
    parser.add_argument("host", metavar="HOST", help="name or address of the server")
    parser.add_argument("port", metavar="PORT", type=number("PORT", int, 1, 65535))
    parser.add_argument("--handle", help="your handle; asked for if it is not given")
    parser.add_argument(
        "--patience",
        metavar="SECONDS",
        type=number("SECONDS", float, 0, 1e9),
        default=float(limits.UNANSWERED_SECONDS),
        help="on leaving, so long your turn is waited for (%(default)s)",
    )
    tls = parser.add_argument_group("TLS")
    tls.add_argument("--tls", action="store_true", help="talk TLS, to the server of this name only")
    for option, what in (
        ("--ca", "trust these authorities only (PEM), not the system's"),
        ("--cert", "show this certificate if the server asks for one (PEM)"),
        ("--key", "the certificate's key, where it is not in the same file"),
    ):
        tls.add_argument(option, metavar="FILE", type=Path, help=what)
    parsed = parser.parse_args(arguments)
    parsed.tls = _tls(parser, parsed)
    if not prepare(parsed):
        return EXIT_LOST
    try:
        return asyncio.run(chat(parsed))
    except KeyboardInterrupt:
        return EXIT_LOST


if __name__ == "__main__":
    sys.exit(main())
