"""A client that floods a relay without end: python -m bench.flooder PORT KIND."""

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable

HOST = "127.0.0.1"
AT_ONCE = 100
"""Lines, or connections, that are handed over at a time."""
TEXT = b"flood>" + b"x" * 400 + b"\n"


def lines(port: int) -> None:
    """Texts on one connection, as fast as the relay reads them."""
    with socket.create_connection((HOST, port)) as connected:
        threading.Thread(target=_read, args=(connected,), daemon=True).start()
        while True:
            connected.sendall(TEXT * AT_ONCE)


def connections(port: int) -> None:
    """One connection after the other, each gone at once."""
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, port)).close()


def garbage(port: int) -> None:
    """Connections that break the protocol with their first line."""
    while True:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port)) as connected:
            connected.sendall(b"\xff\n" * AT_ONCE)


def _read(connected: socket.socket) -> None:
    while connected.recv(1 << 16):
        pass


KINDS: dict[str, Callable[[int], None]] = {
    "lines": lines,
    "connections": connections,
    "garbage": garbage,
}


def main(arguments: Iterable[str]) -> None:
    """Flood until the relay is gone, or this process is ended."""
    port, kind = arguments
    os.nice(19)  # a flooder has a machine of its own; here it takes no processor from who measures
    with contextlib.suppress(OSError):
        KINDS[kind](int(port))


if __name__ == "__main__":
    main(sys.argv[1:])
