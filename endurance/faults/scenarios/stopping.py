"""Programs that are stopped and go on (SIGSTOP, SIGCONT), and readers that pause."""

import asyncio
import signal

from endurance.faults.programs import CLIENTS, Process, WrongError
from endurance.faults.scenario import Scenario
from endurance.faults.stage import RELAY, SMALL, Stage
from endurance.faults.voices import LONG, Member, Voice

LINES = 100
STOPS = 40
AT_ONCE = 200
FLOOD_MAX = 40_000
"""Lines; the systems at both ends hold up to about 20,000 of them."""
SMALL_QUEUE = ("--queue-limit", "262144", "--rate", "0")


async def _flood_until_left(stage: Stage, speaker: Member, hearer: Member, slow: str) -> None:
    """Talk as fast as another hears it, until somebody who does not has been sent away."""
    speaker.text_max = LONG
    while speaker.said < FLOOD_MAX:
        await speaker.say_at_once(AT_ONCE)
        await stage.until(
            lambda: stage.ledger.heard_of(hearer.name, speaker.name) == speaker.said,
            f"{hearer.name} did not hear all while {slow} did not read",
        )
        if slow not in hearer.present:
            return
    raise WrongError(f"{slow} was not sent away, with {FLOOD_MAX} lines unread")


async def client_within_bound(stage: Stage, kind: str) -> None:
    """A client program stops; what is said meanwhile fits its queue."""
    host = stage.host(buffers=SMALL)
    await stage.relay(host=host)
    members = await stage.members("ann", "bob", host=host)
    client = await stage.client(kind, "carl", host=host)
    client.process.signal(signal.SIGSTOP)
    async with asyncio.TaskGroup() as group:
        for member in members:
            member.text_max = LONG
            group.create_task(member.talk(LINES, gap=0))
    await stage.settle(without=["carl"])
    client.process.signal(signal.SIGCONT)
    await stage.settle()


async def client_beyond_bound(stage: Stage, kind: str) -> None:
    """A client program stops for too long."""
    await stage.server(RELAY, *SMALL_QUEUE)
    ann, bob = await stage.members("ann", "bob")
    client = await stage.client(kind, "carl")
    stage.ledger.leave("carl")
    client.process.signal(signal.SIGSTOP)
    await _flood_until_left(stage, ann, bob, "carl")
    await stage.settle()
    client.process.signal(signal.SIGCONT)
    await client.process.ends_with(1)
    told = client.process.shown.lines + client.process.told.lines
    if not any("too" in line and "slow" in line for line in told[-5:]):
        raise WrongError(f"the client did not say that it was too slow, but {told[-5:]}")


async def member_within_bound(stage: Stage, readers: int) -> None:
    """Members read nothing for a while; what is said fits their queues."""
    host = stage.host(buffers=SMALL)
    await stage.relay(host=host)
    ann, _ = await stage.members("ann", "bob", host=host)
    slow = await stage.members(*(f"slow{number}" for number in range(readers)), host=host)
    for member in slow:
        member.pause()
    ann.text_max = LONG
    await ann.talk(LINES * 3, gap=0)
    await stage.settle(without=[member.name for member in slow])
    for member in slow:
        member.go_on()
    await stage.settle()


async def member_beyond_bound(stage: Stage, buffers: int) -> None:
    """A member reads nothing for too long."""
    host = stage.host(buffers=buffers)
    await stage.server(RELAY, *SMALL_QUEUE, host=host)
    ann, bob = await stage.members("ann", "bob", host=host)
    slow = await stage.member("carl", host=host)
    stage.ledger.leave("carl")
    slow.pause()
    await _flood_until_left(stage, ann, bob, "carl")
    await stage.settle()
    slow.go_on()
    last = await slow.until_end()
    if not last.startswith(r"\error too-slow"):
        raise WrongError(f"the last that carl was told is {last!r}")


async def _stop_and_go(process: Process, stops: int) -> None:
    for _ in range(stops):
        process.signal(signal.SIGSTOP)
        await asyncio.sleep(0.005)
        process.signal(signal.SIGCONT)
        await asyncio.sleep(0.01)


async def _chat_of(stage: Stage, subject: str) -> tuple[list[Voice], Process]:
    """Some who chat, and the process that is the subject."""
    if subject == "chat server":
        operator = await stage.chatserver()
        return [await stage.guest(operator, "ann")], operator.process
    relay = await stage.relay()
    voices: list[Voice] = [*await stage.members("ann", "bob")]
    if subject == "relay":
        return voices, relay
    client = await stage.client(subject, "carl")
    return [*voices, client], client.process


async def often(stage: Stage, subject: str) -> None:
    """A program stops and goes on, again and again, amid a chat."""
    voices, process = await _chat_of(stage, subject)
    async with asyncio.TaskGroup() as group:
        group.create_task(_stop_and_go(process, STOPS))
        for voice in voices:
            group.create_task(voice.talk(LINES, gap=0.006))
    await stage.settle()


async def relay_stops(stage: Stage, seconds: float) -> None:
    """The relay stops; meanwhile people talk, come, and go."""
    relay = await stage.relay()
    members = await stage.members("ann", "bob")
    gone = await stage.member("gone")
    relay.signal(signal.SIGSTOP)
    stage.ledger.leave("gone")
    await gone.reset()
    new = [await stage.connect(f"new{number}") for number in range(3)]
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(seconds))
        for member in members:
            group.create_task(member.talk(LINES, gap=0))
    relay.signal(signal.SIGCONT)
    for member in new:
        await member.join()
    await stage.settle()


async def chatserver_stops(stage: Stage, seconds: float) -> None:
    """The chat server stops amid a session; meanwhile people talk, come, and go."""
    operator = await stage.chatserver()
    ann = await stage.guest(operator, "ann")
    await ann.talk(3)
    await stage.settle()
    operator.process.signal(signal.SIGSTOP)
    await (await stage.connect("gone")).reset()

    async def bob_comes() -> None:
        await (await stage.guest(operator, "bob")).talk(LINES, gap=0)

    async with asyncio.TaskGroup() as group:
        group.create_task(bob_comes())
        await ann.talk(LINES, gap=0)
        await asyncio.sleep(seconds)
        operator.process.signal(signal.SIGCONT)
    await stage.until(lambda: not ann.ledger.outstanding(), "ann's texts were not all answered")
    await ann.leave()
    await stage.settle()


async def caller_stops(stage: Stage, kind: str) -> None:
    """A client of the chat server stops in its own turn, and in the operator's."""
    operator = await stage.chatserver()
    client = await stage.caller(operator, kind, "ann")
    for _ in range(5):
        client.process.signal(signal.SIGSTOP)
        await client.talk(10, gap=0)
        client.process.signal(signal.SIGCONT)
        await client.talk(10, gap=0.001)
        await stage.settle()
    await client.leave()


def _needs(kind: str) -> tuple[str, ...]:
    return ("C client",) if kind == "C client" else ()


SCENARIOS = [
    *(
        Scenario(
            f"stopping/relay: a {kind}, for as long as its queue lasts",
            "Others are not delayed, and once it goes on it has heard every line.",
            client_within_bound,
            {"kind": kind},
            quick=kind == "Python client",
            needs=("hosts", *_needs(kind)),
        )
        for kind in CLIENTS
    ),
    *(
        Scenario(
            f"stopping/relay: a {kind}, for longer than its queue lasts",
            "Others lose nothing; it is sent away as too slow, and what it heard has no gap.",
            client_beyond_bound,
            {"kind": kind},
            needs=_needs(kind),
        )
        for kind in CLIENTS
    ),
    *(
        Scenario(
            f"stopping/relay: {readers} that do not read for as long as their queues last",
            "Others are not delayed, and once they read they hear every line.",
            member_within_bound,
            {"readers": readers},
            quick=readers == 1,
            needs=("hosts",),
        )
        for readers in (1, 20)
    ),
    *(
        Scenario(
            f"stopping/relay: one that does not read any more, buffers {what}",
            r"Others lose nothing; it is told \error too-slow last, after lines without a gap.",
            member_beyond_bound,
            {"buffers": buffers},
            quick=buffers > 0,
            needs=("hosts",),
        )
        for what, buffers in (("as usual", 0), ("small", SMALL))
    ),
    *(
        Scenario(
            f"stopping/{subject}: {STOPS} times",
            "Nothing is lost and nobody's connection ends, however often it is stopped.",
            often,
            {"subject": subject},
            quick=subject == "relay",
            needs=_needs(subject),
        )
        for subject in ("relay", "chat server", *CLIENTS)
    ),
    *(
        Scenario(
            f"stopping/relay: itself for {seconds:g} s, while others come and go",
            "What is said meanwhile is delivered when it goes on, and who came is welcomed.",
            relay_stops,
            {"seconds": seconds},
        )
        for seconds in (0.5, 10)
    ),
    *(
        Scenario(
            f"stopping/chat server: itself for {seconds:g} s, while others come and go",
            "The session goes on afterwards, then the next; no text and no reply is lost.",
            chatserver_stops,
            {"seconds": seconds},
            quick=seconds < 1,
        )
        for seconds in (0.5, 10)
    ),
    *(
        Scenario(
            f"stopping/chat server: a {kind} in its session",
            "No text and no reply is lost, whoever's turn it was.",
            caller_stops,
            {"kind": kind},
            needs=_needs(kind),
        )
        for kind in CLIENTS
    ),
]
