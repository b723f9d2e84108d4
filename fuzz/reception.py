"""What a target sends over a connection: the suite reads it, and has a verdict or none."""

import socket
from typing import Any

from conformance import acts
from conformance.deviation import Deviation, InconclusiveError, UnsupportedError
from conformance.drain_fence import DrainFence
from conformance.executor import ACTS, MIDDLE
from conformance.lower_tester import Connection
from conformance.operations import Operation
from conformance.spec import requirements
from conformance.target import Target
from conformance.trace import Trace
from fuzz.source import Source

_FENCE = DrainFence()
_BLAME = ["RELAY-1"]
_LINE_MAX = 65536
"""After so many octets without a line end the suite gives a line up."""

_WANTED: list[list[Any]] = [
    ["text", "b", None],
    ["text", "b", "hi"],
    ["welcome", "relay", ["b"]],
    ["welcome", 1, "turns"],
    ["joined", "b"],
    ["left", "b"],
    ["error", "full"],
    ["quit", "SERVER"],
    ["join", "b", 1],
    ["end"],
]
_OPERATIONS: list[Operation] = [
    *({"op": "expect", "at": "A", "event": event} for event in _WANTED),
    {"op": "expect_piece", "at": "A", "handle": "b"},
    {"op": "expect_pieces", "at": "A", "handle": "b", "text": "hi" * 300},
    {"op": "expect_any_order", "at": "A", "events": [["joined", "b"], ["text", "b", "hi"]]},
    {
        "op": "expect_last_of",
        "at": "A",
        "event": ["error", "too-slow"],
        "least": ["text", "b"],
    },
    {"op": "quiet", "at": "A"},
    {"op": "hear_end", "at": "A"},
    {"op": "admit", "at": "A", "by": "B", "others": ["B"]},
    {"op": "storm", "texts": {"B": ["hi", "ho"]}, "bursts": [["B", 2]], "all": ["A"]},
    {"op": "bulk", "at": "A", "by": "B", "lines": 2, "size": 20, "readers": ["A"], "gone": "a"},
    {"op": "catch_up", "at": "A", "by": "B", "lines": 3, "size": 20, "at_least": 20},
    {"op": "not_drowned", "at": "A", "flooder": "B", "text": ["b", "hi"]},
]


def fuzz(octets: bytes) -> None:
    """A kind of target, some operations behind their number, and what the target sends."""
    source = Source(octets)
    kind = list(MIDDLE)[source.number() % len(MIDDLE)]
    wanted = [_OPERATIONS[number % len(_OPERATIONS)] for number in source.octets(source.number())]
    sent = source.rest()
    _split(sent)
    run = acts.Executor(Target(kind), _FENCE, 0.0, list(_BLAME))
    peers = [_connect(run, name, handle, sent) for name, handle in (("A", "a"), ("B", "b"))]
    try:
        for operation in wanted:
            ACTS[operation["op"]](run, operation)
    except Deviation as deviation:
        _check(deviation, run.trace)
    except (InconclusiveError, UnsupportedError):
        pass
    finally:
        run.network.close(0.0)
        for peer in peers:
            peer.close()


def _connect(run: acts.Executor, name: str, handle: str, sent: bytes) -> socket.socket:
    ours, theirs = socket.socketpair()
    theirs.sendall(sent)
    theirs.shutdown(socket.SHUT_WR)
    run.network.take(name, ours)
    run.own_handle[name] = handle
    return theirs


def _split(sent: bytes) -> None:
    """Nothing is lost of what is read, and nothing is in one line that is not."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        theirs.shutdown(socket.SHUT_WR)
        connection = Connection("A", "relay", ours, Trace())
        while connection.readable:
            connection.read()
    assert connection.ending == "end"
    assert b"".join(connection.lines) + connection.rest == sent, "octets are lost"
    for line in connection.lines:
        assert line.count(b"\n") == line.endswith(b"\n"), "two lines are taken for one"
        assert line.endswith(b"\n") or len(line) > _LINE_MAX, "half a line is taken for one"


def _check(deviation: Deviation, trace: Trace) -> None:
    """It names requirements, and what is said of it harms no terminal."""
    assert deviation.requirements, "a deviation from nothing"
    assert set(deviation.requirements) <= set(requirements()), "there is no such requirement"
    said = [deviation.symptom, deviation.summary, deviation.expected, trace.closing, *trace.hints]
    for entry in trace.entries:
        said += [entry["octets"], entry["note"]]
    for words in said:
        assert words.isprintable(), "what a target sends is said as it is"
