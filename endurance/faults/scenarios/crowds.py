"""Crowds: many who come at once, come and go, say garbage, want one handle, or flood."""

import asyncio

from endurance.faults.ledger import Ledger
from endurance.faults.programs import WrongError
from endurance.faults.scenario import Scenario
from endurance.faults.stage import RELAY, Stage
from endurance.faults.voices import LONG, Member

LINES = 100
MANY = 200


async def _knock(stage: Stage, number: int) -> None:
    stranger = await stage.connect(f"s{number}", Ledger())
    await (stranger.reset() if number % 2 else stranger.close())


async def _say_garbage(stage: Stage, number: int) -> None:
    stranger = await stage.connect(f"s{number}", Ledger())
    # Nothing of it may be a line by chance, that the others would hear.
    await stranger.send_octets(b"\xff" + stage.dice.randbytes(stage.dice.randrange(2000)) + b"\n")
    await stranger.until_end()
    await stranger.close()


async def _want_handle_of_ann(stage: Stage, number: int) -> None:
    stranger = await stage.connect("ann" if number % 2 else "ANN", Ledger())
    await stranger.send(rf"{stranger.name}>\join chat/1")
    if not (last := await stranger.until_end()).startswith(r"\error handle-taken"):
        raise WrongError(f"the last that one who wanted a handle was told is {last!r}")
    await stranger.close()


async def _join_and_leave(stage: Stage, number: int) -> None:
    stranger = await stage.member(f"s{number}")
    await stranger.talk(3)
    await stranger.leave()


async def strangers(stage: Stage, what: str) -> None:
    """Many strangers, some at a time, while three chat."""
    await stage.relay()
    members = await stage.members("ann", "bob", "carl")
    at_a_time = asyncio.Semaphore(20)

    async def come(number: int) -> None:
        async with at_a_time:
            await STRANGERS[what][1](stage, number)

    async with asyncio.TaskGroup() as group:
        for member in members:
            group.create_task(member.talk(LINES))
        for number in range(MANY):
            group.create_task(come(number))
    await stage.settle()


STRANGERS = {
    "that connect and are gone": ("They lose nothing by it.", _knock),
    "that say garbage": ("Each is sent away; the others lose nothing.", _say_garbage),
    "that want a handle that is taken": (
        "Each is told so; who has it keeps it, and loses nothing.",
        _want_handle_of_ann,
    ),
    "that join, talk and leave": (
        "All hear the same of each; nobody is left over.",
        _join_and_leave,
    ),
}


async def full_house(stage: Stage) -> None:
    """As many as a relay must take, all talking; further ones are told that it is full."""
    await stage.relay("--max-clients", "64")
    members = await stage.members(*(f"m{number}" for number in range(64)))
    for number in range(10):
        late = await stage.connect(f"late{number}", Ledger())
        if not (last := await late.until_end()).startswith(r"\error full"):
            raise WrongError(f"the last that one too many was told is {last!r}")
    async with asyncio.TaskGroup() as group:
        for member in members:
            group.create_task(member.talk(10))
    await stage.settle()


async def flood(stage: Stage, *, rate: str) -> None:
    """One says megabytes as fast as it can; others chat."""
    await stage.server(RELAY, "--rate", rate)
    ann, bob, loud = await stage.members("ann", "bob", "loud")
    loud.text_max = LONG

    async def be_loud() -> None:
        while True:
            await loud.say_at_once(100)
            await asyncio.sleep(0)

    flooding = asyncio.create_task(be_loud())
    await ann.talk(LINES)
    await bob.talk(LINES)
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)
    stage.ledger.leave("loud")
    await loud.reset()
    await stage.settle()


async def waiting_room(stage: Stage) -> None:
    """Many wait at a chat server, are served one after the other, or give up."""
    operator = await stage.chatserver()
    guests = []
    for number in range(20):
        guests.append(await stage.guest(operator, f"g{number}"))
        # Nobody answers who gives up: a reply would be for the next one's turn (TURN-14).
        impatient = await stage.connect(f"i{number}", Ledger())
        await impatient.talk(2, gap=0)
        impatient.half_close()
    for guest in guests:
        await guest.talk(2, gap=0)
    for guest in guests:
        await _serve(stage, guest)


async def _serve(stage: Stage, guest: Member) -> None:
    await stage.until(lambda: not guest.ledger.outstanding(), f"{guest.name} was not answered")
    await guest.leave()
    guest.ledger.leave("SERVER")


async def too_many_wait(stage: Stage) -> None:
    """More come to a chat server than may wait."""
    operator = await stage.chatserver("--waiting", "5")
    ann = await stage.guest(operator, "ann")
    await ann.talk(3)
    await stage.settle()
    waiting = [await stage.connect(f"w{number}", Ledger()) for number in range(5)]
    for member in waiting:
        await member.send(f"{member.name}>hello")
    # Who waits has been heard when ann is heard who speaks later.
    await ann.talk(3)
    await stage.settle()
    for number in range(20):
        late = await stage.connect(f"late{number}", Ledger())
        if not (last := await late.until_end()).startswith(r"\error full"):
            raise WrongError(f"the last that one too many was told is {last!r}")
    await ann.talk(LINES)
    await stage.settle()


SCENARIOS = [
    *(
        Scenario(
            f"crowds/relay: {MANY} strangers {what}",
            holds,
            strangers,
            {"what": what},
            quick="garbage" in what or "leave" in what,
        )
        for what, (holds, _) in STRANGERS.items()
    ),
    Scenario(
        "crowds/relay: 64 talk, and more come",
        "All 64 hear everything; who comes is told that it is full.",
        full_house,
    ),
    *(
        Scenario(
            f"crowds/relay: one floods, {'unlimited' if rate == '0' else 'the rate as it is'}",
            "Those who read it and talk themselves lose nothing of each other.",
            flood,
            {"rate": rate},
        )
        for rate in ("0", "1048576")
    ),
    Scenario(
        "crowds/chat server: 40 wait, and half of them give up",
        "All who stay are served in the order in which they came; every text is answered.",
        waiting_room,
        quick=True,
    ),
    Scenario(
        "crowds/chat server: more come than may wait",
        "They are told that it is full; the session goes on.",
        too_many_wait,
    ),
]
