"""Clocks that are set, and clocks that have run for long; no session is as old as they say."""

import asyncio
import time
from collections.abc import Sequence

from endurance.faults.clock import YEAR, Clock
from endurance.faults.programs import CLIENTS, WrongError
from endurance.faults.scenario import Scenario
from endurance.faults.stage import RELAY, Stage
from endurance.faults.voices import Voice

ALL = ("relay", "chat server", *CLIENTS)
LINES = 60
JUMPS: dict[str, Sequence[int]] = {
    "a year forward": (YEAR,),
    "a year back": (-YEAR,),
    "before 1970": (-100 * YEAR,),
    "to and fro": tuple(sign * 3600 for sign in (1, -1) * 30),
}
GAP = 0.03
PATIENCE = 2.0


async def _voices(stage: Stage, subject: str, **how: object) -> list[Voice]:
    """Those who chat, the subject started in this way."""
    if subject == "chat server":
        operator = await stage.chatserver("--idle", "60", **how)
        voices: list[Voice] = [await stage.guest(operator, "ann")]
        await stage.guest(operator, "bob")  # waits, and so ann may be too idle
        return voices
    await stage.relay(**(how if subject == "relay" else {}))
    voices = [*await stage.members("ann", "bob")]
    if subject in CLIENTS:
        voices.append(await stage.client(subject, "carl", **how))
    return voices


async def _end(stage: Stage, voices: Sequence[Voice]) -> None:
    if len(voices) > 1:
        await stage.settle()
        return
    (ann,) = stage.voices[:1]
    await stage.until(lambda: not ann.ledger.outstanding(), "ann's texts were not all answered")
    await ann.leave()
    await stage.settle()


async def is_set(stage: Stage, subject: str, jumps: Sequence[int]) -> None:
    """The clock of a program is set while it chats."""
    clock = Clock(stage.directory)
    stage.things.append(clock)
    voices = await _voices(stage, subject, environment=clock.environment)
    async with asyncio.TaskGroup() as group:
        for voice in voices:
            group.create_task(voice.talk(LINES, GAP))
        for seconds in jumps:
            await asyncio.sleep(GAP)
            clock.put(seconds)
    await _end(stage, voices)


async def patience(stage: Stage, kind: str) -> None:
    """The clock of a client is set while it waits for its turn to leave (CLIENT-11)."""
    clock = Clock(stage.directory)
    stage.things.append(clock)
    operator = await stage.chatserver()
    operator.answers = False
    client = await stage.caller(
        operator, kind, "ann", "--patience", str(PATIENCE), environment=clock.environment
    )
    await client.talk(1, gap=0)
    await stage.until(lambda: operator.heard_of("ann") == 1, "the first text was not shown")
    begun = time.monotonic()
    await client.talk(1, gap=0)
    client.process.type(r"\quit")
    clock.put(YEAR)
    await client.process.ends_with(0)
    seconds = time.monotonic() - begun
    if seconds < PATIENCE:
        raise WrongError(f"it was patient for {seconds:.1f} s, not for {PATIENCE:g} s")
    client.ledger.deafen("ann")
    await stage.until(lambda: operator.heard_of("ann") == 2, "the second text was not shown")


async def has_run_for_long(stage: Stage, subject: str, years: int) -> None:
    """The machine has been up for years."""
    seconds = str(years * YEAR)
    start = ["unshare", "--time", "--monotonic", seconds, "--boottime", seconds]
    voices = await _voices(stage, subject, wrapped=start)
    async with asyncio.TaskGroup() as group:
        for voice in voices:
            group.create_task(voice.talk(LINES, gap=0.001))
    await _end(stage, voices)


async def relay_slowed(stage: Stage) -> None:
    """The clock of a relay is set while it slows down who writes too much (RELAY-15)."""
    clock = Clock(stage.directory)
    stage.things.append(clock)
    await stage.server(RELAY, "--rate", "100000", environment=clock.environment)
    ann, bob = await stage.members("ann", "bob")
    ann.text_max = 490
    while ann.said < 1500:
        await ann.say_at_once(100)
        clock.put(stage.dice.choice((-YEAR, 0, YEAR)))
    await stage.until(lambda: stage.ledger.heard_of("bob", "ann") == ann.said, "bob waits")
    await bob.say()
    await stage.settle()


def _needs(subject: str, *needs: str) -> tuple[str, ...]:
    return (*needs, *(["C client"] if subject == "C client" else []))


SCENARIOS = [
    *(
        Scenario(
            f"clocks/{subject}: set {what}",
            "Nothing is lost, and nobody is sent away as idle or given up as lost.",
            is_set,
            {"subject": subject, "jumps": jumps},
            quick=(subject, what)
            in (("relay", "a year forward"), ("chat server", "a year forward"),
                ("C client", "to and fro")),
            needs=_needs(subject, "compiler"),
        )
        for subject in ALL
        for what, jumps in JUMPS.items()
    ),
    *(
        Scenario(
            f"clocks/{kind}: set a year forward, while it waits to leave",
            "It waits as long as its user wants, and then what waits is sent.",
            patience,
            {"kind": kind},
            needs=_needs(kind, "compiler"),
        )
        for kind in CLIENTS
    ),
    Scenario(
        "clocks/relay: set to and fro, while it slows somebody down",
        "It reads on; nothing is lost.",
        relay_slowed,
        needs=_needs("", "compiler"),
    ),
    *(
        Scenario(
            f"clocks/{subject}: up for {years} years",
            "It is no different from the first day.",
            has_run_for_long,
            {"subject": subject, "years": years},
            quick=subject == "Python client",
            needs=_needs(subject, "time namespaces"),
        )
        for subject in ALL
        for years in (100,)
    ),
]  # fmt: skip
