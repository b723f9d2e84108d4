"""A steady load: in each round the same habits, in an order that the seed decides."""

import asyncio
import random
import time
from collections import Counter

from endurance.common.company import Company
from endurance.common.pause import pause
from endurance.common.wire import Place, Wire
from endurance.soak.habits import HABITS, Habit, Visit

ROUND_SECONDS = 10
AT_A_TIME = 16
"""Visitors; usually there are ten. On a busy machine they take longer, and so come later."""
VISIT_SECONDS = 150
"""The longest that any visit may take: who never reads waits for many floods."""


class Load:
    """All visitors of one server."""

    def __init__(self, kind: str, place: Place, company: Company, seed: int) -> None:
        self._habits = [habit for habit in HABITS[kind] for _ in range(habit.visits)]
        self._place = place
        self._company = company
        self._random = random.Random(f"{kind} {seed}")
        self.ends: Counter[str] = Counter()
        """How visits ended, and how often."""

    @property
    def visits(self) -> int:
        """That have ended."""
        return self.ends.total()

    async def run(self, enough: asyncio.Event) -> None:
        """Visitors come at a steady rate until it is enough; then the last ones leave."""
        begun, number = time.monotonic(), 0
        room = asyncio.Semaphore(AT_A_TIME)
        interval = ROUND_SECONDS / len(self._habits)
        async with asyncio.TaskGroup() as under_way:
            while not enough.is_set():
                if number % len(self._habits) == 0:
                    self._random.shuffle(self._habits)
                habit = self._habits[number % len(self._habits)]
                await room.acquire()
                visit = under_way.create_task(self._visit(habit, f"v{number}", enough))
                visit.add_done_callback(lambda _: room.release())
                number += 1
                await pause(begun + number * interval - time.monotonic(), enough)

    async def _visit(self, habit: Habit, handle: str, enough: asyncio.Event) -> None:
        how, wrong = "in vain", ""
        try:
            async with asyncio.timeout(VISIT_SECONDS):
                with await Wire.to(self._place, buffer=habit.buffer) as wire:
                    chance = random.Random(self._random.random())
                    visit = Visit(wire, handle, chance, self._company, enough)
                    expected = await habit.behave(visit)
                    how = await wire.until_ended()
                if how != expected:
                    wrong = f"its connection ended with {how} instead of {expected}"
        except TimeoutError:
            wrong = f"it took more than {VISIT_SECONDS} s"
        except OSError as error:
            wrong = str(error)
        if wrong:
            self._company.tally.fault(f"a visitor that {habit.name.replace('_', ' ')}: {wrong}")
        self.ends[how] += 1
