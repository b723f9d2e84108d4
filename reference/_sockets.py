"""What every connection gets."""

import socket

from chatproto import limits

PROBE_AFTER_SECONDS = limits.VANISHED_SECONDS // 3
PROBE_EACH_SECONDS = limits.VANISHED_SECONDS // 9
PROBES = 5
GONE_AFTER_SECONDS = PROBE_AFTER_SECONDS + PROBES * PROBE_EACH_SECONDS - 5
"""Before the last probe. Where there is a user timeout Linux does not count probes, but looks at
this time whenever one is due; were it over after the last only, another would be waited for."""


def notice_vanished_peers(sock: socket.socket) -> None:
    """Keepalive and user timeout, so that a peer that vanished is noticed (CLOSE-7)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", PROBE_AFTER_SECONDS),
        ("TCP_KEEPINTVL", PROBE_EACH_SECONDS),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", GONE_AFTER_SECONDS * 1000),
    ):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
