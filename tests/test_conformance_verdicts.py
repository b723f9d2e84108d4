"""What a run comes to: verdicts by what was claimed, and the exit status."""

import contextlib
import io
import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from conformance.__main__ import main
from conformance.ports import free_port
from conformance.upper_tester import Program, wait_listening
from conformance.verdicts import Claims, Verdict, count, exit_status
from tests.programs import nobodys_port

SUBJECT = f"{sys.executable} -m conformance.subjects"
PATIENT = ("--patience", "4")
"""With what should pass, however busy the machine is."""


def run(directory: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit status, and the report."""
    with contextlib.redirect_stdout(io.StringIO()):
        status = main([*arguments, "--report", str(directory / "report")])
    return status, json.loads((directory / "report" / "report.json").read_text(encoding="utf-8"))


def verdicts(report: dict[str, Any], requirement: str) -> set[str]:
    return {row["verdict"] for row in report["results"] if row["requirement"] == requirement}


def relay(bug: str = "") -> list[str]:
    if not bug:
        return ["relay", "--run", f"{SUBJECT}.relay {{port}}", *PATIENT]
    return ["relay", "--run", f"{SUBJECT}.relay --bug={bug} {{port}}"]


def written(directory: Path, text: str) -> str:
    path = directory / "claims.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


BROKEN = [*relay("taken-handle-passes"), "--only", "RELAY-9"]


def test_a_must_that_is_broken_fails(tmp_path: Path) -> None:
    status, report = run(tmp_path, *BROKEN)
    assert status == 1
    assert "FAIL" in verdicts(report, "RELAY-9")
    assert list((tmp_path / "report" / "replay").iterdir())


def test_a_known_failure_does_not_fail_the_run(tmp_path: Path) -> None:
    known = written(tmp_path, '[RELAY-9]\nreason = "issue 12"\n')
    status, report = run(tmp_path, *BROKEN, "--known", known)
    assert status == 0
    assert verdicts(report, "RELAY-9") <= {"XFAIL", "PASS", "NOT TESTED"}
    assert "XFAIL" in verdicts(report, "RELAY-9")


def test_another_symptom_than_the_known_one_fails(tmp_path: Path) -> None:
    known = written(tmp_path, '[RELAY-9]\nreason = "issue 12"\nsymptom = "twice"\n')
    status, _ = run(tmp_path, *BROKEN, "--known", known)
    assert status == 1


def test_a_known_failure_that_passes_fails_the_run(tmp_path: Path) -> None:
    known = written(tmp_path, '[RELAY-2]\nreason = "issue 12"\n')
    status, report = run(tmp_path, *relay(), "--only", "RELAY-2", "--known", known)
    assert status == 1
    assert verdicts(report, "RELAY-2") == {"XPASS"}


@pytest.mark.parametrize(
    ("claim", "verdict", "expected"),
    [("", "WARN", 0), ("TURN-2 = false", "UNSUPPORTED", 0), ("TURN-2 = true", "FAIL", 1)],
)
def test_a_should_that_is_missed_is_judged_by_what_is_claimed(
    tmp_path: Path, claim: str, verdict: str, expected: int
) -> None:
    pics = written(tmp_path, f"[supported]\n{claim}\n")
    command = f"{SUBJECT}.turns --odd=by-connection {{port}}"
    status, report = run(tmp_path, "turns", "--run", command, "--only", "TURN-2", "--pics", pics)
    assert verdicts(report, "TURN-2") == {verdict}
    assert status == expected


def test_what_is_all_right_passes(tmp_path: Path) -> None:
    status, report = run(tmp_path, *relay(), "--only", "RELAY-2")
    assert status == 0
    assert verdicts(report, "RELAY-2") == {"PASS"}
    assert {each["id"] for each in report["requirements"]} == {"RELAY-2"}


def test_nothing_selected(tmp_path: Path) -> None:
    status, _ = run(tmp_path, *relay(), "--only", "RELAY-2", "--skip", "RELAY-*")
    assert status == 5


def test_nobody_there(tmp_path: Path) -> None:
    with nobodys_port() as port:
        status, report = run(tmp_path, "relay", f"tcp://127.0.0.1:{port}")
    assert status == 3
    assert "refused" in report["smoke"]["sentence"].lower()


@pytest.mark.parametrize(
    ("build", "words"),
    [("false", "false ended with status 1"), ("./no-such-program", "No such file")],
)
def test_what_cannot_be_built_is_not_tested(tmp_path: Path, build: str, words: str) -> None:
    status, report = run(tmp_path, *relay(), "--build", build)
    assert status == 3
    assert words in report["smoke"]["sentence"]
    score = json.loads((tmp_path / "report" / "gradescope.json").read_text(encoding="utf-8"))
    assert score["score"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "[NO-1]\nreason = 'x'",
        "[RELAY-2]",
        "[RELAY-2]\nreason = 1",
        "no toml",
    ],
)
def test_wrong_known_failures_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"requirement|reason|read"):
        Claims.read(Path(written(tmp_path, text)), None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NO-1 = true", "no requirement NO-1"),
        ("RELAY-2 = false", "RELAY-2 is a MUST"),
        ("TURN-2 = 1", "true"),
    ],
)
def test_wrong_claims_are_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Claims.read(None, Path(written(tmp_path, f"[supported]\n{text}")))


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.PASS, 0),
        (Verdict.WARN, 0),
        (Verdict.XFAIL, 0),
        (Verdict.UNSUPPORTED, 0),
        (Verdict.FAIL, 1),
        (Verdict.XPASS, 1),
        (Verdict.INCONCLUSIVE, 4),
        (Verdict.ERROR, 4),
        (Verdict.NOT_TESTED, 5),
    ],
)
def test_exit_status(verdict: Verdict, status: int) -> None:
    assert exit_status(count([{"verdict": verdict}])) == status


def test_the_table_of_a_course_has_a_line_for_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, *relay(), "--only", "RELAY-2")
    assert main(["csv", str(tmp_path / "report"), str(tmp_path / "missing")]) == 0
    head, tested, missing = capsys.readouterr().out.splitlines()
    assert head.endswith("RELAY-2")
    assert tested.endswith("PASS")
    assert "no report" in missing


def test_the_operator_of_an_attached_server_can_be_a_socket(tmp_path: Path) -> None:
    port = free_port()
    server = Program(f"{SUBJECT}.turns {port}", tty_output=False)
    assert wait_listening(port, server, 20)
    assert server.process.stdin is not None
    assert server.process.stdout is not None
    typed, shown = server.process.stdin.fileno(), server.process.stdout.fileno()
    os.set_blocking(typed, True)
    os.set_blocking(shown, True)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def sit() -> None:
            seat = listener.accept()[0]
            threading.Thread(target=copy, args=(shown, seat.fileno()), daemon=True).start()
            copy(seat.fileno(), typed)
            seat.close()

        threading.Thread(target=sit, daemon=True).start()
        operator = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        address = f"tcp://127.0.0.1:{port}"
        only = ("--only", "TURN-5", "--only", "TURN-13")
        status, report = run(tmp_path, "turns", address, "--operator", operator, *only, *PATIENT)
    server.kill()
    assert verdicts(report, "TURN-5") == verdicts(report, "TURN-13") == {"PASS"}
    assert status == 0


def copy(source: int, sink: int) -> None:
    """All octets, until the end."""
    with contextlib.suppress(OSError):
        while octets := os.read(source, 65536):
            os.write(sink, octets)
