"""Hosts: network namespaces without a name, which are gone when nobody holds them any more."""

import contextlib
import ctypes
import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

CLONE_NEWNET = 0x4000_0000
TUNSETIFF = 0x4004_54CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET_MAX = 65536

_libc = ctypes.CDLL(None, use_errno=True)


def _call(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _own_network() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Host:
    """A host with a network of its own."""

    def __init__(self, *, buffers: int = 0) -> None:
        """``buffers`` is the most octets that its system holds for a socket; 0: as usual."""
        home = _own_network()
        try:
            _call(_libc.unshare(CLONE_NEWNET))
            self._network = _own_network()
            _call(_libc.setns(home, CLONE_NEWNET))
        finally:
            os.close(home)
        self.ip("link set lo up")
        if buffers:
            for which in ("tcp_rmem", "tcp_wmem"):
                self.write(f"/proc/sys/net/ipv4/{which}", f"4096 {buffers} {buffers}")

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """What this thread makes meanwhile, sockets and processes, is on this host.

        To be left before anything is awaited.
        """
        home = _own_network()
        try:
            _call(_libc.setns(self._network, CLONE_NEWNET))
            yield
        finally:
            _call(_libc.setns(home, CLONE_NEWNET))
            os.close(home)

    def ip(self, *commands: str) -> None:
        """Give the program ip these commands. Raises CalledProcessError."""
        with self.inside():
            subprocess.run(
                ["ip", "-batch", "-"],
                input="".join(f"{command}\n" for command in commands),
                check=True,
                capture_output=True,
                text=True,
                timeout=20,
            )

    def write(self, path: str, content: str) -> None:
        """Write to a file of its own among those of the kernel."""
        with self.inside():
            Path(path).write_text(content, encoding="ascii")

    def plug(self, name: str, addresses: list[str], others: list[str], mtu: int) -> int:
        """A network device, whose packets are read from and written to the descriptor."""
        with self.inside():
            plug = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(plug, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
        self.ip(
            f"link set {name} mtu {mtu} up",
            *(
                f"addr add {own} peer {other} dev {name}" + (" nodad" if ":" in own else "")
                for own, other in zip(addresses, others, strict=True)
            ),
        )
        return plug

    def close(self) -> None:
        """Let go of it; it is gone when its last process and its last socket are."""
        os.close(self._network)
