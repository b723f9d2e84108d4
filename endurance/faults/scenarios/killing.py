"""Client programs that are killed, at every moment; those who stay go on."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from endurance.faults.ledger import Ledger
from endurance.faults.programs import CLIENTS
from endurance.faults.scenario import Scenario
from endurance.faults.stage import Stage
from endurance.faults.voices import Client

TIMES = 4
LINES = 100
Start = Callable[[str], Client]


async def _starts(stage: Stage, start: Start, name: str) -> Client:
    client = start(name)
    await asyncio.sleep(stage.dice.uniform(0, 0.15))
    return client


async def _connects(stage: Stage, start: Start, name: str) -> Client:
    client = start(name)
    await client.process.shown.line("Connecting")
    await asyncio.sleep(stage.dice.choice((0, 0.001, 0.01)))
    return client


async def _talks(stage: Stage, start: Start, name: str) -> Client:
    client = start(name)
    await client.talk(LINES, gap=0)
    enough = stage.dice.randrange(LINES)
    await stage.until(lambda: stage.ledger.heard_of("ann", name) >= enough, "was not heard")
    return client


async def _hears(stage: Stage, start: Start, name: str) -> Client:
    client = start(name)
    enough = stage.dice.randrange(1, 5)
    await stage.until(lambda: stage.ledger.heard_of(name, "ann") >= enough, "heard nothing")
    return client


async def _leaves(stage: Stage, start: Start, name: str) -> Client:
    client = start(name)
    await client.talk(5, gap=0)
    client.process.type(r"\quit")
    await asyncio.sleep(stage.dice.uniform(0, 0.05))
    return client


MOMENTS: dict[str, Callable[[Stage, Start, str], Awaitable[Client]]] = {
    "while it starts": _starts,
    "while it connects": _connects,
    "while it talks": _talks,
    "while it hears": _hears,
    "while it leaves": _leaves,
}


async def at_relay(stage: Stage, kind: str, moment: str) -> None:
    """Members of a relay are killed, while two chat."""
    await stage.relay()

    def start(name: str) -> Client:
        stage.ledger.leave(name)
        return stage.start_client(kind, name)

    async with asyncio.TaskGroup() as group:
        stayers = await stage.members("ann", "bob")
        talking = [group.create_task(member.talk(10**6, gap=0.02)) for member in stayers]
        for number in range(TIMES):
            client = await MOMENTS[moment](stage, start, f"k{number}")
            client.process.signal(signal.SIGKILL)
            await client.process.ended()
        for task in talking:
            task.cancel()
    await stage.settle()


async def _killed(client: Client) -> None:
    client.process.signal(signal.SIGKILL)
    await client.process.ended()


async def at_chatserver(stage: Stage, kind: str, *, waiting: bool) -> None:
    """Clients of a chat server are killed, in their session or while they wait."""
    operator = await stage.chatserver()
    for number in range(TIMES):
        stayer = await stage.caller(operator, kind, f"s{number}") if waiting else None
        victim = stage.start_client(kind, f"k{number}", ledger=Ledger())
        await victim.process.shown.line("Connecting")
        await victim.talk(3, gap=0)
        if stayer is None:
            # A reply to it would be for the next one's turn (TURN-14), so it gets none.
            await operator.process.shown.line(f"^{victim.name}>")
            coming = asyncio.create_task(stage.caller(operator, kind, f"s{number}"))
            await _killed(victim)
            stayer = await coming
        else:
            await stayer.talk(3)
            await _killed(victim)
        await stayer.talk(3)
        await stage.settle()
        await stayer.leave()
        stayer.ledger.leave("SERVER")


SCENARIOS = [
    *(
        Scenario(
            f"killing/relay: a {kind} {moment}",
            f"Those who stay lose nothing, and hear the same of a {kind} killed {moment}.",
            at_relay,
            {"kind": kind, "moment": moment},
            quick=(kind, moment)
            in (("C client", "while it talks"), ("Python client", "while it hears")),
            needs=("C client",) if kind == "C client" else (),
        )
        for kind in CLIENTS
        for moment in MOMENTS
    ),
    *(
        Scenario(
            f"killing/chat server: a {kind} {'that waits' if waiting else 'in its session'}",
            "The next session begins, or the present one goes on, and nothing of it is lost.",
            at_chatserver,
            {"kind": kind, "waiting": waiting},
            quick=kind == "C client" and waiting,
            needs=("C client",) if kind == "C client" else (),
        )
        for kind in CLIENTS
        for waiting in (False, True)
    ),
]
