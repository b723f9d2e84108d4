"""Who comes to a turn server again and again, and the operator who answers everybody.

At a turn server nobody can stay and listen. So what is checked is this: every text of a
regular client is on the operator's screen, once and in order; each gets one answer, and
the operator's answers come in the order in which he typed them, none twice.
"""

import asyncio
import time

from endurance.common.pause import pause
from endurance.common.server import Server
from endurance.common.tally import Tally
from endurance.common.wire import Place, Wire

REGULARS = 3
TEXTS = 3
"""In each conversation."""
TYPED_AHEAD = 16
"""Answers that wait for the operator's turn; each takes one (TURN-14)."""
CONVERSATION_SECONDS = 60
SETTLE_SECONDS = 20


class Operator:
    """Types numbered answers, and reads the screen."""

    def __init__(self, server: Server, tally: Tally, handles: list[str]) -> None:
        self._server = server
        self._tally = tally
        self._unfinished = b""
        self._typed = self._shown = 0
        self.seen = {handle.encode(): 0 for handle in handles}
        """How many texts of each are on the screen."""
        server.show = self._look
        self._type()

    def _type(self) -> None:
        while self._typed < self._shown + TYPED_AHEAD:
            self._server.type(b"%d\n" % self._typed)
            self._typed += 1

    def _look(self, octets: bytes) -> None:
        *lines, self._unfinished = (self._unfinished + octets).split(b"\n")
        for line in lines:
            speaker, _, text = line.partition(b">")
            if speaker == b"SERVER":
                self._shown = self._after(self._shown, speaker, text)
            elif speaker in self.seen:
                self.seen[speaker] = self._after(self.seen[speaker], speaker, text)
            elif line.startswith(b"-- ") and line.endswith(b" lines were not shown here"):
                self._tally.fault(f"the screen did not keep pace: {line.decode()}")
        self._type()

    def _after(self, expected: int, speaker: bytes, text: bytes) -> int:
        """The number that is to come after this text, which is to be the expected one."""
        if text != b"%d" % expected:
            said = (speaker + b">" + text).decode(errors="replace")
            self._tally.fault(f"{said} on the screen instead of number {expected}")
        return int(text) + 1 if text.isdigit() else expected + 1


class Regulars:
    """All of them, and their operator. What they find is in ``tally``."""

    def __init__(self, server: Server, tally: Tally) -> None:
        self.tally = tally
        self._all = [_Regular(f"reg{number}", server.place, tally) for number in range(REGULARS)]
        self._operator = Operator(server, tally, [regular.handle for regular in self._all])

    async def arrive(self) -> None:
        """Each has a first conversation."""
        for regular in self._all:
            await regular.converse()

    async def talk(self, seconds: float, enough: asyncio.Event) -> None:
        """Each comes again and again, after so many seconds, until it is enough."""

        async def come_again(regular: _Regular) -> None:
            while not await pause(seconds, enough):
                await regular.converse()

        await asyncio.gather(*map(come_again, self._all))

    async def settle(self) -> None:
        """Wait until everything said is on the screen, and say what is not."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self._unseen() and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for handle in self._unseen():
            self.tally.fault(f"what {handle} said last is not on the screen")

    def _unseen(self) -> list[str]:
        return [r.handle for r in self._all if self._operator.seen[r.handle.encode()] < r.said]

    def leave(self) -> None:
        """They have left already."""

    def faults(self) -> list[str]:
        """Sentences about all that was wrong."""
        return self.tally.sentences()


class _Regular:
    def __init__(self, handle: str, place: Place, tally: Tally) -> None:
        self.handle = handle
        self.said = 0
        self._answered = -1
        self._place = place
        self._tally = tally

    async def converse(self) -> None:
        """Come, say some texts, take an answer to each, and leave."""
        try:
            async with asyncio.timeout(CONVERSATION_SECONDS):
                await self._converse()
        except (TimeoutError, OSError) as error:
            why = str(error) or f"it took more than {CONVERSATION_SECONDS} s"
            self._tally.fault(f"a conversation of {self.handle} failed: {why}")

    async def _converse(self) -> None:
        lines = _Lines()
        with await Wire.to(self._place, lines.hear) as wire:
            await self._talk(wire, lines)

    async def _talk(self, wire: Wire, lines: "_Lines") -> None:
        wire.send(f"{self.handle}>\\join chat/1\n".encode())
        if await lines.next() != b"SERVER>\\welcome chat/1 turns":
            self._tally.fault(f"{self.handle} was not welcomed")
        for _ in range(TEXTS):
            said_at = time.perf_counter()
            wire.send(f"{self.handle}>{self.said}\n".encode())
            self.said += 1
            self._take_answer(await lines.next(), time.perf_counter() - said_at)
        wire.send(f"{self.handle}>\\quit\n".encode())
        wire.end()
        how = await wire.until_ended()
        if how != "left" or wire.lines != 1 + TEXTS:
            self._tally.fault(f"{self.handle} left, but: {how}, {wire.lines} lines came")

    def _take_answer(self, line: bytes, seconds: float) -> None:
        speaker, _, number = line.partition(b">")
        if speaker == b"SERVER" and number.isdigit() and int(number) > self._answered:
            self._answered = int(number)
            self._tally.heard(seconds)
        else:
            self._tally.fault(f"{self.handle} got {line[:40]!r} after answer {self._answered}")


class _Lines:
    """What came, line by line; empty lines from its end on."""

    def __init__(self) -> None:
        self._unfinished = b""
        self._ended = False
        self._whole: asyncio.Queue[bytes] = asyncio.Queue()

    def hear(self, octets: bytes) -> None:
        self._ended = not octets
        *whole, self._unfinished = (self._unfinished + octets).split(b"\n")
        for line in [b""] if self._ended else whole:
            self._whole.put_nowait(line)

    async def next(self) -> bytes:
        return b"" if self._ended and self._whole.empty() else await self._whole.get()
