"""The other end vanishes without a word: no FIN, no reset, nothing."""

import asyncio
from typing import Any

from endurance.faults.cable import Cable
from endurance.faults.ledger import Ledger
from endurance.faults.scenario import Scenario
from endurance.faults.stage import Stage

NOTICED = 90.0
"""VANISHED_SECONDS of the spec (CLOSE-7, CLOSE-8)."""
FEW = 5


def _two_hosts(stage: Stage) -> tuple[dict[str, Any], dict[str, Any], Cable]:
    """How to be near, how to be far, and what is between them."""
    server, far = stage.host(), stage.host()
    cable = stage.cable(server, far)
    return {"host": server}, {"host": far, "address": cable.near_addresses[0]}, cable


async def member_of_relay(stage: Stage, *, busy: bool) -> None:
    """A member vanishes; the others go on, talking or silent."""
    near, far, cable = _two_hosts(stage)
    await stage.relay(**near)
    ann, bob = await stage.members("ann", "bob", **near)
    carl = await stage.member("carl", **far)
    await carl.talk(FEW)
    await stage.settle()
    cable.cut()
    stage.ledger.leave("carl")
    async with asyncio.TaskGroup() as group:
        talks = group.create_task(ann.talk(10**6, gap=0.5)) if busy else None
        await bob.until(lambda: "carl" not in bob.present, "was not told that he left", NOTICED)
        if talks:
            talks.cancel()
    await stage.settle()
    again = await stage.connect("carl", Ledger(), **near)
    await again.join()


async def client_of_chatserver(stage: Stage, *, busy: bool) -> None:
    """Whose session it is vanishes, with a reply unread or not; another waits."""
    near, far, cable = _two_hosts(stage)
    operator = await stage.chatserver(**near)
    ann = await stage.guest(operator, "ann", **far)
    await ann.talk(FEW)
    await stage.settle()
    bob = await stage.guest(operator, "bob", **near)
    operator.answers = not busy
    if busy:
        await ann.say()
        await stage.until(lambda: not ann.ledger.outstanding(), "her text was not shown")
    ann.ledger.leave("ann")
    ann.ledger.leave("SERVER")
    cable.cut()
    if busy:
        await operator.say()
        operator.answers = True
    await operator.process.shown.line("client has disconnected", NOTICED)
    await bob.talk(FEW)
    await stage.settle()


async def server_of_client(stage: Stage, kind: str, *, busy: bool) -> None:
    """The server vanishes; the user types or not."""
    near, far, cable = _two_hosts(stage)
    await stage.relay(**near)
    await stage.member("ann", **near)
    client = await stage.client(kind, "bob", **far)
    await client.talk(FEW)
    await stage.settle()
    cable.cut()
    stage.ledger.leave("bob")
    async with asyncio.TaskGroup() as group:
        types = group.create_task(client.talk(10**6, gap=0.5)) if busy else None
        await client.process.ends_with(1, NOTICED)
        if types:
            types.cancel()


_NEEDS = ("cables",)
SCENARIOS = [
    *(
        Scenario(
            f"vanishing/relay: a member, others {'talk' if busy else 'are silent'}",
            "Within 90 s the others are told that it left, and its handle is free again.",
            member_of_relay,
            {"busy": busy},
            patient=True,
            needs=_NEEDS,
        )
        for busy in (False, True)
    ),
    *(
        Scenario(
            f"vanishing/chat server: the client, {'a reply unread' if busy else 'its turn'}",
            "Within 90 s the session ends, and who waits is served.",
            client_of_chatserver,
            {"busy": busy},
            patient=True,
            needs=_NEEDS,
        )
        for busy in (False, True)
    ),
    *(
        Scenario(
            f"vanishing/{kind}: the server, the user {'types' if busy else 'is silent'}",
            "Within 90 s the client says that the connection is lost, and ends with status 1.",
            server_of_client,
            {"kind": kind, "busy": busy},
            patient=True,
            needs=(*_NEEDS, "C client"),
        )
        for kind in ("Python client", "C client")
        for busy in (False, True)
    ),
]
