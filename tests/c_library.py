"""c_client/wire.c, session.c and visible.c, called by ctypes: what the ties between C, Python
and the spec are made of."""

import ctypes
import re
from ctypes import POINTER, byref, c_bool, c_char, c_char_p, c_int, c_size_t
from functools import cache
from typing import Any

from tests.c_build import C_CLIENT, make

HEADER = (C_CLIENT / "wire.h").read_text(encoding="utf-8")

FROM = {"client": 0, "server": 1}
SERVER_KINDS = ["turns", "relay"]
# The order of enum chat_kind.
KINDS = [
    "need data", "text", "join", "welcome", "joined", "left", "error", "quit", "violation", "end",
    "ignored",
]  # fmt: skip
HOLD_MAX, HANDLE_MAX, LINE_MAX = 512, 10, 512
VISIBLE_GROWTH = 4


class Span(ctypes.Structure):
    """Octets that somebody else owns."""

    _fields_ = [("at", ctypes.c_void_p), ("len", c_size_t)]

    def octets(self) -> bytes:
        return ctypes.string_at(self.at, self.len) if self.len else b""


class Event(ctypes.Structure):
    """struct chat_event."""

    _fields_ = [
        ("kind", c_int),
        ("code", c_int),
        ("server", c_int),
        ("version", c_int),
        ("octets", c_size_t),
        ("unfinished", c_size_t),
        ("handle", Span),
        ("text", Span),
        ("name", Span),
        ("words", Span),
    ]


class Decoder(ctypes.Structure):
    """struct chat_decoder."""

    _fields_ = [
        ("sender", c_int),
        ("ended", c_bool),
        ("closed", c_bool),
        ("bound", c_bool),
        ("data", ctypes.c_void_p),
        ("left", c_size_t),
        ("held_len", c_size_t),
        ("held", c_char * HOLD_MAX),
        ("handle_len", c_size_t),
        ("handle", c_char * HANDLE_MAX),
    ]


@cache
def library() -> Any:
    """The shared library, built by the Makefile."""
    make("libchat.so")
    opened = ctypes.CDLL(str(C_CLIENT / "build" / "libchat.so"))
    for name in ("chat_state_name", "chat_act_name", "chat_code_name"):
        getattr(opened, name).restype = c_char_p
    opened.chat_decoder_feed.argtypes = [POINTER(Decoder), c_char_p, c_size_t]
    opened.chat_encode_text.argtypes = [c_char * LINE_MAX, Span, Span]
    opened.chat_encode_text.restype = c_size_t
    opened.chat_cut.argtypes = [Span]
    opened.chat_cut.restype = c_size_t
    opened.chat_visible.argtypes = [c_char_p, Span]
    opened.chat_visible.restype = c_size_t
    return opened


def span(octets: bytes) -> tuple[Span, Any]:
    """A span, and what keeps its octets alive."""
    kept = ctypes.create_string_buffer(octets, max(1, len(octets)))
    return Span(ctypes.addressof(kept), len(octets)), kept


def decode(pieces: list[bytes], sender: str) -> tuple[list[list[Any]], int]:
    """All results of a stream, in the notation of spec/vectors, and what was unfinished."""
    chat = library()
    decoder, event = Decoder(), Event()
    chat.chat_decoder_init(byref(decoder), FROM[sender])
    results: list[list[Any]] = []
    for piece in [*pieces, b""]:
        chat.chat_decoder_feed(byref(decoder), piece, len(piece))
        while kind := KINDS[chat.chat_decoder_next(byref(decoder), byref(event))]:
            if kind == "need data":
                break
            if kind == "end":
                return results, event.unfinished
            results.append(as_result(kind, event))
        assert decoder.held_len <= HOLD_MAX
    return results, 0


def as_result(kind: str, event: Event) -> list[Any]:
    """The event in the notation of spec/vectors."""
    handle, words = event.handle.octets().decode(), event.words.octets().decode().split()
    match kind:
        case "text":
            return ["text", handle, event.text.octets().decode()]
        case "join":
            return ["join", handle, event.version, words]
        case "quit":
            return ["quit", handle]
        case "welcome":
            return ["welcome", event.version, SERVER_KINDS[event.server], words]
        case "joined" | "left":
            return [kind, words]
        case "error":
            return ["error", event.name.octets().decode(), words]
    return ["violation", library().chat_code_name(event.code).decode()]


def encode_text(handle: bytes, text: bytes) -> bytes:
    """The line, or b"" where none may be sent."""
    out = (c_char * LINE_MAX)()
    (first, keep_first), (second, keep_second) = span(handle), span(text)
    size: int = library().chat_encode_text(out, first, second)
    del keep_first, keep_second
    return out.raw[:size]


def cut(text: bytes) -> list[bytes]:
    """A typed text in its pieces."""
    pieces = []
    while True:
        rest, kept = span(text)
        size: int = library().chat_cut(rest)
        del kept
        pieces.append(text[:size])
        text = text[size:]
        if not text:
            return pieces


def visible(text: bytes) -> bytes:
    """A text as a terminal is to show it; no octet behind its room is touched."""
    mark = b"the end"
    room = VISIBLE_GROWTH * len(text)
    out = ctypes.create_string_buffer(bytes(room) + mark, room + len(mark))
    taken, kept = span(text)
    size: int = library().chat_visible(out, taken)
    del kept
    assert out.raw[room:] == mark
    return out.raw[:size]


def limits() -> dict[str, int]:
    """The limits of wire.h, without their prefix."""
    block = HEADER[HEADER.index("Limits of the wire") : HEADER.index("/* Error codes")]
    return {m[1]: int(m[2]) for m in re.finditer(r"CHAT_(\w+)\s*=\s*(\d+)", block)}


def codes() -> list[str]:
    """The codes, in the order of enum chat_code, as chat_code_name names them."""
    block = HEADER[HEADER.index("enum chat_code {") : HEADER.index("CHAT_CODE_REMOVED")]
    count = block.count("CHAT_CODE_") + 1
    return [library().chat_code_name(number).decode() for number in range(1, count + 1)]


def transitions() -> dict[tuple[str, str, str], str]:
    """(state, actor, act) to state, with the names of the spec."""
    chat = library()
    header = (C_CLIENT / "session.h").read_text(encoding="utf-8")
    states = len(set(re.findall(r"CHAT_STATE_(?!NONE)\w+", header)))
    acts = len(set(re.findall(r"CHAT_ACT_\w+", header)))
    found = {}
    for state in range(1, states + 1):
        for actor, actor_number in FROM.items():
            for act in range(acts):
                if following := chat.chat_transition(state, actor_number, act):
                    key = (chat.chat_state_name(state), actor, chat.chat_act_name(act))
                    name = chat.chat_state_name(following).decode()
                    found[key[0].decode(), actor, key[2].decode()] = name
    return found
