"""Whatever a target does, the suite has a verdict in bounded time and memory, and ends it."""

import contextlib
import json
import os
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import hostile_targets
from tests.programs import DEADLINE_SECONDS, nobodys_port

ROOT = Path(__file__).parent.parent
MEMORY_MAX = 300 << 20
SECONDS_MAX = 240
IMPATIENT = ("--patience", "0.4")
PATIENT = ("--patience", "4")
FEW = ("--only", "RELAY-3")
"""Some quick cases; a relay passes them that does as much as those of these targets."""


@dataclass
class Suite:
    """One run of the suite as a process, with what it printed and reported."""

    directory: Path
    arguments: Sequence[str]
    status: int = 0
    output: str = ""
    memory: int = 0
    seconds: float = 0.0
    report: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pids = self.directory / "pids"
        self.pipe = self.directory / "pipe"
        self.out = self.directory / "out"
        os.mkfifo(self.pipe)
        environment = {"CHAT_HOSTILE_PIDS": str(self.pids), "CHAT_HOSTILE_PIPE": str(self.pipe)}
        self.begun = time.monotonic()
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "conformance", *self.arguments],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> "Suite":
        """Wait for its end, and see that it is a decent one."""
        late = threading.Timer(SECONDS_MAX, self.process.kill)
        late.start()
        _, status, usage = os.wait4(self.process.pid, 0)
        late.cancel()
        self.seconds = time.monotonic() - self.begun
        self.status = self.process.returncode = os.waitstatus_to_exitcode(status)
        self.memory = usage.ru_maxrss * 1024
        self.output = self.out.read_text(encoding="utf-8")
        saved = self.directory / "report" / "report.json"
        if saved.exists():
            self.report = json.loads(saved.read_text(encoding="utf-8"))
        assert self.status in range(6), self.output
        assert "Traceback" not in self.output
        assert self.memory < MEMORY_MAX
        assert not list(self.left_running())
        return self

    def left_running(self) -> Iterator[int]:
        """Processes of the target that do not end."""
        for number in map(int, self.pids.read_text().split() if self.pids.exists() else ()):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                handle = os.pidfd_open(number)
                ended = select.select([handle], [], [], DEADLINE_SECONDS)[0]
                os.close(handle)
                command = Path(f"/proc/{number}/cmdline").read_bytes()
                if not ended and b"hostile_targets" in command:
                    yield number

    @property
    def sentence(self) -> str:
        return str(self.report["smoke"]["sentence"])

    def verdicts(self) -> set[str]:
        return {row["verdict"] for row in self.report["results"]} - {"NOT TESTED"}

    def symptoms(self) -> set[str]:
        return {row["failure"]["symptom"] for row in self.report["results"] if row["failure"]}


@contextlib.contextmanager
def started(directory: Path, *arguments: str) -> Iterator[Suite]:
    suite = Suite(directory, arguments)
    try:
        yield suite
    finally:
        if suite.process.returncode is None:
            suite.process.kill()
            suite.process.wait()


def run(directory: Path, *arguments: str) -> Suite:
    with started(directory, *arguments) as suite:
        return suite.wait()


def command(name: str, kind: str = "relay") -> str:
    start = shlex.join([sys.executable, hostile_targets.__file__, name])
    return f"{start} {{host}} {{port}}" if kind == "client" else f"{start} {{port}}"


def judged(directory: Path, name: str, *options: str, kind: str = "relay") -> Suite:
    report = str(directory / "report")
    return run(directory, kind, "--run", command(name, kind), "--report", report, *options)


REFUSED = [
    ("floods-socket", 'W received "bob>x'),
    ("floods-empty-lines", 'W received "\\n"'),
    ("endless-line", "too-long"),
    ("floods-screen", "floods its screen and does not listen"),
    ("spins", "nothing came at W"),
    ("never-answers", "nothing came at W"),
    ("never-accepts", "nothing came at W"),
    ("never-listens", "does not listen on port"),
    ("accepts-and-closes", "W: the relay "),  # its end, or a reset for what it had not read
    ("drips", "without a line end"),
    ("prompts-on-terminal", "/dev/tty"),
    ("forks-and-dies", "has to stay in the foreground"),
    ("dies-at-once", 'it says "I need a licence file."'),
    ("dies-after-first", "the program has ended with status 3"),
    ("writes-rubbish", "\\xff\\xfe\\x1b]0;title"),
    ("dies-with-rubbish", "cannot bind"),
]


@pytest.mark.parametrize(("name", "words"), REFUSED)
def test_one_sentence_says_what_is_wrong_with_a_server(
    tmp_path: Path, name: str, words: str
) -> None:
    suite = judged(tmp_path, name, *IMPATIENT)
    assert suite.status == 3
    assert words.lower() in suite.sentence.lower()
    assert not suite.verdicts()
    assert suite.output.count("NOT STARTED") == 1
    assert "\x1b" not in suite.output


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("client-spins", "It does not connect"),
        ("client-floods-screen", "It floods its screen"),
        ("client-floods-errors", "It does not connect"),
        ("client-floods-socket", 'S received "ann>x'),
        ("client-endless-line", "too-long"),
        ("client-prompts", "/dev/tty"),
        ("client-dies", 'the words "I need a licence file."'),
        ("client-forks", "It does not connect"),
        ("client-ignores-signals", "It does not connect"),
    ],
)
def test_one_sentence_says_what_is_wrong_with_a_client(
    tmp_path: Path, name: str, words: str
) -> None:
    suite = judged(tmp_path, name, *IMPATIENT, kind="client")
    assert suite.status == 3
    assert words.lower() in suite.sentence.lower()
    assert not suite.verdicts()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tls-garbage", "handshake of TLS fails"),
        ("tls-hangs", "handshake of TLS fails (timed out)"),
        ("tls-old", "handshake of TLS fails (tlsv1 alert protocol version)"),
        ("tls-cut-record", "W: the relay ended the stream without close_notify"),
        ("tls-bad-record", "W: the relay reset the connection"),
        ("right", "handshake of TLS fails"),
        ("accepts-and-closes", "handshake of TLS fails"),
    ],
)
def test_one_sentence_says_what_is_wrong_with_the_tls_of_a_server(
    tmp_path: Path, name: str, words: str
) -> None:
    report = str(tmp_path / "report")
    files = "{cert} {key}"
    knows = name.startswith("tls")
    target = f"{command(name)} {files}" if knows else f"sh -c '{command(name)} # {files}'"
    suite = run(tmp_path, "relay", "--run", target, "--report", report, *IMPATIENT)
    assert suite.status == 3
    assert words in suite.sentence
    assert not suite.verdicts()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("client-tls-garbage", "handshake of TLS fails"),
        ("client-tls-hangs", "handshake of TLS fails (timed out)"),
    ],
)
def test_one_sentence_says_what_is_wrong_with_the_tls_of_a_client(
    tmp_path: Path, name: str, words: str
) -> None:
    report = str(tmp_path / "report")
    target = command(name, "client") + " {ca}"
    suite = run(tmp_path, "client", "--run", target, "--report", report, *IMPATIENT)
    assert suite.status == 3
    assert words in suite.sentence


@pytest.mark.parametrize("name", ["floods-socket", "never-answers", "dies-at-once"])
def test_a_turn_server_is_refused_like_a_relay(tmp_path: Path, name: str) -> None:
    suite = judged(tmp_path, name, *IMPATIENT, kind="turns")
    assert suite.status == 3
    assert not suite.verdicts()


@pytest.mark.parametrize(
    "name",
    [
        "right",
        "listens-late",
        "floods-errors",
        "floods-errors-meanwhile",
        "floods-screen-meanwhile",
        "ignores-signals",
        "closes-output",
    ],
)
def test_what_breaks_no_requirement_passes(tmp_path: Path, name: str) -> None:
    suite = judged(tmp_path, name, *FEW, *PATIENT)
    assert suite.status == 0
    assert suite.verdicts() == {"PASS"}
    assert not suite.report["left_running"]


def test_children_that_outlive_a_target_are_ended_and_reported(tmp_path: Path) -> None:
    suite = judged(tmp_path, "forks", *FEW, *PATIENT)
    assert suite.status == 0
    away = suite.report["left_running"]
    assert away
    assert f"{len(away)} processes of the target ran on" in suite.output


@pytest.mark.parametrize(
    ("name", "symptom"),
    [
        ("dies-later", "died"),
        ("fails-always", "missing"),
        ("floods-later", "flooded"),
        ("floods-screen-later", "flooded"),
    ],
)
def test_a_target_that_goes_wrong_later_fails(tmp_path: Path, name: str, symptom: str) -> None:
    suite = judged(tmp_path, name, "--only", "RELAY-3", "--only", "JOIN-1", *IMPATIENT)
    assert suite.status == 1
    assert "FAIL" in suite.verdicts() <= {"FAIL", "INCONCLUSIVE", "NOT TESTED"}
    assert suite.symptoms() == {symptom}
    assert not suite.report["smoke"]["after"]


def test_a_target_that_dies_at_random_is_judged(tmp_path: Path) -> None:
    suite = judged(tmp_path, "dies-at-random", *FEW, *IMPATIENT)
    assert suite.status in (1, 4)
    assert suite.verdicts() <= {"FAIL", "INCONCLUSIVE", "PASS"}
    assert "ERROR" not in suite.verdicts()


def test_a_target_that_does_not_start_again_is_given_up(tmp_path: Path) -> None:
    suite = judged(tmp_path, "dies-for-good")
    assert suite.status == 4
    assert suite.verdicts() == {"INCONCLUSIVE"}
    [remark] = suite.report["remarks"]
    assert "cases were not run" in remark
    assert "The database is locked." in remark


def test_a_target_that_hangs_again_and_again_costs_a_bounded_time(tmp_path: Path) -> None:
    suite = judged(tmp_path, "hangs-later", "--patience", "0.25")
    assert suite.status == 1
    assert suite.report["remarks"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_ends_the_run_with_a_report(
    tmp_path: Path, number: signal.Signals
) -> None:
    report = str(tmp_path / "report")
    target = command("tells-in-a-case")
    with started(tmp_path, "relay", "--run", target, *FEW, "-j", "1", "--report", report) as suite:
        told(suite)
        suite.process.send_signal(number)
        suite.wait()
    assert suite.status == 4
    assert suite.report["settings"]["interrupted"]
    assert suite.verdicts() == {"PASS"}
    assert suite.sentence == "The run was broken off."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_smoke_test_ends_the_run(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "relay", "--run", command("tells-in-smoke-test")) as suite:
        told(suite)
        suite.process.send_signal(number)
        suite.wait()
    assert suite.status == 4
    assert "The run was broken off." in suite.output


def told(suite: Suite) -> None:
    """Wait until the target says that the time has come."""
    pipe = os.open(suite.pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert select.select([pipe], [], [], DEADLINE_SECONDS)[0]
    os.close(pipe)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("./no-such-program {port}", "No such file or directory"),
        ("{file} {port}", "Permission denied"),
        ("{directory} {port}", "Permission denied"),
        ("{python} {file} {port}", "SyntaxError"),
    ],
)
def test_a_program_that_cannot_be_run_is_told(tmp_path: Path, target: str, words: str) -> None:
    file = tmp_path / "program"
    file.write_text("def (:\n")
    for name, path in (("file", file), ("directory", tmp_path), ("python", sys.executable)):
        target = target.replace(f"{{{name}}}", str(path))
    suite = run(tmp_path, "relay", "--run", target, "--report", str(tmp_path / "report"))
    assert suite.status == 3
    assert words in suite.sentence


def test_the_smoke_test_alone_says_it_too(tmp_path: Path) -> None:
    suite = run(tmp_path, "smoke", "relay", "--run", command("dies-at-once"))
    assert suite.status == 3
    assert "I need a licence file." in suite.output


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with nobodys_port() as port:
        suite = run(tmp_path, "relay", f"tcp://127.0.0.1:{port}")
    assert suite.status == 3
    assert "Connection refused" in suite.output


def test_a_reader_that_leaves_early_gets_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "conformance", "list"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as listing:
        assert listing.stdout and listing.stderr
        listing.stdout.close()
        assert listing.stderr.read() == b""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["relay"], "name either"),
        (["relay", "--run", ""], "name either"),
        (["relay", "--run", "CMD"], "{port}"),
        (["client", "--run", "CMD {host}"], "{port}"),
        (["relay", "--run", "'CMD {port}"], "No closing quotation"),
        (["relay", "--run", "CMD {port}", "--only", "RELAY-??9"], "RELAY-??9"),
        (["relay", "--run", "CMD {port}", "--skip", "NOTHING-*"], "NOTHING-*"),
        (["relay", "--run", "CMD {port} {cert}"], "both {cert} and {key}"),
        (["relay", "--run", "CMD {port} {ca}"], "{cert} too"),
        (["client", "--run", "CMD {host} {port} {cert} {key}"], "{ca} too"),
        (["relay", "--run", "CMD {port}", "--ca", "{tmp}/octets"], "are for servers at tls://"),
        (["relay", "tcp://127.0.0.1:5000", "--cert", "{tmp}/octets"], "are for servers at tls://"),
        (["relay", "tls://127.0.0.1:5000", "tcp://127.0.0.1:5001"], "all at tls://"),
        (["relay", "tls://127.0.0.1:5000", "--key", "{tmp}/octets"], "--key needs --cert"),
        (["relay", "tls://127.0.0.1:5000", "--ca", "{tmp}/octets"], "octets cannot be used"),
        (["relay", "tls://127.0.0.1:5000", "--cert", "{tmp}/missing"], "missing cannot be used"),
        (["smoke", "relay", "tls://127.0.0.1"], "tls://127.0.0.1"),
        (["relay", "tcp://nowhere"], "tcp://nowhere"),
        (["relay", "tcp://127.0.0.1:65536"], "65536"),
        (["relay", "tcp://127.0.0.1:0"], "tcp://127.0.0.1:0"),
        (["turns", "tcp://127.0.0.1:5000", "--operator", "tcp:there"], "there"),
        (["relay", "--run", "CMD {port}", "--known", "{tmp}/missing"], "missing"),
        (["relay", "--run", "CMD {port}", "--known", "{tmp}"], "cannot be read"),
        (["relay", "--run", "CMD {port}", "--pics", "{tmp}/octets"], "octets"),
        (["relay", "--run", "CMD {port}", "--rubric", "{tmp}/missing"], "missing"),
        (["relay", "--run", "CMD {port}", "--report", "{tmp}/octets"], "octets"),
        (["relay", "--run", "CMD {port}", "--report", "{tmp}/octets/below"], "octets"),
        (["relay", "--run", "CMD {port}", "--report", "/proc/there"], "/proc/there"),
        (["relay", "--run", "CMD {port}", "--patience", "0"], "above 0"),
        (["relay", "--run", "CMD {port}", "--patience", "nan"], "above 0"),
        (["relay", "--run", "CMD {port}", "--examples", "none"], "above 0"),
        (["relay", "--run", "CMD {port}", "--jobs", "0"], "above 0"),
        (["replay", "{tmp}/octets", "--run", "CMD {port}"], "octets"),
        (["list", "--explain", "RELAY-??9"], "RELAY-??9"),
        (["no-such-command"], "no-such-command"),
    ],
)
def test_a_wrong_command_line_gets_a_sentence(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "octets").write_bytes(b"\xff\0=")
    mine = command("right").removesuffix(" {port}")
    written = [each.replace("CMD", mine).replace("{tmp}", str(tmp_path)) for each in arguments]
    suite = run(tmp_path, *written)
    assert suite.status == 2
    assert words in suite.output.splitlines()[-1]
    assert not suite.pids.exists()
