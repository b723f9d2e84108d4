"""Acts of the upper tester: typing, and what the person sees."""

import contextlib
import time

from conformance.executor import Executor, act
from conformance.operations import Operation
from conformance.trace import escape
from conformance.upper_tester import plain


@act
def type_(run: Executor, operation: Operation) -> None:
    """Type these octets, and see that they are read."""
    run.trace.add(run.person, run.middle, "octets", operation["octets"], "typed")
    typed = run.person_side.type(operation["octets"], max(run.patience, 2.0))
    if not typed and not operation.get("in_vain"):
        run.deviate(operation, "input unread", "its input is not read", "that it is read")


@act
def end_input(run: Executor, operation: Operation) -> None:
    """End its standard input."""
    del operation
    run.trace.add(run.person, run.middle, "event", b"", "ends the input")
    run.person_side.end_input()


@act
def leave_screen_unread(run: Executor, operation: Operation) -> None:
    """From here on nobody reads what it shows."""
    del operation
    run.screen.left_unread = True


@act
def settle(run: Executor, operation: Operation) -> None:
    """Let the target take what it was typed, where nothing that it says tells when it has."""
    program = run.person_side
    program.wait_typed(1.0)
    until = time.monotonic() + operation.get("seconds", 0.08)
    while (left := until - time.monotonic()) > 0 and program.alive:
        run.network.wait_any(left)
        program.read()


@act
def listen_up(run: Executor, operation: Operation) -> None:
    """From here on something has to be said until the next ``told``."""
    del operation
    program = run.person_side
    program.wait_screen(0.02)
    program.read()
    run.screen.heard_octets = len(program.screen) + program.errors_size
    run.screen.heard_screen = len(program.screen)


@act
def told(run: Executor, operation: Operation) -> None:
    """What was typed made it say something to the person, on either output."""
    program = run.person_side
    deadline = time.monotonic() + max(run.patience, operation.get("seconds", 0))
    while len(program.screen) + program.errors_size <= run.screen.heard_octets:
        left = deadline - time.monotonic()
        if left <= 0 or not program.wait_screen(left):
            program.read()
            break
    if len(program.screen) + program.errors_size <= run.screen.heard_octets:
        run.deviate(operation, "not told", "it says nothing", "a notice to the person")


@act
def tells(run: Executor, operation: Operation) -> None:
    """What it said to its user since ``listen_up`` has this in it."""
    program = run.person_side
    program.read()
    said = program.screen[run.screen.heard_screen :] + program.errors
    if operation["what"].encode() not in said:
        run.deviate(
            operation,
            "not told",
            f'it says "{escape(said[-200:])}"',
            f"a notice with {operation['what']!r}",
        )


@act
def shown(run: Executor, operation: Operation) -> None:
    """A line ends so, behind the last one that was looked for."""
    program = run.person_side
    want: bytes = operation["line"]
    deadline = time.monotonic() + run.patience
    late = False
    looked = run.screen.read_lines
    while True:
        lines = program.lines()
        for at in range(looked, len(lines)):
            if lines[at].endswith(want):
                run.screen.read_lines = at + 1
                run.trace.add(run.middle, run.person, "octets", lines[at], "shown")
                return
        looked = len(lines)
        if late:
            break
        left = deadline - time.monotonic()
        late = left <= 0 or not run.network.wait_any(left)
        if late:
            program.read()
    seen = program.lines()[run.screen.read_lines :][-3:]
    symptom = (
        "shown late or out of order"
        if any(line.endswith(want) for line in program.lines())
        else "not shown"
    )
    run.deviate(
        operation,
        symptom,
        f'the screen says "{escape(b" / ".join(seen))}"' if seen else "the screen is empty",
        f'a line that ends in "{escape(want)}"',
    )


@act
def not_shown(run: Executor, operation: Operation) -> None:
    """No line ends so, or with ``anywhere`` has it in it."""
    program = run.person_side
    program.read()
    want: bytes = operation["line"]
    for line in program.screen.split(b"\n"):
        if (want in line) if operation.get("anywhere") else plain_ends(line, want):
            run.deviate(
                operation,
                "shown",
                f'the screen says "{escape(line)}"',
                f'no line with "{escape(want)}"',
            )


@act
def shown_once(run: Executor, operation: Operation) -> None:
    """Exactly one line ends so."""
    program = run.person_side
    program.read()
    want: bytes = operation["line"]
    count = sum(line.endswith(want) for line in program.lines())
    if count != 1:
        run.deviate(
            operation, f"shown {count} times", f'"{escape(want)}" stands {count} times', "once"
        )


@act
def note_screen(run: Executor, operation: Operation) -> None:
    """Count lines from here on."""
    del operation
    run.person_side.read()
    run.screen.noted_lines = len(run.person_side.lines())


@act
def as_many_lines(run: Executor, operation: Operation) -> None:
    """As many lines were added since the last look as the first time, and no more."""
    program = run.person_side
    program.read()
    new = [line for line in program.lines()[run.screen.noted_lines :] if line.strip()]
    run.screen.usual_lines = run.screen.usual_lines or len(new)
    if len(new) > run.screen.usual_lines:
        text = f'the screen says "{escape(b" / ".join(new))}"'
        run.deviate(operation, "told for nothing", text, "no more lines than before")
    run.screen.noted_lines = len(program.lines())


@act
def type_bulk(run: Executor, operation: Operation) -> None:
    """Type much while nobody reads at the other end; then read all of it."""
    connection = run.network.connections[operation["at"]]
    handle, size = operation["handle"], operation["size"]
    lines = [b"%06d" % number + b"x" * (size - 8) for number in range(operation["lines"])]
    left = memoryview(b"\n".join(lines) + b"\n")
    program = run.person_side
    progress_at = time.monotonic()
    stalled_at = time.monotonic() + 0.4
    heard = 0
    while heard < len(lines):
        typed = program.type_some(left[:65536])
        left = left[typed:]
        now = time.monotonic()
        if typed:
            progress_at, stalled_at = now, now + 0.2
        if now > stalled_at or not left:
            connection.paused = False
        if connection.paused:
            program.wait_screen(0.01)
            continue
        connection.received = 0
        line = run.network.line(connection, 0.01 if left else run.patience)
        while line is not None:
            want = f"{handle}>".encode() + lines[min(heard, len(lines) - 1)] + b"\n"
            if heard == len(lines) or line != want:
                text = f'"{escape(line)}" came as line {heard + 1}'
                run.deviate(operation, "another line", text, f'"{escape(want)}"')
            heard += 1
            progress_at = time.monotonic()
            connection.received = 0
            connection.read()
            line = connection.lines.popleft() if connection.lines else None
        if heard < len(lines) and (connection.ending or now - progress_at > 2 * run.patience):
            text = f"{heard} of {len(lines)} lines came"
            run.deviate(operation, "missing", text, "all of them")


@act
def exchange(run: Executor, operation: Operation) -> None:
    """Texts and replies, none of which the client reads: the turns must come to a stop."""
    connection = run.network.connections[operation["at"]]
    program = run.person_side
    turns, size = operation["turns"], operation["size"]
    said = memoryview(b"".join(b"%s>\n" % operation["handle"].encode() for _ in range(turns)))
    typed = memoryview((b"y" * size + b"\n") * turns)
    line = f"{operation['handle']}>".encode()
    run.stale = True
    taken, progress_at = 0, time.monotonic()
    while taken < turns:
        with contextlib.suppress(OSError):
            said = said[connection.socket.send(said[:65536]) :] if said else said
        typed = typed[program.type_some(typed[:65536]) :]
        program.wait_screen(0.01)
        *whole, program.screen = program.screen.split(b"\n")
        new = sum(plain_ends(each, line) for each in whole)
        taken += new
        now = time.monotonic()
        if new:
            progress_at = now
        elif now - progress_at > max(0.7, run.patience / 2):
            note = f"{taken} texts, none of whose replies is read"
            run.trace.add(connection.name, run.middle, "event", b"", note)
            return
    run.deviate(
        operation,
        "takes turns on",
        f"it took {operation['turns']:,} texts while no reply was read",
        "that it takes no text before the reply is handed over",
    )


def plain_ends(line: bytes, want: bytes) -> bool:
    """Whether what a line shows ends so."""
    return plain(line).endswith(want)
