"""The spec as data: its form, and that its tables are those of the code."""

import re
from collections import defaultdict

from chatproto import TRANSITIONS, ErrorCode, Role, limits
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
