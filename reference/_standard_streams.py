"""Standard streams that are broken, or that a program was started without."""

import io
import os
import sys
from typing import Any


class _Forgiving(io.FileIO):
    """What cannot be written is lost, and nothing else is."""

    def write(self, octets: Any) -> int:
        try:
            return super().write(octets)
        except OSError:
            return len(octets)


def settle_standard_streams() -> None:
    """Let printing never end a program (RELAY-18); who needs to know asks the console.

    A stream that the program was started without becomes one that always fails, under a
    number of its own: the first file or socket that is opened gets the number that is free.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and stream.isatty():
            continue
        descriptor = os.open(os.devnull, os.O_RDONLY) if stream is None else stream.fileno()
        written = io.BufferedWriter(_Forgiving(descriptor, "w", closefd=False))
        encoding, errors = (
            ("utf-8", "replace") if stream is None else (stream.encoding, stream.errors)
        )
        setattr(
            sys, name, io.TextIOWrapper(written, encoding, errors, line_buffering=name == "stderr")
        )
