"""Reads spec/vectors, and brings what a decoder yields into their notation."""

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from attrs import frozen

from chatproto import (
    Decoder,
    EndOfStream,
    Error,
    Join,
    Joined,
    Left,
    Message,
    Quit,
    Role,
    Text,
    Violation,
    Welcome,
)
from tools.spec_text import SPEC

Result = list[Any]


@frozen
class Vector:
    """One vector; see spec/vectors/README.md."""

    name: str
    requirements: tuple[str, ...]
    sender: Role
    octets: bytes
    results: list[Result]
    unfinished: int


def octets_of(parts: Any) -> bytes:
    if isinstance(parts, list):
        return b"".join(octets_of(part) for part in parts)
    if isinstance(parts, str):
        return parts.encode()
    if "hex" in parts:
        return bytes.fromhex(parts["hex"])
    return octets_of(parts["repeat"]) * int(parts["times"])


def _result(result: Result) -> Result:
    if result[0] == "text":
        return ["text", result[1], octets_of(result[2]).decode()]
    return result


def load() -> list[Vector]:
    return [
        Vector(
            f"{path.stem}: {entry['name']}",
            tuple(entry["requirements"]),
            Role(entry["from"]),
            octets_of(entry["octets"]),
            [_result(result) for result in entry["results"]],
            entry.get("unfinished", 0),
        )
        for path in sorted(SPEC.glob("vectors/*.json"))
        for entry in json.loads(path.read_text(encoding="utf-8"))
    ]


def cut(octets: bytes, places: Iterable[int]) -> list[bytes]:
    """The octets in pieces, cut at the places; empty pieces left out."""
    edges = [0, *sorted(places), len(octets)]
    pieces = [octets[a:b] for a, b in pairwise(edges)]
    return [piece for piece in pieces if piece]


def every_cut(octets: bytes) -> Iterable[list[bytes]]:
    """Whole, octet by octet, and in two pieces at every place."""
    yield cut(octets, [])
    yield cut(octets, range(len(octets)))
    for place in range(1, len(octets)):
        yield cut(octets, [place])


def as_result(message: Message | Violation) -> Result:
    match message:
        case Text(handle, text):
            return ["text", handle, text]
        case Join(handle, version, words):
            return ["join", handle, version, list(words)]
        case Quit(handle):
            return ["quit", handle]
        case Welcome(version, kind, words):
            return ["welcome", version, str(kind), list(words)]
        case Joined(handles):
            return ["joined", list(handles)]
        case Left(handles):
            return ["left", list(handles)]
        case Error(code, words):
            return ["error", code, list(words)]
        case Violation(code):
            return ["violation", str(code)]


def decoded(pieces: list[bytes], sender: Role) -> tuple[list[Result], int]:
    """All results of a stream that comes in these pieces and ends, and what was unfinished."""
    decoder = Decoder(sender)
    results: list[Result] = []
    for piece in [*pieces, b""]:
        decoder.receive(piece)
        while (event := decoder.next_event()) is not None:
            if isinstance(event, EndOfStream):
                return results, event.unfinished
            results.append(as_result(event))
        assert decoder.unfinished <= 512, "LINE-8"
    raise AssertionError("no EndOfStream")
