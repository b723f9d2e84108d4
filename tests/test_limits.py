"""Limits against abuse: what they do, to whom, and that nobody else notices (LIMIT-1 to -4)."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from chatproto import Effect, Relay
from reference._direct_selector import DirectSelector
from reference._door import Bounds, Caller, Door, caller
from reference._limit_log import LimitLog
from reference._room import Peer as Member
from reference._room import Room
from tests.programs import Peer, Program, chatserver, relayserver

FULL = b"SERVER>\\error full\n"
Server = Callable[..., AbstractContextManager[tuple[Program, int]]]
STILL_HERE = b"ann>still here\n"


def from_address(port: int, address: str) -> Peer:
    return Peer.of(socket.create_connection(("127.0.0.1", port), 20, (address, 0)))


def chats(one: Peer, other: Peer) -> None:
    """A text of the one reaches the other, and nothing was between."""
    one.send(STILL_HERE)
    assert other.receive() == STILL_HERE


@pytest.mark.parametrize("server", [relayserver, chatserver])
def test_connections_from_one_address(server: Server) -> None:
    with server("--max-per-address", "3") as (program, port):
        inside = [Peer(port) for _ in range(3)]
        assert Peer(port).receive_all() == [FULL]
        program.expect(r"-- sent away, too many connections from one address: \(127.0.0.1, \d+\)")
        other = from_address(port, "127.0.0.2")
        other.send(b"bob>\\quit\n")
        assert other.receive() == b""
        inside.pop().reset()
        inside[0].send(b"ann>hello\n")
        program.expect("^ann>hello$")
        again = Peer(port)
        again.send(b"carl>\\quit\n")
        program.signal(signal.SIGTERM)
        assert FULL not in again.receive_all()
        assert program.ended() == 0


def test_each_address_opens_so_many_a_second() -> None:
    with relayserver("--connect-rate", "0.01") as (program, port):
        inside = Peer(port)  # the only one in a hundred seconds
        assert Peer(port).receive_all() == [FULL]
        program.expect("-- sent away, too many connections a second from one address: ")
        other = from_address(port, "127.0.0.2")
        other.send(b"ann>hello\n")
        assert inside.receive() == b"ann>hello\n"


def test_all_together() -> None:
    """Somebody who keeps on connecting is told that it is full, and then cut off."""
    with relayserver("--max-clients", "64", "--max-per-address", "0") as (program, port):
        ann = Peer(port)
        bob = Peer(port)
        ann.send(b"ann>hello\n")
        assert bob.receive() == b"ann>hello\n"
        bob.send(b"bob>hello\n")
        assert ann.receive() == b"bob>hello\n"
        others = [Peer(port) for _ in range(200)]
        program.expect("-- sent away, too many connections: ")
        chats(ann, bob)
        for each in others:
            each.close()
        chats(ann, bob)


def test_what_a_limit_did_is_said_once_and_then_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reference._limit_log.SECONDS", 0.01)

    async def happen() -> None:
        said = asyncio.Queue[str]()
        log = LimitLog(said.put_nowait)
        for whom in ("one", "two", "three"):
            log.say("sent away", whom)
            log.say("something else", whom)
        assert said.qsize() == 2
        assert await said.get() == "-- sent away: one"
        assert await said.get() == "-- something else: one"
        assert await said.get() == "-- sent away: 2 more, the last three"
        assert await said.get() == "-- something else: 2 more, the last three"

    asyncio.run(asyncio.wait_for(happen(), 20))


def test_what_waits_for_all_together() -> None:
    """Those for whom most waits go; who reads stays, and misses nothing."""
    total = 16 << 20
    line = b"ann>" + b"x" * 500 + b"\n"
    with relayserver(
        *("--queue-total", str(total), "--queue-limit", str(2 * total), "--rate", "0")
    ) as (_, port):
        ann, bob = Peer(port), Peer(port)
        stalled = [Peer(port) for _ in range(10)]
        sent = line * 24_000  # what the system takes for each, and more than the bound for all
        sending = threading.Thread(target=ann.send, args=(sent,))
        sending.start()
        assert octets(bob, len(sent)) == sent
        sending.join()
        chats(ann, bob)
        went = 0
        for each in stalled:
            got = octets(each, len(sent + STILL_HERE))
            if got != sent + STILL_HERE:
                whole, _, rest = got.rpartition(line)
                assert rest == b"SERVER>\\error too-slow\n"
                assert sent.startswith(whole + line)
                went += 1
        assert went > 0


def octets(peer: Peer, count: int) -> bytes:
    """So many octets, or those before the end."""
    got = bytearray()
    while len(got) < count and (more := peer.socket.recv(min(1 << 20, count - len(got)))):
        got += more
    return bytes(got)


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "name", "origin"),
        [
            (("192.0.2.1", 5), "(192.0.2.1, 5)", "192.0.2.1"),
            (("::ffff:192.0.2.1", 5, 0, 0), "(192.0.2.1, 5)", "192.0.2.1"),
            (("2001:db8:1:2:3:4:5:6", 5, 0, 0), "(2001:db8:1:2:3:4:5:6, 5)", "2001:db8:1:2::/64"),
            (("fe80::1%eth0", 5, 0, 2), "(fe80::1%eth0, 5)", "fe80::/64"),
            (("::1", 5, 0, 0), "(::1, 5)", "::/64"),
        ],
    )
    def test_one_site_counts_as_one(
        self, address: tuple[object, ...], name: str, origin: str
    ) -> None:
        assert caller(address) == Caller(name, origin)


def test_no_memory_for_one_is_no_harm_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIMIT-2, with a relay that has no memory for some texts."""
    receive = Relay.receive

    def short_of_memory(relay: Relay[Member], who: Member, data: bytes) -> list[Effect[Member]]:
        if b"huge" in data:
            raise MemoryError
        return receive(relay, who, data)

    monkeypatch.setattr(Relay, "receive", short_of_memory)
    said: list[str] = []
    selector = DirectSelector()

    async def chat() -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        room = Room(
            Relay(),
            selector,
            listening,
            lambda _: None,
            LimitLog(said.append),
            bounds=Bounds(connections=100, per_address=0, per_second=0, handshakes=1),
            tls=None,
            queue_max=1 << 20,
            queue_total_max=1 << 28,
            rate=0,
        )
        address = listening.getsockname()
        (ann, to_ann), (bob, to_bob), (eve, to_eve) = [
            await asyncio.open_connection(*address) for _ in range(3)
        ]
        to_eve.write(b"eve>hello\n")
        assert [await one.readline() for one in (ann, bob)] == [b"eve>hello\n"] * 2
        to_eve.write(b"eve>huge\n")
        assert await eve.read() == b""
        to_ann.write(b"ann>still here\n")
        assert await bob.readline() == b"ann>still here\n"
        assert said[0].startswith("-- sent away, no memory for it: ")
        room.close_all()
        for writer in (to_ann, to_bob, to_eve):
            writer.close()

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(asyncio.wait_for(chat(), 20))


def test_no_memory_to_let_somebody_in_is_no_harm_for_the_others() -> None:
    """LIMIT-2: it has no place afterwards."""
    admitted: list[socket.socket] = []
    said: list[str] = []

    def admit(connected: socket.socket, _who: Caller) -> None:
        if not said:
            raise MemoryError
        admitted.append(connected)

    async def come() -> None:
        loop = asyncio.get_running_loop()
        listening = socket.create_server(("127.0.0.1", 0))
        bounds = Bounds(connections=1, per_address=1, per_second=0, handshakes=1)
        door = Door(
            *(listening, bounds, None, admit),
            lambda: loop.add_reader(listening, door.accept),
            lambda: loop.remove_reader(listening),
            LimitLog(said.append),
        )
        door.open()
        reader, unlucky = await asyncio.open_connection(*listening.getsockname())
        assert await reader.read() == b""
        assert said[0].startswith("-- sent away, no memory for it: ")
        _, lucky = await asyncio.open_connection(*listening.getsockname())
        while not admitted:
            await asyncio.sleep(0)
        door.close()
        admitted[0].close()
        for each in (unlucky, lucky):
            each.close()

    asyncio.run(asyncio.wait_for(come(), 20))
