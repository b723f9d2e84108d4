r"""What octets mean: one regular expression over whole lines, and strict UTF-8.

It is on purpose another kind of code than an incremental parser: it looks at whole streams.
Events are lists that JSON can hold::

    ["text", HANDLE, TEXT]  ["join", HANDLE, VERSION, [WORD, …]]  ["quit", HANDLE]
    ["welcome", VERSION, KIND, [WORD, …]]  ["joined", [HANDLE, …]]  ["left", [HANDLE, …]]
    ["error", CODE, [WORD, …]]  ["violation", CODE]
"""

import re
from typing import Any

from conformance.spec import limits

Event = list[Any]
"""Its first item says which kind of event it is."""

HANDLE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_.-]{0,9}")
_LINE_END = re.compile(rb"\r?\n|\x00")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_WORDS = r"(?: [!-~]+)*"
_VERSION = r"chat/([1-9][0-9]{0,2})"
_JOIN = re.compile(rf"\\join {_VERSION}({_WORDS})")
_WELCOME = re.compile(rf"\\welcome {_VERSION} (turns|relay)({_WORDS})")
_PRESENCE = re.compile(
    r"\\(joined|left)((?: [A-Za-z0-9][A-Za-z0-9_.-]{0,9})+)",
)
_ERROR = re.compile(rf"\\error ([a-z-]+)({_WORDS})")

SERVER = "SERVER"


def split(octets: bytes) -> tuple[list[bytes], bytes]:
    """Whole lines' contents, empty ones left out, and the unfinished rest."""
    parts = _LINE_END.split(octets)
    return [part for part in parts[:-1] if part], parts[-1]


def defect(content: bytes) -> str:
    """The error code of a line by itself (section 5), or an empty string."""
    if len(content) > limits()["CONTENT_MAX"]:
        return "too-long"
    handle, separator, text = content.partition(b">")
    if not separator or not HANDLE.fullmatch(handle):
        return "malformed"
    if len(text) > limits()["TEXT_MAX"]:
        return "too-long"
    try:
        decoded = text.decode("utf-8", "strict")
    except UnicodeDecodeError:
        return "encoding"
    return "encoding" if _CONTROL.search(decoded) else ""


def from_client(octets: bytes) -> tuple[list[Event], int]:
    """What a server makes of a client's stream, and how much of it is dropped at its end."""
    lines, rest = split(octets)
    events: list[Event] = []
    bound = ""
    for content in lines:
        code = defect(content)
        if not code:
            handle, _, text = content.decode().partition(">")
            if is_server(handle):
                code = "handle-reserved"
            elif bound not in ("", handle):
                code = "handle-changed"
        if code:
            return [*events, ["violation", code]], 0
        events.append(_client_event(handle, text, first=not bound))
        if events[-1][0] == "quit":
            return events, 0
        bound = handle
    if _too_long_already(rest):
        return [*events, ["violation", "too-long"]], 0
    return events, len(rest)


def from_server(octets: bytes) -> tuple[list[Event], int]:
    """What a client makes of a server's stream, and how much of it is dropped at its end."""
    lines, rest = split(octets)
    events: list[Event] = []
    for content in lines:
        events.append(server_line(content))
        if events[-1] == ["violation", "too-long"] or events[-1][0] in ("quit", "error"):
            return events, 0
    if _too_long_already(rest):
        return [*events, ["violation", "too-long"]], 0
    return events, len(rest)


def server_line(content: bytes) -> Event:
    """What a client makes of one whole line of a server."""
    code = defect(content)
    if code:
        return ["violation", code]
    handle, _, text = content.decode().partition(">")
    if is_server(handle):
        if match := _WELCOME.fullmatch(text):
            return ["welcome", int(match[1]), match[2], match[3].split()]
        if match := _PRESENCE.fullmatch(text):
            return [match[1], match[2].split()]
        if match := _ERROR.fullmatch(text):
            return ["error", match[1], match[2].split()]
        if text == r"\quit":
            return ["quit", handle]
    return ["text", handle, text]


def client_line(content: bytes, *, first: bool) -> Event:
    """What a server makes of one whole line of a client, its history left aside."""
    code = defect(content)
    if code:
        return ["violation", code]
    handle, _, text = content.decode().partition(">")
    return _client_event(handle, text, first=first)


def _client_event(handle: str, text: str, *, first: bool) -> Event:
    if first and (match := _JOIN.fullmatch(text)):
        return ["join", handle, int(match[1]), match[2].split()]
    return ["quit", handle] if text == r"\quit" else ["text", handle, text]


def _too_long_already(rest: bytes) -> bool:
    """511 octets of content and a CR may still end well; anything longer may not."""
    most = limits()["CONTENT_MAX"]
    return len(rest) > most + 1 or (len(rest) == most + 1 and not rest.endswith(b"\r"))


def is_server(handle: str) -> bool:
    """Whether it is the server's handle, in any letter case."""
    return handle.upper() == SERVER


class TurnSession:
    """A session at a turn server: what it shows and says, by what it reads and is told.

    ``client`` and ``operator`` are queues of texts; ``play`` does all that can be done.
    """

    def __init__(self) -> None:
        self.client: list[str] = []
        self.operator: list[str] = []
        self.shown: list[str] = []
        self.said: list[str] = []
        self.clients_turn = True

    def play(self) -> None:
        """One text a turn, as long as the one whose turn it is has one (TURN-5)."""
        while self.client if self.clients_turn else self.operator:
            if self.clients_turn:
                self.shown.append(self.client.pop(0))
            else:
                self.said.append(self.operator.pop(0))
            self.clients_turn = not self.clients_turn

    def leave(self) -> None:
        """What was read before the end is shown (TURN-8)."""
        self.shown += self.client
        self.client.clear()
