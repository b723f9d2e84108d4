"""Carries out a list of operations against a target, and says where it deviates."""

import contextlib
import itertools
import resource
import socket
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from conformance import oracle
from conformance.deviation import Deviation, InconclusiveError, UnsupportedError
from conformance.drain_fence import DrainFence
from conformance.lower_tester import Connection, Network
from conformance.operations import Operation
from conformance.spec import CLIENT, RELAY, limits
from conformance.target import HOST, Target
from conformance.trace import Trace, escape
from conformance.upper_tester import Program, free_port, listening, wait_listening

_TOKEN_SECONDS = 0.02
"""So long a new connection is waited for before another token is sent to it."""
_DISMISSED = {"relay": "relay", "turns": "server", "client": "client"}


class Executor:
    """One run of one script."""

    def __init__(
        self, target: Target, fence: DrainFence, patience: float, blame: list[str]
    ) -> None:
        self.target = target
        self.patience = patience
        self.blame = blame
        self.middle = _DISMISSED[target.kind]
        self.person = "user" if target.kind == CLIENT else "operator"
        self.trace = Trace()
        self.network = Network(self.trace, fence, self.middle)
        self.pending: dict[str, deque[oracle.Event]] = {}
        self.own_handle: dict[str, str] = {}
        self.last: dict[str, oracle.Event] = {}
        self.counter = itertools.count()
        self.own_program: Program | None = None
        self.listener: socket.socket | None = None
        self.port = 0
        self.screen_at = 0
        self.measured: dict[str, tuple[int, int] | None] = {}
        self.screen_unread = False
        self.heard_size = 0
        self.heard_screen = 0
        self.noted_lines = 0
        self.signalled_at = 0.0
        self.ended_after = 0.0
        self.exited = False
        self.died = False
        self.stale = False
        """Whether the target should not be used for another script."""

    @property
    def program(self) -> Program | None:
        """The process that the script is about."""
        return self.own_program or self.target.program

    def run(self, operations: list[Operation]) -> None:
        """Carry them out; raises Deviation or InconclusiveError."""
        try:
            if self.target.kind != CLIENT and operations[:1] and operations[0]["op"] != "fresh":
                self.target.ready()
                if self.target.program is not None:
                    self.target.program.read()
                    self.target.program.screen = b""
            for operation in operations:
                self.network.screen = None if self.screen_unread else self.program
                method: Callable[[Operation], None] = getattr(self, f"_do_{operation['op']}")
                method(operation)
        except Deviation:
            self.stale = True
            raise
        finally:
            self._tear_down()
        if self.died:
            last = operations[-1] if operations else {"op": ""}
            raise Deviation(
                list(last.get("about") or self.blame),
                "died",
                "the program ended when all connections had ended",
                "a server that goes on",
            )

    def _tear_down(self) -> None:
        if not self.network.close(0.2 if self.stale else max(self.patience, 1.0)):
            self.stale = True
        program = self.target.program
        if program is not None and not program.alive:
            self.stale = self.died = True
        if self.own_program is not None:
            self.own_program.kill()
        if self.listener is not None:
            self.listener.close()
        if self.stale:
            self.target.stop()

    def _deviate(self, operation: Operation, symptom: str, summary: str, expected: str) -> None:
        about = list(operation.get("about") or self.blame)
        at = operation.get("at", self.person)
        self.trace.add(self.middle, at, "expected", b"", expected)
        program = self.program
        if (
            program is not None
            and not self.exited
            and (status := program.process.poll()) is not None
        ):
            if status < 0:
                about = list(dict.fromkeys([*about, "TERM-6"]))
            how = f"by signal {-status}" if status < 0 else f"with status {status}"
            raise Deviation(about, "died", f"{summary}; the program has ended {how}", expected)
        raise Deviation(about, symptom, summary, expected)

    # Starting

    def _do_fresh(self, operation: Operation) -> None:
        """A process for this script alone."""
        if not self.target.operable:
            raise UnsupportedError("needs a target that the suite starts itself")
        if self.target.kind != CLIENT:
            self.port = free_port()
            try:
                self.own_program = self.target.start(self.port, tty=operation.get("tty", ""))
            except InconclusiveError as error:
                if "about" not in operation:
                    raise
                self._deviate(operation, "does not start", str(error), "a server on that port")
            return
        if operation.get("refused"):
            self.port = free_port()
        else:
            self.listener = socket.create_server((HOST, 0))
            self.port = self.listener.getsockname()[1]
        self.own_program = self.target.launch(
            operation.get("port", self.port), tty=operation.get("tty", "")
        )

    def _do_restart(self, operation: Operation) -> None:
        """Start the ended server again on the same port."""
        assert self.own_program is not None
        self.own_program.kill()
        try:
            self.own_program = self.target.start(self.port)
        except InconclusiveError as error:
            self._deviate(operation, "does not start", str(error), "a server on the same port")
        self.exited = False
        self.screen_at = 0

    def _do_launch(self, operation: Operation) -> None:
        """Start a program with a command line of its own, and see it end."""
        named: dict[int | str, int | str] = {"same": self.port or 0, "any": 0}
        wanted: int | str = operation["port"]
        port = named.get(wanted, wanted)
        program = self.target.launch(port)
        try:
            status = program.ended(operation.get("seconds", 10))
        finally:
            program.kill()
        if status != operation["status"]:
            got = "runs on" if status is None else f"ended with status {status}"
            self._deviate(
                operation,
                f"status {status}",
                f"started with port {port!r} it {got}",
                f"status {operation['status']}",
            )

    def _do_announces_port(self, operation: Operation) -> None:
        """Started with port 0, it says which port it took, and listens there."""
        if not self.target.operable:
            raise UnsupportedError("needs a target that the suite starts itself")
        self.own_program = self.target.launch(0)
        deadline = time.monotonic() + max(8.0, self.patience)
        said = b"Listening on port "
        while time.monotonic() < deadline:
            lines = [line for line in self.own_program.lines() if said in line]
            if lines:
                number = lines[0].partition(said)[2].strip()
                if not number.isdigit():
                    break
                if listening(int(number)) is False:
                    self._deviate(
                        operation,
                        "too early",
                        "nobody listens on that port yet",
                        "a listening port",
                    )
                self.port = int(number)
                return
            if not self.own_program.wait_screen(deadline - time.monotonic()):
                self.own_program.read()
                if not any(said in line for line in self.own_program.lines()):
                    break
        shown = b" / ".join(self.own_program.lines()[:3])
        self._deviate(
            operation,
            "not said",
            f'its screen says "{escape(shown)}"',
            'a line "Listening on port PORT"',
        )

    # The lower tester

    def _do_connect(self, operation: Operation) -> None:
        program = self.program
        name = operation["at"]
        index = len(self.network.connections)
        port = self.port or self.target.port
        try:
            connected = self.target.connect(index, port, 5, operation.get("slow", False))
        except InconclusiveError as error:
            if program is None or program.ended(0.3) is None:
                raise
            self._deviate(operation, "died", str(error), "a server")
        self.network.take(name, connected)
        self.trace.add(name, self.middle, "event", b"", "connects")

    def _do_accept(self, operation: Operation) -> None:
        assert self.listener is not None
        if "receive_buffer" in operation:
            size = operation["receive_buffer"]
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        self.listener.settimeout(max(8.0, self.patience))
        try:
            accepted, _ = self.listener.accept()
        except OSError:
            self._deviate(operation, "no connection", "it does not connect", "a connection")
        self.network.take(operation["at"], accepted)

    def _do_says_nothing(self, operation: Operation) -> None:
        """It ends without one octet over whatever connection it makes meanwhile."""
        assert self.listener is not None
        program = self._need_person()
        self.listener.settimeout(0.01)
        connection = None
        deadline = time.monotonic() + max(8.0, self.patience)
        while time.monotonic() < deadline and not program.ended(0.0 if connection else 0.01):
            if connection is None:
                with contextlib.suppress(OSError):
                    connection = self.network.take("S", self.listener.accept()[0])
                continue
            line = self.network.line(connection, 0.05)
            if line is not None or connection.rest:
                got = escape(line or connection.rest)
                self._deviate(operation, "it spoke", f'it sent "{got}"', "nothing")
            if connection.ending:
                connection.end()
                return

    def _do_send(self, operation: Operation) -> None:
        connection = self.network.connections[operation["at"]]
        octets: bytes = operation["octets"]
        if connection.name not in self.own_handle:
            self.own_handle[connection.name] = octets.partition(b">")[0].decode(errors="replace")
        self.network.send(connection, octets, operation.get("cuts", []), max(self.patience, 5.0))

    def _do_flood(self, operation: Operation) -> None:
        """Send as many of these octets as the system takes without waiting, or all."""
        connection = self.network.connections[operation["at"]]
        octets = operation["octets"] * operation["times"]
        sent = 0
        with contextlib.suppress(OSError):
            while sent < len(octets):
                sent += connection.socket.send(octets[sent : sent + 262_144])
        connection.sent += sent
        note = f"{sent:,} octets at once"
        self.trace.add(connection.name, self.middle, "octets", octets[:200], note)

    def _do_hear_end(self, operation: Operation) -> None:
        """It ends its side, or closes; what it may still say before is no matter here."""
        connection = self.network.connections[operation["at"]]
        while self.network.line(connection, self.patience) is not None:
            pass
        if not connection.ending:
            self._deviate(operation, "stays open", "it keeps the connection", "an end")

    def _do_await(self, operation: Operation) -> None:
        """Wait until something comes."""
        connection = self.network.connections[operation["at"]]
        deadline = time.monotonic() + operation["seconds"]
        while not connection.lines and connection.readable:
            if not self.network.wait(max(0.0, deadline - time.monotonic()), connection):
                return

    def _do_send_and_end(self, operation: Operation) -> None:
        """Octets and the end of the stream in one go."""
        self._do_send(operation)
        self.network.connections[operation["at"]].end()

    def _do_close_rudely(self, operation: Operation) -> None:
        """Close both sides; whatever comes then is answered by a reset."""
        self.network.connections[operation["at"]].close()

    def _do_type_bulk(self, operation: Operation) -> None:
        """Type much while nobody reads at the other end; then read all of it."""
        connection = self.network.connections[operation["at"]]
        handle, size = operation["handle"], operation["size"]
        lines = [b"%06d" % number + b"x" * (size - 8) for number in range(operation["lines"])]
        left = memoryview(b"\n".join(lines) + b"\n")
        program = self._need_person()
        deadline = time.monotonic() + 20
        stalled_at = time.monotonic() + 0.4
        heard = 0
        while heard < len(lines):
            typed = program.type_some(left[:65536])
            left = left[typed:]
            now = time.monotonic()
            if typed:
                stalled_at = now + 0.2
            if now > stalled_at or not left:
                connection.paused = False
            if connection.paused:
                program.wait_screen(0.01)
                continue
            connection.received = 0
            line = self.network.line(connection, 0.01 if left else self.patience)
            while line is not None:
                want = f"{handle}>".encode() + lines[heard] + b"\n"
                if line != want:
                    text = f'"{escape(line)}" came as line {heard + 1}'
                    self._deviate(operation, "another line", text, f'"{escape(want)}"')
                heard += 1
                connection.received = 0
                connection.read()
                line = connection.lines.popleft() if connection.lines else None
            if now > deadline or (not left and heard < len(lines) and connection.ending):
                text = f"{heard} of {len(lines)} lines came"
                self._deviate(operation, "missing", text, "all of them")

    def _do_note_screen(self, operation: Operation) -> None:
        """Count lines from here on."""
        del operation
        program = self._need_person()
        program.read()
        self.noted_lines = len(program.lines())

    def _do_added_lines(self, operation: Operation) -> None:
        """No more lines than so many stand on the screen since then."""
        program = self._need_person()
        program.read()
        new = [line for line in program.lines()[self.noted_lines :] if line.strip()]
        if len(new) > operation["most"]:
            text = f'the screen says "{escape(b" / ".join(new))}"'
            self._deviate(operation, "told for nothing", text, "no word of empty lines")

    def _do_tells(self, operation: Operation) -> None:
        """What it said to its user since ``listen_up`` has this in it."""
        program = self._need_person()
        program.read()
        said = program.screen[self.heard_screen :] + program.errors
        if operation["what"].encode() not in said:
            self._deviate(
                operation,
                "not told",
                f'it says "{escape(said[-200:])}"',
                f"a notice with {operation['what']!r}",
            )

    def _do_end(self, operation: Operation) -> None:
        self.network.connections[operation["at"]].end()

    def _do_reset(self, operation: Operation) -> None:
        self.network.connections[operation["at"]].reset()

    def _do_close(self, operation: Operation) -> None:
        self.network.connections[operation["at"]].close()

    def _do_pause(self, operation: Operation) -> None:
        """Stop reading."""
        self.network.connections[operation["at"]].paused = True

    def _do_resume(self, operation: Operation) -> None:
        """Read again."""
        self.network.connections[operation["at"]].paused = False

    def _do_fence(self, operation: Operation) -> None:
        """Wait until the target has read all that was sent there."""
        connection = self.network.connections[operation["at"]]
        seconds = operation.get("seconds", self.patience)
        self.network.fence.wait(connection.socket, connection.sent, seconds)

    def _do_admit(self, operation: Operation) -> None:
        """Tokens of ``by`` until the silent ``at`` receives one; the others see each of them."""
        connection = self.network.connections[operation["at"]]
        by = self.network.connections[operation["by"]]
        deadline = time.monotonic() + self.patience
        handle = self.own_handle[by.name]
        first = last = next(self.counter)
        line = None
        while line is None:
            self.network.send(by, f"{handle}>~{last}\n".encode(), [], self.patience)
            line = self.network.line(connection, _TOKEN_SECONDS)
            if line is not None:
                break
            if time.monotonic() > deadline or connection.ending:
                self._deviate(
                    operation,
                    connection.ending or "missing",
                    f"{connection.name}, which has said nothing, hears nothing",
                    f"a text of {handle} at {connection.name}",
                )
            last = next(self.counter)
        heard = oracle.server_line(line.removesuffix(b"\n"))
        number = str(heard[2])[1:] if heard[0] == "text" else ""
        begin = int(number) if number.isdigit() else last
        self._check(operation, connection, ["text", handle, f"~{begin}"], heard)
        for number_ in range(begin + 1, last + 1):
            self._expect(operation, connection, ["text", handle, f"~{number_}"])
        for other in operation["others"]:
            for number_ in range(first, last + 1):
                self._expect(
                    operation, self.network.connections[other], ["text", handle, f"~{number_}"]
                )

    def _do_expect(self, operation: Operation) -> None:
        self._expect(operation, self.network.connections[operation["at"]], operation["event"])

    def _expect(self, operation: Operation, connection: Connection, want: oracle.Event) -> None:
        if want[0] == "end":
            self._expect_end(operation, connection)
        elif want[0] == "welcome" and self.target.kind == RELAY:
            self._expect_roster(operation, connection, want)
        else:
            self._check(operation, connection, want, self._event(operation, connection, want))

    def _event(
        self, operation: Operation, connection: Connection, want: oracle.Event
    ) -> oracle.Event:
        """The next event; a presence line of many handles is as many events."""
        pending = self.pending.setdefault(connection.name, deque())
        if not pending:
            line = self.network.line(connection, self.patience)
            if line is None:
                self._nothing_came(operation, connection, want)
            assert line is not None
            pending.extend(self._read_line(operation, connection, line))
        return pending.popleft()

    def _nothing_came(
        self, operation: Operation, connection: Connection, want: oracle.Event
    ) -> None:
        expected = say(want)
        name = connection.name
        if connection.rest:
            text = f'{name} received "{escape(connection.rest)}" without a line end'
            about = list(dict.fromkeys(["LINE-1", *operation.get("about", [])]))
            self._deviate({**operation, "about": about}, "unfinished line", text, expected)
        if connection.ending:
            how = "ended the stream" if connection.ending == "end" else "reset the connection"
            self._deviate(
                operation, connection.ending, f"{name}: the {self.middle} {how}", expected
            )
        self._deviate(operation, "missing", f"nothing came at {name}", expected)

    def _read_line(
        self, operation: Operation, connection: Connection, line: bytes
    ) -> list[oracle.Event]:
        content = line.removesuffix(b"\n")
        if self.target.kind == CLIENT:
            event = oracle.client_line(content, first=not connection.first_line_taken)
            connection.first_line_taken = True
            broken = event[0] == "violation"
            events = [event]
        else:
            event = oracle.server_line(content)
            broken = event[0] == "violation"
            handle = content.partition(b">")[0].decode(errors="replace")
            if not broken and oracle.is_server(handle) and handle != oracle.SERVER:
                self._deviate(
                    {**operation, "about": ["LINE-13"]},
                    "not in capitals",
                    f'{connection.name} received "{escape(line)}"',
                    "the handle SERVER in capitals",
                )
            several = event[0] in ("joined", "left")
            events = [[event[0], each] for each in event[1]] if several else [event]
        if broken:
            ended_badly = content.endswith(b"\r") or b"\0" in content or event[1] == "malformed"
            about = "LINE-1" if ended_badly else "LINE-4"
            own = operation.get("about") or []
            self._deviate(
                {**operation, "about": [*own, *([] if about in own else [about])]},
                "ill-formed line",
                f'{connection.name} received "{escape(line)}", which is {event[1]}',
                "a line of section 3",
            )
        return events

    def _check(
        self, operation: Operation, connection: Connection, want: oracle.Event, got: oracle.Event
    ) -> None:
        twice = got == self.last.get(connection.name)
        self.last[connection.name] = got
        if matches(want, got):
            return
        symptom = "another line"
        if got[0] == "error":
            symptom = f"error {got[1]}"
        elif got[0] == "text" and got[1] == self.own_handle.get(connection.name):
            symptom = "its own line back"
        elif twice:
            symptom = "twice"
        elif want[0] == "text" == got[0] and want[1] == got[1]:
            symptom = "another text"
        overtaken = connection.lines and any(
            matches(want, oracle.server_line(line[:-1])) for line in list(connection.lines)[:50]
        )
        later = "; the expected line came later" if overtaken else ""
        operation = dict(operation)
        if got[0] == "error" and got[1] == "idle":
            operation["about"] = ["ERR-9"]
        if symptom == "its own line back":
            operation = _also(operation, "RELAY-2")
        self._deviate(
            operation, symptom, f"{connection.name} received {say(got)}{later}", say(want)
        )

    def _do_expect_pieces(self, operation: Operation) -> None:
        """A long text in pieces, each a text of section 3; none lost, none a command.

        With ``nudge`` each piece but the first comes only after these octets were sent.
        """
        connection = self.network.connections[operation["at"]]
        left: str = operation["text"]
        want = ["text", operation["handle"]]
        nudge: bytes = operation.get("nudge", b"")
        while left:
            got = self._event(operation, connection, want)
            self._check(operation, connection, want, got)
            if not got[2] or not left.startswith(got[2]):
                self._deviate(
                    operation,
                    "another piece",
                    f"the piece {say(got)}",
                    f'a beginning of "{escape(left.encode())}"',
                )
            left = left[len(got[2]) :]
            if left and nudge:
                self._do_quiet({**operation, "seconds": 0.03})
                self.network.send(connection, nudge, [], self.patience)

    def _do_expect_any_order(self, operation: Operation) -> None:
        """These events come, in any order."""
        connection = self.network.connections[operation["at"]]
        left = [list(each) for each in operation["events"]]
        while left:
            got = self._event(operation, connection, left[0])
            found = [each for each in left if matches(each, got)]
            self._check(operation, connection, found[0] if found else left[0], got)
            left.remove(found[0])

    def _do_closed_within(self, operation: Operation) -> None:
        """After its end it does not wait for ours without limit."""
        connection = self.network.connections[operation["at"]]
        connection.paused = False
        self._do_settle({**operation, "seconds": operation["seconds"]})
        for _ in range(2):
            self.network.send(connection, b"x", [], 0.1)
            self.network.fence.wait(connection.socket, connection.sent, 0.05)
        if connection.ending != "reset":
            about = f"after {operation['seconds']} s its socket is still open"
            self._deviate(operation, "stays open", about, "that it closes after 30 s at the latest")

    def _do_crowd(self, operation: Operation) -> None:
        """Connect until one connection is ended: it has to be told that it is full."""
        for number in range(operation["most"]):
            name = f"N{number}"
            self._do_connect({**operation, "at": name})
            connection = self.network.connections[name]
            self.network.send(connection, f"n{number}>\\join chat/1\n".encode(), [], 1)
            line = self.network.line(connection, self.patience)
            event = oracle.server_line(line[:-1]) if line else ["nothing"]
            if event[0] != "welcome":
                self._check({**operation, "at": name}, connection, ["error", "full"], event)
                return

    def _do_expect_piece(self, operation: Operation) -> None:
        """Some text of this handle."""
        connection = self.network.connections[operation["at"]]
        want = ["text", operation["handle"]]
        self._check(operation, connection, want, self._event(operation, connection, want))

    def _do_expect_gone(self, operation: Operation) -> None:
        """A fresh process comes next: what this one still has to do is no matter."""
        del operation
        self.stale = True

    def _do_settle(self, operation: Operation) -> None:
        """Let the target take what it was typed, where nothing that it says tells when it has."""
        program = self._need_person()
        program.wait_typed(1.0)
        until = time.monotonic() + operation.get("seconds", 0.08)
        while (left := until - time.monotonic()) > 0 and program.alive:
            self.network.wait_any(left)
            program.read()

    def _do_lasted(self, operation: Operation) -> None:
        """The end came soon enough after the signal."""
        if self.ended_after > operation["most"] + 0.5:
            self._deviate(
                operation,
                "too slow",
                f"it took {self.ended_after:.1f} s to end",
                f"an end within {operation['most']:.0f} s",
            )

    def _do_exchange(self, operation: Operation) -> None:
        """Texts and replies, none of which the client reads: the turns must come to a stop."""
        connection = self.network.connections[operation["at"]]
        program = self._need_person()
        turns, size = operation["turns"], operation["size"]
        said = memoryview(b"".join(b"%s>\n" % operation["handle"].encode() for _ in range(turns)))
        typed = memoryview((b"y" * size + b"\n") * turns)
        line = f"{operation['handle']}>".encode()
        self.stale = True
        taken, progress_at = 0, time.monotonic()
        while taken < turns:
            with contextlib.suppress(OSError):
                said = said[connection.socket.send(said[:65536]) :] if said else said
            typed = typed[program.type_some(typed[:65536]) :]
            program.wait_screen(0.01)
            *whole, program.screen = program.screen.split(b"\n")
            new = sum(each.endswith(line) for each in whole)
            taken += new
            now = time.monotonic()
            if new:
                progress_at = now
            elif now - progress_at > max(0.7, self.patience / 2):
                return
        self._deviate(
            operation,
            "takes turns on",
            f"it took {operation['turns']:,} texts while no reply was read",
            "that it takes no text before the reply is handed over",
        )

    def _do_told(self, operation: Operation) -> None:
        """What was typed made it say something to the person, on either output."""
        program = self._need_person()
        deadline = time.monotonic() + max(self.patience, operation.get("seconds", 0))
        while len(program.screen) + program.errors_size <= self.heard_size:
            left = deadline - time.monotonic()
            if left <= 0 or not program.wait_screen(left):
                program.read()
                break
        if len(program.screen) + program.errors_size <= self.heard_size:
            self._deviate(operation, "not told", "it says nothing", "a notice to the person")

    def _do_listen_up(self, operation: Operation) -> None:
        """From here on something has to be said until the next ``told``."""
        del operation
        program = self._need_person()
        program.wait_screen(0.02)
        program.read()
        self.heard_size = len(program.screen) + program.errors_size
        self.heard_screen = len(program.screen)

    def _do_send_blocks(self, operation: Operation) -> None:
        """The target stops reading before it has taken so many octets."""
        connection = self.network.connections[operation["at"]]
        octets = operation["octets"] * operation["times"]
        sent = self.network.send(connection, octets, [], 0.6)
        if sent == len(octets):
            self._deviate(
                operation, "reads on", f"it took {sent:,} octets", "that it stops reading"
            )

    def _do_expect_last_of(self, operation: Operation) -> None:
        """Events like ``least`` may come until the wanted one does."""
        connection = self.network.connections[operation["at"]]
        for _ in range(operation.get("most", 8)):
            got = self._event(operation, connection, operation["event"])
            if matches(operation["event"], got):
                return
            self._check(operation, connection, operation["least"], got)
        self._check(operation, connection, operation["event"], got)

    def _do_forget(self, operation: Operation) -> None:
        """Close a connection that has ended, so that its name is free."""
        connection = self.network.connections.pop(operation["at"])
        connection.socket.close()
        self.own_handle.pop(connection.name, None)

    def _do_measure(self, operation: Operation) -> None:
        """Descriptors and memory of a process that is ours to look at; growth is a leak."""
        program = self.program
        if program is None:
            return
        found = measure(program.process.pid)
        before = self.measured.setdefault(operation["name"], found)
        if operation["name"] == "before" or found is None or before is None:
            return
        begun = self.measured["before"]
        assert begun is not None
        if found[0] > begun[0] + 8 or found[1] > begun[1] + (16 << 20):
            self._deviate(
                operation,
                "leak",
                f"it has {found[0]} descriptors and {found[1] >> 20} MiB, "
                f"before these sessions {begun[0]} and {begun[1] >> 20} MiB",
                "no growth",
            )

    def _expect_end(self, operation: Operation, connection: Connection) -> None:
        line = self.network.line(connection, self.patience)
        pending = self.pending.get(connection.name)
        if pending:
            self._deviate(operation, "more lines", f"{say(pending[0])} came", "the end of stream")
        if line is not None:
            self._deviate(
                operation,
                "more lines",
                f'{connection.name} received "{escape(line)}" after what should be the last line',
                "the end of the stream",
            )
        if connection.ending == "end" and not connection.rest:
            return
        what = {
            "": "the connection stays open",
            "reset": "the connection was reset",
            "end": f'an unfinished "{escape(connection.rest)}" came',
        }[connection.ending]
        self._deviate(operation, connection.ending or "stays open", what, "the end of the stream")

    def _expect_roster(
        self, operation: Operation, connection: Connection, want: oracle.Event
    ) -> None:
        """``["welcome", "relay", HANDLES]``; null for handles that nobody cares about."""
        got = self._event(operation, connection, want)
        self._check(operation, connection, ["welcome", 1, "relay"], got)
        here = [word[5:] for word in got[3] if word.startswith("here=")]
        roster: list[str] = []
        if "then" in operation:
            self._do_send({"op": "send", **operation["then"]})
        about = _also(operation, "RELAY-6")
        if len(here) != 1 or not here[0].isdigit():
            self._deviate(about, "no here=N", f"the welcome is {say(got)}", "one word here=N")
        while len(roster) < int(here[0]):
            presence = self._event(about, connection, ["joined", "…"])
            if presence[0] != "joined":
                self._deviate(
                    about,
                    "roster cut",
                    f"after {len(roster)} of {here[0]} handles came {say(presence)}",
                    f"{here[0]} handles straight after the welcome",
                )
            roster.append(presence[1])
        if want[2] is not None and sorted(roster) != sorted(want[2]):
            self._deviate(
                about,
                "wrong roster",
                f"the roster is {' '.join(sorted(roster)) or 'empty'}",
                f"{' '.join(sorted(want[2])) or 'an empty roster'}",
            )

    def _do_quiet(self, operation: Operation) -> None:
        """Nothing is there, or comes within ``seconds``."""
        connection = self.network.connections[operation["at"]]
        line = self.network.line(connection, operation.get("seconds", 0.0))
        if line is not None:
            event = oracle.server_line(line.removesuffix(b"\n"))
            if event[0] == "error" and event[1] == "idle":
                operation = {**operation, "about": ["ERR-9"]}
            self._deviate(
                operation, "it spoke", f'{connection.name} received "{escape(line)}"', "silence"
            )
        if connection.ending in ("end", "reset"):
            self._deviate(
                operation, connection.ending, f"{connection.name} was ended", "an open connection"
            )

    def _do_reads_on(self, operation: Operation) -> None:
        """After its end of stream the target still reads what it may not yet refuse (CLOSE-1)."""
        connection = self.network.connections[operation["at"]]
        soon = connection.ended_at + 0.7 * limits()["DRAIN_MIN_SECONDS"]
        for octets in (b"x" * 1000, b"y" * operation["octets_more"], b"z"):
            sent = self.network.send(connection, octets, [], 0.3)
            self.network.fence.wait(connection.socket, connection.sent, 0.05)
            with contextlib.suppress(BlockingIOError, OSError):
                connection.socket.recv(1)
            error = connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if time.monotonic() > soon:
                return
            if error or connection.ending == "reset" or sent < len(octets):
                self._deviate(
                    operation,
                    "closed early",
                    "it closed its socket with input unread, within a second of its end",
                    "that it reads and discards for 1 second or 262,144 octets",
                )

    def _do_storm(self, operation: Operation) -> None:
        """All speak at once; each hears each other's texts once, in one order."""
        texts: dict[str, list[str]] = operation["texts"]
        handles = {who: self.own_handle[who] for who in texts}
        left = {who: [f"{handles[who]}>{text}\n".encode() for text in texts[who]] for who in texts}
        for who, size in operation["bursts"]:
            octets = b"".join(left[who][:size])
            del left[who][:size]
            if octets:
                self.network.send(self.network.connections[who], octets, [], 5)
        heard = {who: self._hear_storm(operation, who, texts, handles) for who in operation["all"]}
        order: dict[tuple[str, str], set[str]] = {}
        merged: list[tuple[str, str]] = max(heard.values(), key=len, default=[])
        place = {line: at for at, line in enumerate(merged)}
        del order
        for who, lines in heard.items():
            places = [place[line] for line in lines if line in place]
            if places != sorted(places):
                at = next(i for i, (a, b) in enumerate(itertools.pairwise(places)) if a > b)
                common = [line for line in lines if line in place]
                self._deviate(
                    {**operation, "at": who, "about": ["RELAY-4"]},
                    "another order",
                    f"{who} heard {common[at][1]!r} before {common[at + 1][1]!r}, others not",
                    "the same order at all receivers",
                )

    def _hear_storm(
        self, operation: Operation, who: str, texts: dict[str, list[str]], handles: dict[str, str]
    ) -> list[tuple[str, str]]:
        connection = self.network.connections[who]
        speaker = {handle: name for name, handle in handles.items()}
        due = {handles[name]: deque(texts[name]) for name in texts if name != who}
        lines: list[tuple[str, str]] = []
        blamed = {**operation, "at": who}
        while any(due.values()):
            want = next([handle, queue[0]] for handle, queue in due.items() if queue)
            got = self._event(blamed, connection, ["text", *want])
            if got[0] == "text" and speaker.get(got[1]) == who:
                about = {**blamed, "about": ["RELAY-2"]}
                self._deviate(
                    about, "its own line back", f"{who} heard {say(got)}", "others' lines"
                )
            if got[0] != "text" or not due.get(got[1]) or due[got[1]][0] != got[2]:
                ahead = got[0] == "text" and got[2] in due.get(got[1], ())
                about = {**blamed, "about": ["RELAY-1", *(["RELAY-4"] if ahead else [])]}
                queue = due.get(got[1] if got[0] == "text" else "") or deque([want[1]])
                self._deviate(
                    about,
                    "lost or reordered" if ahead else "another line",
                    f"{who} heard {say(got)}",
                    f"the text {queue[0]!r}",
                )
            due[got[1]].popleft()
            lines.append((got[1], got[2]))
        return lines

    def _do_bulk(self, operation: Operation) -> None:
        """``by`` sends this many lines of this size; ``readers`` read all of them meanwhile."""
        by = self.network.connections[operation["by"]]
        handle = self.own_handle[by.name]
        count, size = operation["lines"], operation["size"]
        lines = [
            f"{handle}>{number:06d}".encode().ljust(size - 1, b"x") + b"\n"
            for number in range(count)
        ]
        readers = [self.network.connections[each] for each in operation["readers"]]
        heard = dict.fromkeys(operation["readers"], 0)
        deadline = time.monotonic() + operation.get("seconds", 10) + self.patience
        for start in range(0, count, 64):
            self.network.send(by, b"".join(lines[start : start + 64]), [], 10)
            for reader in readers:
                while reader.lines or self._ready(reader):
                    self._hear_bulk(operation, reader, lines, heard)
        for reader in readers:
            while heard[reader.name] < count:
                if time.monotonic() > deadline:
                    self._deviate(
                        {**operation, "at": reader.name},
                        "held up",
                        f"{reader.name} has {heard[reader.name]} of {count} lines",
                        "all of them",
                    )
                self._hear_bulk(operation, reader, lines, heard)

    def _ready(self, connection: Connection) -> bool:
        connection.read()
        return bool(connection.lines)

    def _hear_bulk(
        self, operation: Operation, reader: Connection, lines: list[bytes], heard: dict[str, int]
    ) -> None:
        number = heard[reader.name]
        reader.received = 0
        line = self.network.line(reader, max(self.patience, 1.0))
        if line == f"SERVER>\\left {operation.get('gone')}\n".encode():
            return
        if line != lines[min(number, len(lines) - 1)]:
            what = "nothing" if line is None else f'"{escape(line)}"'
            self._deviate(
                {**operation, "at": reader.name},
                "missing" if line is None else "another line",
                f"{reader.name} received {what} as line {number + 1} of {len(lines)}",
                f'"{escape(lines[number])}"',
            )
        heard[reader.name] += 1

    def _do_catch_up(self, operation: Operation) -> None:
        """Who had stopped reading finds the lines of a bulk: all, or a beginning and too-slow."""
        connection = self.network.connections[operation["at"]]
        handle = self.own_handle[operation["by"]]
        connection.paused = False
        size = operation["size"]
        for number in range(operation["lines"]):
            connection.received = 0
            line = self.network.line(connection, max(self.patience, 1.0))
            want = f"{handle}>{number:06d}".encode().ljust(size - 1, b"x") + b"\n"
            if line == want:
                continue
            dropped = line and oracle.server_line(line[:-1])[:2] == ["error", "too-slow"]
            if dropped and number * size >= operation["at_least"]:
                return
            what = "nothing" if line is None else f'"{escape(line)}"'
            self._deviate(
                operation,
                "not all delivered",
                f"{what} came as line {number + 1}, after {number * size:,} octets",
                f'"{escape(want)}"',
            )

    def _do_not_drowned(self, operation: Operation) -> None:
        """The text of a modest client comes before half of a flood."""
        connection = self.network.connections[operation["at"]]
        flooder = self.network.connections[operation["flooder"]]
        octets = 0
        deadline = time.monotonic() + max(10.0, self.patience)
        want = ["text", *operation["text"]]
        while time.monotonic() < deadline:
            connection.received = 0
            line = self.network.line(connection, self.patience)
            if line is None:
                self._nothing_came(operation, connection, want)
            assert line is not None
            if oracle.server_line(line[:-1]) == want:
                break
            octets += len(line)
        if octets > max(6 * limits()["READ_MAX_OCTETS"], flooder.sent // 2):
            self._deviate(
                operation,
                "drowned",
                f"{octets:,} of {flooder.sent:,} octets of the flood came first",
                "the modest client's text long before",
            )
        flooder.reset()
        left = ["left", self.own_handle[flooder.name]]
        while time.monotonic() < deadline and line is not None:
            connection.received = 0
            line = self.network.line(connection, self.patience)
            if line is not None and oracle.server_line(line[:-1]) == [left[0], [left[1]]]:
                return
        self.stale = True

    # The upper tester

    def _need_person(self) -> Program:
        program = self.program
        if program is None:
            raise UnsupportedError(f"needs the {self.person}'s side of the target")
        return program

    def _do_type(self, operation: Operation) -> None:
        self.trace.add(self.person, self.middle, "octets", operation["octets"], "typed")
        typed = self._need_person().type(operation["octets"], max(self.patience, 2.0))
        if not typed and not operation.get("in_vain"):
            self._deviate(operation, "input unread", "its input is not read", "that it is read")

    def _do_end_input(self, operation: Operation) -> None:
        del operation
        self.trace.add(self.person, self.middle, "event", b"", "ends the input")
        self._need_person().end_input()

    def _do_signal(self, operation: Operation) -> None:
        self.trace.add(self.person, self.middle, "event", b"", operation["name"])
        self.signalled_at = time.monotonic()
        self._need_person().signal(operation["name"])

    def _do_shown(self, operation: Operation) -> None:
        program = self._need_person()
        want: bytes = operation["line"]
        deadline = time.monotonic() + self.patience
        while True:
            lines = program.lines()
            for at in range(self.screen_at, len(lines)):
                if lines[at].endswith(want):
                    self.screen_at = at + 1
                    self.trace.add(self.middle, self.person, "octets", lines[at], "shown")
                    return
            left = deadline - time.monotonic()
            if left <= 0 or not program.wait_screen(left):
                program.read()
                if len(program.lines()) == len(lines):
                    break
        seen = program.lines()[self.screen_at :][-3:]
        symptom = (
            "shown late or out of order"
            if any(line.endswith(want) for line in program.lines())
            else "not shown"
        )
        self._deviate(
            operation,
            symptom,
            f'the screen says "{escape(b" / ".join(seen))}"' if seen else "the screen is empty",
            f'a line that ends in "{escape(want)}"',
        )

    def _do_not_shown(self, operation: Operation) -> None:
        program = self._need_person()
        program.read()
        want: bytes = operation["line"]
        for line in program.screen.split(b"\n"):
            if (want in line) if operation.get("anywhere") else plain_ends(line, want):
                self._deviate(
                    operation,
                    "shown",
                    f'the screen says "{escape(line)}"',
                    f'no line with "{escape(want)}"',
                )

    def _do_shown_once(self, operation: Operation) -> None:
        program = self._need_person()
        program.read()
        want: bytes = operation["line"]
        count = sum(line.endswith(want) for line in program.lines())
        if count != 1:
            self._deviate(
                operation, f"shown {count} times", f'"{escape(want)}" stands {count} times', "once"
            )

    def _do_screen_says_more(self, operation: Operation) -> None:
        """Something new stands on the screen, or on a line not ended: the person was told."""
        program = self._need_person()
        deadline = time.monotonic() + operation.get("seconds", self.patience)
        while not program.screen.split(b"\n")[self.screen_at :][:1] > [b""]:
            left = deadline - time.monotonic()
            if left <= 0 or not program.wait_screen(left):
                self._deviate(operation, "not told", "nothing new on the screen", "a notice")

    def _do_exits(self, operation: Operation) -> None:
        program = self._need_person()
        seconds = max(operation["seconds"], self.patience)
        begun = time.monotonic()
        for connection in self.network.connections.values():
            connection.paused = False
        status = program.ended(seconds)
        self.ended_after = time.monotonic() - (self.signalled_at or begun)
        self.exited = True
        self.trace.add(self.middle, self.person, "event", b"", f"ends: status {status}")
        want = operation["status"]
        if status is None:
            self._deviate(
                operation,
                "runs on",
                f"it runs on after {time.monotonic() - begun:.1f} s",
                f"an end with status {want}",
            )
        elif status < 0:
            about = ["TERM-6", *operation.get("about", [])]
            self._deviate(
                {**operation, "about": about},
                f"signal {-status}",
                f"signal {-status} ended it",
                f"status {want}",
            )
        elif status != want:
            self._deviate(
                operation, f"status {status}", f"it ended with status {status}", f"status {want}"
            )

    def _do_alive(self, operation: Operation) -> None:
        program = self.program
        if program is not None and not program.alive:
            self._deviate(operation, "died", "it has ended", "a server that goes on")

    def _do_leave_screen_unread(self, operation: Operation) -> None:
        """From here on nobody reads what it shows."""
        del operation
        self.screen_unread = True

    def _do_wait_listening(self, operation: Operation) -> None:
        program = self._need_person()
        if not wait_listening(self.port, program, 10):
            self._deviate(operation, "does not listen", "nobody listens", "a listening server")


def _also(operation: Operation, requirement: str) -> Operation:
    """The operation, with one more requirement that it is about."""
    return {**operation, "about": list(dict.fromkeys([requirement, *operation.get("about", [])]))}


def matches(want: oracle.Event, got: oracle.Event) -> bool:
    """Whether the beginning of an event is the wanted one; null stands for anything."""
    return len(got) >= len(want) and all(
        each is None or each == other for each, other in zip(want, got, strict=False)
    )


def measure(pid: int) -> tuple[int, int] | None:
    """Open descriptors and resident octets of a process; None where the system cannot say."""
    place = Path("/proc") / str(pid)
    try:
        pages = int((place / "statm").read_text(encoding="ascii").split()[1])
        return len(list((place / "fd").iterdir())), pages * resource.getpagesize()
    except OSError:
        return None


def plain_ends(line: bytes, want: bytes) -> bool:
    """Whether what a line shows ends so."""
    from conformance.upper_tester import plain

    return plain(line).endswith(want)


def say(event: oracle.Event) -> str:
    """An event as the octets of a line, about."""
    match event:
        case ["text", handle, text]:
            return f'"{escape(f"{handle}>{text}".encode())}"'
        case ["text", handle]:
            return f"a text of {handle}"
        case ["end"]:
            return "the end of the stream"
        case ["quit", *rest]:
            return f'"{rest[0] if rest and rest[0] else oracle.SERVER}>\\quit"'
        case ["join", handle, *_]:
            return f'"{handle}>\\join chat/1"'
        case ["violation", code]:
            return f"a line that is {code}"
        case [name, *words]:
            flat = [
                str(each)
                for word in words
                if word is not None
                for each in (word if isinstance(word, list) else [word])
            ]
            if name == "welcome" and flat and flat[0].isdigit():
                flat[0] = f"chat/{flat[0]}"
            return f'"SERVER>\\{" ".join([name, *flat])}"'
    return str(event)
