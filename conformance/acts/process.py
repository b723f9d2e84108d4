"""Acts on the program under test as a process: starting, signals, its end, what it uses."""

import resource
import socket
import time
from pathlib import Path

from conformance.deviation import InconclusiveError, UnsupportedError
from conformance.executor import Executor, act
from conformance.operations import Operation
from conformance.ports import free_port
from conformance.spec import CLIENT
from conformance.target import HOST
from conformance.trace import escape
from conformance.upper_tester import listening


@act
def fresh(run: Executor, operation: Operation) -> None:
    """A process for this script alone."""
    if not run.target.operable:
        raise UnsupportedError("needs a target that the suite starts itself")
    if run.target.kind != CLIENT:
        run.port = free_port()
        try:
            run.own_program = run.target.start(run.port, tty=operation.get("tty", ""))
        except InconclusiveError as error:
            if "about" not in operation:
                raise
            run.deviate(operation, "does not start", str(error), "a server on that port")
        return
    if operation.get("refused"):
        run.port = free_port()
    else:
        run.listener = socket.create_server((HOST, 0))
        if "receive_buffer" in operation:
            size = operation["receive_buffer"]
            run.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        run.port = run.listener.getsockname()[1]
    run.own_program = run.target.launch(
        operation.get("port", run.port), tty=operation.get("tty", "")
    )


@act
def restart(run: Executor, operation: Operation) -> None:
    """Start the ended server again on the same port."""
    assert run.own_program is not None
    run.own_program.kill()
    try:
        run.own_program = run.target.start(run.port)
    except InconclusiveError as error:
        run.deviate(operation, "does not start", str(error), "a server on the same port")
    run.exited = False
    run.screen.read_lines = 0


@act
def launch(run: Executor, operation: Operation) -> None:
    """Start a program with a command line of its own, and see it end."""
    named: dict[int | str, int | str] = {"same": run.port or 0, "any": 0}
    wanted: int | str = operation["port"]
    port = named.get(wanted, wanted)
    program = run.target.launch(port)
    try:
        status = program.ended(operation.get("seconds", 10))
    finally:
        program.kill()
    if status != operation["status"]:
        got = "runs on" if status is None else f"ended with status {status}"
        run.deviate(
            operation,
            f"status {status}",
            f"started with port {port!r} it {got}",
            f"status {operation['status']}",
        )


@act
def announces_port(run: Executor, operation: Operation) -> None:
    """Started with port 0, it says which port it took, and listens there."""
    if not run.target.operable:
        raise UnsupportedError("needs a target that the suite starts itself")
    run.own_program = run.target.launch(0)
    deadline = time.monotonic() + max(8.0, run.patience)
    said = b"Listening on port "
    while time.monotonic() < deadline:
        lines = [line for line in run.own_program.lines() if said in line]
        if lines:
            number = lines[0].partition(said)[2].strip()
            if not number.isdigit() or len(number) > 5:
                break
            if listening(int(number)) is False:
                run.deviate(
                    operation,
                    "too early",
                    "nobody listens on that port yet",
                    "a listening port",
                )
            run.port = int(number)
            return
        if not run.own_program.wait_screen(deadline - time.monotonic()):
            run.own_program.read()
            if not any(said in line for line in run.own_program.lines()):
                break
    shown = b" / ".join(run.own_program.lines()[:3])
    run.deviate(
        operation,
        "not said",
        f'its screen says "{escape(shown)}"',
        'a line "Listening on port PORT"',
    )


@act
def signal(run: Executor, operation: Operation) -> None:
    """Send it a signal; ``lasted`` counts from here."""
    run.trace.add(run.person, run.middle, "event", b"", operation["name"])
    run.signalled_at = time.monotonic()
    run.person_side.signal(operation["name"])


@act
def exits(run: Executor, operation: Operation) -> None:
    """It ends with this status, and not by a signal."""
    program = run.person_side
    seconds = max(operation["seconds"], run.patience)
    begun = time.monotonic()
    for connection in run.network.connections.values():
        connection.paused = False
    status = program.ended(seconds)
    run.ended_after = time.monotonic() - (run.signalled_at or begun)
    run.exited = True
    run.trace.add(run.middle, run.person, "event", b"", f"ends: status {status}")
    want = operation["status"]
    if status is None:
        run.deviate(
            operation,
            "runs on",
            f"it runs on after {time.monotonic() - begun:.1f} s",
            f"an end with status {want}",
        )
    elif status < 0:
        about = ["TERM-6", *operation.get("about", [])]
        run.deviate(
            {**operation, "about": about},
            f"signal {-status}",
            f"signal {-status} ended it",
            f"status {want}",
        )
    elif status != want:
        run.deviate(
            operation, f"status {status}", f"it ended with status {status}", f"status {want}"
        )


@act
def lasted(run: Executor, operation: Operation) -> None:
    """The end came soon enough after the signal."""
    if run.ended_after > operation["most"] + 0.5:
        run.deviate(
            operation,
            "too slow",
            f"it took {run.ended_after:.1f} s to end",
            f"an end within {operation['most']:.0f} s",
        )


@act
def alive(run: Executor, operation: Operation) -> None:
    """It has not ended."""
    program = run.program
    if program is not None and not program.alive:
        run.deviate(operation, "died", "it has ended", "a server that goes on")


@act
def expect_gone(run: Executor, operation: Operation) -> None:
    """A fresh process comes next: what this one still has to do is no matter."""
    del operation
    run.stale = True


@act
def measure(run: Executor, operation: Operation) -> None:
    """Descriptors and memory of a process that is ours to look at; growth is a leak."""
    program = run.program
    if program is None or not run.target.operable:
        return
    found = resources(program.process.pid)
    before = run.measured.setdefault(operation["name"], found)
    if operation["name"] == "before" or found is None or before is None:
        return
    begun = run.measured["before"]
    assert begun is not None
    if found[0] > begun[0] + 8 or found[1] > begun[1] + (16 << 20):
        run.deviate(
            operation,
            "leak",
            f"it has {found[0]} descriptors and {found[1] >> 20} MiB, "
            f"before these sessions {begun[0]} and {begun[1] >> 20} MiB",
            "no growth",
        )


def resources(pid: int) -> tuple[int, int] | None:
    """Open descriptors and resident octets of a process; None where the system cannot say."""
    place = Path("/proc") / str(pid)
    try:
        pages = int((place / "statm").read_text(encoding="ascii").split()[1])
        return len(list((place / "fd").iterdir())), pages * resource.getpagesize()
    except OSError:
        return None
