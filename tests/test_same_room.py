"""The C client and the Python client with our servers, all as processes."""

import os
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.c_build import C_CLIENT, make
from tests.programs import Program, chatserver, relayserver


@cache
def c_client() -> str:
    if named := os.environ.get("CHATCLIENT"):
        return str(Path(named).resolve())
    make("chatclient")
    return str(C_CLIENT / "chatclient")


def commands(port: int) -> dict[str, list[str]]:
    return {
        "C": [c_client(), "127.0.0.1", str(port)],
        "Python": [sys.executable, "-m", "reference.chatclient", "127.0.0.1", str(port)],
    }


def test_both_in_one_room() -> None:
    with (
        relayserver() as (relay, port),
        Program(commands(port)["C"]) as ann,
        Program(commands(port)["Python"]) as bob,
    ):
        ann.type("ann")
        ann.expect("Welcome")
        bob.type("bob")
        ann.expect("Here: bob")
        lines = [f"{number} é€😀" for number in range(1000)]  # pasted at once
        ann.type(*lines)
        bob.type(*lines)
        for line in lines:
            bob.expect(f"^ann>{line}$")
            ann.expect(f"^bob>{line}$")
        ann.type("\\quit")
        bob.expect("^-- ann left$")
        assert ann.ended() == 0
        relay.type("\\quit")
        assert bob.ended() == 0


@pytest.mark.parametrize("kind", ["C", "Python"])
def test_turns_are_kept_whoever_types_first(kind: str) -> None:
    with chatserver() as (server, port), Program(commands(port)[kind]) as client:
        client.type("ann", *(str(number) for number in range(100)), "\\quit")
        server.type(*(f"re {number}" for number in range(100)))
        for number in range(100):
            server.expect(f"^ann>{number}$")
        server.expect("^client has disconnected$")
        assert client.ended() == 0
        heard = [line for line in client.output().splitlines() if line.startswith("SERVER>")]
        assert heard[:99] == [f"SERVER>re {number}" for number in range(99)]
