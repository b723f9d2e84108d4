"""Bad cables: what TCP mends, the programs must not make worse."""

import asyncio
from collections.abc import Sequence

from attrs import frozen

from endurance.faults.cable import CLEAR, Cable, Weather
from endurance.faults.hosts import Host
from endurance.faults.programs import WrongError
from endurance.faults.scenario import Scenario
from endurance.faults.stage import Stage
from endurance.faults.voices import Voice

ALL = ("relay", "chat server", "Python client", "C client")
LINES = 25
GAP = 0.02
CHANCE_MIN = 0.1
"""What has at least this chance happens to some packet of a scenario."""


@frozen
class Trouble:
    """A bad cable, and how it fails while there is a chat."""

    what: str
    there: Weather = CLEAR
    back: Weather | None = None
    """None: the same as there."""
    mtu: int = 1500
    fails: tuple[tuple[str, float, float], ...] = ()
    """How (cut, cut there, cut back, pulled out), after how many seconds, for how many."""
    family: str = "IPv4"
    subjects: Sequence[str] = ("relay",)
    quick: Sequence[str] = ()


TROUBLES = (
    Trouble("delay 200 ms", Weather(delay=0.2), subjects=ALL, quick=("relay", "C client")),
    Trouble("delay 50 ms, jitter 50 ms", Weather(delay=0.05, jitter=0.05), subjects=ALL),
    Trouble("jitter one way only", Weather(delay=0.02, jitter=0.02), CLEAR),
    Trouble("loss 5 %", Weather(delay=0.01, loss=0.05), subjects=ALL, quick=("relay",)),
    Trouble("loss 20 %", Weather(delay=0.01, loss=0.2), subjects=ALL),
    Trouble("loss 20 % over IPv6", Weather(loss=0.2), family="IPv6", quick=("relay",)),
    Trouble("loss in bursts", Weather(loss=0.03, burst=0.6), subjects=ALL),
    Trouble("loss 30 % of what the server sends", Weather(loss=0.3), CLEAR, quick=("relay",)),
    Trouble("loss 30 % of what the clients send", CLEAR, Weather(loss=0.3)),
    Trouble("reordering", Weather(delay=0.03, overtake=0.3), subjects=ALL, quick=("chat server",)),
    Trouble("every packet twice", Weather(duplicate=1.0), quick=("relay",)),
    Trouble("one packet in four twice, late", Weather(delay=0.02, jitter=0.02, duplicate=0.25)),
    Trouble("bits turned", Weather(corrupt=0.1), subjects=ALL, quick=("Python client",)),
    Trouble("bits turned over IPv6", Weather(corrupt=0.1), family="IPv6"),
    Trouble("64 kbit/s", Weather(rate=8_000), subjects=ALL),
    Trouble("64 kbit/s, and a queue of 2 packets", Weather(rate=8_000, queue=3_000)),
    Trouble("2400 bit/s to the clients", Weather(rate=300, queue=1e6), CLEAR),
    Trouble("packets of 296 octets", mtu=296, quick=("relay",)),
    Trouble("packets of 68 octets, loss 2 %", Weather(loss=0.02), mtu=68),
    Trouble("a satellite in the rain", Weather(delay=0.3, jitter=0.03, loss=0.02, burst=0.3)),
    Trouble(
        "all of it",
        Weather(delay=0.03, jitter=0.02, loss=0.05, burst=0.3, duplicate=0.1, corrupt=0.02,
                overtake=0.2, rate=50_000),
        subjects=ALL,
    ),
    Trouble("cut for 3 s", fails=(("cut", 0.2, 3.0),), subjects=ALL, quick=("relay",)),
    Trouble("cut for 10 s", fails=(("cut", 0.2, 10.0),)),
    Trouble("cut before anybody connects", fails=(("cut", -1.0, 2.0),), subjects=ALL),
    Trouble("cut there for 2 s", fails=(("cut there", 0.1, 2.0),)),
    Trouble("cut back for 2 s", fails=(("cut back", 0.1, 2.0),)),
    Trouble("cut ten times", fails=(("cut", 0.15, 0.1),) * 10, subjects=ALL, quick=("C client",)),
    Trouble("pulled out for 2 s", fails=(("pulled out", 0.2, 2.0),), subjects=ALL,
            quick=("relay",)),
    Trouble("pulled out ten times", fails=(("pulled out", 0.1, 0.05),) * 10),
    Trouble("cut for 2 s under loss 10 %", Weather(loss=0.1), fails=(("cut", 0.2, 2.0),)),
)  # fmt: skip


async def _fail(cable: Cable, fails: Sequence[tuple[str, float, float]]) -> None:
    for how, after, seconds in fails:
        await asyncio.sleep(max(0, after))
        match how:
            case "pulled out":
                cable.pull_out()
            case _:
                cable.cut(there=how != "cut back", back=how != "cut there")
        await asyncio.sleep(seconds)
        cable.plug_in() if how == "pulled out" else cable.mend()


async def _far_voices(
    stage: Stage, subject: str, server: Host, far: Host, address: str
) -> list[Voice]:
    """Those who chat over the cable, and two beside the server."""
    if subject == "chat server":
        operator = await stage.chatserver(host=server)
        return [await stage.guest(operator, "far", host=far, address=address)]
    await stage.relay(host=server)
    voices: list[Voice] = [*await stage.members("near1", "near2", host=server)]
    if subject == "relay":
        return [*voices, *await stage.members("far1", "far2", host=far, address=address)]
    return [*voices, await stage.client(subject, "far", host=far, address=address)]


async def over_cable(stage: Stage, trouble: Trouble, subject: str) -> None:
    """A chat, some of it over a bad cable."""
    server, far = stage.host(), stage.host()
    back = trouble.there if trouble.back is None else trouble.back
    cable = stage.cable(server, far, trouble.there, back, trouble.mtu)
    address = cable.near_addresses[trouble.family == "IPv6"]
    at_once = bool(trouble.fails and trouble.fails[0][1] < 0)
    if at_once:
        cable.cut()
    async with asyncio.TaskGroup() as group:
        if at_once:
            group.create_task(_fail(cable, trouble.fails))
        voices = await _far_voices(stage, subject, server, far, address)
        if not at_once:
            group.create_task(_fail(cable, trouble.fails))
        for voice in voices:
            group.create_task(voice.talk(LINES, GAP))
    await stage.settle()
    if missing := _expected(trouble, back) - cable.counts.keys():
        raise WrongError(f"the cable was too good, and showed nothing: none {sorted(missing)}")


def _expected(trouble: Trouble, back: Weather) -> set[str]:
    """What must have become of some packets, or nothing was tested."""
    expected = {"cut off" for how, *_ in trouble.fails if how.startswith("cut")}
    for weather in (trouble.there, back):
        for what, chance in (
            ("lost", weather.loss),
            ("doubled", weather.duplicate),
            ("corrupted", weather.corrupt),
            ("overtaking", weather.overtake),
        ):
            if chance >= CHANCE_MIN:
                expected.add(what)
    return expected


SCENARIOS = [
    Scenario(
        f"cable/{subject}: {trouble.what}",
        "Every line comes to every one who stays, exactly once and in order, whoever is behind "
        f"such a cable ({trouble.what}); nobody's connection ends.",
        over_cable,
        {"trouble": trouble, "subject": subject},
        quick=subject in trouble.quick,
        needs=["cables", *(["C client"] if subject == "C client" else [])],
    )
    for trouble in TROUBLES
    for subject in trouble.subjects
]
