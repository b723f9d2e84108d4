"""Client and turn server together, every order of events explored, with bounded channels.

Whatever order the two shells, the operator, the user and the network choose: no call
of the core is refused, nothing gets stuck, from everywhere both ends can still come to
CLOSED, and nothing that was typed is lost unless somebody ended the session before.
"""

import pickle
from collections import defaultdict
from collections.abc import Callable, Iterator

from attrs import Factory, define

from chatproto import (
    EndOfStream,
    Error,
    Join,
    Kind,
    Outbox,
    Quit,
    Role,
    Session,
    State,
    Text,
    Violation,
    Welcome,
)

TYPED = ["1", "2", "3"]
REPLIES = ["a", "b"]
CHANNEL_MAX = 2  # writes under way in each direction
HELD_MAX = 1
OVER = {State.LEAVING, State.DISMISSED, State.CLOSED}


@define
class World:
    """Both ends, what is under way between them, and what people did and saw."""

    client: Session = Factory(lambda: Session(Role.CLIENT))
    user: Outbox = Factory(lambda self: Outbox(self.client, "ann"), takes_self=True)
    server: Session = Factory(lambda: Session(Role.SERVER, held_max=HELD_MAX))
    operator: Outbox = Factory(lambda self: Outbox(self.server, "SERVER"), takes_self=True)
    to_server: list[bytes] = Factory(list)
    to_client: list[bytes] = Factory(list)
    typed: int = 0
    replied: int = 0
    operator_quit: bool = False
    killed: bool = False
    seen_by_operator: list[str] = Factory(list)
    seen_by_user: list[str] = Factory(list)

    # The client's shell and its user

    def connect(self) -> None:
        self.to_server.append(self.client.send(Join("ann")))

    def type_text(self) -> None:
        self.user.say(TYPED[self.typed])
        self.typed += 1

    def client_sends(self) -> None:
        self.to_server.append(self.user.take())

    def leave(self) -> None:
        self.user.leave()

    def give_up_waiting(self) -> None:
        self.client.unanswered()

    def client_ends(self) -> None:
        self.client.end()
        self.to_server.append(b"")

    def client_hears(self) -> None:
        self.client.receive(self.to_client.pop(0))
        while (event := self.client.next_event()) is not None:
            if isinstance(event, Text):
                self.seen_by_user.append(event.text)
            ended = isinstance(event, Quit | Error | EndOfStream)
            if ended and self.client.state is State.DISMISSED:
                self.client_ends()

    def kill(self) -> None:
        self.killed = True
        self.to_client.clear()
        self.to_server.append(b"")

    # The server's shell and its operator

    def server_hears(self) -> None:
        self.server.receive(self.to_server.pop(0))

    def server_takes(self) -> None:
        event = self.server.next_event()
        assert not isinstance(event, Violation), "our own client never errs"
        if isinstance(event, Join):
            self.say(self.server.send(Welcome(1, Kind.TURNS)))
        elif isinstance(event, Text):
            self.seen_by_operator.append(event.text)
        elif isinstance(event, Quit | EndOfStream) and self.server.state is State.LEAVING:
            self.server_ends()

    def type_reply(self) -> None:
        self.operator.say(REPLIES[self.replied])
        self.replied += 1

    def server_sends(self) -> None:
        self.say(self.operator.take())

    def quit_session(self) -> None:
        self.operator_quit = True
        self.say(self.server.send(Quit("SERVER")))
        self.server_ends()

    def server_ends(self) -> None:
        self.server.end()
        self.say(b"")

    def say(self, octets: bytes) -> None:
        if not self.killed:
            self.to_client.append(octets)

    def allowed(self) -> Iterator[Callable[[], None]]:
        """What can happen next."""
        client_lives = not self.killed and self.client.state not in OVER
        server_lives = self.server.state not in OVER
        room_to_server = len(self.to_server) < CHANNEL_MAX
        room_to_client = len(self.to_client) < CHANNEL_MAX
        if client_lives and self.client.state is State.START:
            yield self.connect
        elif client_lives:
            if not self.user.leaving:
                yield self.leave
                if self.typed < len(TYPED):
                    yield self.type_text
            if self.user and self.client.may_send_text() and room_to_server:
                yield self.client_sends
            if self.user.leaving and self.user and self.client.state.endswith("-SERVER"):
                yield self.give_up_waiting
            if self.user.leaving and not self.user and room_to_server:
                yield self.client_sends if self.client.welcomed else self.client_ends
        elif not self.killed and self.user.leaving and not self.client_ended:
            yield self.client_ends
        if self.to_client and not self.killed:
            yield self.client_hears
        if not self.killed and not self.client_ended:
            yield self.kill
        if self.to_server and self.server.wants_input:
            yield self.server_hears
        if room_to_client and self.server_can_take():
            yield self.server_takes
        if server_lives and self.server.state is not State.START:
            if self.replied < len(REPLIES):
                yield self.type_reply
            if self.operator and self.server.may_send_text() and room_to_client:
                yield self.server_sends
            if room_to_client:
                yield self.quit_session

    def server_can_take(self) -> bool:
        before = pickle.dumps(self.server)
        server: Session = pickle.loads(before)
        return server.next_event() is not None

    @property
    def client_ended(self) -> bool:
        """Whether the client's stream has its end already, under way or read."""
        return b"" in self.to_server or self.server._decoder._ended

    @property
    def finished(self) -> bool:
        return self.server.state is State.CLOSED and (
            self.killed or self.client.state is State.CLOSED
        )

    def check(self) -> None:
        """What must hold at the end."""
        said, replies = TYPED[: self.typed], REPLIES[: self.replied]
        assert self.seen_by_operator == said[: len(self.seen_by_operator)]
        assert self.seen_by_user == replies[: len(self.seen_by_user)]
        if not self.killed and not self.operator_quit:
            assert self.seen_by_operator == said, "a text was lost"


def test_every_order_of_events() -> None:
    start = pickle.dumps(World())
    seen = {start}
    waiting = [start]
    comes_from: dict[bytes, list[bytes]] = defaultdict(list)
    finished = []
    while waiting:
        here = waiting.pop()
        world: World = pickle.loads(here)
        if world.finished and not world.to_client and not world.to_server:
            world.check()
            finished.append(here)
        names = [action.__name__ for action in world.allowed()]
        assert names or world.finished, f"stuck: {world}"
        for name in names:
            after: World = pickle.loads(here)
            getattr(after, name)()
            there = pickle.dumps(after)
            comes_from[there].append(here)
            if there not in seen:
                seen.add(there)
                waiting.append(there)
    can_finish = set(finished)
    waiting = finished
    while waiting:
        for before in comes_from[waiting.pop()]:
            if before not in can_finish:
                can_finish.add(before)
                waiting.append(before)
    assert len(seen) > 5_000
    assert can_finish == seen, "from somewhere the end cannot be reached"
