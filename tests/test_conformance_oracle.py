"""The suite's oracle against spec/vectors, the dialogues of the spec, and chatproto."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import RemoteProtocolError, Role, Session, Text, decode
from conformance import oracle
from tests import strategies, vectors
from tools.spec_text import Dialogue, dialogues

READ = {Role.CLIENT: oracle.from_client, Role.SERVER: oracle.from_server}
TURNS = [each for each in dialogues() if each.server == "turns"]


@pytest.mark.parametrize("vector", vectors.load(), ids=lambda vector: vector.name)
def test_vectors(vector: vectors.Vector) -> None:
    assert READ[vector.sender](vector.octets) == (vector.results, vector.unfinished)


@given(st.sampled_from(Role), strategies.streams())
def test_it_reads_what_chatproto_reads(sender: Role, octets: bytes) -> None:
    results, unfinished = vectors.decoded([octets], sender)
    last = [r[0] == "quit" or (r[0] == "error" and sender is Role.SERVER) for r in results]
    if any(last):  # what a decoder yields after it is no matter: the connection has ended
        results, unfinished = results[: last.index(True) + 1], 0
    assert READ[sender](octets) == (results, unfinished)


@given(st.sampled_from(Role), st.booleans(), strategies.contents())
def test_it_reads_one_line_as_chatproto_does(sender: Role, first: bool, content: bytes) -> None:
    try:
        expected = vectors.as_result(decode(content, sender, first=first))
    except RemoteProtocolError as error:
        expected = ["violation", str(error.code)]
    if sender is Role.CLIENT:
        assert oracle.client_line(content, first=first) == expected
    else:
        assert oracle.server_line(content) == expected


@pytest.mark.parametrize("handle", ["SERVER", "server", "SeRvEr"])
def test_the_servers_handle_in_any_letter_case(handle: str) -> None:
    assert oracle.is_server(handle)
    assert not oracle.is_server(handle + "s")


def said(dialogue: Dialogue, *, from_client: bool) -> list[str]:
    """The texts of one end of a dialogue, as the oracle reads them."""
    octets = b"".join(step.octets for step in dialogue.steps if step.from_client == from_client)
    events, _ = (oracle.from_client if from_client else oracle.from_server)(octets)
    return [event[2] for event in events if event[0] == "text"]


@pytest.mark.parametrize("dialogue", TURNS, ids=lambda dialogue: f"line {dialogue.line}")
def test_turns_of_the_dialogues(dialogue: Dialogue) -> None:
    """Whatever a server says in a dialogue comes in its turn, and not before."""
    session = oracle.TurnSession()
    octets = b""
    replies = 0
    for step in dialogue.steps:
        if step.from_client:
            before = len([e for e in oracle.from_client(octets)[0] if e[0] == "text"])
            octets += step.octets
            session.client += [e[2] for e in oracle.from_client(octets)[0] if e[0] == "text"][
                before:
            ]
        elif step.octets and (event := oracle.server_line(step.octets[:-1]))[0] == "text":
            session.operator.append(event[2])
            replies += 1
        session.play()
        assert len(session.said) == replies
    session.leave()
    assert session.shown == said(dialogue, from_client=True)
    assert session.said == said(dialogue, from_client=False)


@given(st.lists(st.sampled_from("co")))
def test_turns_are_those_of_chatproto(order: list[str]) -> None:
    """Texts of a client and of its operator, typed at any time; each end takes one a turn."""
    model = oracle.TurnSession()
    session = Session(Role.SERVER)
    session.receive(b"a>begin\n")
    model.client.append("begin")
    shown: list[str] = []
    replies: list[str] = []
    typed: list[str] = []
    for number, who in enumerate(order):
        if who == "c":
            session.receive(f"a>{number}\n".encode())
            model.client.append(str(number))
        else:
            typed.append(str(number))
            model.operator.append(str(number))
        model.play()
        take(session, shown)
        while typed and session.may_send_text():
            replies.append(typed[0])
            session.send(Text("SERVER", typed.pop(0)))
            take(session, shown)
        assert (model.shown, model.said) == (shown, replies)
    session.receive(b"")
    take(session, shown)
    model.leave()
    assert model.shown == shown


def take(session: Session, shown: list[str]) -> None:
    while (event := session.next_event()) is not None:
        shown += [event.text] if isinstance(event, Text) else []
