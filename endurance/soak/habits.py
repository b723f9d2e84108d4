"""How visitors behave, as data: each habit, and how often it comes in a round."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from attrs import frozen

from endurance.common.bystanders import Bystanders
from endurance.common.company import Company
from endurance.common.pause import pause
from endurance.common.wire import Wire

LEFT = "left"
FLOOD_OCTETS = 1 << 19
SMALL_BUFFER = 4096
DALLY_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
"""Less than after which its system would be given up as lost, since it takes nothing."""
TRICKLE_SECONDS = 0.005
_SOUNDS = ("hello", "and", "é€😀", "well\t", "\\o/", "\u202e", "why>", "ok", "1 2 3")
_VIOLATIONS = (
    ("too-long", b"x" * 600),
    ("too-long", b"{h}>" + b"x" * 501 + b"\n"),
    ("malformed", b"hello\n"),
    ("malformed", b">hello\n"),
    ("encoding", b"{h}>caf\xe9\n"),
    ("encoding", b"{h}>\x1b[2J\n"),
    ("handle-reserved", b"server>hello\n"),
    ("handle-changed", b"other>hello\n"),
)


@frozen
class Visit:
    """One connection, and what its visitor knows."""

    wire: Wire
    handle: str
    random: random.Random
    company: Company
    enough: asyncio.Event
    """Set when the run ends: nobody stays for long then."""

    def say(self, *texts: str) -> None:
        """Say these."""
        self.wire.send("".join(f"{self.handle}>{text}\n" for text in texts).encode())

    def join(self) -> None:
        """Be joined."""
        self.say(r"\join chat/1")

    def talk(self, least: int, most: int) -> int:
        """Say some texts; how many."""
        count = self.random.randint(least, most)
        self.say(*(" ".join(self.random.choices(_SOUNDS, k=8)) for _ in range(count)))
        return count

    async def linger(self, most: float) -> None:
        """Stay for up to so many seconds."""
        await pause(self.random.uniform(0, most), self.enough)

    def leave(self) -> None:
        """Say so, and end the stream."""
        self.say(r"\quit")
        self.wire.end()


Behaviour = Callable[[Visit], Awaitable[str]]
"""Returns how the connection is to end: see Wire.until_ended()."""


@frozen
class Habit:
    """A way to behave."""

    behave: Behaviour
    visits: int
    """In each round."""
    buffer: int = 0
    """Octets for what is received; 0: as the system likes."""

    @property
    def name(self) -> str:
        """As it stands in reports."""
        return self.behave.__name__.strip("_")


# At either server


async def _joins_and_quits(visit: Visit) -> str:
    visit.join()
    visit.talk(1, 4)
    await visit.linger(2)
    visit.leave()
    return LEFT


async def _is_plain(visit: Visit) -> str:
    visit.talk(1, 4)
    await visit.linger(1)
    visit.wire.end()
    return LEFT


async def _resets(visit: Visit) -> str:
    visit.join()
    visit.talk(0, 4)
    visit.wire.send(f"{visit.handle}>cut he".encode())
    await visit.linger(0.5)
    visit.wire.reset()
    return LEFT


async def _leaves_a_line_unfinished(visit: Visit) -> str:
    visit.talk(0, 2)
    visit.wire.send(f"{visit.handle}>without an end".encode())
    await visit.linger(0.5)
    visit.wire.end()
    return LEFT


async def _breaks_the_protocol(visit: Visit) -> str:
    visit.join()
    visit.talk(0, 2)
    code, octets = visit.random.choice(_VIOLATIONS)
    visit.wire.send(octets.replace(b"{h}", visit.handle.encode()))
    return code


async def _is_silent(visit: Visit) -> str:
    await visit.linger(5)
    visit.wire.end()
    return LEFT


async def _trickles(visit: Visit) -> str:
    for octet in f"{visit.handle}>so slow\n{visit.handle}>\\quit\n".encode():
        visit.wire.send(bytes([octet]))
        await asyncio.sleep(TRICKLE_SECONDS)
    visit.wire.end()
    return LEFT


async def _dallies(visit: Visit) -> str:
    """Leaves unread for a while what comes, then catches up."""
    visit.join()
    visit.wire.stop_reading()
    visit.talk(8, 8)
    await asyncio.sleep(DALLY_SECONDS)
    visit.wire.go_on_reading()
    visit.leave()
    return LEFT


# At a relay


async def _floods(visit: Visit) -> str:
    line = "x" * 500
    visit.say(*[line] * (FLOOD_OCTETS // len(line)))
    visit.leave()
    return LEFT


async def _takes_a_handle(visit: Visit) -> str:
    visit.wire.send(rb"BY0>\join chat/1" + b"\n")
    return "handle-taken"


async def _never_reads(visit: Visit) -> str:
    """Reads no more until it is sent away for that, or until so little was said for so long."""
    assert isinstance(visit.company, Bystanders)
    visit.join()
    await visit.wire.until_lines(1)
    visit.wire.stop_reading()
    if not await visit.company.until_left(visit.handle, PATIENCE_SECONDS, visit.enough):
        visit.wire.reset()
        return LEFT
    visit.wire.go_on_reading()
    return "too-slow"


# At a turn server


async def _takes_turns(visit: Visit) -> str:
    visit.join()
    await visit.wire.until_lines(1)
    for turn in range(visit.random.randint(1, 4)):
        visit.talk(1, 1)
        await visit.wire.until_lines(2 + turn)
    visit.leave()
    return LEFT


async def _types_ahead(visit: Visit) -> str:
    count = visit.talk(20, 100)
    await visit.wire.until_lines(count)
    visit.wire.end()
    return LEFT


_AT_EITHER = (
    Habit(_is_plain, 10),
    Habit(_resets, 6),
    Habit(_leaves_a_line_unfinished, 4),
    Habit(_breaks_the_protocol, 8),
    Habit(_is_silent, 4),
    Habit(_trickles, 3),
    Habit(_dallies, 2),
)
HABITS = {
    "relay": (
        *_AT_EITHER,
        Habit(_joins_and_quits, 16),
        Habit(_takes_a_handle, 4),
        Habit(_floods, 3),
        Habit(_never_reads, 1, SMALL_BUFFER),
    ),
    "turns": (*_AT_EITHER, Habit(_takes_turns, 20), Habit(_types_ahead, 4)),
}
