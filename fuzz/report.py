"""A report full of what hostile targets send: all its forms stay whole, and harm nobody."""

import html.parser
import io
import json
import math
import shlex
import unicodedata
from typing import Any, cast
from xml.etree import ElementTree

from rich.cells import cell_len
from rich.console import Console

from conformance import report as rendering
from conformance.report import _templates, shell, text_chart
from conformance.report.exports import junit, report_json
from conformance.report.gradescope import gradescope
from conformance.report.html import html as page
from conformance.report.model import SEVERITY, Report
from conformance.report.octets import clean, escaped, shortened
from conformance.report.rubric import standard
from conformance.report.sequence import sequence
from conformance.report.svg_chart import lay_out
from conformance.trace import escape
from fuzz.source import Source

_TEMPLATES = _templates()
_KINDS = ("octets", "event", "expected")
_WIDTHS = (60, 80, 100, 120)


def fuzz(octets: bytes) -> None:
    """Widths, verdicts, how many participants, and then all texts."""
    source = Source(octets)
    width = _WIDTHS[source.number() % len(_WIDTHS)]
    made = _report(source)
    _check_chart(made["results"][0]["failure"], width)
    _check_terminal(made, width)
    _check_files(made)
    _check_words(source.rest())


def _text(source: Source) -> str:
    return source.counted().decode("utf-8", "surrogateescape")


def _report(source: Source) -> dict[str, Any]:
    verdict = SEVERITY[source.number() % len(SEVERITY)]
    names = ["A", "relay", *(_text(source) or "B" for _ in range(source.number() % 4))]
    number = source.number()
    chart = [
        {
            "t_ms": source.number() ** 3 / 10,
            "from": names[source.number() % len(names)],
            "to": ["", *names][source.number() % (len(names) + 1)],
            "kind": _KINDS[source.number() % len(_KINDS)],
            "octets": escape(source.counted()) if source.number() & 1 else _text(source),
            "note": _text(source),
        }
        for _ in range(source.number() % 8)
    ]
    failure = {
        "symptom": _text(source),
        "summary": _text(source),
        "expected": _text(source),
        "example": 1,
        "examples": 2,
        "shrunk_operations": number,
        "shrink_steps": number,
        "shrink_seconds": 0.5,
        "confirmed": [number % 4, 3],
        "participants": names,
        "chart": chart,
        "closing": _text(source),
        "conclusion": _text(source),
        "again": _text(source),
        "by_hand": [_text(source) for _ in range(source.number() % 4)],
        "replay": _text(source),
    }
    ids = ("RELAY-1", "LINE-1")
    return {
        "suite": {"name": "chat/1 conformance", "version": "1", "spec": "spec/chat-1.md"},
        "target": {"kind": "relay", "command": _text(source), "addresses": [_text(source)]},
        "settings": {"seed": number},
        "started": "2031-04-05T06:07:08+00:00",
        "seconds": 1.5,
        "smoke": {
            "before": source.number() % 8 > 0,
            "after": source.number() % 8 > 0,
            "sentence": _text(source),
        },
        "requirements": [
            {
                "id": each,
                "section": "3",
                "who": "relay",
                "word": "MUST",
                "text": _text(source),
                "testable": True,
                "reason": None,
            }
            for each in ids
        ],
        "results": [
            {
                "requirement": each,
                "case": _text(source),
                "verdict": verdict,
                "detail": _text(source),
                "examples": 2,
                "seconds": 0.5,
                "failure": failed,
            }
            for each, failed in zip(ids, (failure, None), strict=True)
        ],
        "verdict_counts": {verdict: 2},
        "exit_status": number % 8,
        "remarks": [_text(source)],
    }


def _harmless(text: str) -> bool:
    """Whether nothing in it is invisible, reorders, or is a control of a terminal."""
    return all(
        character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl")
        for character in text
    )


def _check_chart(failure: dict[str, Any], width: int) -> None:
    drawn = sequence(cast(Any, clean(failure)))
    for glyphs in (text_chart.UNICODE, text_chart.ASCII):
        for line in text_chart.draw(drawn, width, glyphs):
            assert cell_len(line) <= width, "a chart is wider than it may be"
            assert glyphs is text_chart.UNICODE or line.isascii()
    if drawn.steps:
        for room in (332.0, 820.0):
            drawing = lay_out(drawn, room)
            assert math.isfinite(drawing.width) and math.isfinite(drawing.height)
            assert all(0 <= row.y <= drawing.height for row in drawing.rows), "it is outside"


def _check_terminal(made: dict[str, Any], width: int) -> None:
    encoding = ("utf-8", "ascii")[made["exit_status"] % 2]
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    rendering.terminal(made, Console(file=stream, width=width))
    stream.seek(0)
    assert _harmless(stream.read()), "the terminal is shown something harmful"


class _Page(html.parser.HTMLParser):
    """Its elements, and whether a target has added one."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it; an attribute that runs something is none of ours."""
        self.elements.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs), "a target's script"


def _check_files(made: dict[str, Any]) -> None:
    cleaned = cast(Report, clean(made))
    whole = page(cleaned, _TEMPLATES)
    assert _harmless(whole), "the page has something harmful in it"
    assert "script" not in _Page(whole).elements, "a target's script"
    suites = ElementTree.fromstring(junit(cleaned))  # noqa: S314 - it is ours
    assert len(suites.findall("testsuite/testcase")) >= 1
    json.loads(gradescope(cleaned, standard(cleaned)))
    saved = json.loads(report_json(made))
    assert list(saved) == list(made), "a report is saved as another one"


def _check_words(octets: bytes) -> None:
    written = escaped(octets)
    assert written.isascii() and written.isprintable(), "octets are written as they are"
    assert shortened(written) == written, "what is short is made shorter"
    command = clean(octets.decode("latin-1"))
    for line in shell.lines(command, 40)[:-1]:
        assert line.endswith(" \\"), "a broken command is another one"
    try:
        words = shlex.split(command.replace("\n", " "))
    except ValueError:
        return
    again = "\n".join(shell.lines(command.replace("\n", " "), 40))
    assert shlex.split(again.replace("\\\n", "")) == words, "a broken command is another one"
