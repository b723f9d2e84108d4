"""Draw the state diagrams of ``spec/chat-1.md`` from its tables, into the document.

    python tools/draw_states.py           rewrite the diagrams
    python tools/draw_states.py --check   change nothing; status 1 if they are out of date

The diagrams are Mermaid text, which the usual viewers of Markdown show as a picture.
"""

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tools import spec_text

Edge = tuple[str, str, str]  # state, label, next state

# What is not drawn, because those whom the diagram is about never say or hear it.
LEFT_OUT: dict[str, set[tuple[str, str]]] = {
    "client": {  # a program begins with \join (JOIN-4), and quits only if welcomed (JOIN-9)
        ("START", "client TEXT"),
        *(
            (state, "client QUIT")
            for state in ("START", "ASKED-CLIENT", "ASKED-SERVER", "ASKED-FREE")
        ),
    },
    "turn-server": {
        *(("*", f"server {act}") for act in ("WELCOME-RELAY", "RELAYED", "PRESENCE")),
        ("*", "client UNANSWERED"),
        ("ASKED-CLIENT", "client TEXT"),  # taken only after the welcome (JOIN-1)
    },
}
OVER = {"LEAVING", "DISMISSED", "CLOSED", "ENDED"}
DIAGRAMS = (*LEFT_OUT, "relay")


def edges(name: str) -> list[Edge]:
    """The transitions of one diagram: those that can be reached from its first state."""
    if name == "relay":
        return [
            (row["state"], row["event"], row["next"])
            for row in spec_text.table("relay-transitions")
        ]
    found: list[Edge] = []
    for actor in ("client", "server"):
        for row in spec_text.table(f"{actor}-transitions"):
            for act, following in row.items():
                label = f"{actor} {act}"
                skipped = {(row["state"], label), ("*", label)} & LEFT_OUT[name]
                if act != "state" and following != spec_text.NO_ENTRY and not skipped:
                    found.append((row["state"], label, following))
    reached = {"START"}
    while more := {end for start, _, end in found if start in reached} - reached:
        reached |= more
    return [edge for edge in found if edge[0] in reached]


def diagram(name: str) -> str:
    """The Mermaid text. What every live state has in common is drawn once, around them."""
    drawn = edges(name)
    first, last = drawn[0][0], "ENDED" if name == "relay" else "CLOSED"
    states = {state for start, _, end in drawn for state in (start, end)}
    live = {start for start, _, _ in drawn} - OVER
    by_way: dict[tuple[str, str], set[str]] = defaultdict(set)
    for start, label, end in drawn:
        by_way[label, end].add(start)
    common = {way for way, starts in by_way.items() if starts >= live}
    inside: dict[tuple[str, str], list[str]] = defaultdict(list)
    outside: dict[tuple[str, str], list[str]] = defaultdict(list)
    for start, label, end in drawn:
        if (label, end) in common and start in live:
            labels = outside["conversation", end]
        else:
            labels = (inside if start in live and end in live else outside)[start, end]
        if label not in labels:
            labels.append(label)
    return "\n".join(
        [
            "```mermaid",
            "stateDiagram-v2",
            *(f"    {_name(state)} : {state}" for state in sorted(states)),
            "    state conversation {",
            f"        [*] --> {first}",
            *(f"        {line}" for line in _arrows(inside)),
            "    }",
            *(f"    {line}" for line in _arrows(outside)),
            f"    {last} --> [*]",
            "```",
        ]
    )


def _name(state: str) -> str:
    return state.replace("-", "_")


def _arrows(ways: dict[tuple[str, str], list[str]]) -> list[str]:
    return [
        f"{_name(start)} --> {_name(end)} : {', '.join(labels)}"
        for (start, end), labels in ways.items()
    ]


def drawn(text: str) -> str:
    """The document with its diagrams made anew."""
    for name in DIAGRAMS:
        marks = re.compile(rf"(<!-- diagram: {name} -->\n).*?(<!-- end of diagram -->)", re.DOTALL)
        picture = diagram(name)
        text = marks.sub(lambda m, picture=picture: f"{m[1]}{picture}\n{m[2]}", text)  # type: ignore[misc]
    return text


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing, only compare")
    check = parser.parse_args().check
    before = spec_text.CHAT_1.read_text(encoding="utf-8")
    after = drawn(before)
    if check and before != after:
        print("the diagrams are out of date: run python tools/draw_states.py", file=sys.stderr)
        return 1
    if not check:
        spec_text.CHAT_1.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
