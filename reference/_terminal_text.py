"""Lines as a terminal is to show them.

Nothing in them is invisible, or moves what is visible. Handles of messages and the notices of
the program are in colours, which no text can hold: a text whose rest begins a row of its own
cannot be taken for either (section 15, wrap spoofing).
"""

import os
import re
import zlib

from chatproto import HANDLE_PATTERN, SERVER_HANDLE

INVISIBLE = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x2029),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
"""First and last of each range of section 15."""

_INVISIBLE = re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in INVISIBLE)}]")

BOLD, CYAN = 1, 36
HANDLE_COLOURS = (31, 32, 33, 34, 35, 91, 92, 93, 94, 95)
"""Whoever speaks keeps one of these; the server is bold, notices are cyan. With NO_COLOR in
the environment all are bold."""
_OWN = re.compile(rf"^(?:({HANDLE_PATTERN})(?=>)|.+)".encode(), re.MULTILINE)


def terminal_text(octets: bytes) -> bytes:
    """Lines as a terminal is to show them. A dumb one would show the codes of colours."""
    shown = visible(octets)
    return shown if os.environ.get("TERM") == "dumb" else coloured(shown)


def visible(octets: bytes) -> bytes:
    """The same with each invisible or reordering character as its code point (TERM-13)."""
    if octets.isascii():
        return octets
    return _INVISIBLE.sub(lambda found: f"<U+{ord(found[0]):04X}>", octets.decode()).encode()


def coloured(octets: bytes) -> bytes:
    """The same with the handle of each message, and the whole of each other line, in colour."""
    return _OWN.sub(lambda found: b"\x1b[%dm%s\x1b[m" % (_colour(found[1]), found[0]), octets)


def _colour(handle: bytes | None) -> int:
    if os.environ.get("NO_COLOR"):
        return BOLD
    if handle is None:
        return CYAN
    if handle.upper() == SERVER_HANDLE.encode():
        return BOLD
    return HANDLE_COLOURS[zlib.crc32(handle.lower()) % len(HANDLE_COLOURS)]
