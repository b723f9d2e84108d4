"""Lines as a terminal is to show them: nothing in them is invisible, or moves what is visible."""

import re

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


def terminal_text(octets: bytes) -> bytes:
    """The same with each invisible or reordering character as its code point (TERM-13)."""
    if octets.isascii():
        return octets
    return _INVISIBLE.sub(lambda found: f"<U+{ord(found[0]):04X}>", octets.decode()).encode()
