"""Clients that read and write as no program would, and conform all the same."""

import asyncio

from endurance.faults.programs import WrongError
from endurance.faults.scenario import Scenario
from endurance.faults.stage import SCREEN, SMALL, Stage
from endurance.faults.voices import LONG, QUIT, Member

LINES = 40


async def _others(stage: Stage, odd: Member, lines: int) -> None:
    """The odd one and two others chat."""
    async with asyncio.TaskGroup() as group:
        for member in (odd, *await stage.members("ann", "bob")):
            group.create_task(member.talk(lines))
    await stage.settle()


async def by_octets(stage: Stage) -> None:
    """One reads and writes octet by octet."""
    await stage.relay()
    odd = await stage.member("odd", gulp=1)
    await odd.say_by_octets(LINES)
    await _others(stage, odd, LINES)


async def tiny_window(stage: Stage) -> None:
    """One has a tiny window, and others say much."""
    await stage.relay()
    await stage.member("odd", window=1, gulp=64)
    ann = await stage.member("ann")
    ann.text_max = LONG
    await ann.talk(LINES, gap=0)
    await stage.settle()


async def tiny_segments(stage: Stage) -> None:
    """All that one sends and gets comes in segments of 88 octets."""
    await stage.relay()
    odd = await stage.member("odd", segment=88)
    odd.text_max = LONG
    await odd.say_at_once(LINES)
    await _others(stage, odd, LINES)


async def glued(stage: Stage, end: str) -> None:
    """Lines come in one piece of many, with any line end."""
    await stage.relay()
    members = await stage.members("ann", "bob", "carl")
    async with asyncio.TaskGroup() as group:
        for member in members:
            member.text_max = LONG
            group.create_task(member.say_at_once(300, end))
    await stage.settle()


async def half_closed(stage: Stage) -> None:
    """One ends its side before it has read what is queued for it (CLOSE-6)."""
    host = stage.host(buffers=SMALL)
    await stage.relay(host=host)
    ann, odd = await stage.members("ann", "odd", host=host)
    odd.pause()
    ann.text_max = LONG
    await ann.say_at_once(800)
    await stage.until(lambda: stage.ledger.heard_of(SCREEN, "ann") == 800, "not all shown")
    odd.half_close()
    await ann.until_present(set())
    odd.go_on()
    await odd.until_end()
    if (heard := stage.ledger.heard_of("odd", "ann")) != 800:
        raise WrongError(f"of 800 lines that were queued it got {heard}")
    stage.ledger.leave("odd")
    await stage.settle()


async def reset_with_queue(stage: Stage) -> None:
    """Some reset their connections with much queued for them."""
    host = stage.host(buffers=SMALL)
    await stage.relay(host=host)
    ann, _ = await stage.members("ann", "bob", host=host)
    odd = await stage.members(*(f"odd{number}" for number in range(10)), host=host)
    ann.text_max = LONG
    for member in odd:
        stage.ledger.leave(member.name)
        member.pause()
    await ann.say_at_once(1000)
    await stage.until(lambda: stage.ledger.heard_of("bob", "ann") > 500, "bob waits")
    for member in odd:
        await member.reset()
    await stage.settle()


async def urgent(stage: Stage) -> None:
    """A stranger sends octets out of band, in the middle of lines."""
    await stage.relay()
    odd = await stage.connect("odd")
    stage.ledger.leave("odd")
    async with asyncio.TaskGroup() as group:
        for member in await stage.members("ann", "bob"):
            group.create_task(member.talk(LINES))
        for number in range(LINES):
            stage.ledger.say("odd", str(number))
            await odd.send_urgent(f"odd>{number}\n!".encode())
            await asyncio.sleep(0.001)
    await odd.close()
    await stage.settle()


async def turns_by_octets(stage: Stage) -> None:
    """The client of a chat server reads and writes octet by octet."""
    operator = await stage.chatserver()
    odd = await stage.guest(operator, "odd", gulp=1, window=1)
    await odd.say_by_octets(LINES)
    await stage.settle()


async def turns_at_once(stage: Stage) -> None:
    """The client of a chat server says far more than is held, and reads only then."""
    operator = await stage.chatserver()
    odd = await stage.guest(operator, "odd", window=4096)
    odd.text_max = LONG
    odd.pause()
    saying = asyncio.create_task(odd.say_at_once(1000))
    await stage.until(lambda: odd.ledger.heard_of("SERVER", "odd") > 50, "not even 50 were shown")
    odd.go_on()
    await saying
    await stage.settle(seconds=120)


async def turns_half_closed(stage: Stage) -> None:
    """The client of a chat server ends its side with texts unanswered; all are shown."""
    operator = await stage.chatserver()
    odd = await stage.guest(operator, "odd")
    operator.answers = False
    await odd.say_at_once(LINES)
    odd.half_close()
    if (last := await odd.until_end()) == QUIT:
        raise WrongError(f"the last that odd was told is {last!r}")
    await stage.until(lambda: not odd.ledger.outstanding(), "not all texts were shown")
    odd.ledger.leave("odd")
    operator.answers = True
    bob = await stage.guest(operator, "bob")
    await bob.talk(3)
    await stage.settle()


ALL_HEARD = "Every line is heard once and in order, its own by the others and theirs by it."
SCENARIOS = [
    Scenario("readers/relay: octet by octet", ALL_HEARD, by_octets, quick=True),
    Scenario("readers/relay: a tiny window", ALL_HEARD, tiny_window),
    Scenario("readers/relay: tiny segments", ALL_HEARD, tiny_segments),
    *(
        Scenario(f"readers/relay: 300 lines in one piece, {what}", ALL_HEARD, glued, {"end": end})
        for what, end in (("LF", "\n"), ("CR LF", "\r\n"), ("NUL", "\0"), ("LF NUL", "\n\0"))
    ),
    Scenario(
        "readers/relay: one ends its side before it reads",
        "What was queued for it is delivered, to the last line.",
        half_closed,
        quick=True,
        needs=("hosts",),
    ),
    Scenario(
        "readers/relay: ten reset, with much queued for them",
        "The others lose nothing.",
        reset_with_queue,
        needs=("hosts",),
    ),
    Scenario(
        "readers/relay: a stranger sends out of band",
        "The others lose nothing.",
        urgent,
        only_plain=True,
    ),
    Scenario("readers/chat server: octet by octet", ALL_HEARD, turns_by_octets, quick=True),
    Scenario(
        "readers/chat server: a thousand texts at once",
        "The server reads no further than it holds; each is shown and answered, in order.",
        turns_at_once,
    ),
    Scenario(
        "readers/chat server: one ends its side, its texts unanswered",
        "All are shown, then the next is served.",
        turns_half_closed,
    ),
]
