"""Standard input, output and error that are closed, full, or read by nobody."""

import asyncio
import os
import signal
from typing import Any

from endurance.faults.programs import CLIENTS, WrongError
from endurance.faults.scenario import Scenario
from endurance.faults.stage import CHATSERVER, RELAY, SCREEN, Stage
from endurance.faults.voices import LONG, QUIT, Voice

LINES = 60
MANY = 400
"""Long lines: more than a pipe holds, and less than is kept for a screen."""
TOO_MANY = 6000
"""Long lines: more than is kept for a screen."""
BAD = ("a closed pipe", "/dev/full", "a full disk", "no descriptor")
NUMBERS = {"stdin": 0, "stdout": 1, "stderr": 2}


def _bad(stage: Stage, stream: str, how: str) -> dict[str, Any]:
    """How to start a program so that it cannot write to that stream, or read from it."""
    if how == "no descriptor":
        return {"closed": [NUMBERS[stream]]}
    if how == "a closed pipe":
        reading, writing = os.pipe()
        kept, other = (reading, writing) if stream == "stdin" else (writing, reading)
        os.close(other)
    elif how == "a full disk":
        kept = os.open(stage.small_disk("4k") / "full", os.O_WRONLY | os.O_CREAT)
        os.write(kept, b"x" * 4096)
    else:
        kept = os.open(how, os.O_RDWR)
    stage.hold(kept)
    return {stream: kept}


async def _chat(stage: Stage, lines: int = LINES) -> None:
    members = await stage.members("ann", "bob")
    async with asyncio.TaskGroup() as group:
        for member in members:
            member.text_max = LONG
            group.create_task(member.talk(lines, gap=0.001))


async def relay_with_bad(
    stage: Stage, stream: str, how: str, options: tuple[str, ...] = ()
) -> None:
    """A relay whose operator's side is broken from the beginning."""
    await stage.start_server(RELAY, *options, **_bad(stage, stream, how))
    await _chat(stage)
    await stage.settle()


async def relay_closed_later(stage: Stage) -> None:
    """Who watched the relay goes away."""
    relay = await stage.server(RELAY)
    await _chat(stage, lines=3)
    relay.shown.close()
    relay.told.close()
    await _chat_more(stage)


async def _chat_more(stage: Stage) -> None:
    async with asyncio.TaskGroup() as group:
        for voice in stage.stayers():
            group.create_task(voice.talk(LINES, gap=0.001))
    await stage.settle()


async def relay_unread(stage: Stage) -> None:
    """Nobody reads the relay's screen, for longer than it keeps lines; then somebody does."""
    relay = await stage.relay()
    stage.ledger.forgive(SCREEN)
    relay.shown.leave_alone()
    ann, bob = await stage.members("ann", "bob")
    ann.text_max = LONG
    while ann.said < TOO_MANY:
        await ann.say_at_once(100)
        await stage.until(lambda: stage.ledger.heard_of("bob", "ann") == ann.said, "bob waits")
    await stage.settle()
    relay.shown.read_on()
    await stage.until(lambda: stage.not_shown > 0, "it did not say how many it did not show")
    await bob.say()
    await stage.until(lambda: stage.ledger.heard_of(SCREEN, "bob") > 0, "it shows nothing now")
    shown = sum(stage.ledger.heard_of(SCREEN, name) for name in ("ann", "bob"))
    if shown + stage.not_shown != stage.said:
        raise WrongError(f"of {stage.said} it showed {shown}, and missed {stage.not_shown}")


async def chatserver_with_bad_output(stage: Stage, how: str) -> None:
    """A chat server that cannot show anything to its operator."""
    process = await stage.start_server(CHATSERVER, **_bad(stage, "stdout", how))
    ann = await stage.connect("ann")
    await ann.send("ann>\\join chat/1\nann>is anybody there?")
    if (last := await ann.until_end()) != QUIT:
        raise WrongError(f"the last that ann was told is {last!r}")
    await process.ends_with(1)


async def chatserver_with_bad(
    stage: Stage, stream: str, how: str, options: tuple[str, ...] = ()
) -> None:
    """A chat server that cannot tell what only its authors want to know."""
    operator = await stage.chatserver(*options, **_bad(stage, stream, how))
    ann = await stage.guest(operator, "ann")
    await ann.talk(LINES)
    await stage.settle()


async def chatserver_unread(stage: Stage) -> None:
    """Nobody reads the chat server's screen; then somebody does."""
    operator = await stage.chatserver()
    operator.process.shown.leave_alone()
    ann = await stage.guest(operator, "ann")
    operator.answers = False
    operator.ledger = ann.ledger
    for voice in (ann, operator):
        voice.text_max = LONG
        await voice.talk(MANY, gap=0)
    await stage.until(
        lambda: ann.ledger.heard_of("ann", "SERVER") == MANY, "ann did not hear all replies"
    )
    operator.process.shown.read_on()
    await stage.until(lambda: not ann.ledger.outstanding(), "not everything was shown")


async def chatserver_without_input(stage: Stage, how: str) -> None:
    """A chat server whose input has ended before it began."""
    port = stage.free_port()
    process = stage.server_process(CHATSERVER, port, **_bad(stage, "stdin", how))
    await process.shown.line("Awaiting client connections")
    stage.port = port
    ann = await stage.connect("ann")
    await ann.send("ann>\\join chat/1\nann>is anybody there?")
    if (last := await ann.until_end()) != QUIT:
        raise WrongError(f"the last that ann was told is {last!r}")
    await process.ends_with(0)


async def client_with_bad_output(stage: Stage, kind: str, how: str) -> None:
    """A client that cannot show anything."""
    await stage.relay()
    ann = await stage.member("ann")
    stage.ledger.leave("bob")
    bob = stage.start_client(kind, "bob", **_bad(stage, "stdout", how))
    await ann.talk(3)
    await bob.process.ends_with(1)
    await stage.settle()


async def client_closed_later(stage: Stage, kind: str) -> None:
    """Who watched the client goes away."""
    await stage.relay()
    ann = await stage.member("ann")
    bob = await stage.client(kind, "bob")
    await bob.talk(3)
    await stage.settle()
    stage.ledger.leave("bob")
    bob.process.shown.close()
    await ann.talk(3)
    await bob.process.ends_with(1)
    await stage.settle()


async def client_with_bad_error(
    stage: Stage, kind: str, how: str, options: tuple[str, ...] = ()
) -> None:
    """A client that cannot complain."""
    await stage.relay()
    await stage.member("ann")
    bob = await stage.client(kind, "bob", *options, **_bad(stage, "stderr", how))
    bob.process.type("not \x1b sent")
    await _chat_more(stage)
    await bob.leave()


async def client_unread(stage: Stage, kind: str) -> None:
    """Nobody reads the client's screen; then somebody does."""
    await stage.relay()
    ann = await stage.member("ann")
    bob = await stage.client(kind, "bob")
    bob.process.shown.leave_alone()
    ann.text_max = LONG
    await ann.talk(MANY, gap=0)
    await stage.settle(without=["bob"])
    bob.process.shown.read_on()
    await stage.settle()
    await bob.leave()


async def error_unread(stage: Stage, program: str) -> None:
    """Nobody reads what a program tells with --debug, and it is much."""
    if program == "chat server":
        operator = await stage.chatserver("--debug")
        voices: list[Voice] = [await stage.guest(operator, "ann")]
        process = operator.process
    else:
        process = await stage.relay(*(["--debug"] if program == "relay" else []))
        voices = [*await stage.members("ann", "bob")]
        if program != "relay":
            client = await stage.client(program, "carl", "--debug")
            voices.append(client)
            process = client.process
    process.told.leave_alone()
    for voice in voices:
        voice.text_max = LONG
        await voice.talk(MANY, gap=0)
    await stage.settle()


async def client_unread_interrupted(stage: Stage, kind: str) -> None:
    """Nobody reads the client's screen, and it is to end."""
    await stage.relay()
    ann = await stage.member("ann")
    bob = await stage.client(kind, "bob")
    bob.process.shown.leave_alone()
    ann.text_max = LONG
    await ann.talk(MANY, gap=0)
    stage.ledger.leave("bob")
    bob.process.signal(signal.SIGINT)
    status = await bob.process.ended()
    if status not in (0, 1):
        raise WrongError(f"it ended with status {status}")
    await stage.settle()


async def client_without_input(stage: Stage, kind: str, how: str) -> None:
    """A client that nobody can type to."""
    await stage.relay()
    await stage.member("ann")
    bob = stage.client_process(kind, stage.address, stage.port, **_bad(stage, "stdin", how))
    status = await bob.ended()
    if status not in (0, 2):
        raise WrongError(f"it ended with status {status}")
    await stage.settle()


def _needs(how: str, kind: str = "") -> tuple[str, ...]:
    return (
        *(["mounts"] if how == "a full disk" else []),
        *(["C client"] if kind == "C client" else []),
    )


GOES_ON = "It goes on, nobody who is connected notices, and it ends with status 0."
SCENARIOS = [
    *(
        Scenario(
            f"screens/relay: {stream} is {how}",
            GOES_ON,
            relay_with_bad,
            {"stream": stream, "how": how},
            quick=(stream, how) == ("stdout", "a full disk"),
            needs=_needs(how),
        )
        for stream, how in (
            *(("stdout", how) for how in BAD),
            *(("stdin", how) for how in ("a closed pipe", "/dev/null", "no descriptor")),
        )
    ),
    Scenario("screens/relay: its pipes are closed later", GOES_ON, relay_closed_later),
    Scenario(
        "screens/relay: nobody reads for long",
        "Nobody waits for it; what it did not show it counts and says, to the line.",
        relay_unread,
        quick=True,
    ),
    *(
        Scenario(
            f"screens/{program}: stderr is {how}, with --debug",
            GOES_ON,
            play,
            {"stream": "stderr", "how": how, "options": ("--debug",)},
            needs=_needs(how),
        )
        for program, play in (("relay", relay_with_bad), ("chat server", chatserver_with_bad))
        for how in BAD
    ),
    *(
        Scenario(
            f"screens/chat server: stdout is {how}",
            r"It ends with status 1, since its operator sees nothing, and says \quit to all.",
            chatserver_with_bad_output,
            {"how": how},
            quick=how == "/dev/full",
            needs=_needs(how),
        )
        for how in BAD
    ),
    *(
        Scenario(
            f"screens/{program}: nobody reads stderr, with --debug",
            "Nobody waits for it.",
            error_unread,
            {"program": program},
        )
        for program in ("relay", "chat server", "Python client")
    ),
    Scenario(
        "screens/chat server: nobody reads for a while",
        "The session goes on, and when somebody reads, every text has been kept, in order.",
        chatserver_unread,
    ),
    *(
        Scenario(
            f"screens/chat server: stdin is {how}",
            r"That is the end of its input: it says \quit to who comes, and ends with status 0.",
            chatserver_without_input,
            {"how": how},
        )
        for how in ("a closed pipe", "/dev/null", "no descriptor")
    ),
    *(
        Scenario(
            f"screens/{kind}: stdout is {how}",
            "It leaves, with status 1 and by no signal; the others go on.",
            client_with_bad_output,
            {"kind": kind, "how": how},
            quick=(kind, how) == ("C client", "a closed pipe"),
            needs=_needs(how, kind),
        )
        for kind in CLIENTS
        for how in BAD
    ),
    *(
        Scenario(
            f"screens/{kind}: {what}",
            holds,
            play,
            {"kind": kind},
            quick=(kind, play) == ("Python client", client_unread),
            needs=_needs("", kind),
        )
        for kind in CLIENTS
        for what, holds, play in (
            (
                "its stdout is closed later",
                "It leaves, with status 1 and by no signal; the others go on.",
                client_closed_later,
            ),
            (
                "nobody reads for a while",
                "Others do not wait for it, and when somebody reads, every text is there.",
                client_unread,
            ),
            (
                "nobody reads, and it is interrupted",
                "It ends all the same; the others go on.",
                client_unread_interrupted,
            ),
        )
    ),
    *(
        Scenario(
            f"screens/{kind}: stderr is {how}",
            "What it has to complain of is lost; no text is.",
            client_with_bad_error,
            {"kind": kind, "how": how} | ({"options": ("--debug",)} if "Py" in kind else {}),
            needs=_needs(how, kind),
        )
        for kind in CLIENTS
        for how in BAD
    ),
    *(
        Scenario(
            f"screens/{kind}: stdin is {how}",
            "It has no handle: it ends with status 0, or 2, and nobody hears of it.",
            client_without_input,
            {"kind": kind, "how": how},
            needs=_needs(how, kind),
        )
        for kind in CLIENTS
        for how in ("a closed pipe", "/dev/null", "no descriptor")
    ),
]
