"""The side of the person at the program: lines typed, lines shown.

Two kinds with the same methods: a terminal, where what arrives is shown above what is
being typed, and plain standard input and output. Either does its reading and writing in
threads of its own: a screen that is not read, or a terminal that is stopped, holds up
nobody.
"""

import asyncio
import contextlib
import os
import queue
import signal
import sys
import termios
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from reference._terminal_text import terminal_text

LINE_MAX = 1 << 20
"""Octets of one line of standard input; more is refused, not cut."""
UNSHOWN_MAX = 1 << 20
"""Octets that may wait for the screen; lines beyond that are counted, and the count is shown."""
GATHER_SECONDS = 0.02
"""So long lines are gathered before the screen is written."""
CLOSE_SECONDS = 1
"""So long the end waits for the screen."""
WRITE_OCTETS = 1 << 16
"""Octets written at once: what a pipe holds."""


class InputError(Exception):
    """A typed line cannot be taken; the sentence says why."""


class Console(ABC):
    """Lines typed and lines shown. All methods are called in the event loop."""

    at_terminal: bool

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.failed = asyncio.Event()
        """Set when nothing can be shown any more."""
        self._on_terminal = sys.stdout.isatty()
        self._unshown: list[bytes] = []
        self._unshown_size = 0
        self._missed = 0
        self._shown = asyncio.Event()
        self._shown.set()
        self._writes = 0
        """How often something has come out."""
        self._has_room = asyncio.Event()
        self._has_room.set()

    def show(self, line: str) -> None:
        """Write a line to standard output."""
        self.show_lines(line.encode() + b"\n")

    def show_lines(self, octets: bytes) -> bool:
        """Write whole lines to standard output: as they are, or for a terminal.

        Returns whether it has scheduled that with the event loop just now.
        """
        if self._missed or self._unshown_size + len(octets) > UNSHOWN_MAX:
            self._missed += octets.count(b"\n")
            return False
        self._unshown.append(octets)
        self._unshown_size += len(octets)
        if self._unshown_size > UNSHOWN_MAX // 2:
            self._has_room.clear()
        if not self._shown.is_set():
            return False
        self._shown.clear()
        self._loop.call_later(GATHER_SECONDS, self._hand_over)
        return True

    def _hand_over(self) -> None:
        if self._missed:
            self._unshown.append(b"-- %d lines were not shown here\n" % self._missed)
        octets = b"".join(self._unshown)
        self._unshown.clear()
        self._unshown_size = self._missed = 0
        self._has_room.set()
        self._write(terminal_text(octets) if self._on_terminal else octets)

    def _written(self) -> None:
        if self._unshown or self._missed:
            self._loop.call_later(GATHER_SECONDS, self._hand_over)
        else:
            self._shown.set()

    def _fail(self, error: OSError) -> None:
        if not self.failed.is_set():
            self.failed.set()
            with contextlib.suppress(OSError):
                print(f"cannot write to standard output: {error.strerror}", file=sys.stderr)

    async def room(self) -> None:
        """Wait until there is room for lines: for those who rather wait than miss one."""
        await self._has_room.wait()

    async def flush(self, *, patiently: bool = False) -> None:
        """Wait, but not for ever, until all is on the screen.

        Patiently is as long as anything comes out there.
        """
        waiting = True
        while waiting:
            writes = self._writes
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._shown.wait(), CLOSE_SECONDS)
            waiting = patiently and not self._shown.is_set() and self._writes > writes

    @abstractmethod
    def _write(self, octets: bytes) -> None:
        """Start writing; _written() is called when it is done."""

    @abstractmethod
    async def read(self) -> str | None:
        """The next typed line, without its end; None at the end of input.

        Raises InputError for a line that cannot be taken; the next one can be read.
        """

    @abstractmethod
    def set_prompt(self, prompt: str) -> None:
        """Show from now on what is to be typed, and whose turn it is."""

    @abstractmethod
    def forget_typed(self) -> int:
        """Drop lines typed and not yet read, and the half-typed one; how many that were."""


class PlainConsole(Console):
    """Standard input and output as they are."""

    at_terminal = False

    def __init__(self) -> None:
        super().__init__()
        self._wanted = threading.Semaphore(0)
        self._answer: asyncio.Future[bytes] | None = None
        self._to_write: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        # Daemons, with os.read() and os.write() under them: they never hold up the end.
        threading.Thread(target=self._read_lines, daemon=True).start()
        threading.Thread(target=self._write_lines, daemon=True).start()

    def _write(self, octets: bytes) -> None:
        self._to_write.put(octets)

    def _write_lines(self) -> None:
        output = os.dup(sys.stdout.fileno())
        while True:
            octets = self._to_write.get()
            try:
                while octets:
                    octets = octets[os.write(output, octets[:WRITE_OCTETS]) :]
                    self._writes += 1
            except OSError as error:
                self._call(self._fail, error)
            self._call(self._written)

    def set_prompt(self, prompt: str) -> None:
        """Nobody looks at a prompt."""

    async def read(self) -> str | None:
        if self._answer is None:
            self._answer = self._loop.create_future()
            self._wanted.release()
        line = await asyncio.shield(self._answer)
        self._answer = None
        if not line:
            return None
        if len(line) > LINE_MAX:
            raise InputError(f"a line of more than {LINE_MAX:,} octets")
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"not UTF-8 (octet {error.start + 1} of the line)") from None

    def forget_typed(self) -> int:
        return 0

    def _read_lines(self) -> None:
        held = bytearray()
        ended = False
        while True:
            self._wanted.acquire()
            while not ended and b"\n" not in held:
                del held[LINE_MAX + 1 :]  # it stays too long, and is bounded
                octets = _read_octets()
                ended = not octets
                held += octets
            end = held.find(b"\n") + 1 or len(held)
            line = bytes(held[:end])
            del held[:end]
            self._call(self._deliver, line)

    def _deliver(self, line: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(line)

    def _call(self, method: object, *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(method, *arguments)  # type: ignore[arg-type]


def _read_octets() -> bytes:
    try:
        return os.read(sys.stdin.fileno(), 65536)
    except OSError:
        return b""


class TerminalConsole(Console):
    """A terminal, with line editing and history by prompt_toolkit."""

    at_terminal = True

    def __init__(self) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

        super().__init__()
        keys = KeyBindings()
        self._typed: asyncio.Queue[str | None] = asyncio.Queue()
        self._prompt = ""
        self._forgetting = False
        self._settings = termios.tcgetattr(0)
        self._session: PromptSession[str] = PromptSession(
            lambda: self._prompt, key_bindings=keys, erase_when_done=True, enable_suspend=True
        )

        @keys.add("enter")
        def _(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            lines = buffer.text.split("\n")  # several when they were pasted
            buffer.append_to_history()
            buffer.reset()
            if not self._forgetting:
                self._take(*lines)

        @keys.add("c-c")
        def _(_event: KeyPressEvent) -> None:
            os.kill(os.getpid(), signal.SIGINT)  # as where nobody reads the keys

        @keys.add("c-d")
        def _(event: KeyPressEvent) -> None:
            if event.current_buffer.text:
                event.current_buffer.delete()
            else:
                self._take(None)

        self._editing = asyncio.new_event_loop()
        self._started = threading.Event()
        self._editor = threading.Thread(target=self._edit, daemon=True)
        self._editor.start()
        self._started.wait()

    def _edit(self) -> None:
        """Read keys, in a thread and event loop of their own."""
        try:
            self._editing.run_until_complete(
                self._session.prompt_async(handle_sigint=False, pre_run=self._started.set)
            )
        except (EOFError, OSError):
            pass
        finally:
            self._started.set()
            self._take(None)

    def _take(self, *lines: str | None) -> None:
        for line in lines:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._typed.put_nowait, line)

    def _write(self, octets: bytes) -> None:
        try:
            self._editing.call_soon_threadsafe(self._write_above, octets)
        except RuntimeError:  # nobody edits any more
            _write_to_terminal(octets)
            self._written()

    def _write_above(self, octets: bytes) -> None:
        from prompt_toolkit.application import run_in_terminal

        def write() -> None:
            try:
                _write_to_terminal(octets)
            except OSError as error:
                self._loop.call_soon_threadsafe(self._fail, error)
            self._loop.call_soon_threadsafe(self._written)

        with contextlib.suppress(RuntimeError):
            run_in_terminal(write)

    def set_prompt(self, prompt: str) -> None:
        if prompt != self._prompt:
            self._prompt = prompt
            with contextlib.suppress(RuntimeError):
                self._editing.call_soon_threadsafe(self._session.app.invalidate)

    async def read(self) -> str | None:
        return await self._typed.get()

    def forget_typed(self) -> int:
        forgotten = 0
        while not self._typed.empty():
            self._typed.get_nowait()
            forgotten += 1
        if self._session.default_buffer.text:
            forgotten += 1
            self._forgetting = True
            with contextlib.suppress(RuntimeError):
                self._editing.call_soon_threadsafe(self._forget_half_typed)
        return forgotten

    def _forget_half_typed(self) -> None:
        self._session.default_buffer.reset()
        self._forgetting = False

    def close(self) -> None:
        """Give the terminal back as it was."""

        def leave() -> None:
            if self._session.app.is_running:
                self._session.app.exit(result="")

        with contextlib.suppress(RuntimeError):
            self._editing.call_soon_threadsafe(leave)
        self._editor.join(CLOSE_SECONDS)
        termios.tcsetattr(0, termios.TCSANOW, self._settings)


def _write_to_terminal(octets: bytes) -> None:
    while octets:
        octets = octets[os.write(1, octets) :]


@contextlib.asynccontextmanager
async def open_console(*, patient: bool = False) -> AsyncIterator[Console]:
    """The console that fits: a terminal when both standard input and output are one.

    A patient one does not end before all is shown, if anybody reads it.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        plain = PlainConsole()
        yield plain
        await plain.flush(patiently=patient)
        return
    console = TerminalConsole()
    try:
        yield console
        await console.flush()
    finally:
        console.close()
