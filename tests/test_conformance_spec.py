"""What the suite reads in the specification, and that its cases and mutants cover it."""

import json
from collections.abc import Iterator
from functools import cache

import pytest

from conformance import spec
from conformance.cases import CASES, NOT_TESTED, Case
from conformance.executor import ACTS
from conformance.operations import Operation, pack, unpack
from conformance.results import bound, reason
from conformance.spec import KINDS
from conformance.subjects import registry
from tests.conformance_scripts import scripts
from tools import spec_text

LINES = spec_text.CHAT_1.read_text(encoding="utf-8").splitlines()
EVERYBODY = "relay turns client"
BINDS = {
    "client": "client",
    "client program": "client",
    "client and turn server": "client turns",
    "closer": EVERYBODY,
    "program": EVERYBODY,
    "receiver": EVERYBODY,
    "sender": EVERYBODY,
    "server": "relay turns",
    "server program": "relay turns",
    "relay": "relay",
    "relay program": "relay",
    "turn server": "turns",
    "turn server program": "turns",
}
# RELAY-19 applies these to a relay, too.
LENT = {"relay": {"TURN-9", "TURN-11"}, "turns": set[str](), "client": set[str]()}
each_kind = pytest.mark.parametrize("kind", KINDS)
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def heads() -> Iterator[tuple[str, str]]:
    """The beginning of each requirement and its section, found without any pattern."""
    section = ""
    for line in LINES:
        mark, _, rest = line.partition(" ")
        if mark in ("##", "###") and rest[:1].isdigit():
            section = rest.split()[0]
        elif line.startswith("**") and "** [" in line:
            yield line, section


def test_all_requirements_are_found() -> None:
    assert list(spec.requirements()) == [head.split("**")[1] for head, _ in heads()]
    assert len(spec.requirements()) == sum("** [" in line for line in LINES) > 100


def test_each_is_read_whole() -> None:
    for (head, section), found in zip(heads(), spec.requirements().values(), strict=True):
        mark = "" if found.testable else "; not testable from outside"
        assert head == f"**{found.id}** [{found.who} {found.word}{mark}] {found.text}"
        assert found.section == section
        assert found.must == ("MUST" in head.partition("]")[0])


def test_roles() -> None:
    assert {each.who for each in spec.requirements().values()} == set(BINDS)
    for each in spec.requirements().values():
        assert each.kinds == set(BINDS[each.who].split()), each.id


def test_limits() -> None:
    rows = spec_text.table("limits") + spec_text.table("server-limits")
    assert spec.limits() == {row["name"]: int(row["value"]) for row in rows}


@pytest.mark.parametrize(
    ("only", "skip", "chosen"),
    [
        ([], [], True),
        (["RELAY-1"], [], True),
        (["RELAY-*"], [], True),
        (["relay-*"], [], False),
        (["RELAY-?1"], [], False),
        ([], ["RELAY-*"], False),
        (["RELAY-1"], ["RELAY-1"], False),
        (["LINE-*", "RELAY-[12]"], ["CMD-*"], True),
    ],
)
def test_only_and_skip(only: list[str], skip: list[str], chosen: bool) -> None:
    assert spec.chosen("RELAY-1", only, skip) is chosen


# Cases


def proved(kind: str) -> set[str]:
    return {each for case in CASES.values() if case.kind == kind for each in case.proves}


@each_kind
def test_every_requirement_has_a_case_or_a_reason(kind: str) -> None:
    testable = {each.id for each in spec.binding(kind) if each.testable}
    assert testable - proved(kind) - set(NOT_TESTED[kind]) == set()


@each_kind
def test_reasons_are_given_for_what_binds_and_could_be_tested(kind: str) -> None:
    assert set(NOT_TESTED[kind]) <= {each.id for each in spec.binding(kind) if each.testable}
    assert all(NOT_TESTED[kind].values())


@each_kind
def test_reasons_are_given_for_nothing_that_has_a_case(kind: str) -> None:
    assert set(NOT_TESTED[kind]) & proved(kind) == set()


@each_kind
def test_cases_prove_what_binds_their_kind(kind: str) -> None:
    binding = {each.id for each in spec.binding(kind) if each.testable}
    assert proved(kind) - binding == LENT[kind]
    assert {each.id for each in bound(kind)} == {e.id for e in spec.binding(kind)} | LENT[kind]


def test_what_is_lent_is_named_in_the_clause_that_borrows() -> None:
    borrowing = spec.requirements()["RELAY-19"].text
    assert all(each in borrowing for each in LENT["relay"])


def test_reasons() -> None:
    requirements = spec.requirements()
    assert reason(requirements["LINE-8"], "relay") == spec.NO_TEST
    assert reason(requirements["CLOSE-7"], "relay") == NOT_TESTED["relay"]["CLOSE-7"]
    assert reason(requirements["RELAY-1"], "relay") is None


@each_case
def test_a_case_says_what_it_does(case: Case) -> None:
    assert case.about
    assert case.proves
    assert len(set(case.proves)) == len(case.proves)
    assert case.name.startswith(f"{case.kind}.")


# Mutants


@each_kind
def test_every_must_has_a_mutant(kind: str) -> None:
    bugs = [bug for subject, bug in registry.bugs() if subject == kind]
    broken = {each for bug in bugs for each in bug.requirements}
    musts = {each.id for each in spec.binding(kind) if each.testable and each.must}
    assert musts - broken - set(NOT_TESTED[kind]) == set()


def test_every_mutant_can_be_killed_by_a_case_of_its_own() -> None:
    for kind, bug in registry.bugs():
        assert set(bug.requirements) & proved(kind), bug.name


# Scripts


@cache
def generated(case: Case) -> list[list[Operation]]:
    return scripts(case, 4, seed=1)


@each_case
def test_scripts_name_what_there_is(case: Case) -> None:
    binding = {each.id for each in spec.binding(case.kind)} | LENT[case.kind]
    for operations in generated(case):
        assert operations
        for each in operations:
            assert each["op"] in ACTS
            assert set(each.get("about", ())) <= binding


@each_case
def test_scripts_survive_a_file(case: Case) -> None:
    for operations in generated(case):
        written = json.dumps(pack(operations), ensure_ascii=False)
        assert unpack(json.loads(written)) == as_lists(operations)


def as_lists(value: object) -> object:
    """JSON has no tuples."""
    match value:
        case dict():
            return {key: as_lists(each) for key, each in value.items()}
        case list() | tuple():
            return [as_lists(each) for each in value]
    return value


def test_every_act_is_used() -> None:
    used = {op["op"] for case in CASES.values() for script in generated(case) for op in script}
    assert used == set(ACTS)
