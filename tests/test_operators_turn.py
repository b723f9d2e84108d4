"""The chat server without sockets: when is a line of the operator's taken (TURN-14)?"""

import asyncio
import socket
from typing import Any

from reference._connection import Connection
from reference._console import Console
from reference._door import caller
from reference.chatserver import ChatServer


class TypedConsole(Console):
    """Standard input that is no terminal, typed by the test."""

    at_terminal = False

    def __init__(self) -> None:
        super().__init__()
        self.typed: asyncio.Queue[str | None] = asyncio.Queue()

    def _write(self, octets: bytes) -> None: ...

    def set_prompt(self, prompt: str) -> None: ...

    def forget_typed(self) -> int:
        return 0

    async def read(self) -> str | None:
        return await self.typed.get()


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__({"peername": ("host", 1), "socket": sock})
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def write_eof(self) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


def test_a_line_is_kept_when_the_turn_is_over_before_it_was_taken() -> None:
    async def answer_the_third() -> bytes:
        console = TypedConsole()
        server = ChatServer(console, waiting_max=10, idle_seconds=60)
        operating = asyncio.create_task(server.operate())

        async def run() -> None:
            for _ in range(10):  # whatever is ready
                await asyncio.sleep(0)

        def come(sock: socket.socket) -> tuple[Connection, Transport]:
            connection, transport = (
                Connection(server, caller(("host", 1)), lambda _: None),
                Transport(sock),
            )
            connection.connection_made(transport)
            octets = b"ann>hello\n"
            connection.get_buffer(-1)[: len(octets)] = octets
            connection.buffer_updated(len(octets))
            return connection, transport

        with socket.socket() as sock:
            first, _ = come(sock)
            await run()  # the operator's turn: a line is waited for
            first.eof_received()
            console.typed.put_nowait("answer")
            await run()  # the line is there; the turn is waited for
            second, _ = come(sock)
            second.eof_received()  # before the line can be taken
            await run()
            _, third = come(sock)
            await run()
        operating.cancel()
        return third.written

    assert asyncio.run(answer_the_third()) == b"SERVER>answer\n"
