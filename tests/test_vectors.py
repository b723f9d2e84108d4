"""spec/vectors against chatproto, and against the ABNF of the spec."""

import pytest
from abnf import ParseError, Rule

from chatproto import Role
from tests import vectors
from tools import spec_text

VECTORS = vectors.load()


class Grammar(Rule):
    """The ABNF of spec/chat-1.md; code points stand for octets."""


Grammar.load_grammar(spec_text.abnf())
Grammar.create("stream = *received-line")

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)


def accepted(rule: str, octets: bytes) -> bool:
    try:
        Grammar(rule).parse_all(octets.decode("latin-1"))
    except ParseError:
        return False
    return True


def test_there_are_enough_and_names_are_unique() -> None:
    assert len(VECTORS) >= 150
    assert len({vector.name for vector in VECTORS}) == len(VECTORS)


def test_they_name_requirements_of_the_spec() -> None:
    known = {requirement.id for requirement in spec_text.requirements()}
    assert {name for vector in VECTORS for name in vector.requirements} <= known


@each_vector
def test_chatproto_agrees_however_it_is_cut(vector: vectors.Vector) -> None:
    for pieces in vectors.every_cut(vector.octets):
        assert vectors.decoded(pieces, vector.sender) == (vector.results, vector.unfinished)


@each_vector
def test_abnf_agrees(vector: vectors.Vector) -> None:
    """Lines by the grammar, commands by theirs; octets are counted by nobody here."""
    codes = {result[1] for result in vector.results if result[0] == "violation"}
    if not vector.unfinished and "too-long" not in codes:
        legal = not codes & {"malformed", "encoding"}
        assert accepted("stream", vector.octets) == legal
    for result in vector.results:
        if result[0] == "text":
            assert accepted("content", f"{result[1]}>{result[2]}".encode())
            if vector.sender is Role.SERVER and result[1] == "SERVER":
                assert not accepted("from-server", result[2].encode())
            elif vector.sender is Role.CLIENT and result is vector.results[0]:
                assert not accepted("from-client", result[2].encode())
        elif result[0] in ("join", "quit", "welcome", "joined", "left", "error"):
            assert accepted(result[0], _command(result).encode())


def _command(result: vectors.Result) -> str:
    match result:
        case ["join", _, version, words]:
            return " ".join(["\\join", f"chat/{version}", *words])
        case ["quit", _]:
            return "\\quit"
        case ["welcome", version, kind, words]:
            return " ".join(["\\welcome", f"chat/{version}", kind, *words])
        case [name, list(handles)]:
            return " ".join([f"\\{name}", *handles])
        case [name, code, words]:
            return " ".join([f"\\{name}", code, *words])
    raise AssertionError(result)
