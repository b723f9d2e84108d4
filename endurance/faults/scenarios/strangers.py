"""Strangers who come and go at every moment, rudely; nobody who stays may notice more."""

import asyncio
import itertools

from attrs import frozen

from endurance.faults.scenario import Scenario
from endurance.faults.stage import Stage
from endurance.faults.voices import Member

STRANGERS = 8
LINES = 30


@frozen
class Moment:
    """How far a stranger comes."""

    when: str
    octets: bytes
    """What it says, ``@`` being its handle."""
    said: tuple[str, ...] = ()
    """Texts among it that others may hear."""
    reads: bool = True
    quick: tuple[str, ...] = ()


JOIN = b"@>\\join chat/1\n"
MOMENTS = (
    Moment("before it says anything", b"", quick=("a reset",)),
    Moment(r"in the middle of its \join", b"@>\\joi"),
    Moment(r"right after its \join", JOIN, quick=("an end",)),
    Moment("in the middle of a line", JOIN + b"@>one\n@>tw", ("one",), quick=("a reset",)),
    Moment("in the middle of a character", JOIN + "@>é".encode()[:-1]),
    Moment("between CR and LF", JOIN + b"@>one\n@>two\r", ("one",)),
    Moment("after some lines", JOIN + b"@>one\n@>two\n", ("one", "two"), quick=("half an end",)),
    Moment("after some lines, reading nothing", JOIN + b"@>one\n@>two\n", ("one", "two"), False),
    Moment(r"after its \quit", JOIN + b"@>one\n@>\\quit\n", ("one",)),
    Moment(r"after its \quit, and more", JOIN + b"@>\\quit\n@>not heard\n" * 3),
    Moment("after a violation", JOIN + b"@>one\n@>\x1b[2J\n", ("one",), quick=("an end",)),
    Moment("in a line without end", JOIN + b"@>" + b"x" * 2000),
)
ENDINGS = {"an end": Member.close, "a reset": Member.reset, "half an end": None}


async def _come(stage: Stage, name: str, moment: Moment, ending: str) -> None:
    stranger = await stage.connect(name)
    stage.ledger.leave(name)
    for text in moment.said:
        stage.ledger.say(name, text)
    if not moment.reads:
        stranger.pause()
    await stranger.send_octets(moment.octets.replace(b"@", name.encode()))
    await asyncio.sleep(stage.dice.choice((0, 0, 0.02)))
    end = ENDINGS[ending]
    if end is None:
        stranger.half_close()
    else:
        await end(stranger)


async def at_relay(stage: Stage, moment: Moment, ending: str) -> None:
    """Strangers at a relay, while three chat."""
    await stage.relay()
    async with asyncio.TaskGroup() as group:
        for member in await stage.members("ann", "bob", "carl"):
            group.create_task(member.talk(LINES))
        for number in range(STRANGERS):
            await _come(stage, f"s{number}", moment, ending)
            await asyncio.sleep(stage.dice.uniform(0, 0.05))
    await stage.settle()


async def at_chatserver(stage: Stage, moment: Moment, ending: str) -> None:
    """Strangers at a chat server: first, among those who wait, and last but one."""
    operator = await stage.chatserver()
    names = (f"s{number}" for number in itertools.count())
    await _come(stage, next(names), moment, ending)
    ann = await stage.guest(operator, "ann")
    async with asyncio.TaskGroup() as group:
        group.create_task(ann.talk(LINES))
        for name in itertools.islice(names, STRANGERS):
            await _come(stage, name, moment, ending)
    bob = await stage.guest(operator, "bob")
    await bob.talk(3)
    await stage.until(lambda: not ann.ledger.outstanding(), "not all of ann's texts were answered")
    await ann.leave()
    await stage.settle()


SCENARIOS = [
    Scenario(
        f"strangers/{where}: {ending} {moment.when}",
        "Those who stay hear every line of each other once and in order, all of them hear the "
        f"same of a stranger whose connection comes to {ending} {moment.when}, and it is gone.",
        play,
        {"moment": moment, "ending": ending},
        quick=ending in moment.quick,
    )
    for where, play in (("relay", at_relay), ("chat server", at_chatserver))
    for moment in MOMENTS
    for ending in ENDINGS
]
