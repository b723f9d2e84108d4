"""chat/1 without I/O: messages, codec and state machines.

The wire is specified in ``spec/chat-1.md``; ids in the docstrings are of
requirements there. Nothing here opens a socket, reads a clock or starts a
thread. A shell that does drives it like this::

    session = Session(Role.SERVER)
    ...
    session.receive(octets)                      # b"" at the end of the stream
    while (event := session.next_event()) is not None:
        ...                                      # a message, a violation, the end
    octets = session.send(Text("SERVER", "hi"))  # or LocalProtocolError
"""

from chatproto import limits
from chatproto._codec import Decoder, cut_text, decode, encode, is_command
from chatproto._errors import (
    ErrorCode,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
)
from chatproto._message import (
    HANDLE_PATTERN,
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
    check_handle,
)
from chatproto._outbox import Outbox
from chatproto._relay import Admit, Announce, Effect, End, Forward, Relay, Tell
from chatproto._session import TRANSITIONS, Act, Session, State

__all__ = [
    "HANDLE_PATTERN",
    "SERVER_HANDLE",
    "TRANSITIONS",
    "Act",
    "Admit",
    "Announce",
    "Decoder",
    "Effect",
    "End",
    "EndOfStream",
    "Error",
    "ErrorCode",
    "Event",
    "Forward",
    "Ignored",
    "Join",
    "Joined",
    "Kind",
    "Left",
    "LocalProtocolError",
    "Message",
    "Outbox",
    "ProtocolError",
    "Quit",
    "Relay",
    "RemoteProtocolError",
    "Role",
    "Session",
    "State",
    "Tell",
    "Text",
    "Violation",
    "Welcome",
    "__version__",
    "check_handle",
    "cut_text",
    "decode",
    "encode",
    "is_command",
    "limits",
]

__version__ = "0.1.0"
