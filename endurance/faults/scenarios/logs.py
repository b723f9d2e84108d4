"""Log files on disks that are full, fill up, or are no disks; a log must not end a chat."""

import os
from pathlib import Path

from endurance.faults.programs import PYTHON, WrongError
from endurance.faults.scenario import Scenario
from endurance.faults.stage import Stage
from endurance.faults.voices import LONG, Voice

PROGRAMS = {"relay": "relayserver", "chat server": "chatserver", "Python client": "chatclient"}
LINES = 60
"""Long lines: some 30 KiB of log."""
GOES_ON = "The chat goes on as if there were no log."


async def _chat_with_log(stage: Stage, program: str, log: Path) -> list[Voice]:
    """Those who chat, with a program that keeps a log there."""
    options = ("--log-file", str(log))
    if program == "chat server":
        operator = await stage.chatserver(*options)
        voices: list[Voice] = [await stage.guest(operator, "ann")]
    else:
        await stage.relay(*(options if program == "relay" else ()))
        voices = [*await stage.members("ann", "bob")]
        if program == "Python client":
            voices.append(await stage.client(program, "carl", *options))
    for voice in voices:
        voice.text_max = LONG
    return voices


async def _talk(stage: Stage, voices: list[Voice]) -> None:
    for voice in voices:
        await voice.talk(LINES, gap=0)
    await stage.settle()


async def full(stage: Stage, program: str) -> None:
    """It is /dev/full."""
    await _talk(stage, await _chat_with_log(stage, program, Path("/dev/full")))


async def fills(stage: Stage, program: str) -> None:
    """Its disk is full after some lines, and has room again later."""
    disk = stage.small_disk("64k")
    log = disk / "log"
    (disk / "other").write_bytes(bytes(48 * 1024))
    voices = await _chat_with_log(stage, program, log)
    await _talk(stage, voices)
    if os.statvfs(disk).f_bavail:
        raise WrongError(f"the disk is not full: {log.stat().st_size} octets of log")
    (disk / "other").unlink()
    voices[0].text_max = 1
    await voices[0].say()
    last = f"{voices[0].name}>{voices[0].said} "
    await stage.until(
        lambda: last in log.read_text(errors="replace"), "it does not log again, with room again"
    )
    await stage.settle()


async def removed(stage: Stage, program: str) -> None:
    """The file is removed while it is written."""
    log = stage.directory / "log"
    voices = await _chat_with_log(stage, program, log)
    log.unlink()
    await _talk(stage, voices)


async def no_file(stage: Stage, program: str) -> None:
    """It cannot be written at all."""
    arguments = ["127.0.0.1", "1"] if program == "Python client" else ["0"]
    command = [*PYTHON, f"reference.{PROGRAMS[program]}", *arguments]
    process = stage.process([*command, "--log-file", str(stage.directory)])
    await process.told.line("cannot write the log")
    await process.ends_with(1)


SCENARIOS = [
    Scenario(
        f"logs/{program}: {what}",
        holds,
        play,
        {"program": program},
        quick=program == "relay" and play is fills,
        needs=("mounts",) if play is fills else (),
    )
    for program in PROGRAMS
    for what, holds, play in (
        ("the log is /dev/full", GOES_ON, full),
        (
            "the disk of the log fills, and has room again",
            "The chat goes on as if there were no log; with room again there is a log again.",
            fills,
        ),
        ("the log is removed", GOES_ON, removed),
        ("the log is a directory", "It says so and ends with status 1.", no_file),
    )
]
