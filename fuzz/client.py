"""A client's session in Python and in C: the same acts and octets make the same conversation."""

import ctypes
from ctypes import byref, c_bool, c_char, c_int, c_size_t
from enum import IntEnum
from typing import Any

from chatproto import (
    EndOfStream,
    Ignored,
    Join,
    LocalProtocolError,
    Quit,
    Role,
    Session,
    State,
    Text,
)
from fuzz.source import Source
from tests import c_library, vectors


class Act(IntEnum):
    """What happens next; the numbers are those of ``fuzz_session.c``."""

    HEAR, NAME, JOIN, SAY, QUIT, UNANSWERED, END = range(7)


_WITH_OCTETS = (Act.HEAR, Act.NAME, Act.SAY)
Step = list[Any]
"""What came of an act: what was written, or done, or heard."""


def fuzz(octets: bytes) -> None:
    """Octets as of ``c_client/fuzz/fuzz_session.c``: a handle, and acts."""
    source = Source(octets)
    handle = source.octets(source.number())
    ours, theirs = _InPython(handle), _InC(handle)
    ended = False
    while source:
        act = Act(source.number() % len(Act))
        with_octets = source.counted() if act in _WITH_OCTETS else b""
        if act == Act.HEAR and ended:
            continue  # in Python it is a mistake, and in C it has no effect
        ended = ended or (act == Act.HEAR and not with_octets)
        if act == Act.SAY and ours.session.state is State.START:
            continue  # a client without a welcome: only C has it
        did = ours.step(act, with_octets)
        assert theirs.step(act, with_octets) == did, "in C it is another conversation"
        assert theirs.state == (str(ours.session.state), ours.session.welcomed), "other states"
        if ["violation", "too-long"] in did:
            return  # the last event in C; in Python the end is still one


class _InPython:
    def __init__(self, handle: bytes) -> None:
        self.session = Session(Role.CLIENT)
        self.handle = ""
        self.step(Act.NAME, handle)

    def step(self, act: Act, octets: bytes) -> Step:
        """Do it; nothing may be raised but a LocalProtocolError, which changes nothing."""
        session = self.session
        before = (session.state, session.welcomed, session.handle)
        try:
            return self._step(act, octets)
        except (LocalProtocolError, UnicodeDecodeError):
            assert (session.state, session.welcomed, session.handle) == before
            return [False, b""]

    def _step(self, act: Act, octets: bytes) -> Step:
        session = self.session
        match act:
            case Act.HEAR:
                session.receive(octets)
                return self._heard()
            case Act.NAME:
                text = Text(octets.decode(), "")
                if session.state is not State.START or text.handle.upper() == "SERVER":
                    return [False, b""]
                self.handle = text.handle
                return [True, b""]
            case Act.JOIN:
                return [True, session.send(Join(self.handle))]
            case Act.SAY:
                return [True, session.send(Text(self.handle, octets.decode()))]
            case Act.QUIT:
                return [True, session.send(Quit(self.handle))] if session.welcomed else [False, b""]
            case Act.UNANSWERED:
                session.unanswered()
            case _:
                session.end()
        return [True, b""]

    def _heard(self) -> Step:
        results: Step = []
        while (event := self.session.next_event()) is not None:
            match event:
                case EndOfStream(unfinished):
                    results.append(["end", unfinished])
                case Ignored():
                    results.append(["ignored"])
                case _:
                    results.append(vectors.as_result(event))
        return results


class _Session(ctypes.Structure):
    """struct chat_session."""

    _fields_ = [
        ("state", c_int),
        ("welcomed", c_bool),
        ("handle_len", c_size_t),
        ("handle", c_char * c_library.HANDLE_MAX),
        ("decoder", c_library.Decoder),
    ]


class _InC:
    def __init__(self, handle: bytes) -> None:
        self.chat = c_library.library()
        self.session = _Session()
        self.chat.chat_session_init.argtypes = [ctypes.POINTER(_Session), c_library.Span]
        name, kept = c_library.span(handle)
        self.chat.chat_session_init(byref(self.session), name)
        del kept

    @property
    def state(self) -> tuple[str, bool]:
        """As the spec calls it, and whether a welcome has counted."""
        return self.chat.chat_state_name(self.session.state).decode(), self.session.welcomed

    def step(self, act: Act, octets: bytes) -> Step:
        """Do it."""
        out = (c_char * c_library.LINE_MAX)()
        text, kept = c_library.span(octets)
        this, chat = byref(self.session), self.chat
        size = 0
        match act:
            case Act.HEAR:
                chat.chat_session_feed(this, kept, c_size_t(len(octets)))
                return self._heard()
            case Act.NAME:
                return [bool(chat.chat_session_name(this, text) & 1), b""]
            case Act.JOIN:
                size = chat.chat_session_join(this, out)
            case Act.SAY:
                size = chat.chat_session_say(this, text, out)
            case Act.QUIT:
                size = chat.chat_session_quit(this, out)
            case Act.UNANSWERED:
                return [bool(chat.chat_session_unanswered(this) & 1), b""]
            case _:
                return [bool(chat.chat_session_end(this) & 1), b""]
        return [size > 0, out.raw[:size]]

    def _heard(self) -> Step:
        event = c_library.Event()
        results: Step = []
        while True:
            number = self.chat.chat_session_next(byref(self.session), byref(event))
            match c_library.KINDS[number]:
                case "need data":
                    return results
                case "end":
                    results.append(["end", event.unfinished])
                case "ignored":
                    results.append(["ignored"])
                case kind:
                    results.append(c_library.as_result(kind, event))
