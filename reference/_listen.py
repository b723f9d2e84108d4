"""Listening: the socket, the next port when one is taken, and the banner."""

import contextlib
import errno
import fcntl
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

BACKLOG = 4096
C_CLIENT = Path(__file__).resolve().parent.parent / "c_client"


def listen(host: str | None, port: int) -> socket.socket:
    """A listening socket, on all interfaces of IPv4 and IPv6 if host is None.

    Port 0 asks the system for a free one. Raises OSError.
    """
    if host is None and socket.has_dualstack_ipv6():
        with contextlib.suppress(_NoIPv6Error):
            return _listen_on_both(port)
    found = socket.getaddrinfo(
        host or "0.0.0.0",  # noqa: S104 (all interfaces is what was asked for)
        port,
        type=socket.SOCK_STREAM,
        flags=socket.AI_PASSIVE,
    )
    family, _, _, _, address = found[0]
    return socket.create_server(address, family=family, backlog=BACKLOG)


class _NoIPv6Error(Exception):
    pass


def _listen_on_both(port: int) -> socket.socket:
    try:
        return socket.create_server(
            ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
        )
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            raise _NoIPv6Error from None
        raise


def listen_or_ask(host: str | None, port: int) -> socket.socket | None:
    """Listen; where that cannot be, say why, and at a terminal offer the next port.

    None when there is nothing more to try.
    """
    while True:
        try:
            return listen(host, port)
        except OSError as error:
            where = f"port {port}" + (f" of {host}" if host else "")
            print(f"cannot listen on {where}: {_reason(error)}", file=sys.stderr)
            forbidden = error.errno == errno.EACCES
            another = error.errno in (errno.EADDRINUSE, errno.EACCES) and port < 65535
        if not (another and sys.stdin.isatty() and sys.stdout.isatty()):
            if another:
                print("give another port, or 0 for any that is free", file=sys.stderr)
            return None
        port = max(port + 1, 1024) if forbidden else port + 1
        if not _yes(f"Try port {port}? (y/n) "):
            return None


def _reason(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "another program listens there"
        case errno.EACCES:
            return "ports below 1024 need privileges"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address"
    return str(error.strerror or error)


def _yes(question: str) -> bool:
    while True:
        try:
            answer = input(question).strip().lower()
        except EOFError:
            print()
            return False
        if answer in ("y", "yes", "n", "no"):
            return answer.startswith("y")


def banner(program: str, listening: socket.socket, host: str | None, *, tls: bool) -> str:
    """What a server says when it is ready: where it is, and how to connect."""
    port = listening.getsockname()[1]
    address = host or own_address()
    near = host or "localhost"
    lines = [
        program,
        f"Host name: {socket.gethostname()}",
        f"Address:   {address}",
        f"Listening on port {port}",
        "",
    ]
    client = "chatclient --tls" if tls else "chatclient"
    if C_CLIENT.is_dir():
        lines += [
            "To connect from another terminal of this machine, in any directory:",
            f"    make -s -C '{C_CLIENT}' chatclient && '{C_CLIENT}'/{client} {near} {port}",
            "From another machine, in its copy of this project:",
            f"    make -s -C c_client chatclient && c_client/{client} {address} {port}",
        ]
    if tls:
        lines += [
            "(--ca FILE where the certificate is not of an authority that everybody trusts)",
            "With openssl, from anywhere (type ann>hello to say hello as ann):",
            f"    openssl s_client -quiet -connect {_with_port(address, port)}",
        ]
    else:
        lines += [
            "With netcat, from anywhere (type ann>hello to say hello as ann):",
            f"    nc {address} {port}",
        ]
    lines.append("")
    return "\n".join(lines)


def _with_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def own_address() -> str:
    """The address under which other machines most likely reach this one."""
    for family, somewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        # Connecting a datagram socket sends nothing; it only asks for the route.
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((somewhere, 9))
            return str(probe.getsockname()[0])
    return next(_addresses_of_interfaces(), "127.0.0.1")


def _addresses_of_interfaces() -> Iterator[str]:
    """IPv4 addresses but the loopback's, for a network without a way out (Linux)."""
    get_address = 0x8915  # SIOCGIFADDR
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                answer = fcntl.ioctl(probe, get_address, struct.pack("256s", name.encode()))
                address = socket.inet_ntoa(answer[20:24])
                if not address.startswith("127."):
                    yield address
