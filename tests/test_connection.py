"""A connection of the chat server, alone on a real socket."""

import asyncio
import gc
import socket
import weakref

from reference._connection import Connection
from reference._door import Caller, caller


class Owner:
    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def connected(self, connection: Connection) -> None: ...

    def arrived(self, connection: Connection) -> None: ...

    def gone(self, _connection: Connection) -> None:
        self.closed.set()


def test_nothing_of_a_closed_connection_is_kept_until_its_time_is_over() -> None:
    async def close_one() -> object:
        owner = Owner()
        left: list[Caller] = []
        with socket.create_server(("127.0.0.1", 0)) as listening:
            client = socket.create_connection(listening.getsockname())
            accepted, _ = listening.accept()
        transport, connection = await asyncio.get_running_loop().connect_accepted_socket(
            lambda: Connection(owner, caller(("host", 1)), left.append), accepted
        )
        kept = weakref.ref(transport)
        connection.close()
        client.close()
        await asyncio.wait_for(owner.closed.wait(), 20)
        await asyncio.sleep(0)  # the loop lets go of what it has just called
        assert left == [caller(("host", 1))]
        del connection, transport
        gc.collect()
        return kept()

    assert asyncio.run(close_one()) is None
