"""The operator's or user's side: lines typed, lines shown.

Two kinds with the same methods: a terminal, where what arrives is shown above what is
being typed, and plain standard input and output.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator
from typing import Protocol

LINE_MAX = 1 << 20
"""Octets of one line of standard input; more is refused, not cut."""


class InputError(Exception):
    """A typed line cannot be taken; the sentence says why."""


class Console(Protocol):
    """Lines typed and lines shown."""

    at_terminal: bool
    failed: asyncio.Event
    """Set when nothing can be shown any more."""

    def show(self, line: str) -> None:
        """Write a line to standard output."""

    def set_prompt(self, prompt: str) -> None:
        """Show from now on what is to be typed, and whose turn it is."""

    async def read(self) -> str | None:
        """The next typed line, without its end; None at the end of input.

        Raises InputError for a line that cannot be taken; the next one can be read.
        """

    def forget_typed(self) -> int:
        """Drop lines typed and not yet read, and the half-typed one; how many that were."""


class PlainConsole:
    """Standard input and output as they are; a thread waits for the input."""

    at_terminal = False

    def __init__(self) -> None:
        self.failed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._wanted = threading.Semaphore(0)
        self._answer: asyncio.Future[bytes] | None = None
        self._output = os.dup(sys.stdout.fileno())
        # A daemon, and os.read() under it, so that it never holds up the end of the program.
        threading.Thread(target=self._read_lines, daemon=True).start()

    def show(self, line: str) -> None:
        rest = line.encode() + b"\n"
        try:
            while rest and not self.failed.is_set():
                rest = rest[os.write(self._output, rest) :]
        except OSError as error:
            print(f"cannot write to standard output: {error.strerror}", file=sys.stderr)
            self.failed.set()

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
                octets = self._read_octets()
                ended = not octets
                held += octets
            end = held.find(b"\n") + 1 or len(held)
            line = bytes(held[:end])
            del held[:end]
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._deliver, line)

    @staticmethod
    def _read_octets() -> bytes:
        try:
            return os.read(0, 65536)
        except OSError:
            return b""

    def _deliver(self, line: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(line)


class TerminalConsole:
    """A terminal, with line editing and history by prompt_toolkit."""

    at_terminal = True

    def __init__(self) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

        self.failed = asyncio.Event()
        keys = KeyBindings()
        self._typed: asyncio.Queue[str | None] = asyncio.Queue()
        self._prompt = ""
        self._unshown: list[str] = []
        self._session: PromptSession[str] = PromptSession(
            lambda: self._prompt, key_bindings=keys, erase_when_done=True
        )

        @keys.add("enter")
        def _(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            lines = buffer.text.split("\n")  # several when they were pasted
            buffer.append_to_history()
            buffer.reset()
            for line in lines:
                self._typed.put_nowait(line)

        @keys.add("c-c")
        def _(_event: KeyPressEvent) -> None:
            self._typed.put_nowait(None)

        @keys.add("c-d")
        def _(event: KeyPressEvent) -> None:
            if event.current_buffer.text:
                event.current_buffer.delete()
            else:
                self._typed.put_nowait(None)

    async def run(self) -> None:
        """Read keys until cancelled."""
        try:
            await self._session.prompt_async(handle_sigint=False)
        finally:
            self._typed.put_nowait(None)

    def show(self, line: str) -> None:
        if not self._unshown:
            asyncio.get_running_loop().call_soon(self._show_above)
        self._unshown.append(line)

    def _show_above(self) -> None:
        from prompt_toolkit.application import run_in_terminal

        if self._session.app.is_running:
            run_in_terminal(self.write_shown)
        else:
            self.write_shown()

    def write_shown(self) -> None:
        """Write what was shown and is not yet on the screen."""
        if self._unshown:
            text = "".join(f"{line}\n" for line in self._unshown)
            self._unshown.clear()
            sys.stdout.write(text)
            sys.stdout.flush()

    def set_prompt(self, prompt: str) -> None:
        if prompt != self._prompt:
            self._prompt = prompt
            self._session.app.invalidate()

    async def read(self) -> str | None:
        return await self._typed.get()

    def forget_typed(self) -> int:
        forgotten = 0
        while not self._typed.empty():
            self._typed.get_nowait()
            forgotten += 1
        if self._session.default_buffer.text:
            self._session.default_buffer.reset()
            forgotten += 1
        return forgotten


@contextlib.asynccontextmanager
async def open_console() -> AsyncIterator[Console]:
    """The console that fits: a terminal when both standard input and output are one."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield PlainConsole()
        return
    console = TerminalConsole()
    keys = asyncio.create_task(console.run())
    try:
        yield console
    finally:
        keys.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keys
        console.write_shown()
