"""Ports for programs under test: each process of the suite has a block of its own.

They lie below those that systems give to outgoing connections. Who holds a block keeps a
socket bound to its first port, so that nobody else starts a program on one of the others
between the moment in which it was found free and the one in which the program listens.
"""

import contextlib
import itertools
import os
import socket
import threading
from collections.abc import Iterator

_FIRST, _LAST, _BLOCK = 10_000, 32_000, 400
_claiming = threading.Lock()
_claims: dict[int, tuple[socket.socket, Iterator[int]]] = {}
"""By process, since a worker process is forked with the claim of another one."""


def free_port() -> int:
    """A port on which nobody listens."""
    while True:
        with _claiming:
            own = _claims.get(os.getpid()) or _claims.setdefault(os.getpid(), _claim())
            port = next(own[1])
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _claim() -> tuple[socket.socket, Iterator[int]]:
    blocks = range(_FIRST, _LAST, _BLOCK)
    for number in range(len(blocks)):
        first = blocks[(os.getpid() + number) % len(blocks)]
        mark = socket.socket()
        try:
            mark.bind(("127.0.0.1", first))
        except OSError:
            mark.close()
        else:
            return mark, itertools.cycle(range(first + 1, first + _BLOCK))
    return socket.socket(), itertools.cycle(range(_FIRST, _LAST))  # all blocks are taken
