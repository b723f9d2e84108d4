"""The session: every state with every event, and the rules that no table shows."""

import itertools

import pytest

from chatproto import (
    TRANSITIONS,
    Act,
    EndOfStream,
    Error,
    Event,
    Ignored,
    Join,
    Joined,
    Kind,
    LocalProtocolError,
    Message,
    Outbox,
    Quit,
    Role,
    Session,
    State,
    Text,
    Violation,
    Welcome,
    encode,
)

SAID: dict[Role, dict[Act, Message]] = {
    Role.CLIENT: {Act.JOIN: Join("ann"), Act.TEXT: Text("ann", "hi"), Act.QUIT: Quit("ann")},
    Role.SERVER: {
        Act.WELCOME_TURNS: Welcome(1, Kind.TURNS),
        Act.WELCOME_RELAY: Welcome(1, Kind.RELAY),
        Act.TEXT: Text("SERVER", "hi"),
        Act.RELAYED: Text("bob", "hi"),
        Act.PRESENCE: Joined(["bob"]),
        Act.QUIT: Quit("SERVER"),
        Act.ERROR: Error("full"),
    },
}


Way = list[tuple[Role, Act]]


def reach(state: State, role: Role) -> tuple[Session, Way]:
    """A session brought into the state by what is said and heard, the shortest way."""
    ways: list[Way] = [[]]
    for way in ways:
        if (session := walk(way, role)) is not None:
            if session.state == state:
                return session, way
            ways += [
                [*way, (actor, act)]
                for actor in Role
                for act in TRANSITIONS[actor][session.state]
                if len(way) < 4
            ]
    raise AssertionError(f"{state} cannot be reached by a {role.value}")


def walk(way: Way, role: Role) -> Session | None:
    session = Session(role)
    try:
        for actor, act in way:
            if actor is not role:
                hear(session, act)
            elif act is Act.UNANSWERED:
                session.unanswered()
            elif act is Act.END:
                session.end()
            else:
                session.send(SAID[role][act])
    except LocalProtocolError:
        return None
    return session


def hear(session: Session, act: Act) -> Event | None:
    session.receive(b"" if act is Act.END else encode(SAID[session.role.peer][act]))
    return session.next_event()


# Where each end can get: a client program is never plain, a turn server never frees turns.
STATES = {
    Role.CLIENT: [state for state in State if "PLAIN" not in state],
    Role.SERVER: [state for state in State if "FREE" not in state and state != "ASKED-SERVER"],
}
EVERY_STATE = [(role, state) for role in Role for state in STATES[role]]


@pytest.mark.parametrize(("role", "state"), EVERY_STATE)
def test_saying_anything_in_any_state_is_in_the_table_or_changes_nothing(
    role: Role, state: State
) -> None:
    for act, message in SAID[role].items():
        session, _ = reach(state, role)
        before = session.state
        try:
            octets = session.send(message)
        except LocalProtocolError:
            assert session.state == before
            continue
        assert octets == encode(message)
        assert session.state == TRANSITIONS[role][before][act]


@pytest.mark.parametrize(("role", "state"), EVERY_STATE)
def test_hearing_anything_in_any_state_raises_nothing_and_follows_the_table(
    role: Role, state: State
) -> None:
    for act in [*SAID[role.peer], Act.END]:
        session, way = reach(state, role)
        if (role.peer, Act.END) in way:
            continue  # nothing comes after the end of a stream
        event = hear(session, act)
        if act is Act.JOIN and state is not State.START:
            act = Act.TEXT  # noqa: PLW2901 (CMD-2)
        following = TRANSITIONS[role.peer][state].get(act)
        assert session.state == (state if event is None else following or state)
        if role is Role.CLIENT and following is None and event is not None:
            assert event == untaken(SAID[Role.SERVER].get(act))
        if role is Role.SERVER and following is None:
            assert event in (None, EndOfStream(0))


def untaken(said: Message | None) -> Event:
    """What a client hears where the table has no entry (STATE-2)."""
    if said is None:
        return EndOfStream(0)
    return said if isinstance(said, Text) else Ignored(said)


def test_every_state_is_reached_by_somebody() -> None:
    assert {state for _, state in EVERY_STATE} | {State.ASKED_SERVER} == set(State)


def server(octets: bytes) -> Session:
    session = Session(Role.SERVER)
    session.receive(octets)
    return session


def taken(session: Session) -> list[Event]:
    events: list[Event] = []
    while (event := session.next_event()) is not None:
        events.append(event)
    return events


def test_join_is_answered_before_anything_else() -> None:
    session = server(b"ann>\\join chat/1\nann>hi\n")
    assert taken(session) == [Join("ann")]
    with pytest.raises(LocalProtocolError, match="Welcome first"):
        session.send(Text("SERVER", "hi"))
    session.send(Welcome(1, Kind.TURNS))
    assert taken(session) == [Text("ann", "hi")]


def test_texts_out_of_turn_are_held_and_taken_one_a_turn() -> None:
    session = server(b"ann>1\nann>2\nann>3\n")
    assert taken(session) == [Text("ann", "1")]
    session.send(Text("SERVER", "re 1"))
    assert taken(session) == [Text("ann", "2")]
    assert session.held == 1


@pytest.mark.parametrize(
    ("last", "event"),
    [
        (b"ann>\\quit\n", Quit("ann")),
        (b"", EndOfStream(0)),
        (b"oops\n", Violation("malformed", b"oops")),  # type: ignore[arg-type]
    ],
)
def test_however_a_session_ends_what_was_read_is_shown_first(last: bytes, event: Event) -> None:
    session = server(b"ann>1\nann>2\nann>3\n")
    assert not session.last_word_read
    session.receive(last)
    assert session.last_word_read
    assert [e.text for e in taken(session)[:3] if isinstance(e, Text)] == ["1", "2", "3"]
    session = server(b"ann>1\nann>2\n")
    session.receive(last)
    assert taken(session)[2] == event


def test_what_was_read_is_shown_after_the_operators_quit_but_nothing_later() -> None:
    session = server(b"ann>1\nann>2\n")
    assert taken(session) == [Text("ann", "1")]
    session.send(Quit("SERVER"))
    session.receive(b"ann>3\n")
    assert taken(session) == [Text("ann", "2")]


def test_reading_stops_at_the_bound_and_goes_on_below_it() -> None:
    session = server(b"ann>x\n" * 65)
    assert not session.wants_input
    taken(session)
    assert session.held == 64
    assert not session.wants_input
    session.send(Text("SERVER", "re"))
    taken(session)
    assert session.wants_input


def test_a_server_speaks_as_server_in_capitals_only() -> None:
    session = server(b"ann>hi\n")
    taken(session)
    for handle, text in [("bob", "hi"), ("server", "hi"), ("SERVER", "\\quit")]:
        with pytest.raises(LocalProtocolError):
            session.send(Text(handle, text))
    commands: list[Message] = [Quit("ann"), Welcome(1, Kind.TURNS), Join("ann"), Joined(["bob"])]
    for wrong in commands:
        with pytest.raises(LocalProtocolError):
            session.send(wrong)
    assert session.state == State.PLAIN_SERVER


def test_a_version_above_the_one_asked_is_neither_said_nor_heard() -> None:
    session = server(b"ann>\\join chat/1\n")
    taken(session)
    with pytest.raises(LocalProtocolError, match="chat/1"):
        session.send(Welcome(2, Kind.TURNS))
    client = Session(Role.CLIENT)
    client.send(Join("ann"))
    client.receive(b"SERVER>\\welcome chat/2 relay\nSERVER>\\welcome chat/1 turns\n")
    assert taken(client) == [Ignored(Welcome(2, Kind.RELAY)), Welcome(1, Kind.TURNS)]
    assert client.state == State.WELCOMED_CLIENT


def test_a_client_keeps_its_handle_and_does_not_speak_as_server() -> None:
    client = Session(Role.CLIENT)
    before: list[Message] = [Join("Server"), Text("ann", "hi"), Quit("ann")]
    for wrong in before:
        with pytest.raises(LocalProtocolError):
            client.send(wrong)
    client.send(Join("ann"))
    after: list[Message] = [Text("bob", "hi"), Text("Ann", "hi"), Text("ann", "\\quit")]
    for wrong in after:
        with pytest.raises(LocalProtocolError):
            client.send(wrong)
    assert client.state == State.ASKED_CLIENT


def joined(kind: Kind = Kind.TURNS) -> tuple[Session, Outbox]:
    session = Session(Role.CLIENT)
    session.send(Join("ann"))
    session.receive(encode(Welcome(1, kind)))
    session.next_event()
    return session, Outbox(session, "ann")


def test_the_outbox_sends_one_text_a_turn_and_quits_when_it_is_empty() -> None:
    session, outbox = joined()
    outbox.say("1")
    outbox.say("2")
    outbox.leave()
    assert outbox.take() == b"ann>1\n"
    assert outbox.take() == b""
    session.receive(b"SERVER>re\n")
    session.next_event()
    assert outbox.take() == b"ann>2\nann>\\quit\n"
    assert session.state == State.LEAVING


def test_the_outbox_sends_all_when_turns_are_lifted_or_nobody_answers() -> None:
    _, outbox = joined(Kind.RELAY)
    outbox.say("1")
    outbox.say("2")
    assert outbox.take() == b"ann>1\nann>2\n"
    session, outbox = joined()
    for text in "123":
        outbox.say(text)
    assert outbox.take() == b"ann>1\n"
    session.unanswered()
    assert outbox.take() == b"ann>2\nann>3\n"


def test_a_client_that_was_not_welcomed_does_not_quit() -> None:
    session = Session(Role.CLIENT)
    session.send(Join("ann"))
    outbox = Outbox(session, "ann")
    outbox.leave()
    assert outbox.take() == b""
    session.end()
    assert session.state == State.LEAVING


def test_no_piece_of_a_long_text_is_a_command() -> None:
    for filler, count in [("x", 500), ("😀", 125)]:
        _, outbox = joined(Kind.RELAY)
        outbox.say(filler * count + "\\quit")
        lines = outbox.take().decode().splitlines()
        assert [line.partition(">")[2] for line in lines] == [
            filler * (count - 1),
            filler + "\\quit",
        ]


def test_an_operators_reply_that_is_or_holds_a_command_is_refused_whole() -> None:
    session = server(b"ann>hi\n")
    taken(session)
    outbox = Outbox(session, "SERVER")
    padding = "x" * 500
    for text in ["\\quit", "\\error full", "\\joined ann", padding + "\\quit", "a\x1bb"]:
        with pytest.raises(LocalProtocolError):
            outbox.say(text)
    assert len(outbox) == 0
    outbox.say("\\quit now")
    assert outbox.take() == b"SERVER>\\quit now\n"


def test_acts_and_states_are_all_in_the_tables() -> None:
    assert set(TRANSITIONS) == set(Role)
    assert all(set(table) == set(State) for table in TRANSITIONS.values())
    used = itertools.chain.from_iterable(
        row for table in TRANSITIONS.values() for row in table.values()
    )
    assert set(used) == set(Act)
