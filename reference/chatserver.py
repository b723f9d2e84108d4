r"""The turn server: an operator chats with one client at a time, the others wait.

    python -m reference.chatserver PORT

What the operator types goes to the client, one text a turn. \quit ends the session,
Ctrl-C or Ctrl-D the server.
"""

import argparse
import asyncio
import contextlib
import socket
import sys
import time

from chatproto import (
    SERVER_HANDLE,
    EndOfStream,
    ErrorCode,
    Event,
    Join,
    Kind,
    LocalProtocolError,
    Outbox,
    Quit,
    Text,
    Violation,
    Welcome,
    __version__,
    limits,
)
from reference._connection import Connection
from reference._console import Console, InputError, open_console
from reference._door import Caller, Door
from reference._limit_log import LimitLog
from reference._listen import banner
from reference._program import (
    bounds,
    number,
    parse_server_arguments,
    run_server,
    server_arguments,
    until_first,
)

PROGRAM = f"chatserver {__version__} (chat/{limits.VERSION})"
TICK_SECONDS = 0.25


class ChatServer:
    """Who waits, whose session it is, and what its operator types."""

    def __init__(self, console: Console, *, waiting_max: int, idle_seconds: float) -> None:
        self._console = console
        self._waiting_max = waiting_max
        self._idle_seconds = idle_seconds
        self._connections: set[Connection] = set()
        self._silent: list[Connection] = []
        self._queue: list[Connection] = []  # those that wait, by their first octet (TURN-2)
        self._current: Connection | None = None
        self._replies: Outbox
        self._operators_turn = asyncio.Event()
        self._stopping = False
        self._all_gone = asyncio.Event()

    # What happens to connections

    def connected(self, connection: Connection) -> None:
        """Take it, or send it away when too many wait (TURN-18)."""
        if self._stopping:
            connection.abort()
            return
        self._connections.add(connection)
        waiting = len(self._silent) + len(self._queue)
        if waiting >= self._waiting_max and self._silent:
            self._silent.pop(0).dismiss(ErrorCode.FULL)
        elif waiting >= self._waiting_max:
            connection.dismiss(ErrorCode.FULL)
            return
        self._silent.append(connection)

    def arrived(self, connection: Connection) -> None:
        """Octets or the end came, or what was written has gone out."""
        if connection in self._silent:
            self._silent.remove(connection)
            if connection.silent:  # it came and went without a word
                connection.close()
                return
            self._queue.append(connection)
        self._go_on()

    def gone(self, connection: Connection) -> None:
        """Its socket is closed."""
        self._connections.discard(connection)
        if self._stopping and not self._connections:
            self._all_gone.set()

    # The session

    def _go_on(self) -> None:
        """Do everything that can be done without waiting for anybody."""
        while self._current is not None or self._queue:
            if self._current is None:
                self._begin(self._queue.pop(0))
            connection = self._current
            assert connection is not None
            if connection.blocked and not connection.session.last_word_read:
                # the reply keeps the turn (TURN-10)
                break
            event = connection.next_event()
            if event is not None:
                self._take(connection, event)
            elif octets := self._replies.take():
                for line in octets.decode().split("\n")[:-1]:
                    self._console.show(line)
                connection.write(octets)
            else:
                break
        self._show_whose_turn()

    def _begin(self, connection: Connection) -> None:
        self._current = connection
        self._replies = Outbox(connection.session, SERVER_HANDLE)
        connection.heard_at = time.monotonic()
        self._console.show(f"connected to: {connection.peer}")
        connection.log("session begins")

    def _take(self, connection: Connection, event: Event) -> None:
        match event:
            case Join():
                connection.send(Welcome(limits.VERSION, Kind.TURNS))
            case Text(handle, text):
                self._console.show(f"{handle}>{text}")
            case Violation(code):
                self._console.show(f"-- the client broke the protocol ({code}); it is sent away")
                connection.dismiss(code)
                self._end()
            case Quit():
                connection.close()
                self._end()
            case EndOfStream(unfinished):
                if unfinished:
                    self._console.show(f"-- {unfinished} octets without a line end are dropped")
                connection.close()
                self._end()

    def _end(self) -> None:
        connection = self._current
        assert connection is not None
        self._show_held(connection)
        self._current = None
        connection.log("session ends")
        self._console.show("client has disconnected")
        unsent = len(self._replies.drop())
        if self._console.at_terminal:
            unsent += self._console.forget_typed()
        if unsent:
            self._console.show(f"-- not sent, because the session ended: {unsent} typed")
        if not self._queue and not self._stopping:
            self._console.show("Awaiting client connections")

    def _show_held(self, connection: Connection) -> None:
        """What was read before the last word is shown (TURN-8)."""
        while (event := connection.next_event()) is not None:
            if isinstance(event, Text):
                self._console.show(f"{event.handle}>{event.text}")

    def _show_whose_turn(self) -> None:
        session = self._current.session if self._current is not None else None
        if session is None:
            self._operators_turn.clear()
            self._console.set_prompt("")
        elif session.may_send_text():
            self._operators_turn.set()
            self._console.set_prompt(f"{SERVER_HANDLE}>")
        else:
            self._operators_turn.clear()
            whose = f"{session.handle}'s turn" if session.handle else "the client's turn"
            waiting = f", {len(self._replies)} waiting" if self._replies else ""
            self._console.set_prompt(f"({whose}{waiting}) {SERVER_HANDLE}>")

    # The operator

    async def operate(self) -> None:
        """Take what the operator types, until that ends."""
        while True:
            if not self._console.at_terminal:
                await self._until_operators_turn()
            try:
                line = await self._console.read()
                if line is None:
                    return
                if not self._console.at_terminal:
                    await self._until_operators_turn()
                self._typed(line)
            except (InputError, LocalProtocolError) as error:
                self._refuse(str(error))

    async def _until_operators_turn(self) -> None:
        while not self._operators_turn.is_set():  # it can be over when a wait for it ends
            await self._operators_turn.wait()

    def _typed(self, line: str) -> None:
        if self._current is None:
            self._refuse("no client is connected (Ctrl-C ends the server)")
        elif line == r"\quit":
            self._current.send(Quit(SERVER_HANDLE))
            self._current.close()
            self._end()
            self._go_on()
        else:
            self._replies.say(line)
            self._go_on()

    def _refuse(self, why: str) -> None:
        if self._console.at_terminal:
            self._console.show(f"-- not sent: {why}")
        else:
            print(f"not sent: {why}", file=sys.stderr)

    # Time

    async def watch(self) -> None:
        """Look now and then for unfinished lines and for clients that hold up others."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            for connection in self._connections:
                since = connection.unfinished_since
                if since is not None and now - since >= limits.UNFRAMED_SECONDS:
                    connection.unfinished_since = float("inf")  # said once
                    self._console.show(
                        f"-- {connection.session.unfinished} octets without a line end from "
                        f"{connection.peer}: a program without framing?"
                    )
            self._dismiss_idle(now)

    def _dismiss_idle(self, now: float) -> None:
        connection = self._current
        if connection is None or not self._queue:
            return
        since = max(connection.heard_at, self._queue[0].came_at)
        if now - since < self._idle_seconds:
            return
        if connection.blocked:
            code = ErrorCode.TOO_SLOW
        elif not connection.session.may_send_text():
            code = ErrorCode.IDLE
        else:
            return  # it waits for the operator
        self._console.show(f"-- {code}: the client holds up others; it is sent away")
        connection.dismiss(code)
        self._end()
        self._go_on()

    # The end

    async def stop(self) -> None:
        """Say goodbye to everyone, waiting clients too, and deliver what is queued (STOP-1)."""
        self._stopping = True
        if self._current is not None:
            connection = self._current
            connection.send(Quit(SERVER_HANDLE))
            connection.close()
            self._end()
        for connection in [*self._queue, *self._silent]:
            connection.send(Quit(SERVER_HANDLE))
            connection.close()
        self._queue.clear()
        self._silent.clear()
        await self._wait_until_gone(limits.DRAIN_MIN_SECONDS)
        for connection in list(self._connections):
            if not connection.blocked:
                connection.abort()
        await self._wait_until_gone(limits.SHUTDOWN_MAX_SECONDS - 2 * limits.DRAIN_MIN_SECONDS)
        for connection in list(self._connections):
            connection.abort()

    async def _wait_until_gone(self, seconds: float) -> None:
        if self._connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_gone.wait(), seconds)


def open_door(
    server: ChatServer, listening: socket.socket, arguments: argparse.Namespace, log: LimitLog
) -> Door:
    """Begin to take connections for the server."""
    loop = asyncio.get_running_loop()
    admissions: set[asyncio.Task[object]] = set()

    def admit(connected: socket.socket, caller: Caller) -> None:
        connection = Connection(server, caller, door.left)
        admission = loop.create_task(loop.connect_accepted_socket(lambda: connection, connected))
        admissions.add(admission)
        admission.add_done_callback(admissions.discard)

    door = Door(
        listening,
        bounds(arguments, arguments.waiting),
        arguments.tls,
        admit,
        lambda: loop.add_reader(listening, door.accept),
        lambda: loop.remove_reader(listening),
        log,
    )
    door.open()
    return door


async def serve(
    listening: socket.socket, arguments: argparse.Namespace, signalled: asyncio.Event
) -> int:
    """Run the server until a signal, or the end of the operator's input, ends it."""
    print(banner(PROGRAM, listening, arguments.host, tls=arguments.tls is not None))
    print(r"\quit ends a session, Ctrl-C or Ctrl-D the server.")
    print("Awaiting client connections", flush=True)
    async with open_console() as console:
        server = ChatServer(console, waiting_max=arguments.waiting, idle_seconds=arguments.idle)
        door = open_door(server, listening, arguments, LimitLog(console.show))
        await until_first(server.operate(), server.watch(), console.failed.wait(), signalled.wait())
        door.close()
        await server.stop()
    return 1 if console.failed.is_set() else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit status is that of TERM-11 and STOP-1."""
    parser = server_arguments(
        "chatserver",
        PROGRAM,
        "Chat with one client at a time over chat/1; the others wait.",
        r"Type \quit to end a session, Ctrl-C or Ctrl-D to end the server.",
        per_address=100,
    )
    parser.add_argument(
        "--idle",
        metavar="SECONDS",
        type=number("SECONDS", float, limits.IDLE_MIN_SECONDS, 1e9),
        default=600.0,
        help="send a client away whose turn it has been so long while others wait (%(default)s)",
    )
    parser.add_argument(
        "--waiting",
        metavar="N",
        type=number("N", int, 1, 100_000),
        default=100,
        help="clients that may wait; further ones are told that it is full (%(default)s)",
    )
    return run_server(parse_server_arguments(parser, arguments), serve)


if __name__ == "__main__":
    sys.exit(main())
