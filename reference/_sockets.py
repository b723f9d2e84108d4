"""What every connection gets."""

import socket

from chatproto import limits


def notice_vanished_peers(sock: socket.socket) -> None:
    """Keepalive and user timeout, so that a peer that vanished is noticed (CLOSE-7)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    seconds = limits.VANISHED_SECONDS
    for option, value in (
        ("TCP_KEEPIDLE", seconds // 3),
        ("TCP_KEEPINTVL", seconds // 9),
        ("TCP_KEEPCNT", 5),
        ("TCP_USER_TIMEOUT", seconds * 1000 - 5000),
    ):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
