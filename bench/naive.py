"""The relay that most people would write: asyncio streams, line by line, ``await drain()``.

    python -m bench.naive

It speaks lines and checks nothing. Nobody should copy it: one receiver that does not
read stops everybody.
"""

import asyncio
import contextlib

BACKLOG = 1024


class NaiveRelay:
    """All writers, and a coroutine for each reader."""

    def __init__(self) -> None:
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send each line of this client to all the others, until it leaves."""
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                for other in list(self._writers):
                    if other is not writer:
                        other.write(line)
                        await other.drain()
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


async def main() -> None:
    """Serve on a free port of the loopback interface, for ever."""
    server = await asyncio.start_server(NaiveRelay().serve_one, "127.0.0.1", 0, backlog=BACKLOG)
    print(f"Listening on port {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
