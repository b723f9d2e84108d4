"""Runs a target for some time under libFuzzer, in C by make and in Python by Atheris."""

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fuzz.seeds import SEEDS
from fuzz.targets import C_TARGETS, IN_C, SAME_INPUTS, TARGETS, corpus, kept
from tests.c_build import make

C_CLIENT = IN_C.parent
WORK = IN_C.parent.parent / ".fuzz"
"""What is found, and what went wrong."""

_LIBFUZZER = ("-max_len=2048", "-timeout=20", "-print_final_stats=1", f"-dict={IN_C}/chat.dict")
_EXECUTIONS = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_SPEED = re.compile(r"^stat::average_exec_per_sec:\s*(\d+)", re.MULTILINE)
_NEW = re.compile(r"^stat::new_units_added:\s*(\d+)", re.MULTILINE)
_LEFT_BEHIND = re.compile(r"Test unit written to (\S+)")
_WRONG = re.compile(r"^(?:NOT SO: .*|\w*(?:Error|Exception)\b.*|.*ERROR: .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """What came of one target."""

    name: str
    executions: int
    per_second: int
    inputs: int
    new: int
    wrong: str
    """What is not as it has to be; nothing, if all is."""
    remark: str = ""

    def line(self) -> str:
        """As the summary has it."""
        end = self.wrong or self.remark or "nothing found"
        return (
            f"{self.name:10} {self.executions:11,} {self.per_second:9,} "
            f"{self.inputs:7} {self.new:5}  {end}"
        )


HEAD = f"{'target':10} {'executions':>11} {'each s':>9} {'corpus':>7} {'new':>5}  result"


def prepare(names: list[str]) -> None:
    """Build what is in C once, before several of them run side by side."""
    if set(names) & {*C_TARGETS, *SAME_INPUTS}:
        make("fuzz-programs" if shutil.which("clang") else "fuzz-replay-programs")
    if set(names) & set(SAME_INPUTS):
        make("libchat.so")
    for name in names:
        _sow(name)


def found(name: str) -> Path:
    """Where a target's new inputs are kept."""
    place = C_CLIENT / "build" / "fuzz" if name in C_TARGETS else WORK
    return place / "corpus" / name


def _sow(name: str) -> None:
    """Put the seeds among what was found."""
    found(name).mkdir(parents=True, exist_ok=True)
    for octets in SEEDS[name]():
        (found(name) / hashlib.sha1(octets).hexdigest()).write_bytes(octets)  # noqa: S324


def _command(name: str, seconds: int) -> list[str]:
    if name in C_TARGETS:
        return ["make", "-s", "-C", str(C_CLIENT), f"fuzz-{name}", f"FUZZ_SECONDS={seconds}"]
    return [
        *(sys.executable, "-m", "fuzz.one", name, *_LIBFUZZER),
        *(f"-max_total_time={seconds}", f"-artifact_prefix={WORK}/{name}-"),
        *(str(found(name)), *sorted({str(path.parent) for path in kept(name)})),
    ]


def run(name: str, seconds: int) -> Result:
    """For so many seconds; where there is no libFuzzer, only what is kept is run again."""
    if name in C_TARGETS and shutil.which("clang") is None:
        return _replayed_in_c(name)
    if name not in C_TARGETS and importlib.util.find_spec("atheris") is None:
        return replay(name, [], "only replayed, for there is no Atheris here")
    log = WORK / f"{name}.log"
    with log.open("wb") as out:
        status = subprocess.run(
            _command(name, seconds), stdout=out, stderr=subprocess.STDOUT, check=False
        ).returncode
    said = log.read_text(encoding="utf-8", errors="replace")
    numbers = [
        int(each[1]) if (each := it.search(said)) else 0 for it in (_EXECUTIONS, _SPEED, _NEW)
    ]
    return Result(
        name, numbers[0], numbers[1], len(kept(name)), numbers[2], _wrong(status, said, name)
    )


def _wrong(status: int, said: str, name: str) -> str:
    if status == 0:
        return ""
    sentence = next(iter(_WRONG.findall(said)), f"it ended with status {status}")
    left = _LEFT_BEHIND.search(said)
    if left is None:
        return f"{sentence}\n  see {WORK / name}.log"
    path = C_CLIENT / left[1] if name in C_TARGETS else Path(left[1])
    octets = path.read_bytes()
    return (
        f"{sentence}\n  input    {octets[:200]!r}{' …' if len(octets) > 200 else ''}"
        f"\n  in       {path}\n  again    python -m fuzz --replay {name} {path}"
    )


def replay(name: str, files: list[Path], remark: str = "") -> Result:
    """Run these inputs once, or all that are kept; what goes wrong is raised here."""
    if name in C_TARGETS:
        return _replayed_in_c(name, files)
    inputs = files or kept(name)
    for path in inputs:
        try:
            TARGETS[name](path.read_bytes())
        except Exception as error:
            error.add_note(f"with the input {path}")
            raise
    return Result(name, len(inputs), 0, len(kept(name)), 0, "", remark or "replayed")


def _replayed_in_c(name: str, files: list[Path] | None = None) -> Result:
    given = [f"INPUT={' '.join(str(path.absolute()) for path in files)}"] if files else []
    command = ["make", "-s", "-C", str(C_CLIENT), f"fuzz-replay-{name}", *given]
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    wrong = "" if ended.returncode == 0 else ended.stderr
    remark = "replayed" if files else "only replayed, for there is no clang here"
    count = len(files or ()) or len(kept(name))
    return Result(name, count, 0, len(kept(name)), 0, wrong, remark)


def merge(name: str) -> None:
    """Keep of what was found and what is kept as few inputs as have the same coverage."""
    if name in C_TARGETS:
        subprocess.run(["make", "-s", "-C", str(C_CLIENT), f"fuzz-merge-{name}"], check=True)
        return
    merged, place = WORK / "merged" / name, corpus(name)
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir(parents=True)
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            *(sys.executable, "-m", "fuzz.one", name, *_LIBFUZZER, "-set_cover_merge=1"),
            *(str(merged), str(place), str(found(name))),
        ],
        check=True,
    )
    shutil.rmtree(place)
    shutil.move(merged, place)
