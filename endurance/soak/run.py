"""One server under its load, from its start to its end."""

import asyncio
from collections.abc import Callable

from attrs import define, field

from endurance.common.company import company_of
from endurance.common.pause import pause
from endurance.common.rest import at_rest, unchanging
from endurance.common.server import Server
from endurance.common.subjects import Subject
from endurance.soak.judge import Verdict, judge
from endurance.soak.load import Load
from endurance.soak.samples import Sample, take_samples

TALK_SECONDS = 0.25


@define
class Record:
    """What came of a run."""

    subject: Subject
    samples: list[Sample] = field(factory=list)
    verdicts: list[Verdict] = field(factory=list)
    ends: dict[str, int] = field(factory=dict)
    """How visits ended, and how often."""
    checked: int = 0
    """Lines that came once and in order."""
    faults: list[str] = field(factory=list)

    @property
    def well(self) -> bool:
        """Whether nothing was wrong."""
        return not self.faults and all(verdict.well for verdict in self.verdicts)


async def soak(
    record: Record,
    minutes: float,
    seed: int,
    stop: asyncio.Event,
    tell: Callable[[Sample], None],
) -> None:
    """Run it, and judge it unless it was stopped before its time."""
    kind = record.subject.kind
    server = await Server.start(kind, record.subject.tls)
    company = company_of(kind, server)
    load = Load(kind, server.place, company, seed)
    enough = asyncio.Event()

    def keep(sample: Sample) -> None:
        record.samples.append(sample)
        tell(sample)

    try:
        await company.arrive()
        before = await unchanging(server)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run(enough))
            tasks.create_task(company.talk(TALK_SECONDS, enough))
            tasks.create_task(take_samples(server, load, company.tally, enough, keep))
            stopped = await pause(minutes * 60, stop)
            enough.set()
        if not stopped:
            after = await at_rest(server, before)
            await company.settle()
            record.verdicts = judge(record.samples, before, after, minutes)
    except* OSError:
        company.tally.fault("it cannot be seen or reached any more")
    finally:
        record.ends = dict(load.ends.most_common())
        record.checked = company.tally.checked
        record.faults = company.faults()
        company.leave()
        record.faults += await server.stop()
