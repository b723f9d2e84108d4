"""Too little of everything: descriptors, memory, stack, file size, processor."""

import asyncio
import os
import sys
from collections.abc import Mapping

from endurance.faults.ledger import Ledger
from endurance.faults.programs import CLIENTS, WrongError
from endurance.faults.scenario import Scenario
from endurance.faults.stage import CHATSERVER, RELAY, Stage
from endurance.faults.voices import LONG, QUIT, Member, Voice

LINES = 60
MEGABYTE = 1 << 20
STACK = {"stack": "262144"}
GREEDY = [sys.executable, "-c", "while True: pass"]
GREEDY_PROCESSES = 4


async def _chat(stage: Stage, subject: str, limits: Mapping[str, str]) -> None:
    """A chat in which the subject lives under limits."""
    if subject == "chat server":
        operator = await stage.chatserver(limits=limits)
        voices: list[Voice] = [await stage.guest(operator, "ann")]
    else:
        await stage.relay(limits=limits if subject == "relay" else {})
        voices = [*await stage.members("ann", "bob", "carl")]
        if subject in CLIENTS:
            voices.append(await stage.client(subject, "dora", limits=limits))
    async with asyncio.TaskGroup() as group:
        for voice in voices:
            voice.text_max = LONG
            group.create_task(voice.talk(LINES, gap=0.001))
    await stage.settle()


async def under_limits(stage: Stage, subject: str, limits: Mapping[str, str]) -> None:
    """A chat under limits that suffice."""
    await _chat(stage, subject, limits)


async def starved(stage: Stage, subject: str) -> None:
    """Others use the processors."""
    for _ in range(GREEDY_PROCESSES):
        stage.process(GREEDY, name="greedy")
    await _chat(stage, subject, {})


async def relay_descriptors(stage: Stage, descriptors: int) -> None:
    """More connections come to a relay than it has descriptors for."""
    await stage.relay(limits={"nofile": f"{descriptors}:{descriptors}"})
    members = await stage.members("ann", "bob")
    crowd = [await stage.connect(f"s{number}") for number in range(2 * descriptors)]
    async with asyncio.TaskGroup() as group:
        for member in members:
            group.create_task(member.talk(LINES))
    await stage.settle()
    for stranger in crowd:
        await stranger.close()
    await _join_when_there_is_room(stage)
    await stage.settle()


async def _join_when_there_is_room(stage: Stage) -> Member:
    while True:
        member = await stage.connect("new")
        await member.send(r"new>\join chat/1")
        await member.until_told()
        if member.hears_presence:
            stage.ledger.arrive("new")
            return member
        await member.close()
        stage.check_servers()


async def chatserver_descriptors(stage: Stage, descriptors: int) -> None:
    """More connections come to a chat server than it has descriptors for."""
    operator = await stage.chatserver(limits={"nofile": f"{descriptors}:{descriptors}"})
    ann = await stage.guest(operator, "ann")
    await ann.talk(3)
    crowd = [await stage.connect(f"s{number}") for number in range(2 * descriptors)]
    await ann.talk(LINES)
    await stage.settle()
    for stranger in crowd:
        await stranger.close()
    bob = await stage.guest(operator, "bob")
    await bob.say()
    await ann.leave()
    await stage.settle()


async def client_descriptors(stage: Stage, kind: str, descriptors: int) -> None:
    """A client that may have few descriptors."""
    await stage.relay()
    ann = await stage.member("ann")
    stage.ledger.leave("bob")
    bob = stage.start_client(kind, "bob", limits={"nofile": str(descriptors)})
    bob.process.type(r"\quit")
    await ann.talk(3)
    status = await bob.process.ended()
    if status not in (0, 1):
        raise WrongError(f"it ended with status {status}: {bob.process.told.lines[-2:]}")
    await stage.settle()


async def relay_memory(stage: Stage) -> None:
    """A relay that may have little memory, and clients that want much of it."""
    await stage.relay(limits={"as": str(400 * MEGABYTE)})
    ann, bob = await stage.members("ann", "bob")
    for number in range(20):
        deaf = await stage.member(f"deaf{number}", window=4096)
        deaf.pause()
        stage.ledger.leave(deaf.name)
        endless = await stage.connect(f"endless{number}")
        await endless.send_octets(b"x" * 200_000)
        await stage.connect(f"silent{number}")
    ann.text_max = LONG
    while ann.said < 6000:
        await ann.say_at_once(100)
        await stage.until(lambda: stage.ledger.heard_of("bob", "ann") == ann.said, "bob waits")
    for voice in list(stage.voices):
        if voice not in (ann, bob) and isinstance(voice, Member):
            await voice.close()
    await stage.settle()


async def chatserver_memory(stage: Stage) -> None:
    """A chat server that may have little memory, and clients that want much of it."""
    operator = await stage.chatserver(limits={"as": str(400 * MEGABYTE)})
    ann = await stage.guest(operator, "ann")
    sending = []
    for number in range(40):
        waiting = await stage.connect(f"w{number}")
        text = f"w{number}>{'x' * 400}\n".encode() if number % 2 else b"x" * 400
        sending.append(asyncio.create_task(waiting.send_octets(text * 5000)))
    await ann.talk(LINES)
    await stage.settle()
    for task in sending:
        task.cancel()


async def server_file_size(stage: Stage, program: str) -> None:
    """The file that standard output is may not grow."""
    output = os.open(stage.directory / "output", os.O_WRONLY | os.O_CREAT)
    stage.hold(output)
    limits = {"fsize": "2048"}
    if program == "relay":
        await stage.start_server(RELAY, limits=limits, stdout=output)
        members = await stage.members("ann", "bob")
        for member in members:
            member.text_max = LONG
            await member.talk(LINES, gap=0)
        await stage.settle()
        return
    process = await stage.start_server(CHATSERVER, limits=limits, stdout=output)
    ann = await stage.connect("ann", Ledger())
    await ann.send("\n".join(f"ann>{'x' * 490}" for _ in range(10)))
    process.type(*("reply",) * 10)
    if (last := await ann.until_end()) != QUIT:
        raise WrongError(f"the last that ann was told is {last!r}")
    await process.ends_with(1)


async def client_file_size(stage: Stage, kind: str) -> None:
    """The file that standard output is may not grow."""
    await stage.relay()
    ann = await stage.member("ann")
    stage.ledger.leave("bob")
    output = os.open(stage.directory / "output", os.O_WRONLY | os.O_CREAT)
    stage.hold(output)
    bob = stage.start_client(kind, "bob", limits={"fsize": "2048"}, stdout=output)
    await ann.until_present({"bob"})
    ann.text_max = LONG
    await ann.talk(LINES)
    await bob.process.ends_with(1)
    await stage.settle()


def _needs(subject: str) -> tuple[str, ...]:
    return ("prlimit", *(["C client"] if subject == "C client" else []))


ALL = ("relay", "chat server", *CLIENTS)
INSIDE = "Those who are inside are not harmed, and once others have left a new one gets in."
SCENARIOS = [
    *(
        Scenario(
            f"scarcity/relay: {descriptors} descriptors, and more connections",
            INSIDE,
            relay_descriptors,
            {"descriptors": descriptors},
            quick=descriptors == 40,
            needs=_needs(""),
        )
        for descriptors in (40, 100)
    ),
    Scenario(
        "scarcity/chat server: 40 descriptors, and more connections",
        INSIDE,
        chatserver_descriptors,
        {"descriptors": 40},
        needs=_needs(""),
    ),
    *(
        Scenario(
            f"scarcity/{kind}: {descriptors} descriptors",
            "It chats, or says why it cannot; it ends with status 0 or 1, and by no signal.",
            client_descriptors,
            {"kind": kind, "descriptors": descriptors},
            needs=_needs(kind),
        )
        for kind, some in (("C client", (4, 6, 8)), ("Python client", (10, 16)))
        for descriptors in some
    ),
    Scenario(
        "scarcity/relay: little memory, and clients that want much",
        "Those who do not read, or say endless lines, are sent away; the others lose nothing.",
        relay_memory,
        quick=True,
        needs=_needs(""),
    ),
    Scenario(
        "scarcity/chat server: little memory, and clients that want much",
        "The session goes on; those who wait are read no further than is held for them.",
        chatserver_memory,
        needs=_needs(""),
    ),
    *(
        Scenario(
            f"scarcity/{subject}: a stack of 256 KiB",
            "It is enough.",
            under_limits,
            {"subject": subject, "limits": STACK},
            quick=subject == "chat server",
            needs=_needs(subject),
        )
        for subject in ALL
    ),
    *(
        Scenario(
            f"scarcity/{subject}: {GREEDY_PROCESSES} other processes want all processors",
            "It is slow, and nothing is lost.",
            starved,
            {"subject": subject},
            quick=subject == "C client",
            needs=_needs(subject),
        )
        for subject in ALL
    ),
    *(
        Scenario(
            f"scarcity/{program}: its output is a file that may not grow",
            "It goes on." if program == "relay" else r"It says \quit and ends with status 1.",
            server_file_size,
            {"program": program},
            needs=_needs(""),
        )
        for program in ("relay", "chat server")
    ),
    *(
        Scenario(
            f"scarcity/{kind}: its output is a file that may not grow",
            "It leaves with status 1, and by no signal.",
            client_file_size,
            {"kind": kind},
            quick=kind == "C client",
            needs=_needs(kind),
        )
        for kind in CLIENTS
    ),
]
