"""The smoke test: is there anything to test, and how long does an answer take?"""

import time

from conformance.acts import Executor
from conformance.cases.chat import Chat
from conformance.cases.room import Room
from conformance.cases.sessions import Sessions
from conformance.deviation import Deviation, InconclusiveError, UnsupportedError
from conformance.drain_fence import DrainFence
from conformance.operations import Script
from conformance.spec import CLIENT, RELAY, TURNS
from conformance.target import Target

SIMPLEST = {
    RELAY: "two clients join, one speaks, the other one hears it, and it quits",
    TURNS: "a client joins, speaks, gets what the operator types, and quits",
    CLIENT: "its user types a handle and a text, reads one, and quits",
}
ROUNDS = {RELAY: 5, TURNS: 3, CLIENT: 1}


def script(target: Target) -> Script:
    """The simplest conversation."""
    if target.kind == RELAY:
        return Room().join("W").join("A").speak("A", "hello").quit("A")
    if target.kind == CLIENT:
        return Chat().begin("ann").welcome("relay").types("hello").says("bob", "hi").leave()
    if target.operable or target.operator:
        return Sessions().join("A").text("A", "hello").reply("A", "hi").quit("A")
    return Sessions().join("A").quit("A")


def test(target: Target, seconds: float) -> tuple[str, list[float]]:
    """A sentence on what is wrong, or nothing; and the seconds that each round took."""
    trips: list[float] = []
    fence = DrainFence()
    try:
        for _ in range(ROUNDS[target.kind]):
            operations = script(target).operations
            begun = time.monotonic()
            Executor(target, fence, seconds, ["the smoke test"]).run(operations)
            trips.append((time.monotonic() - begun) / len(operations))
    except Deviation as deviation:
        sentence = (
            f"{deviation.summary[:1].upper()}{deviation.summary[1:]}; expected "
            f"{deviation.expected}; make the simplest conversation work first, in which "
            f"{SIMPLEST[target.kind]}."
        )
        return sentence, trips
    except (InconclusiveError, UnsupportedError) as error:
        text = str(error)
        return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}", trips
    finally:
        fence.close()
    return "", trips
