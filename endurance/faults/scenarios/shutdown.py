"""Servers that are ended, politely or not, in the middle of everything (section 11)."""

import asyncio
import signal
import time

from endurance.faults.programs import CLIENTS, Process, WrongError
from endurance.faults.scenario import Scenario
from endurance.faults.stage import CHATSERVER, RELAY, SCREEN, SMALL, Operator, Stage
from endurance.faults.voices import LONG, QUIT, Member

WAYS = ("SIGINT", "SIGTERM", "both, twice", r"\quit")
STOP_SECONDS = 5.0 + 2.0
"""SHUTDOWN_MAX_SECONDS of the spec, and what a busy machine may need on top."""
MANY = 10**6


def _end(process: Process, way: str) -> None:
    match way:
        case r"\quit":
            process.type(way)
        case "the end of its input":
            process.end_input()
        case "both, twice":
            process.signal(*(signal.SIGINT, signal.SIGTERM) * 2)
        case _:
            process.signal(signal.Signals[way])


async def _ended_in_time(process: Process, way: str) -> None:
    begun = time.monotonic()
    _end(process, way)
    await process.ends_with(0)
    if (seconds := time.monotonic() - begun) > STOP_SECONDS:
        raise WrongError(f"{process.name} took {seconds:.1f} s to end")


async def _dismissed(member: Member) -> None:
    if (last := await member.until_end()) != QUIT:
        raise WrongError(f"the last that {member.name} was told is {last!r}")
    await member.close()


async def relay_amid_talk(stage: Stage, way: str) -> None:
    """A relay is ended while all talk."""
    relay = await stage.relay()
    members = await stage.members("ann", "bob", "carl", "dora")
    silent = await stage.connect("silent")
    async with asyncio.TaskGroup() as group:
        for member in members:
            group.create_task(member.talk(MANY, gap=0.001))
        await stage.until(lambda: stage.delivered > 500, "nothing was said")
        for member in members:
            stage.ledger.cut_off(member.name)
        group.create_task(_ended_in_time(relay, way))
        for member in (*members, silent):
            group.create_task(_dismissed(member))


async def relay_with_slow_reader(stage: Stage) -> None:
    """What is queued for one who reads late is delivered within the time of a shutdown."""
    host = stage.host(buffers=SMALL)
    relay = await stage.relay(host=host)
    ann, bob = await stage.members("ann", "bob", host=host)
    bob.pause()
    await _say_much(stage, ann)
    async with asyncio.TaskGroup() as group:
        group.create_task(_ended_in_time(relay, "SIGTERM"))
        await _dismissed(ann)
        bob.go_on()
        group.create_task(_dismissed(bob))


async def relay_with_deaf_reader(stage: Stage) -> None:
    """One never reads again, and has more before him than the systems hold."""
    host = stage.host(buffers=SMALL)
    relay = await stage.relay(host=host)
    ann, bob, carl = await stage.members("ann", "bob", "carl", host=host)
    bob.pause()
    stage.ledger.leave("bob")
    await _say_much(stage, ann)
    async with asyncio.TaskGroup() as group:
        for member in (ann, carl):
            group.create_task(_dismissed(member))
        group.create_task(_ended_in_time(relay, "SIGTERM"))


async def _say_much(stage: Stage, speaker: Member) -> None:
    """Far more than the systems hold, which the relay has taken when this returns."""
    speaker.text_max = LONG
    await speaker.say_at_once(1000)
    await stage.until(
        lambda: stage.ledger.heard_of(SCREEN, speaker.name) == 1000, "it was not taken"
    )


async def relay_loses_its_input(stage: Stage) -> None:
    """The operator of a relay goes away."""
    relay = await stage.relay()
    members = await stage.members("ann", "bob")
    async with asyncio.TaskGroup() as group:
        for member in members:
            group.create_task(member.talk(50))
        relay.end_input()
    await stage.settle()


async def chatserver_amid_session(stage: Stage, way: str) -> None:
    """A chat server is ended with texts held, others waiting, and one silent."""
    operator = await stage.chatserver()
    ann = await stage.guest(operator, "ann")
    await ann.talk(3)
    await stage.settle()
    waiting = [await stage.connect(name) for name in ("bob", "carl", "silent")]
    for member in waiting[:2]:
        await member.send(rf"{member.name}>\join chat/1")
    operator.answers = False
    await ann.say_at_once(10)
    # Taken when the first of them is shown: the others are held.
    await stage.until(lambda: ann.ledger.heard_of("SERVER", "ann") == 5, "the text was not shown")
    async with asyncio.TaskGroup() as group:
        for member in (ann, *waiting):
            group.create_task(_dismissed(member))
        group.create_task(_ended_in_time(operator.process, way))
    await stage.until(lambda: not ann.ledger.outstanding(), "held texts were not shown")


async def server_killed(stage: Stage, kind: str, server: str) -> None:
    """A server is killed amid a chat, and a new one listens on its port at once."""
    operator: Operator | None = None
    if server == "relay":
        process = await stage.relay()
        ann = await stage.member("ann")
        client = await stage.client(kind, "bob")
    else:
        operator = await stage.chatserver()
        process = operator.process
        client = await stage.caller(operator, kind, "bob")
    await client.talk(10)
    await stage.settle()
    for ledger in stage.ledgers:
        for name in (*ledger.listeners, "bob"):
            ledger.leave(name)
    process.signal(signal.SIGKILL)
    await process.ended()
    await client.process.ends_with(1)
    if operator is None:
        await ann.until_end()
    port = stage.port
    await stage.server(RELAY if operator is None else CHATSERVER, port=port)
    again = stage.start_client(kind, "bob")
    await again.process.shown.line("(?i)-- welcome" if operator is None else "Connecting")
    await again.leave()


def _needs(kind: str) -> tuple[str, ...]:
    return ("C client",) if kind == "C client" else ()


SCENARIOS = [
    *(
        Scenario(
            f"shutdown/relay: {way}, while all talk",
            r"All have heard the same lines, then \quit, and it ends with status 0 within 5 s.",
            relay_amid_talk,
            {"way": way},
            quick=way == "SIGTERM",
        )
        for way in WAYS
    ),
    Scenario(
        "shutdown/relay: one reads late",
        r"What was queued is delivered to the last line, then \quit.",
        relay_with_slow_reader,
        quick=True,
        needs=("hosts",),
    ),
    Scenario(
        "shutdown/relay: one never reads again",
        r"It ends within 5 s all the same; the others have heard everything, then \quit.",
        relay_with_deaf_reader,
        needs=("hosts",),
    ),
    Scenario(
        "shutdown/relay: its input ends",
        "It goes on as before.",
        relay_loses_its_input,
        quick=True,
    ),
    *(
        Scenario(
            f"shutdown/chat server: {way}, amid a session",
            r"The texts held are shown, all are told \quit, those who wait too; status 0.",
            chatserver_amid_session,
            {"way": way},
            quick=way == "SIGINT",
        )
        for way in ("SIGINT", "SIGTERM", "both, twice")
    ),
    *(
        Scenario(
            f"shutdown/{kind}: the {server} is killed",
            "The client has shown all that was said, and ends with status 1; a new server "
            "listens on the same port at once, and takes it.",
            server_killed,
            {"kind": kind, "server": server},
            quick=kind == "C client" and server == "relay",
            needs=_needs(kind),
        )
        for kind in CLIENTS
        for server in ("relay", "chat server")
    ),
]
