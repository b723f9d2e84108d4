"""All classes at one server, from its start to its end."""

import asyncio
from collections.abc import Callable, Mapping

from attrs import define, field

from endurance.common.company import company_of
from endurance.common.rest import at_rest, unchanging
from endurance.common.server import Server
from endurance.common.subjects import Subject
from endurance.hostile.assault import Assault, Outcome
from endurance.hostile.classes import Make
from endurance.hostile.newcomer import newcomer

TALK_SECONDS = 0.02
WARM_UP_PART, WARM_UP_MIN = 10, 25
"""Of every class a tenth, and at least so many, before memory is compared."""
GROWTH_MAX = 0.05
"""Of memory. What the largest inputs needed side by side may come up later than in the warm-up;
a connection kept for each input is many times as much, after 500 of every class too.
"""


@define
class Record:
    """What came of all classes at one server."""

    subject: Subject
    before_kib: int = 0
    after_kib: int = 0
    faults: list[str] = field(factory=list)


async def assail(
    record: Record,
    chosen: Mapping[str, Make],
    inputs: int,
    seed: int,
    tell: Callable[[Outcome], None],
) -> None:
    """These classes one after the other, at a server of this kind."""
    kind = record.subject.kind
    server = await Server.start(kind, record.subject.tls)
    company = company_of(kind, server)
    assault = Assault(server, company.tally, seed)
    enough = asyncio.Event()
    try:
        await company.arrive()
        before = await unchanging(server)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(company.talk(TALK_SECONDS, enough))
            for name, make in chosen.items():
                await assault.run(name, make, max(WARM_UP_MIN, inputs // WARM_UP_PART))
            record.before_kib = server.resources().memory_kib
            for name, make in chosen.items():
                tell(await assault.run(name, make, inputs))
                if wrong := await newcomer(kind, server.place):
                    company.tally.fault(f"after {name}: {wrong}")
            enough.set()
        after = await at_rest(server, before)
        await company.settle()
        record.after_kib = after.memory_kib
        if after.descriptors > before.descriptors:
            record.faults.append(f"{after.descriptors} descriptors after {before.descriptors}")
        if record.after_kib > record.before_kib * (1 + GROWTH_MAX):
            record.faults.append(f"memory has grown by more than {GROWTH_MAX:.0%}")
    except* OSError:
        record.faults.append("it cannot be seen or reached any more")
    finally:
        record.faults += company.faults()
        company.leave()
        record.faults += await server.stop()
