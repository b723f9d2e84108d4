"""Runs programs as their users do, and talks to them over real sockets.

Nothing here waits by sleeping: every wait is for an event, with a deadline.
"""

import contextlib
import os
import re
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from types import TracebackType
from typing import ClassVar, Self

DEADLINE_SECONDS = 20


class Program:
    """A process with pipes; what it writes is read line by line."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        self.stdin = self.process.stdin
        self._unread = {self.process.stdout: b"", self.process.stderr: b""}
        self._selector = selectors.DefaultSelector()
        for pipe in self._unread:
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._selector.close()
        for pipe in (self.stdin, *self._unread):
            with contextlib.suppress(OSError):
                pipe.close()

    def type(self, *lines: str) -> None:
        """Type lines."""
        self.type_octets("".join(f"{line}\n" for line in lines).encode())

    def type_octets(self, octets: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended; what it said tells why
            self.stdin.write(octets)
            self.stdin.flush()

    def expect(self, pattern: str, *, on_stderr: bool = False) -> re.Match[str]:
        """Wait for a line that the pattern is found in; lines before it are passed over."""
        pipe = list(self._unread)[on_stderr]
        deadline = time.monotonic() + DEADLINE_SECONDS
        passed = []
        while True:
            line, found, rest = self._unread[pipe].partition(b"\n")
            if found:
                self._unread[pipe] = rest
                if match := re.search(pattern, line.decode()):
                    return match
                passed.append(line.decode())
            elif not self._read(deadline, pipe):
                raise AssertionError(f"no {pattern!r} in {passed}, unfinished {line!r}")

    def _read(self, deadline: float, wanted: object) -> bool:
        """Read what is there; False at the deadline, or at the end of what is wanted."""
        ready = self._selector.select(max(0, deadline - time.monotonic()))
        for key, _ in ready:
            octets = key.fileobj.read()  # type: ignore[union-attr]
            self._unread[key.fileobj] += octets  # type: ignore[index]
            if not octets:
                self._selector.unregister(key.fileobj)
                if key.fileobj is wanted:
                    return False
        return bool(ready)

    def read_octets(self) -> bytes:
        """Some of standard output, no more than a pipe holds; nothing at its end."""
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], DEADLINE_SECONDS)
        assert ready, "nothing more is written"
        return os.read(self.process.stdout.fileno(), 65536)

    def output(self) -> str:
        """All of standard output that is not yet read, once the program has ended."""
        self.ended()
        while self._selector.get_map():
            self._read(time.monotonic() + DEADLINE_SECONDS, None)
        return self._unread[next(iter(self._unread))].decode()

    def errors(self) -> str:
        self.output()
        return list(self._unread.values())[1].decode()

    def ended(self) -> int:
        """Wait for its end; the exit status."""
        return self.process.wait(DEADLINE_SECONDS)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


class Peer:
    """The other end of a connection, as raw octets."""

    opened: ClassVar[list["Peer"]] = []

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._take(socket.create_connection((host, port), DEADLINE_SECONDS))

    @classmethod
    def of(cls, accepted: socket.socket) -> "Peer":
        """The peer at an accepted connection."""
        peer = cls.__new__(cls)
        peer._take(accepted)
        return peer

    def _take(self, connected: socket.socket) -> None:
        self.socket = connected
        self.opened.append(self)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def receive(self) -> bytes:
        """One line with its LF, or what there is before the end; b"" at the end."""
        while b"\n" not in self._unread:
            octets = self.socket.recv(65536)
            if not octets:
                line, self._unread = self._unread, b""
                return line
            self._unread += octets
        line, _, self._unread = self._unread.partition(b"\n")
        return line + b"\n"

    def receive_all(self) -> list[bytes]:
        """All lines up to the end of the stream."""
        return list(iter(self.receive, b""))

    def end(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()


@contextlib.contextmanager
def nobodys_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A port on which nobody listens. Who asks for it by its number gets it, and nobody else."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, 0))
        yield int(held.getsockname()[1])


@contextlib.contextmanager
def server(name: str, *options: str, port: int = 0) -> Iterator[tuple[Program, int]]:
    """A running server of ours, and its port."""
    with Program([sys.executable, "-m", f"reference.{name}", str(port), *options]) as program:
        found = program.expect(r"Listening on port (\d+)")
        program.expect("Awaiting client connections")
        yield program, int(found[1])


chatserver = partial(server, "chatserver")
relayserver = partial(server, "relayserver")
