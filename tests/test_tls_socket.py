"""TLS under a socket's calls: what is sent arrives, however little the system takes at once."""

import asyncio
import contextlib
import gc
import random
import select
import socket
import ssl
import weakref

import pytest

from reference._tls import (
    HANDSHAKE_RECORDS,
    UNSENT_OCTETS,
    TlsSocket,
    client_context,
    server_context,
)
from tests.certificates import HOST, Certificates
from tests.key_updates import KeyUpdater

SMALL_BUFFER = 4096
HANDSHAKE = 22
"""The type of a record."""


def pair(certificates: Certificates, buffer: int = 0) -> tuple[TlsSocket, TlsSocket]:
    """Client and server that have shaken hands."""
    near, far = socket.socketpair()
    for each in (near, far):
        if buffer:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    client = TlsSocket(near, client_context(certificates.ca, None, None), HOST)
    server = TlsSocket(far, server_context(certificates.server(), None, None))

    async def shake() -> None:
        await asyncio.gather(client.handshake(), server.handshake())

    asyncio.run(asyncio.wait_for(shake(), 10))
    return client, server


def received(to: TlsSocket, most: int = 65536) -> bytes:
    """What is there now."""
    with contextlib.suppress(BlockingIOError):
        return to.recv(most)
    return b""


def readable(sock: socket.socket, seconds: float = 10) -> bool:
    return bool(select.select([sock], [], [], seconds)[0])


def written(sock: TlsSocket, octets: bytes) -> int:
    try:
        return sock.send(octets)
    except BlockingIOError:
        return 0


@pytest.mark.parametrize("seed", range(20))
def test_what_is_sent_arrives(certificates: Certificates, seed: int) -> None:
    """Both directions at once, in pieces of any size, through small buffers."""
    chance = random.Random(seed)
    ends = pair(certificates, buffer=SMALL_BUFFER)
    unsent = {end: chance.randbytes(chance.choice((1, 500, 70_000, 400_000))) for end in ends}
    expected = {ends[0]: unsent[ends[1]], ends[1]: unsent[ends[0]]}
    got = dict.fromkeys(ends, b"")
    with ends[0], ends[1]:
        while got != expected:
            for end in ends:
                if unsent[end] and chance.random() < 0.7:
                    size = chance.choice((1, 100, 20_000, 100_000))
                    unsent[end] = unsent[end][written(end, unsent[end][:size]) :]
                elif unsent[end]:
                    pieces = [unsent[end][:10], unsent[end][10:3000], unsent[end][3000:90_000]]
                    with contextlib.suppress(BlockingIOError):
                        unsent[end] = unsent[end][end.sendmsg(pieces) :]
                if chance.random() < 0.6:
                    got[end] += received(end, chance.choice((1, 1000, 65536)))
                assert expected[end].startswith(got[end])


def test_a_read_gives_at_most_what_was_asked_for(certificates: Certificates) -> None:
    client, server = pair(certificates)
    with client, server:
        sent = written(client, bytes(200_000))
        while sent > 0:
            assert readable(server)
            got = len(received(server))
            assert got <= 65536
            sent -= got


def test_nothing_readable_hides_inside(certificates: Certificates) -> None:
    """After a read that found something, the rest shows as readable."""
    client, server = pair(certificates)
    with client, server:
        sent = sum(written(client, bytes(50_000)) for _ in range(4))
        got = 0
        while got < sent:
            assert readable(server)
            got += len(received(server))


def test_what_comes_with_the_handshake_is_not_read_by_it(certificates: Certificates) -> None:
    near, far = socket.socketpair()
    client = TlsSocket(near, client_context(certificates.ca, None, None), HOST)
    server = TlsSocket(far, server_context(certificates.server(), None, None))

    async def talk() -> None:
        shaking = asyncio.create_task(server.handshake())
        await client.handshake()
        client.send(b"at once")
        await shaking

    asyncio.run(asyncio.wait_for(talk(), 10))
    with client, server:
        assert readable(server)
        assert server.recv(65536) == b"at once"


def test_each_side_ends_on_its_own(certificates: Certificates) -> None:
    client, server = pair(certificates)
    with client, server:
        client.send(b"the last word")
        client.shutdown(socket.SHUT_WR)
        assert server.recv(65536) == b"the last word"
        assert readable(server)
        assert server.recv(65536) == b""
        server.send(b"an answer")
        server.shutdown(socket.SHUT_WR)
        assert client.recv(65536) == b"an answer"
        assert readable(client)
        assert client.recv(65536) == b""


def test_a_goodbye_without_the_end_of_tcp_is_an_end(certificates: Certificates) -> None:
    client, server = pair(certificates)
    with client, server:
        client.send(b"word")
        client._say_goodbye()
        assert server.recv(65536) == b"word"
        assert readable(server)
        assert server.recv(65536) == b""
        server.send(b"still heard")
        assert client.recv(65536) == b"still heard"


def test_closing_says_goodbye(certificates: Certificates) -> None:
    client, server = pair(certificates)
    with server:
        client.close()
        assert readable(server)
        assert server.recv(65536) == b""


def test_what_is_closed_holds_nothing(certificates: Certificates) -> None:
    """A transport of asyncio refers to itself and to its socket: garbage, for a long time."""
    client, server = pair(certificates)
    with client:
        tls = weakref.ref(server._tls)
        server.close()
        server.close()
        assert tls() is None
        for call in (
            lambda: server.recv(1),
            lambda: server.send(b"x"),
            lambda: server.sendmsg([b"x"]),
            lambda: server.shutdown(socket.SHUT_WR),
        ):
            with pytest.raises(OSError, match="Bad file descriptor"):
                call()


def test_an_end_without_a_goodbye_is_a_reset(certificates: Certificates) -> None:
    client, server = pair(certificates)
    with server:
        client.send(b"half")
        socket.socket(fileno=client.detach()).close()
        assert server.recv(65536) == b"half"
        assert readable(server)
        with pytest.raises(ConnectionResetError, match="without a goodbye"):
            server.recv(65536)


def test_what_is_no_tls_is_an_error_after_what_was(certificates: Certificates) -> None:
    client, server = pair(certificates)
    with server:
        client.send(b"good")
        raw = socket.socket(fileno=client.detach())
        raw.send(b"ann>hello\n" * 9)
        assert server.recv(65536) == b"good"
        assert readable(server)
        with pytest.raises(ssl.SSLError):
            server.recv(65536)
        raw.close()


def test_an_error_is_told_once_and_keeps_nothing(certificates: Certificates) -> None:
    """As a socket does; kept, it would refer to itself by its traceback."""
    client, server = pair(certificates)
    gone = weakref.ref(server)
    with client:
        socket.socket.send(client, b"\x17\x03\x03\0\x20" + bytes(32))
        assert readable(server)
        with pytest.raises(ssl.SSLError):
            server.recv(65536)
        assert server.recv(65536) == b""
        gc.disable()
        server.close()
        del server
        kept = gone()
        gc.enable()
        assert kept is None


def asking(certificates: Certificates) -> tuple[KeyUpdater, TlsSocket]:
    """A client that asks for many updates of keys, and its server."""
    near, far = socket.socketpair()
    server = TlsSocket(far, server_context(certificates.server(), None, None))

    async def shake() -> KeyUpdater:
        client, _ = await asyncio.gather(asyncio.to_thread(KeyUpdater, near), server.handshake())
        return client

    return asyncio.run(asyncio.wait_for(shake(), 10)), server


def test_a_key_is_updated(certificates: Certificates) -> None:
    client, server = asking(certificates)
    with client.socket, server:
        for _ in range(10):
            client.socket.sendall(client.updates(30))
            with pytest.raises(BlockingIOError):
                server.recv(65536)
            assert len(client.socket.recv(65536)) > 30


def test_many_updates_of_keys_at_once_are_an_end(certificates: Certificates) -> None:
    client, server = asking(certificates)
    with client.socket, server:
        client.socket.sendall(client.updates(500))
        with pytest.raises(OSError, match="too many answers"):
            server.recv(65536)
        assert server.recv(65536) == b""


def test_answers_that_are_not_taken_have_a_bound(certificates: Certificates) -> None:
    client, server = asking(certificates)
    with client.socket, server:
        longest = 0
        with pytest.raises(OSError, match="too many answers"):
            for _ in range(10_000):
                client.socket.sendall(client.updates(30))
                with pytest.raises(BlockingIOError):
                    server.recv(65536)
                longest = max(longest, len(server._unsent))
        assert 0 < longest <= UNSENT_OCTETS


def test_what_tcp_carried_is_counted(certificates: Certificates) -> None:
    client, server = pair(certificates)
    with client, server:
        for _ in range(10):
            assert client.send(b"x") == 1
        assert readable(server)
        assert server.recv(65536) == b"x" * 10
        assert server.taken > 200


def in_pieces(octets: bytes) -> bytes:
    """A record of a handshake as many, of an octet each."""
    assert octets[0] == HANDSHAKE
    return b"".join(octets[:3] + b"\0\1" + bytes([octet]) for octet in octets[5:])


def test_a_handshake_in_many_records(certificates: Certificates) -> None:
    """Others have their turn after each of them, and not any number is read."""
    outgoing = ssl.MemoryBIO()
    context = client_context(certificates.ca, None, None)
    context.set_alpn_protocols(["x" * 200])
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="a.example").do_handshake()
    near, far = socket.socketpair()
    server = TlsSocket(far, server_context(certificates.server(), None, None))
    turns = 0

    async def shake() -> None:
        nonlocal turns
        hello = in_pieces(outgoing.read())
        await asyncio.get_running_loop().sock_sendall(near, hello)
        shaking = asyncio.create_task(server.handshake())
        while not shaking.done():
            await asyncio.sleep(0)
            turns += 1
        with pytest.raises(OSError, match="too many records"):
            await shaking

    near.setblocking(False)
    with near, server:
        asyncio.run(asyncio.wait_for(shake(), 10))
    assert turns > HANDSHAKE_RECORDS


def test_a_handshake_that_is_given_up_as_it_goes_on(certificates: Certificates) -> None:
    """In one and the same turn of the loop."""
    near, far = socket.socketpair()
    server = TlsSocket(far, server_context(certificates.server(), None, None))
    wrong: list[object] = []

    async def shake() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: wrong.append(context))
        shaking = asyncio.create_task(server.handshake())
        while not far_is_watched(loop, server):
            await asyncio.sleep(0)
        near.send(b"\x16")
        loop.call_soon(shaking.cancel)
        with pytest.raises(asyncio.CancelledError):
            await shaking
        await asyncio.sleep(0)

    with near, server:
        asyncio.run(asyncio.wait_for(shake(), 10))
    assert wrong == []


def far_is_watched(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> bool:
    return sock.fileno() in loop._selector.get_map()  # type: ignore[attr-defined]


def test_a_goodbye_goes_out_through_a_full_buffer(certificates: Certificates) -> None:
    client, server = pair(certificates, buffer=SMALL_BUFFER)
    with client, server:
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                sent += client.send(b"x" * 100)
        got = len(received(server))
        assert client.send(b"y" * 100) == 100  # what was owed
        client.shutdown(socket.SHUT_WR)
        while readable(server) and (octets := received(server)):
            got += len(octets)
        assert got == sent + 100
        assert server.recv(10) == b""
