"""The state machine of one conversation (spec section 12), for both of its ends.

``TRANSITIONS`` is the spec's two tables. It does not know which end we are at:
what we say and what we hear is looked up alike, by who says it.
"""

from collections import deque
from enum import StrEnum

from attrs import define, field

from chatproto._codec import Decoder, decode, encode
from chatproto._errors import LocalProtocolError, RemoteProtocolError
from chatproto._message import (
    SERVER_HANDLE,
    EndOfStream,
    Error,
    Event,
    Ignored,
    Join,
    Joined,
    Kind,
    Left,
    Message,
    Quit,
    Role,
    Text,
    Violation,
    Welcome,
)


class State(StrEnum):
    """What the two ends have agreed on, and who may say a text."""

    START = "START"
    ASKED_CLIENT = "ASKED-CLIENT"
    ASKED_SERVER = "ASKED-SERVER"
    ASKED_FREE = "ASKED-FREE"
    WELCOMED_CLIENT = "WELCOMED-CLIENT"
    WELCOMED_SERVER = "WELCOMED-SERVER"
    WELCOMED_FREE = "WELCOMED-FREE"
    PLAIN_CLIENT = "PLAIN-CLIENT"
    PLAIN_SERVER = "PLAIN-SERVER"
    LEAVING = "LEAVING"
    DISMISSED = "DISMISSED"
    CLOSED = "CLOSED"


class Act(StrEnum):
    """What an end says or does; the names of the tables' columns."""

    JOIN = "JOIN"
    TEXT = "TEXT"
    QUIT = "QUIT"
    UNANSWERED = "UNANSWERED"
    END = "END"
    WELCOME_TURNS = "WELCOME-TURNS"
    WELCOME_RELAY = "WELCOME-RELAY"
    RELAYED = "RELAYED"
    PRESENCE = "PRESENCE"
    ERROR = "ERROR"


_S, _A = State, Act
_LEAVES = {_A.QUIT: _S.LEAVING, _A.END: _S.LEAVING}
_DISMISSES = {_A.QUIT: _S.DISMISSED, _A.ERROR: _S.DISMISSED, _A.END: _S.DISMISSED}

TRANSITIONS: dict[Role, dict[State, dict[Act, State]]] = {
    Role.CLIENT: {
        _S.START: {_A.JOIN: _S.ASKED_CLIENT, _A.TEXT: _S.PLAIN_SERVER, **_LEAVES},
        _S.ASKED_CLIENT: {_A.TEXT: _S.ASKED_SERVER, **_LEAVES},
        _S.ASKED_SERVER: {_A.UNANSWERED: _S.ASKED_FREE, **_LEAVES},
        _S.ASKED_FREE: {_A.TEXT: _S.ASKED_FREE, **_LEAVES},
        _S.WELCOMED_CLIENT: {_A.TEXT: _S.WELCOMED_SERVER, **_LEAVES},
        _S.WELCOMED_SERVER: {_A.UNANSWERED: _S.WELCOMED_FREE, **_LEAVES},
        _S.WELCOMED_FREE: {_A.TEXT: _S.WELCOMED_FREE, **_LEAVES},
        _S.PLAIN_CLIENT: {_A.TEXT: _S.PLAIN_SERVER, **_LEAVES},
        _S.PLAIN_SERVER: {**_LEAVES},
        _S.LEAVING: {_A.END: _S.LEAVING},
        _S.DISMISSED: {_A.END: _S.CLOSED},
        _S.CLOSED: {_A.END: _S.CLOSED},
    },
    Role.SERVER: {
        _S.START: {**_DISMISSES},
        _S.ASKED_CLIENT: {
            _A.WELCOME_TURNS: _S.WELCOMED_CLIENT,
            _A.WELCOME_RELAY: _S.WELCOMED_FREE,
            _A.RELAYED: _S.ASKED_FREE,
            **_DISMISSES,
        },
        _S.ASKED_SERVER: {
            _A.WELCOME_TURNS: _S.WELCOMED_SERVER,
            _A.WELCOME_RELAY: _S.WELCOMED_FREE,
            _A.TEXT: _S.ASKED_CLIENT,
            _A.RELAYED: _S.ASKED_FREE,
            **_DISMISSES,
        },
        _S.ASKED_FREE: {
            _A.WELCOME_TURNS: _S.WELCOMED_FREE,
            _A.WELCOME_RELAY: _S.WELCOMED_FREE,
            _A.TEXT: _S.ASKED_FREE,
            _A.RELAYED: _S.ASKED_FREE,
            **_DISMISSES,
        },
        _S.WELCOMED_CLIENT: {_A.RELAYED: _S.WELCOMED_FREE, **_DISMISSES},
        _S.WELCOMED_SERVER: {
            _A.TEXT: _S.WELCOMED_CLIENT,
            _A.RELAYED: _S.WELCOMED_FREE,
            **_DISMISSES,
        },
        _S.WELCOMED_FREE: {
            _A.TEXT: _S.WELCOMED_FREE,
            _A.RELAYED: _S.WELCOMED_FREE,
            _A.PRESENCE: _S.WELCOMED_FREE,
            **_DISMISSES,
        },
        _S.PLAIN_CLIENT: {**_DISMISSES},
        _S.PLAIN_SERVER: {_A.TEXT: _S.PLAIN_CLIENT, **_DISMISSES},
        _S.LEAVING: {_A.END: _S.CLOSED},
        _S.DISMISSED: {_A.END: _S.DISMISSED},
        _S.CLOSED: {_A.END: _S.CLOSED},
    },
}

_ASKED = {_S.ASKED_CLIENT, _S.ASKED_SERVER, _S.ASKED_FREE}
_OVER = {_S.LEAVING, _S.DISMISSED, _S.CLOSED}


def _act(event: Message | EndOfStream, actor: Role) -> Act:
    match event:
        case Text(handle):
            relayed = actor is Role.SERVER and handle.upper() != SERVER_HANDLE
            return Act.RELAYED if relayed else Act.TEXT
        case Welcome(_, kind):
            return Act.WELCOME_TURNS if kind is Kind.TURNS else Act.WELCOME_RELAY
        case Joined() | Left():
            return Act.PRESENCE
        case Join():
            return Act.JOIN
        case Quit():
            return Act.QUIT
        case Error():
            return Act.ERROR
        case EndOfStream():
            return Act.END


@define
class Session:
    """One end of a conversation: the client's, or a turn server's.

    Pull, never push: ``receive()`` stores octets, ``next_event()`` yields one event
    or None. It is None when octets are needed, and at the server also when it is
    our turn: texts that come then are held (TURN-6). A local mistake raises
    LocalProtocolError and changes nothing.
    """

    role: Role
    held_max: int = 64
    """Texts that a server holds before ``wants_input`` tells to stop reading (TURN-7)."""
    state: State = field(default=State.START, init=False)
    welcomed: bool = field(default=False, init=False)
    r"""Whether ``\welcome`` was said; it decides if a client says ``\quit`` (JOIN-9)."""
    handle: str | None = field(default=None, init=False)
    """The client's handle, once bound."""
    _asked: int = field(default=0, init=False)
    _decoder: Decoder = field(init=False)
    _queue: deque[Message | Violation | EndOfStream] = field(factory=deque, init=False)

    def __attrs_post_init__(self) -> None:
        self._decoder = Decoder(self.role.peer)

    # Hearing

    def receive(self, data: bytes) -> None:
        r"""Store octets from the peer; ``b""`` is the end of its stream.

        A server reads them at once, so that ``\quit``, the end and a violation take
        effect whoever's turn it is (TURN-8).
        """
        self._decoder.receive(data)
        if self.role is Role.SERVER:
            while (event := self._decoder.next_event()) is not None:
                self._queue.append(event)
                if isinstance(event, Quit):
                    self._decoder.discard()

    def next_event(self) -> Event | None:
        """What the peer said or did next, as far as it is to be taken now."""
        if self.role is Role.SERVER:
            return self._next_at_server()
        event = self._decoder.next_event()
        return None if event is None else self._heard_at_client(event)

    @property
    def held(self) -> int:
        """What a server has read and not yet taken, in events."""
        return len(self._queue)

    @property
    def wants_input(self) -> bool:
        """False while the shell should leave octets to the system (TURN-7)."""
        return self._decoder.discarding or len(self._queue) < self.held_max

    @property
    def unfinished(self) -> int:
        """Octets held of an unfinished line (TURN-17)."""
        return self._decoder.unfinished

    @property
    def last_word_read(self) -> bool:
        """Whether the client's last word was read: what is held waits for no turn (TURN-8)."""
        ended = bool(self._queue) and isinstance(self._queue[-1], EndOfStream)
        return ended or self._decoder.discarding

    def _next_at_server(self) -> Event | None:
        if not self._queue or self.state in _ASKED:  # \welcome comes first (JOIN-1)
            return None
        event = self._queue[0]
        if not isinstance(event, Violation):
            state = TRANSITIONS[Role.CLIENT][self.state].get(_act(event, Role.CLIENT))
            if state is None and not self.last_word_read:
                return None
            self.state = state or self.state
        if isinstance(event, Text | Join | Quit):
            self.handle = event.handle
        if isinstance(event, Join):
            self._asked = event.version
        return self._queue.popleft()

    def _heard_at_client(self, event: Message | Violation | EndOfStream) -> Event:
        if isinstance(event, Violation):
            return event
        state = TRANSITIONS[Role.SERVER][self.state].get(_act(event, Role.SERVER))
        if isinstance(event, Welcome) and event.version > self._asked:
            state = None
        if state is None:
            return event if isinstance(event, Text | EndOfStream) else Ignored(event)
        self.state = state
        if isinstance(event, Welcome):
            self.welcomed = True
        elif isinstance(event, Quit | Error):
            self._decoder.discard()
        return event

    # Speaking

    def send(self, message: Message) -> bytes:
        """The octets that say it. Raises LocalProtocolError if we may not, now or ever."""
        act = self._may_say(message)
        octets = encode(message)
        if isinstance(message, Join):
            self.handle, self._asked = message.handle, message.version
        self.welcomed = self.welcomed or isinstance(message, Welcome)
        self._do(act)
        return octets

    def may_send_text(self) -> bool:
        """Whether it is our turn, or the turns are free."""
        if self.role is Role.SERVER and self.state in _ASKED:
            return False
        return self.state is not State.START and Act.TEXT in TRANSITIONS[self.role][self.state]

    def unanswered(self) -> None:
        """A leaving client stops waiting for its turn (CLIENT-11)."""
        self._do(Act.UNANSWERED)

    def end(self) -> None:
        """We ended our sending side. What the peer sends from now on is discarded
        by a server; a client may still show it.
        """
        self._do(Act.END)

    def _do(self, act: Act) -> None:
        state = TRANSITIONS[self.role][self.state].get(act)
        if state is None:
            raise LocalProtocolError(f"{act} is not allowed in the state {self.state}")
        self.state = state
        if self.role is Role.SERVER and state in _OVER:
            self._decoder.discard()

    def _may_say(self, message: Message) -> Act:
        """The act that the message is, if it may be said in this state."""
        try:
            content = encode(message)[:-1]
            heard = decode(content, self.role, first=self.state is State.START)
        except RemoteProtocolError as error:
            raise LocalProtocolError(f"that line would be {error.code}") from None
        if heard != message:
            raise LocalProtocolError(f"{content.decode()!r} would be taken for something else")
        act = _act(message, self.role)
        if self.role is Role.CLIENT:
            self._check_client_says(message)
        elif isinstance(message, Text | Quit) and message.handle != SERVER_HANDLE:
            raise LocalProtocolError(f"a turn server speaks as {SERVER_HANDLE}")
        elif act is Act.TEXT and self.state in _ASKED:
            raise LocalProtocolError("a server answers Join with Welcome first")
        if isinstance(message, Welcome) and message.version > self._asked:
            raise LocalProtocolError(f"the client asked for chat/{self._asked}")
        if act not in TRANSITIONS[self.role][self.state]:
            raise LocalProtocolError(f"{act} is not allowed in the state {self.state}")
        return act

    def _check_client_says(self, message: Message) -> None:
        assert isinstance(message, Text | Join | Quit)  # all that decode() makes of a client's
        if message.handle.upper() == SERVER_HANDLE:
            raise LocalProtocolError(f"the handle {SERVER_HANDLE} is the server's")
        if self.state is State.START and not isinstance(message, Join):
            raise LocalProtocolError("a client program begins with Join")
        if self.handle not in (None, message.handle):
            raise LocalProtocolError(f"this connection's handle is {self.handle}")
