"""Every dialogue of the spec, run against the state machines of both ends."""

import pytest

from chatproto import (
    EndOfStream,
    Error,
    Event,
    Ignored,
    Join,
    Message,
    Role,
    Session,
    Violation,
    decode,
)
from tools.spec_text import Dialogue, Step, dialogues

DIALOGUES = dialogues()


def spoken(octets: bytes, sender: Role, *, first: bool = False) -> Message:
    assert octets.endswith(b"\n")
    return decode(octets[:-1], sender, first=first)


def of(client: str, dialogue: Dialogue) -> list[Step]:
    return [step for step in dialogue.steps if step.client == client]


PLAYED_BY_CLIENT = [
    pytest.param(dialogue, client, id=f"line {dialogue.line}, {client}")
    for dialogue in DIALOGUES
    if dialogue.client == "program"
    for client in sorted({step.client for step in dialogue.steps})
]
PLAYED_BY_SERVER = [
    pytest.param(dialogue, id=f"line {dialogue.line}")
    for dialogue in DIALOGUES
    if dialogue.server == "turns"
]


@pytest.mark.parametrize(("dialogue", "client"), PLAYED_BY_CLIENT)
def test_at_the_client(dialogue: Dialogue, client: str) -> None:
    session = Session(Role.CLIENT)
    for step in of(client, dialogue):
        if step.from_client:
            if step.octets:
                message = spoken(step.octets, Role.CLIENT, first=session.handle is None)
                assert session.send(message) == step.octets
            else:
                session.end()
        else:
            heard_at_client(session, step.octets)
    assert session.state == "CLOSED" or of(client, dialogue)[-1].octets


def heard_at_client(session: Session, octets: bytes) -> None:
    """It yields what was said: shown, ignored, or as a violation."""
    session.receive(octets)
    event = session.next_event()
    if not octets:
        assert event == EndOfStream(0)
    elif isinstance(event, Violation):
        assert event.line == octets[:-1]
    else:
        said = event.command if isinstance(event, Ignored) else event
        assert said == spoken(octets, Role.SERVER)
    assert session.next_event() is None


# The codes that a server finds in what the client said, as against those it decides on.
FOUND = {"too-long", "malformed", "encoding", "handle-reserved", "handle-changed"}


@pytest.mark.parametrize("dialogue", PLAYED_BY_SERVER)
def test_at_the_server(dialogue: Dialogue) -> None:
    assert heard_at_server(dialogue, octet_by_octet=False) == heard_at_server(
        dialogue, octet_by_octet=True
    )


def heard_at_server(dialogue: Dialogue, *, octet_by_octet: bool) -> list[Event]:
    session = Session(Role.SERVER)
    heard: list[Event] = []
    for step in dialogue.steps:
        if step.from_client:
            size = 1 if octet_by_octet else max(1, len(step.octets))
            for start in range(0, len(step.octets) or 1, size):
                session.receive(step.octets[start : start + size])
        elif step.octets:
            message = spoken(step.octets, Role.SERVER)
            assert session.send(message) == step.octets
            if isinstance(message, Error) and message.code in FOUND:
                violation = heard[-1]
                assert isinstance(violation, Violation)
                assert violation.code == message.code
        else:
            session.end()
        while (event := session.next_event()) is not None:
            heard.append(event)
    assert session.state == "CLOSED"
    return heard


def test_a_join_is_heard_once() -> None:
    session = Session(Role.SERVER)
    session.receive(b"ann>\\join chat/3 a b\n")
    assert session.next_event() == Join("ann", 3, ("a", "b"))
    assert session.next_event() is None
