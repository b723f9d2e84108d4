"""The reports of the conformance suite: every form of them, and what hostile targets put in."""

import copy
import csv
import html.parser
import io
import json
import re
import shlex
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from conformance import report as reports
from conformance.report import octets, shell, text_chart
from conformance.report.model import Report, entries, judged
from conformance.report.sequence import Sequence, Step
from tools import spec_text

SCHEMA = json.loads((Path(reports.__file__).parent / "schema.json").read_text(encoding="utf-8"))

HOSTILE = (
    "</script><script>alert(1)</script>",
    "</style></title></svg></textarea>-->",
    "]]><!--",
    '" onload="alert(1)" x=\'',
    "&lt;b&gt;",
    "{{ 7 * 7 }}{% raw %}",
    "\x00\x01\x08\x1b[31m\x7f\x85\x9b",
    "\ud800 \udcff",
    "\u202eevil\u2066\u200f\u061c",
    "\u2028\u2029\ufeff\ufffe\uffff\U0001ffff",
    "a\r\nb\tc",
    "javascript:alert(1)",
    "=HYPERLINK(1)",
)


def event(t_ms: float, source: str, target: str, written: str, note: str = "") -> dict[str, Any]:
    return {
        "t_ms": t_ms,
        "from": source,
        "to": target,
        "kind": "octets",
        "octets": written,
        "note": note,
    }


def happening(t_ms: float, source: str, target: str, note: str) -> dict[str, Any]:
    return event(t_ms, source, target, "", note) | {"kind": "event"}


def missing(t_ms: float, source: str, target: str, written: str) -> dict[str, Any]:
    return event(t_ms, source, target, written) | {"kind": "expected"}


def failure(symptom: str, chart: list[dict[str, Any]], **others: Any) -> dict[str, Any]:
    return {
        "symptom": symptom,
        "summary": "A text did not reach another client.",
        "expected": r'"a>2\n"',
        "example": 9,
        "examples": 200,
        "shrunk_operations": 2,
        "shrink_steps": 13,
        "shrink_seconds": 0.08,
        "confirmed": [3, 3],
        "participants": ["A", "relay", "B"],
        "chart": chart,
        "closing": "",
        "conclusion": "The witness overtook it: lost, not late. The same octets in two writes "
        "pass: it depends on segmentation.",
        "again": "python -m conformance replay report/replay/RELAY-1-3f9c.json "
        "--run './myrelay {port}'",
        "by_hand": [
            "nc 127.0.0.1 5555",
            r"printf 'a>1\na>2\n' | nc -N 127.0.0.1 5555",
        ],
        "replay": "RELAY-1-3f9c.json",
        **others,
    }


LOST = [
    event(0.4, "A", "relay", r'"a>1\n" "a>2\n"', "one write"),
    event(0.6, "relay", "B", r'"a>1\n"'),
    event(0.8, "A", "relay", r'"a>w17\n"', "witness"),
    event(1.0, "relay", "B", r'"a>w17\n"'),
    missing(1.0, "relay", "B", r'"a>2\n"'),
]

TOO_LONG = [
    happening(0.1, "A", "relay", "connects"),
    event(0.3, "A", "relay", '"a>' + "x" * 500 + r'\n"'),
    event(0.9, "relay", "A", r'"SERVER>\\error too-long\n"'),
    happening(1.1, "relay", "A", "FIN"),
    missing(1.1, "relay", "B", '"a>" "x"*500 "\\n"'),
]

CROWD = [
    happening(0.1, "A", "A", "connects, and says nothing for as long as the test goes on"),
    event(12345.6, "C", "relay", '"c>' + "é" * 30 + 'שלום\\xff\\n"', "cut before é"),
    event(12346.0, "relay", "A", r'"c>"', "and then nothing that belongs to this line"),
    happening(12346.5, "relay", "E", "RST"),
    missing(12347.0, "relay", "D", r'"SERVER>\\left c\n"'),
]


def result(requirement: str, verdict: str = "PASS", **others: Any) -> dict[str, Any]:
    return {
        "requirement": requirement,
        "case": f"test_{requirement.lower().replace('-', '_')}[generated]",
        "verdict": verdict,
        "detail": "",
        "examples": 200,
        "seconds": 0.25,
        "failure": None,
        **others,
    }


def sample(results: list[dict[str, Any]], **others: Any) -> dict[str, Any]:
    text = spec_text.CHAT_1.read_text(encoding="utf-8")
    sections = [(m.start(), m[1]) for m in re.finditer(r"^##+ ([\d.]+) ", text, re.MULTILINE)]
    requirements = [
        {
            "id": each.id,
            "section": [name for start, name in sections if start < text.index(f"**{each.id}**")][
                -1
            ],
            "who": each.who,
            "word": each.word,
            "text": each.text,
            "testable": each.testable,
            "reason": None if each.testable else "No peer can see it.",
        }
        for each in spec_text.requirements()
    ]
    verdicts = [each["verdict"] for each in results]
    return {
        "suite": {"name": "chat/1 conformance", "version": "1.0", "spec": "spec/chat-1.md"},
        "target": {"kind": "relay", "command": "./myrelay {port}", "addresses": []},
        "settings": {
            "profile": "standard",
            "seed": 4711,
            "examples": 200,
            "patience": 1.0,
            "level": "should",
        },
        "versions": {"python": "3.11.2", "hypothesis": "6.170"},
        "started": "2031-04-05T06:07:08+00:00",
        "seconds": 21.3,
        "smoke": {"before": True, "after": True, "sentence": ""},
        "requirements": requirements,
        "results": results,
        "verdict_counts": {name: verdicts.count(name) for name in dict.fromkeys(verdicts)},
        "exit_status": 0,
        **others,
    }


def passing() -> dict[str, Any]:
    relays = [each for each in spec_text.requirements() if each.testable]
    return sample([result(each.id, "INFO" if each.word == "MAY" else "PASS") for each in relays])


def failing() -> dict[str, Any]:
    lost = failure("lost", LOST)
    special = [
        result("RELAY-1", "FAIL", failure=lost | {"shrunk_operations": 5}, case="test_flood"),
        result("RELAY-1", "FAIL", failure=lost),
        result("RELAY-1", "FAIL", failure=lost | {"shrunk_operations": 3}, case="test_crowd"),
        result("LINE-7", "FAIL", failure=failure("refused", TOO_LONG, by_hand=[])),
        result(
            "LINE-10",
            "INCONCLUSIVE",
            failure=failure(
                "cut line",
                CROWD,
                participants=["A", "B", "C", "relay", "D", "E", "F", "G"],
                confirmed=[1, 3],
                closing="The relay reset the connection of E.",
            ),
        ),
        result("RELAY-15", "WARN", detail="No rate can be set."),
        result("RELAY-11", "ERROR", detail="ValueError: a fault of the suite"),
        result("RELAY-12", "XFAIL", detail="known: queues 64 KiB only"),
        result("RELAY-13", "XPASS", detail="was known to fail: no bound"),
        result("RELAY-16", "INFO", detail="takes 128 clients"),
        result("RELAY-18", "NOT TESTED", detail="no operator"),
        result("RELAY-20", "UNSUPPORTED", detail="declared in the PICS"),
    ]
    named = {each["requirement"] for each in special}
    others = [each for each in passing()["results"] if each["requirement"] not in named]
    return sample([*special, *others], exit_status=1)


def could_not_start() -> dict[str, Any]:
    sentence = "'./myrelay 5555' ended with status 127 before it listened: not found"
    smoke = {"before": False, "after": False, "sentence": sentence}
    return sample([], smoke=smoke, exit_status=3, seconds=0.1)


def hostile() -> dict[str, Any]:
    """Every text that a target can have a part in, made of the worst."""
    bad = " ".join(HOSTILE)
    found = failing()
    found["target"]["command"] = bad
    found["target"]["addresses"] = [bad]
    found["smoke"] = {"before": True, "after": False, "sentence": bad}
    found["settings"]["pics"] = bad
    for each in found["results"]:
        each["detail"] = each["case"] = bad
        if each["failure"]:
            for key, value in each["failure"].items():
                if isinstance(value, str):
                    each["failure"][key] = bad
            each["failure"]["by_hand"] = [bad]
            each["failure"]["participants"] = ["A" + bad, "relay", "B"]
            each["failure"]["chart"] = [
                event(1, "A" + bad, "relay", bad, bad),
                missing(2, "relay", "B", bad),
                happening(3, "B", "B", bad),
            ]
    return found


SAMPLES = [passing, failing, could_not_start, hostile]


def printed(report: dict[str, Any], width: int = 100, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    reports.terminal(report, Console(file=stream, width=width))
    stream.seek(0)
    return stream.read()


class Page(html.parser.HTMLParser):
    """The elements of a page, its ids, its links, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


@pytest.mark.parametrize("make", SAMPLES)
def test_files(make: Any, tmp_path: Path) -> None:
    before = make()
    report = copy.deepcopy(before)
    written = reports.write(report, tmp_path / "new" / "report")
    assert report == before
    names = {path.name for path in written}
    everything = {"index.html", "report.json", "junit.xml", "gradescope.json", "badge.svg"}
    inconclusive = make in (failing, hostile)
    assert names == everything - ({"badge.svg"} if inconclusive else set())
    assert all(path.read_text(encoding="utf-8") for path in written)


@pytest.mark.parametrize("make", SAMPLES)
def test_report_json_keeps_its_schema(make: Any, tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    reports.write(make(), tmp_path)
    written = (tmp_path / "report.json").read_bytes()
    assert written.isascii()
    loaded = json.loads(written)
    assert json.dumps(loaded, ensure_ascii=False).encode()
    jsonschema.Draft202012Validator(SCHEMA).validate(loaded)
    if make is not hostile:
        assert loaded == make()


@pytest.mark.parametrize(
    ("place", "value"),
    [("exit_status", -1), ("results", [result("RELAY-1", "GOOD")]), ("started", None)],
)
def test_schema_refuses(place: str, value: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(passing() | {place: value})


def test_one_entry_for_each_symptom() -> None:
    found = entries(Report(**failing()))  # type: ignore[typeddict-item]
    assert [(each.result["verdict"], each.requirement["id"], each.further) for each in found] == [
        ("FAIL", "LINE-7", 0),
        ("FAIL", "RELAY-1", 2),
        ("ERROR", "RELAY-11", 0),
        ("XPASS", "RELAY-13", 0),
        ("INCONCLUSIVE", "LINE-10", 0),
        ("XFAIL", "RELAY-12", 0),
        ("WARN", "RELAY-15", 0),
    ]
    smallest = found[1].result["failure"]
    assert smallest
    assert smallest["shrunk_operations"] == 2


def test_worst_verdict_counts_and_unlisted_results_are_kept() -> None:
    made = sample([result("LINE-1"), result("LINE-1", "WARN"), result("LINE-1", "NOT TESTED")])
    made["requirements"] = made["requirements"][:1]
    found = {each.requirement["id"]: each.verdict for each in judged(Report(**made))}  # type: ignore[typeddict-item]
    assert found == {"STREAM-1": "NOT TESTED", "LINE-1": "WARN"}


CHART = """\
 t/ms   A                                 relay            B
   0.4  ── "a>1\\n" "a>2\\n"  one write ──▶
   0.6                                    ── "a>1\\n" ────▶
   0.8  ── "a>w17\\n"  witness ──────────▶
   1.0                                    ── "a>w17\\n" ──▶  expected "a>2\\n"
"""

ASCII_CHART = CHART.replace("─", "-").replace("▶", ">")


def test_terminal_shows_a_failure_in_ten_lines() -> None:
    shown = printed(sample([result("RELAY-1", "FAIL", failure=failure("lost", LOST))]), 120)
    assert CHART in shown
    lines = shown.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("FAIL"))
    assert lines[start] == (
        'FAIL  RELAY-1  relay MUST  "send each text of a client to every other open connection '
        'exactly once."   spec/chat-1.md §8'
    )
    assert lines[start + 1] == (
        "      example 9 of 200 · shrunk to 2 operations in 13 steps, 0.08 s · confirmed 3 of 3 "
        "on a fresh process"
    )
    assert lines[start + 7 :][:4] == [
        " The witness overtook it: lost, not late. The same octets in two writes pass: it depends "
        "on segmentation.",
        " again    python -m conformance replay report/replay/RELAY-1-3f9c.json "
        "--run './myrelay {port}'",
        " by hand  nc 127.0.0.1 5555",
        "          printf 'a>1\\na>2\\n' | nc -N 127.0.0.1 5555",
    ]
    assert lines[start + 11] == ""


def test_terminal_without_unicode() -> None:
    shown = printed(failing(), 100, "ascii")
    assert shown.isascii()
    assert ASCII_CHART in shown
    assert "spec/chat-1.md section 8" in shown


@pytest.mark.parametrize("make", SAMPLES)
@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_terminal_fits(make: Any, width: int) -> None:
    made = make()
    if make is hostile:  # a word of a command is never broken
        for each in made["results"]:
            if each["failure"]:
                each["failure"] |= {"again": "", "by_hand": []}
    for line in printed(made, width).splitlines():
        assert cell_len(line) <= min(width, 120), line


@pytest.mark.parametrize("make", SAMPLES)
def test_terminal_sends_no_control_that_is_not_its_own(make: Any) -> None:
    assert octets.visible(printed(make()), lines=True) == printed(make())


def test_terminal_colours_only_where_there_are_some() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=100, force_terminal=True, color_system="standard")
    reports.terminal(failing(), console)
    assert "\x1b[1;31mFAIL" in stream.getvalue()
    assert "\x1b" not in printed(failing())


def test_terminal_says_one_sentence_when_nothing_started() -> None:
    shown = printed(could_not_start(), 80)
    assert "NOT STARTED  './myrelay 5555' ended with status 127" in shown
    assert "exit status 3" in " ".join(shown.split())
    assert len(shown.splitlines()) < 9


def test_terminal_tells_of_the_second_smoke_test() -> None:
    made = passing()
    made["smoke"] = {"before": True, "after": False, "sentence": "it answers no more."}
    assert "After the cases: it answers no more." in printed(made)


def test_terminal_names_what_has_no_chart() -> None:
    shown = printed(failing())
    assert "ERROR  RELAY-11" in shown
    assert "ValueError: a fault of the suite" in shown
    assert "2 further cases show the same." in shown


steps = st.builds(
    Step,
    st.floats(0, 1e6),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from(["octets", "event", "expected"]),
    st.text('ab"\\ é😀漢', max_size=90),
    st.text("ab é😀漢", max_size=90),
)


@given(
    st.lists(st.text("aB漢", min_size=1, max_size=12), min_size=6, max_size=6),
    st.lists(steps),
    st.integers(60, 130),
)
def test_any_chart_fits(names: list[str], shown: list[Step], width: int) -> None:
    for glyphs in (text_chart.UNICODE, text_chart.ASCII):
        for line in text_chart.draw(Sequence(names, shown), width, glyphs):
            assert cell_len(line) <= width


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"", '""'),
        (b"a>1\n", r'"a>1\n"'),
        (b"a>" + b"x" * 500 + b"\n", r'"a>" "x"*500 "\n"'),
        (b"x" * 511, '"x"*511'),
        (b"\xff" * 20 + b"\x00" * 20, r'"\xff"*20 "\0"*20'),
        (b'"\\\t\r\x7f', r'"\"\\\t\r\x7f"'),
        (b"x" * 15, '"' + "x" * 15 + '"'),
    ],
)
def test_octets(raw: bytes, shown: str) -> None:
    assert reports.escaped(raw) == shown
    assert octets.shortened(shown) == shown


@given(st.text(st.characters(), max_size=60))
def test_visible_leaves_nothing_that_xml_forbids(text: str) -> None:
    shown = octets.visible(text)
    element = ElementTree.fromstring(ElementTree.tostring(_element(shown)))
    assert element.text == (shown or None)


def _element(text: str) -> ElementTree.Element:
    element = ElementTree.Element("a")
    element.text = text
    return element


@given(st.lists(st.text("ab '\"\\$", max_size=30), max_size=6), st.integers(10, 40))
def test_broken_command_is_the_same_command(words: list[str], width: int) -> None:
    lines = shell.lines(shlex.join(words), width)
    assert shlex.split("\n".join(lines).replace(" \\\n", " ")) == words


@pytest.mark.parametrize("make", SAMPLES)
def test_page_stands_alone(make: Any, tmp_path: Path) -> None:
    reports.write(make(), tmp_path)
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    for link in page.all("href"):
        assert (link.startswith("#") and link[1:] in ids) or re.fullmatch(r"replay/[\w.-]+", link)
    for name in page.all("aria-labelledby"):
        assert set(name.split()) <= set(ids)
    assert not page.all("src")
    assert not page.tags & {"script", "img", "iframe", "link", "object", "embed", "textarea"}
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_page_shows_everything(tmp_path: Path) -> None:
    reports.write(failing(), tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert text.count("<svg") == 6
    assert {f"result-{each.id}" for each in spec_text.requirements()} <= set(page.all("id"))
    for words in ("4711", "hypothesis", "6.170", "standard", "python -m conformance replay"):
        assert words in page.text
    assert '"a>" "x"*500 "\\n"' in page.text
    assert "replay/RELAY-1-3f9c.json" in page.all("href")


def test_clauses_show_code(tmp_path: Path) -> None:
    made = failing()
    made["requirements"][0]["text"] = "say `<b>` & `x"
    made["requirements"][1]["text"] = "say `<b>` & x"
    reports.write(made, tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "say `&lt;b&gt;` &amp; `x</p>" in text
    assert "say <code>&lt;b&gt;</code> &amp; x</p>" in text


def test_page_of_what_could_not_start(tmp_path: Path) -> None:
    reports.write(could_not_start(), tmp_path)
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert "ended with status 127" in page.text
    assert "result-LINE-1" not in page.all("id")


def test_drawings_are_well_formed_xml(tmp_path: Path) -> None:
    reports.write(hostile(), tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert drawings
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert {element.tag.partition("}")[2] for element in root.iter()} <= {
            "svg", "title", "desc", "text", "line", "rect", "g", "circle", "path", "polygon",
        }  # fmt: skip


def test_hostile_text_is_shown_as_text(tmp_path: Path) -> None:
    reports.write(hostile(), tmp_path)
    for path in tmp_path.iterdir():
        text = path.read_text(encoding="utf-8")
        assert octets.visible(text, lines=True) == text, path.name
        if path.suffix != ".json":
            assert "<script" not in text
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert "</script><script>alert(1)</script>" in page.text
    assert r"\x1b[31m" in page.text
    assert r"\u202eevil" in page.text
    assert r"\ud800" in page.text
    assert "{{ 7 * 7 }}" in page.text


def test_flooded_text_is_cut(tmp_path: Path) -> None:
    made = sample([result("LINE-1", "FAIL", detail="x" * 10**7)])
    reports.write(made, tmp_path)
    assert (tmp_path / "index.html").stat().st_size < 300_000
    assert len(printed(made)) < 20_000


@pytest.mark.parametrize("make", SAMPLES)
def test_junit(make: Any, tmp_path: Path) -> None:
    made = make()
    reports.write(made, tmp_path)
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    suite = root.find("testsuite")
    assert root.tag == "testsuites"
    assert suite is not None
    cases = suite.findall("testcase")
    up = made["smoke"]["before"]
    assert len(cases) == len(made["results"]) + (2 if up else 1) == int(suite.attrib["tests"])
    for tag, number in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert len(suite.findall(f"testcase/{tag}")) == int(suite.attrib[number])
    for case in cases:
        assert {"classname", "name", "time"} <= set(case.attrib)


def test_junit_verdicts(tmp_path: Path) -> None:
    reports.write(failing(), tmp_path)
    found = {
        (case.attrib["classname"].partition(".")[2], child.tag, child.attrib.get("type"))
        for case in ElementTree.parse(tmp_path / "junit.xml").iter("testcase")
        for child in case
    }
    assert found == {
        ("RELAY-1", "failure", "FAIL"),
        ("LINE-7", "failure", "FAIL"),
        ("RELAY-13", "failure", "XPASS"),
        ("LINE-10", "error", "INCONCLUSIVE"),
        ("RELAY-11", "error", "ERROR"),
        ("RELAY-12", "skipped", None),
        ("RELAY-18", "skipped", None),
        ("RELAY-20", "skipped", None),
        ("RELAY-15", "system-out", None),
        *(
            (each["requirement"], "system-out", None)
            for each in failing()["results"]
            if each["verdict"] == "INFO"
        ),
    }
    assert CHART in (tmp_path / "junit.xml").read_text().replace("&gt;", ">").replace("&quot;", '"')


RUBRIC = """
[[category]]
name = "Lines"
points = 30
requirements = ["LINE-*", "STREAM-*"]

[[category]]
name = "The relay"
points = 50
requirements = ["RELAY-1", "RELAY-2", "RELAY-3", "RELAY-18"]

[[category]]
name = "Ends well"
points = 20
requirements = ["CLOSE-*"]
all_or_nothing = true
visibility = "after_due_date"
"""


def graded(report: dict[str, Any], directory: Path, rubric: str | None = None) -> dict[str, Any]:
    path = None
    if rubric:
        path = directory / "rubric.toml"
        path.write_text(rubric, encoding="utf-8")
    reports.write(report, directory, rubric=path)
    loaded: dict[str, Any] = json.loads((directory / "gradescope.json").read_text())
    assert loaded["score"] == pytest.approx(sum(test["score"] for test in loaded["tests"]))
    for test in loaded["tests"]:
        assert 0 <= test["score"] <= test["max_score"]
        assert {"name", "output", "visibility"} <= set(test)
        assert test["status"] in {"passed", "failed"}
    return loaded


def test_points_by_rubric(tmp_path: Path) -> None:
    tests = graded(failing(), tmp_path, RUBRIC)["tests"]
    lines = [
        each
        for each in spec_text.requirements()
        if each.testable and re.match("LINE|STREAM", each.id) and each.word.startswith("MUST")
    ]
    assert [(test["name"], test["score"], test["max_score"]) for test in tests] == [
        ("Lines", round(30 * (len(lines) - 2) / len(lines), 2), 30),
        ("The relay", round(50 * 2 / 3, 2), 50),
        ("Ends well", 20, 20),
    ]
    assert "one write" in tests[1]["output"]
    assert tests[2]["visibility"] == "after_due_date"


def test_points_without_a_rubric(tmp_path: Path) -> None:
    tests = graded(passing(), tmp_path)["tests"]
    assert {(test["score"], test["max_score"]) for test in tests} == {(1, 1)}


@pytest.mark.parametrize("rubric", [RUBRIC, None])
def test_no_points_for_what_does_not_start(tmp_path: Path, rubric: str | None) -> None:
    loaded = graded(could_not_start(), tmp_path, rubric)
    assert loaded["score"] == 0
    assert sum(test["max_score"] for test in loaded["tests"]) >= 50
    assert "ended with status 127" in loaded["output"]
    assert {test["status"] for test in loaded["tests"]} == {"failed"}


def test_all_or_nothing(tmp_path: Path) -> None:
    made = passing()
    next(each for each in made["results"] if each["requirement"] == "CLOSE-1")["verdict"] = "FAIL"
    assert graded(made, tmp_path, RUBRIC)["tests"][2]["score"] == 0


@pytest.mark.parametrize(
    ("rubric", "message"),
    [
        ("category = 3", r"has no \[\[category\]\]"),
        ("[[category]]\npoints = 3", "has no name"),
        ("[[category]]\nname = 'a'", "needs points"),
        ("[[category]]\nname = 'a'\npoints = -1\nrequirements = ['*']", "-1 points"),
        ("[[category]]\nname = 'a'\npoints = nan\nrequirements = ['*']", "nan points"),
        ("[[category]]\nname = 'a'\npoints = 1\nrequirements = []", "needs requirements"),
        ("[[category]]\nname = 'a'\npoint = 1", "unknown key 'point'"),
        ("not toml", "is no TOML"),
        (RUBRIC + RUBRIC, "two categories"),
    ],
)
def test_wrong_rubric(tmp_path: Path, rubric: str, message: str) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text(rubric, encoding="utf-8")
    with pytest.raises(reports.RubricError, match=message):
        reports.write(passing(), tmp_path, rubric=path)
    assert (tmp_path / "index.html").exists()


def test_missing_rubric(tmp_path: Path) -> None:
    with pytest.raises(reports.RubricError, match="cannot read"):
        reports.read_rubric(tmp_path / "rubric.toml")


@pytest.mark.parametrize(("make", "text"), [(passing, "MUST"), (could_not_start, "did not start")])
def test_badge(make: Any, text: str, tmp_path: Path) -> None:
    reports.write(make(), tmp_path)
    root = ElementTree.parse(tmp_path / "badge.svg").getroot()
    assert text in root.attrib["aria-label"]
    assert root.attrib["aria-label"].startswith("chat/1 relay: ")


def test_badge_of_an_earlier_run_goes(tmp_path: Path) -> None:
    reports.write(passing(), tmp_path)
    assert (tmp_path / "badge.svg").exists()
    reports.write(failing(), tmp_path)
    assert not (tmp_path / "badge.svg").exists()


def test_batch(tmp_path: Path) -> None:
    for name, make in (("ann", passing), ("bob", failing), ("cy", could_not_start)):
        reports.write(make(), tmp_path / name / "report")
    (tmp_path / "dan" / "report").mkdir(parents=True)
    (tmp_path / "eve" / "report").mkdir(parents=True)
    (tmp_path / "eve" / "report" / "report.json").write_text("[1]")
    merged = reports.merge_csv(
        [tmp_path / name / "report" for name in ("ann", "bob", "cy", "dan", "eve")]
    )
    rows = list(csv.DictReader(io.StringIO(merged)))
    assert len(merged.splitlines()) == 6
    assert [row["submission"].partition("/")[0] for row in rows] == [
        "ann",
        "bob",
        "cy",
        "dan",
        "eve",
    ]
    assert [row["RELAY-1"] for row in rows] == ["PASS", "FAIL", "", "", ""]
    assert [row["FAIL"] for row in rows] == ["0", "2", "0", "", ""]
    assert rows[0]["outcome"] == "tested"
    assert rows[2]["outcome"].startswith("'")
    assert rows[3]["outcome"].startswith("no report: ")
    assert rows[4]["outcome"] == "no report: the file is damaged"


def test_batch_has_no_formulas(tmp_path: Path) -> None:
    made = could_not_start()
    made["smoke"]["sentence"] = "=1+1\n\x1b"
    reports.write(made, tmp_path)
    row = next(csv.DictReader(io.StringIO(reports.merge_csv([tmp_path / "report.json"]))))
    assert row["outcome"] == r"'=1+1 \x1b"
    assert row["submission"] == tmp_path.name


def test_batch_of_nothing() -> None:
    assert len(reports.merge_csv([]).splitlines()) == 1
