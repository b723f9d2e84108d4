"""A turn server's session: any octets of a client, any messages of ours, in any order."""

from typing import Any

from chatproto import (
    Decoder,
    EndOfStream,
    Error,
    Join,
    Joined,
    Kind,
    LocalProtocolError,
    Message,
    Quit,
    Role,
    Session,
    Text,
    Welcome,
)
from fuzz.source import Source

_HI = Text("SERVER", "hi")
_MESSAGES: list[Message] = [
    Welcome(1, Kind.TURNS),
    Welcome(2, Kind.RELAY, ["here=0"]),
    _HI,
    Text("SERVER", "\\quit"),
    Text("ann", "hi"),
    Error("full"),
    Error("a", ["x" * 80] * 9),
    Quit("SERVER"),
    Quit("ann"),
    Joined(["ann"]),
    Join("ann"),
]
_END = len(_MESSAGES)
_RECEIVE = _END + 1


def fuzz(octets: bytes) -> None:
    """Acts: a message of the list, our end, or octets behind their number."""
    assert _conversation(octets, by_octets=False) == _conversation(octets, by_octets=True), (
        "it depends on the cuts"
    )


def _conversation(octets: bytes, *, by_octets: bool) -> list[Any]:
    source = Source(octets)
    session = Session(Role.SERVER)
    client = Decoder(Role.SERVER)
    record: list[Any] = []
    ended = False
    while source:
        act = source.number()
        if act < _END:
            record.append(_say(session, _MESSAGES[act], client))
        elif act == _END:
            record.append(_tried(session, session.end))
        elif not ended:
            received = source.counted()
            ended = not received
            for piece in _pieces(received, by_octets=by_octets):
                session.receive(piece)
            record += _taken(session)
        record.append((session.state, session.welcomed, session.handle, session.held))
        record += _taken(session)
    assert sum(isinstance(event, EndOfStream) for event in record) <= 1, "two ends"
    return record


def _pieces(octets: bytes, *, by_octets: bool) -> list[bytes]:
    return [bytes([octet]) for octet in octets] if by_octets and octets else [octets]


def _taken(session: Session) -> list[Any]:
    events = []
    while (event := session.next_event()) is not None:
        events.append(event)
    return events


def _say(session: Session, message: Message, client: Decoder) -> bool:
    """What is said is read by any client as what it is; a text is said in our turn."""
    said: list[bytes] = []
    may_say = session.may_send_text()
    done = _tried(session, lambda: said.append(session.send(message)))
    assert done == may_say or message is not _HI, "a text is said out of turn, or not in it"
    if not done:
        return False
    client.receive(said[0])
    assert client.next_event() == message, "a client reads something else"
    assert client.next_event() is None, "a client reads more"
    return True


def _tried(session: Session, act: Any) -> bool:
    """Whether it was done; what is refused is a LocalProtocolError and changes nothing."""
    before = (
        session.state,
        session.welcomed,
        session.handle,
        session.held,
        session.may_send_text(),
    )
    try:
        act()
    except LocalProtocolError:
        after = (session.state, session.welcomed, session.handle, session.held)
        assert (*after, session.may_send_text()) == before, "a refusal changes something"
        return False
    return True
