"""Reads what is data in ``spec/chat-1.md``: tables, requirements, ABNF, dialogues."""

import re
from pathlib import Path

from attrs import frozen

SPEC = Path(__file__).parent.parent / "spec"
CHAT_1 = SPEC / "chat-1.md"
NO_ENTRY = "–"

_REQUIREMENT = re.compile(
    r"^\*\*(?P<id>[A-Z]+-\d+)\*\* \[(?P<who>[a-z ]+) (?P<word>MUST NOT|MUST|SHOULD|MAY)"
    r"(?P<untestable>; not testable from outside)?\] (?P<text>.+)$",
    re.MULTILINE,
)


@frozen
class Requirement:
    """One requirement: its id, whom it binds, its BCP 14 word, and its text."""

    id: str
    who: str
    word: str
    testable: bool
    text: str


@frozen
class Step:
    """One line of a dialogue. ``octets`` is b"" for the end of that side's stream."""

    client: str
    from_client: bool
    octets: bytes


@frozen
class Dialogue:
    """``server`` is turns, relay or foreign; ``client`` is program or plain."""

    server: str
    client: str
    steps: tuple[Step, ...]
    line: int


def table(name: str) -> list[dict[str, str]]:
    """The rows of the table behind ``<!-- table: name -->``, by column; back-quotes removed."""
    text = CHAT_1.read_text(encoding="utf-8")
    _, _, rest = text.partition(f"<!-- table: {name} -->\n")
    lines = rest.partition("\n\n")[0].splitlines()
    header, _, *rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines
    ]
    return [dict(zip(header, row, strict=True)) for row in rows]


def ranges(name: str) -> list[tuple[int, int]]:
    """First and last code point of each row of a table of characters."""
    return [(_code_point(row["first"]), _code_point(row["last"])) for row in table(name)]


def _code_point(written: str) -> int:
    return int(written.removeprefix("U+"), base=16)


def requirements() -> list[Requirement]:
    """All requirements, in the order of the document."""
    return [
        Requirement(m["id"], m["who"], m["word"], not m["untestable"], m["text"].strip())
        for m in _REQUIREMENT.finditer(CHAT_1.read_text(encoding="utf-8"))
    ]


def abnf() -> str:
    """The ABNF of all blocks together."""
    text = CHAT_1.read_text(encoding="utf-8")
    return "".join(re.findall(r"^```abnf\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


def dialogues() -> list[Dialogue]:
    """All dialogues of section 14."""
    text = CHAT_1.read_text(encoding="utf-8")
    found = re.finditer(r"^```dialogue (\w+) (\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [
        Dialogue(
            server=block[1],
            client=block[2],
            steps=tuple(_step(line) for line in block[3].splitlines()),
            line=text[: block.start()].count("\n") + 1,
        )
        for block in found
    ]


def _step(line: str) -> Step:
    ends, _, written = line.partition(" ")
    sender, _, receiver = ends.partition("→")
    from_client = receiver == "S"
    octets = b"" if written == "(end)" else _octets(written)
    return Step(sender if from_client else receiver, from_client, octets)


def _octets(written: str) -> bytes:
    """What the notation of section 14 stands for."""
    octets = b""
    for part in re.split(r"(<[0-9A-F]{2}>|<\d+ .>)", written):
        if re.fullmatch(r"<[0-9A-F]{2}>", part):
            octets += bytes.fromhex(part[1:-1])
        elif run := re.fullmatch(r"<(\d+) (.)>", part):
            octets += run[2].encode() * int(run[1])
        else:
            octets += part.translate({0x240A: "\n", 0x240D: "\r", 0x2400: "\0"}).encode()
    return octets
