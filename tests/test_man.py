"""The manual pages: without a fault, and about the programs as they are."""

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.c_build import C_CLIENT, make

ROOT = Path(__file__).parent.parent
PROGRAMS = ("chatclient", "chatserver", "relayserver")
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO")

each_program = pytest.mark.parametrize("program", PROGRAMS)


@cache
def said(program: str, option: str) -> str:
    """What the program says when asked so; the client is the one in C."""
    if program == "chatclient":
        make("chatclient")
        return output(str(C_CLIENT / "chatclient"), option)
    return python_said(program, option)


@cache
def python_said(program: str, option: str) -> str:
    return output(sys.executable, "-m", f"reference.{program}", option)


def output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@cache
def section(program: str, name: str) -> str:
    """One section of a page as plain text: its macros and escapes are read away."""
    page = (ROOT / "man" / f"{program}.1").read_text(encoding="utf-8")
    found = re.search(rf'^\.SH "?{name}"?\n(.*?)(?=^\.SH|\Z)', page, re.DOTALL | re.MULTILINE)
    assert found, f"{program}.1 has no {name}"
    text = re.sub(r"^\.(?:[BI]|[BIR]{2}) (.*)$", joined, found[1], flags=re.MULTILINE)
    return text.replace(r"\-", "-").replace(r"\e", "\\")


def joined(macro: re.Match[str]) -> str:
    """The words of a macro of fonts: of two fonts by turns without blanks, else with."""
    words = [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', macro[1])]
    return (" " if macro[0][2] == " " else "").join(words)


def options_of_help(text: str) -> dict[str, str]:
    """Each option with its argument, and what stands behind it."""
    rows = re.findall(r"^ {2}(-.*(?:\n {4,}.*)*)", text, re.MULTILINE)
    return dict(re.split(r"\n? {2,}", row, maxsplit=1) for row in rows)


def options_of_page(text: str) -> dict[str, str]:
    """The same, of the paragraphs with a tag that is an option."""
    paragraphs = text.split(".TP\n")[1:]
    return dict(each.split("\n", 1) for each in paragraphs if each.startswith("-"))


def defaults(described: str) -> set[int]:
    """The default in a text of --help, and any other number there that an option may have."""
    return {int(float(each)) for each in re.findall(r"\b\d+(?:\.\d+)?", described)}


@each_program
def test_it_is_set_without_a_warning(program: str) -> None:
    page = str(ROOT / "man" / f"{program}.1")
    checks = [["groff", "-man", "-Tutf8", "-ww"], ["mandoc", "-T", "lint", "-W", "style"]]
    found = [check for check in checks if shutil.which(check[0])]
    if not found:
        pytest.skip("there is neither groff nor mandoc here")
    for check in found:
        done = subprocess.run([*check, page], check=False, capture_output=True, text=True)
        complaints = done.stderr + (done.stdout if check[0] == "mandoc" else "")
        assert (complaints, done.returncode) == ("", 0)


@each_program
def test_it_has_all_sections(program: str) -> None:
    for name in SECTIONS:
        assert section(program, name).strip()


@each_program
def test_the_options_are_those_of_the_program(program: str) -> None:
    helped = options_of_help(said(program, "--help"))
    paged = options_of_page(section(program, "OPTIONS"))
    assert len(helped) >= 3
    assert sorted(paged) == sorted(helped)
    for option, described in helped.items():
        assert defaults(paged[option]) == defaults(described), option


@each_program
def test_the_synopsis_is_the_usage(program: str) -> None:
    usage = re.sub(r"\[--version\]|\[-h\]", "", said(program, "--help").split("\n\n")[0])
    synopsis = section(program, "SYNOPSIS").split(".br")
    assert synopsis[0].split() == usage.split()[1:]
    assert [line.split() for line in synopsis[1:]] == [[program, "--help"], [program, "--version"]]


def test_the_client_in_python_has_the_options_that_are_noted_besides() -> None:
    helped = options_of_help(python_said("chatclient", "--help"))
    common = options_of_page(section("chatclient", "OPTIONS"))
    noted = options_of_page(section("chatclient", "NOTES"))
    names = {name for option in helped for name in option.split(", ")}
    assert names == {*common, *noted}


@each_program
def test_it_is_of_this_version(program: str) -> None:
    page = (ROOT / "man" / f"{program}.1").read_text(encoding="utf-8")
    version = said(program, "--version").split()[1]
    assert f".TH {program.upper()} 1 " in page
    assert f'"chatproto {version}"' in page


@each_program
def test_it_leads_to_the_others(program: str) -> None:
    others = re.findall(r"^(\w+)\(1\)", section(program, "SEE ALSO"), re.MULTILINE)
    assert others == [each for each in PROGRAMS if each != program]
