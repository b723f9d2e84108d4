r"""Who is at a relay all the time, and checks what each of the others says.

Every line must come to every other bystander, once and in order; and those who joined are
told correctly who is there (RELAY-1, RELAY-4, RELAY-7).
"""

import asyncio
import time

from endurance.common.pause import pause
from endurance.common.server import Server
from endurance.common.tally import Tally
from endurance.common.wire import Place, Wire

JOINED = 4
PLAIN = 2
SETTLE_SECONDS = 20
LOOK_SECONDS = 0.1


class Bystanders:
    """All of them. What they find is in ``tally``."""

    def __init__(self, server: Server, tally: Tally) -> None:
        self._place = server.place
        self.tally = tally
        self.handles = [f"by{number}" for number in range(JOINED + PLAIN)]
        self._all: list[_Bystander] = []
        self._said = 0
        self._waited_for: dict[str, asyncio.Event] = {}

    async def arrive(self) -> None:
        """Connect, and say who is there.

        Nobody tells the plain ones that they are in; but those who join later are told.
        """
        for handle in self.handles:
            bystander = _Bystander(handle, self, joined=len(self._all) >= PLAIN)
            await bystander.connect(self._place)
            self._all.append(bystander)
        self._say()

    def _say(self) -> None:
        """One line by each."""
        for bystander in self._all:
            bystander.say(self._said)
        self._said += 1

    async def talk(self, seconds: float, enough: asyncio.Event) -> None:
        """Say a line each, every so many seconds, until it is enough."""
        while not await pause(seconds, enough):
            self._say()

    async def settle(self) -> None:
        """Wait until everything said is heard, and say what is not, when nobody else is here."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self._lacks() and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
        for sentence in self._lacks():
            self.tally.fault(sentence)

    def _lacks(self) -> list[str]:
        return [
            f"{bystander.handle} did not hear {what}"
            for bystander in self._all
            for what in bystander.lacks(self._said)
        ]

    def leave(self) -> None:
        """Close all connections at once."""
        for bystander in self._all:
            bystander.leave()

    def faults(self) -> list[str]:
        """Sentences about all that was wrong."""
        return self.tally.sentences()

    async def until_left(self, handle: str, seconds: float, enough: asyncio.Event) -> bool:
        """Wait for so long until the relay says that somebody has left, or it is enough; whether
        he has.
        """
        left = self._waited_for[handle] = asyncio.Event()
        until = time.monotonic() + seconds
        while not left.is_set() and time.monotonic() < until:
            if await pause(LOOK_SECONDS, enough):
                break
        del self._waited_for[handle]
        return left.is_set()

    def told_left(self, handle: str) -> None:
        """One of us was told so."""
        if handle in self._waited_for:
            self._waited_for[handle].set()


class _Bystander:
    def __init__(self, handle: str, company: Bystanders, *, joined: bool) -> None:
        self.handle = handle
        self._company = company
        self._tally = company.tally
        self._joined = joined
        self._wire: Wire
        self._unfinished = b""
        self._expected = {each.encode(): 0 for each in company.handles if each != handle}
        self._welcomed = False
        self.present: set[str] = set()

    async def connect(self, place: Place) -> None:
        self._wire = await Wire.to(place, self._hear)
        if self._joined:
            self._wire.send(f"{self.handle}>\\join chat/1\n".encode())
            await self._wire.until_lines(1)

    def leave(self) -> None:
        self._wire.reset()

    def say(self, number: int) -> None:
        self._wire.send(f"{self.handle}>{number} {time.perf_counter():.6f}\n".encode())

    def lacks(self, said: int) -> list[str]:
        lines = [
            f"line {number} of {speaker.decode()}"
            for speaker, number in self._expected.items()
            if number < said
        ]
        ghosts = sorted(self.present - set(self._company.handles))
        return lines + [f"that {name} left" for name in ghosts]

    def _hear(self, octets: bytes) -> None:
        now = time.perf_counter()
        if not octets:
            self._tally.fault(f"the connection of {self.handle} has ended")
        *lines, self._unfinished = (self._unfinished + octets).split(b"\n")
        for line in lines:
            speaker, _, text = line.partition(b">")
            if speaker in self._expected:
                self._check(speaker, text, now)
            elif speaker == b"SERVER":
                self._told(text.decode().split())
            if (
                self._joined
                and speaker != b"SERVER"
                and speaker.decode(errors="replace") not in self.present
            ):
                self._tally.fault(f"{self.handle} heard {speaker!r}, who was not said to be here")

    def _check(self, speaker: bytes, text: bytes, now: float) -> None:
        number, _, said_at = text.partition(b" ")
        if int(number) == self._expected[speaker]:
            self._tally.heard(now - float(said_at))
        else:
            self._tally.fault(
                f"{self.handle} heard line {int(number)} of {speaker.decode()} "
                f"instead of line {self._expected[speaker]}"
            )
        self._expected[speaker] = int(number) + 1

    def _told(self, words: list[str]) -> None:
        command, *names = words
        match command:
            case r"\welcome" if not self._welcomed:
                self._welcomed = True
            case r"\joined" if not self.present.intersection(names):
                self.present.update(names)
            case r"\left" if self.present.issuperset(names):
                self.present.difference_update(names)
                for name in names:
                    self._company.told_left(name)
            case _:
                self._tally.fault(f"{self.handle} was told {' '.join(words)[:80]}")
