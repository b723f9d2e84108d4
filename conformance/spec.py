"""Reads the specification: requirements, whom they bind, and their sections.

Nothing of it is typed again here: ids, levels and texts are those of the document.
"""

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NAME = "spec/chat-1.md"
_PLACES = (
    Path(__file__).parent.parent / "spec" / "chat-1.md",
    Path(__file__).parent / "chat-1.md",
)
"""Beside the package in the repository, or shipped inside an installed one."""

_ID = r"[A-Z]+-\d+"
_SECTION = re.compile(r"^#{2,3} (?P<section>\d+(\.\d+)?) ", re.MULTILINE)
_REQUIREMENT = re.compile(
    rf"^\*\*(?P<id>{_ID})\*\* "
    r"\[(?P<who>[a-z ]+?) (?P<word>MUST NOT|MUST|SHOULD NOT|SHOULD|MAY)(?P<mark>;[^\]]*)?\] "
    r"(?P<text>.+)$",
    re.MULTILINE,
)

RELAY, TURNS, CLIENT = "relay", "turns", "client"
KINDS = (RELAY, TURNS, CLIENT)
_BINDS = {
    "client": {CLIENT},
    "server": {RELAY, TURNS},
    "turn server": {TURNS},
    "relay": {RELAY},
}
"""Whom the words of the specification bind; every other role binds both ends."""

NO_TEST = "the specification says that it is not testable from outside"

NOT_JUDGED = "not judged over TLS: many TLS libraries end both directions at once (section 2.1)"


@dataclass(frozen=True)
class Requirement:
    """One requirement; ``word`` is its BCP 14 word."""

    id: str
    section: str
    who: str
    word: str
    text: str
    testable: bool

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of implementation that it binds."""
        found: set[str] = set()
        for role in self.who.split(" and "):
            found |= _BINDS.get(role.removesuffix(" program"), set(KINDS))
        return frozenset(found)

    @property
    def must(self) -> bool:
        """Whether missing it is a failure."""
        return self.word.startswith("MUST")


@cache
def document() -> str:
    """The text of the specification."""
    for place in _PLACES:
        if place.exists():
            return place.read_text(encoding="utf-8")
    raise FileNotFoundError(f"the specification is not beside this package: {_PLACES[0]}")


@cache
def requirements() -> dict[str, Requirement]:
    """All requirements by id, in the order of the document."""
    text = document()
    sections = [(match.start(), match["section"]) for match in _SECTION.finditer(text)]
    found = {}
    for match in _REQUIREMENT.finditer(text):
        section = [name for start, name in sections if start < match.start()][-1]
        found[match["id"]] = Requirement(
            match["id"],
            section,
            match["who"],
            match["word"],
            match["text"].strip(),
            testable=match["mark"] is None,
        )
    return found


@cache
def limits() -> dict[str, int]:
    """The tables of section 13, by name."""
    rows = re.findall(r"^\| ([A-Z_]+) \| (\d+) \|", document(), re.MULTILINE)
    return {name: int(value) for name, value in rows}


@cache
def invisible() -> list[tuple[int, int]]:
    """The invisible and reordering characters of section 15: first and last of each range."""
    _, _, table = document().partition("<!-- table: invisible -->\n")
    rows = re.findall(r"^\| U\+(\w+) \| U\+(\w+) \|", table.partition("\n\n")[0], re.MULTILINE)
    return [(int(first, 16), int(last, 16)) for first, last in rows]


@cache
def not_over_tls() -> frozenset[str]:
    """The requirements of which section 2.1 says that they are not judged over TLS."""
    names = rf"{_ID}(?:(?:, | and ){_ID})*"
    [sentence] = re.findall(rf"({names}) are not judged over TLS", document())
    return frozenset(re.findall(_ID, sentence))


def binding(kind: str) -> list[Requirement]:
    """The requirements that bind this kind of implementation."""
    return [each for each in requirements().values() if kind in each.kinds]


def chosen(requirement: str, only: Sequence[str], skip: Iterable[str]) -> bool:
    """Whether ``--only`` and ``--skip`` (ids or globs) let it through."""
    return (not only or any(fnmatch.fnmatchcase(requirement, each) for each in only)) and not any(
        fnmatch.fnmatchcase(requirement, each) for each in skip
    )
