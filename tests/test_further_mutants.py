"""The selftest's list of mutants that somebody else has built."""

from pathlib import Path

import pytest

from conformance import further
from conformance.further import Mutant
from conformance.selftest import Check, checks
from conformance.target import Target

GOOD = """
[[mutant]]
kind = "client"
name = "deaf"
requirements = ["STREAM-1", "LINE-2"]
command = "./deaf {host} {port}"
"""


def written(directory: Path, text: str) -> Path:
    path = directory / "list.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_list_is_read(tmp_path: Path) -> None:
    slow = GOOD.replace("deaf", "late") + "slow = true\n"
    found = further.read(written(tmp_path, GOOD + slow))
    requirements = ("STREAM-1", "LINE-2")
    assert found == [
        Mutant("client", "deaf", requirements, "./deaf {host} {port}"),
        Mutant("client", "late", requirements, "./late {host} {port}", slow=True),
    ]


def test_it_is_checked_like_the_suites_own(tmp_path: Path) -> None:
    own = checks(1)
    *same, last = checks(1, [written(tmp_path, GOOD)])
    assert same == own
    assert last.title == "mutant client.deaf"
    assert last == Check("mutant", "client", "deaf", "./deaf {host} {port}", last.requirements)


def test_one_whose_command_has_a_place_for_authorities_is_tested_over_tls(tmp_path: Path) -> None:
    text = GOOD.replace("./deaf", "./deaf --tls --ca {ca}")
    *_, last = checks(1, [written(tmp_path, text)])
    assert Target(last.kind, last.command).tls is not None


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("STREAM-1", "STREAM-x", "there is no requirement 'STREAM-x'"),
        ('"STREAM-1"', "[]", "there is no requirement []"),
        ("STREAM-1", "RELAY-1", "RELAY-1 does not bind a target of the kind client"),
        ('"client"', '"bot"', "there is no kind 'bot'; there are relay, turns, client"),
        ("{port}", "5000", "its command has no {port}"),
        ("{host}", "localhost", "its command has no {host}"),
        ('name = "deaf"', "", "it has no name"),
        ('["STREAM-1", "LINE-2"]', "[]", "it has no requirements"),
        ('["STREAM-1", "LINE-2"]', '"LINE-2"', "'requirements' has a value of the wrong type"),
        ("command", "commando", "there is no key 'commando'"),
        ("[[mutant]]", "[mutant]", "must consist of entries that begin with [[mutant]]"),
        ("[[mutant]]", "[[mutants]]", "must consist of entries that begin with [[mutant]]"),
        (GOOD, "mutant = [1]", "mutant 1: it is no table"),
        (GOOD, GOOD + GOOD, "mutant 2: there is another 'deaf'"),
        (GOOD, "]", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ValueError) as caught:
        further.read(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        further.read(tmp_path / "none.toml")
