"""The spec as data: its form, and that its tables are those of the code."""

import re
import sys
import unicodedata
from collections import defaultdict
from itertools import pairwise

from chatproto import TRANSITIONS, ErrorCode, Role, limits
from reference._terminal_text import INVISIBLE
from tools import draw_states, spec_text

TEXT = spec_text.CHAT_1.read_text(encoding="utf-8")


def test_every_paragraph_that_looks_like_a_requirement_is_one() -> None:
    assert re.findall(r"^\*\*([A-Z]+-\d+)", TEXT, re.MULTILINE) == [
        requirement.id for requirement in spec_text.requirements()
    ]


def test_ids_are_unique_and_in_order() -> None:
    numbers = defaultdict(list)
    for requirement in spec_text.requirements():
        group, _, number = requirement.id.partition("-")
        numbers[group].append(int(number))
    for group, found in numbers.items():
        assert found == sorted(set(found)), group


def test_every_id_that_is_mentioned_exists() -> None:
    known = {requirement.id for requirement in spec_text.requirements()}
    groups = "|".join({name.partition("-")[0] for name in known})
    everywhere = TEXT + "".join(
        path.read_text(encoding="utf-8")
        for room in ("chatproto", "reference", "c_client", "tests", "spec", "tools")
        for path in (spec_text.SPEC.parent / room).rglob("*")
        if path.suffix in {".py", ".c", ".h", ".md"}
    )
    assert set(re.findall(rf"\b((?:{groups})-\d+)\b", everywhere)) <= known


def test_limits_are_those_of_the_code() -> None:
    rows = spec_text.table("limits") + spec_text.table("server-limits")
    assert {row["name"]: int(row["value"]) for row in rows} == {
        name: value for name, value in vars(limits).items() if name.isupper()
    }


def test_invisible_characters_are_those_of_the_code() -> None:
    assert spec_text.ranges("invisible") == list(INVISIBLE)


def test_tables_of_characters_are_in_order_and_apart() -> None:
    ranges = sorted(spec_text.ranges("invisible") + spec_text.ranges("visible-formats"))
    ends = [end for pair in ranges for end in pair]
    assert ends == sorted(ends)
    assert all(last < first for (_, last), (first, _) in pairwise(ranges))


def test_what_unicode_calls_a_format_or_a_separator_is_in_a_table_of_characters() -> None:
    """TERM-13: made visible, or left as it is for a reason that the spec gives."""
    reordering = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    made_visible, left = (
        {point for first, last in spec_text.ranges(name) for point in range(first, last + 1)}
        for name in ("invisible", "visible-formats")
    )
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        if unicodedata.bidirectional(character) in reordering:
            assert point in made_visible, f"{point:04X}"
        elif unicodedata.category(character) in {"Cf", "Zl", "Zp"}:
            assert point in made_visible | left, f"{point:04X}"


def test_codes_are_those_of_the_code() -> None:
    assert [row["code"] for row in spec_text.table("codes")] == list(ErrorCode)


def test_transitions_are_those_of_the_code() -> None:
    for role in Role:
        rows = spec_text.table(f"{role.value}-transitions")
        written = {
            row["state"]: {
                act: state
                for act, state in row.items()
                if act != "state" and state != spec_text.NO_ENTRY
            }
            for row in rows
        }
        assert written == TRANSITIONS[role]


def test_diagrams_are_drawn_from_the_tables_as_they_are() -> None:
    assert draw_states.drawn(TEXT) == TEXT


def test_every_error_code_has_a_dialogue() -> None:
    said = b"".join(step.octets for d in spec_text.dialogues() for step in d.steps)
    assert all(b"\\error " + code.encode() + b"\n" in said for code in ErrorCode)
