"""Beginnings that go wrong: ports that are taken, servers that are not there, hosts half alive."""

import asyncio
import signal
import socket

from endurance.faults.programs import CLIENTS, SECONDS, WrongError
from endurance.faults.scenario import Scenario
from endurance.faults.stage import CHATSERVER, RELAY, Stage

SERVERS = {"relay": RELAY, "chat server": CHATSERVER}


async def port_taken(stage: Stage, program: str) -> None:
    """Another program listens there."""
    await stage.relay()
    members = await stage.members("ann", "bob")
    async with asyncio.TaskGroup() as group:
        for member in members:
            group.create_task(member.talk(50))
        for _ in range(3):
            second = stage.server_process(SERVERS[program], stage.port)
            await second.told.line("another program listens there")
            await second.ends_with(1)
    await stage.settle()


async def again_and_again(stage: Stage, program: str) -> None:
    """It is ended and started again on the same port, its connections still open."""
    port = stage.free_port()
    number = signal.SIGTERM
    for _ in range(3):
        for number in (signal.SIGTERM, signal.SIGKILL):
            process = await stage.server(SERVERS[program], port=port)
            member = await stage.connect("ann")
            await member.send(r"ann>\join chat/1")
            await member.until_told()
            process.signal(number)
            await process.ended()


async def no_server(stage: Stage, kind: str) -> None:
    """Nobody listens there."""
    process = stage.client_process(kind, stage.address, stage.free_port())
    process.type("ann", "hello")
    await process.ends_with(1)


async def closes_at_once(stage: Stage, kind: str, *, resets: bool) -> None:
    """What listens there hangs up on whoever connects."""
    with socket.create_server((stage.address, 0)) as listening:
        listening.setblocking(False)
        process = stage.client_process(kind, stage.address, listening.getsockname()[1])
        loop = asyncio.get_running_loop()
        accepted, _ = await asyncio.wait_for(loop.sock_accept(listening), SECONDS)
        if resets:
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1] + [0] * 7))
        process.type("ann")
        accepted.close()
        status = await process.ended()
        if status not in (0, 1):  # never welcomed, or lost (TERM-5)
            raise WrongError(f"it ended with status {status}")


async def one_family_only(stage: Stage, program: str) -> None:
    """A host without IPv6."""
    host = stage.host()
    host.write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1")
    if program == "relay":
        await stage.relay(host=host)
        for member in await stage.members("ann", "bob", host=host):
            await member.talk(3)
    else:
        operator = await stage.chatserver(host=host)
        guest = await stage.guest(operator, "ann", host=host)
        await guest.talk(3)
    await stage.settle()


async def first_address_is_dead(stage: Stage, kind: str) -> None:
    """A name with two addresses, where nobody listens at the first."""
    await stage.server(RELAY, "--host", "127.0.0.1")
    stage.watch_screen(stage.servers[0])
    ann = await stage.member("ann")
    client = await stage.client(kind, "bob", address="localhost")
    await client.talk(3)
    await ann.talk(3)
    await stage.settle()


def _needs(kind: str) -> tuple[str, ...]:
    return ("C client",) if kind == "C client" else ()


SCENARIOS = [
    *(
        Scenario(
            f"starts/{program}: the port is taken",
            "It says so and ends with status 1; those who chat there do not notice.",
            port_taken,
            {"program": program},
            quick=program == "relay",
        )
        for program in SERVERS
    ),
    *(
        Scenario(
            f"starts/{program}: again and again on one port, ended or killed",
            "It listens at once, although old connections are not all gone (TERM-12).",
            again_and_again,
            {"program": program},
        )
        for program in SERVERS
    ),
    *(
        Scenario(
            f"starts/{program}: a host without IPv6",
            "It serves over IPv4.",
            one_family_only,
            {"program": program},
            needs=("hosts",),
        )
        for program in SERVERS
    ),
    *(
        Scenario(
            f"starts/{kind}: {what}",
            "It ends with a status that says so, and by no signal.",
            play,
            {"kind": kind, **arguments},
            quick=(kind, play) == ("C client", no_server),
            needs=_needs(kind),
        )
        for kind in CLIENTS
        for what, play, arguments in (
            ("nobody listens", no_server, {}),
            ("the server hangs up at once", closes_at_once, {"resets": False}),
            ("the server resets at once", closes_at_once, {"resets": True}),
        )
    ),
    *(
        Scenario(
            f"starts/{kind}: the first of two addresses is dead",
            "It chats at the second.",
            first_address_is_dead,
            {"kind": kind},
            needs=_needs(kind),
        )
        for kind in CLIENTS
    ),
]
