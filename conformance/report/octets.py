"""Octets and texts of a target, written so that they can be read and cannot do harm."""

import re
import unicodedata
from typing import Any

_LONGEST = 10_000
"""A text beyond it is cut in its middle: a target that floods must not bloat the report."""

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of what is not seen, reorders what is, or is not allowed in XML."""

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_RUN = re.compile(r'((?:\\x[0-9A-Fa-f]{2}|\\[^x]|[^"\\]))\1{15,}')
_NOTHING = re.compile(r'^"" | ""(?= |$)')
"""Empty quotes that a run leaves before or behind itself."""

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\0": r"\0"}


def escaped(octets: bytes) -> str:
    r"""Octets as a chart shows them: ``"a>" "x"*500 "\n"``. What is not ASCII becomes ``\xNN``."""
    text = "".join(_octet(value) for value in octets)
    return shortened(f'"{text}"')


def shortened(written: str) -> str:
    """The same quoted octets with long runs as ``"x"*500``; done twice it changes no more."""

    def run(match: re.Match[str]) -> str:
        return f'" "{match[1]}"*{len(match[0]) // len(match[1])} "'

    if not written.startswith('"'):
        return written
    found, runs = _RUN.subn(run, written)
    return _NOTHING.sub("", found) if runs else written


def visible(text: str, *, lines: bool = False) -> str:
    r"""Controls, surrogates, invisible and reordering characters as ``\xNN`` or ``\uNNNN``.

    With ``lines`` LF stays what it is.
    """
    return "".join(
        character if lines and character == "\n" else _character(character) for character in text
    )


def left_to_right(text: str) -> str:
    r"""Right-to-left letters too as ``\uNNNN``: on a terminal they would move the columns."""
    return "".join(
        _numbered(character)
        if unicodedata.bidirectional(character) in _RIGHT_TO_LEFT
        else character
        for character in text
    )


def in_ascii(text: str) -> str:
    r"""Everything but ASCII as ``\uNNNN``, for a terminal that has nothing else."""
    return "".join(character if character.isascii() else _numbered(character) for character in text)


def clean(value: Any) -> Any:
    """A whole report with every text in it made visible and bounded."""
    if isinstance(value, str):
        return visible(_bounded(value), lines=True)
    if isinstance(value, dict):
        return {clean(key): clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [clean(each) for each in value]
    return value


def without_surrogates(value: Any) -> Any:
    r"""A whole report in which lone surrogates, which JSON cannot carry, are ``\uDCNN``."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_surrogates(each) for each in value]
    return value


def _octet(value: int) -> str:
    character = chr(value)
    if character in _SHORT:
        return _SHORT[character]
    if character in '"\\':
        return f"\\{character}"
    return character if 0x20 <= value <= 0x7E else f"\\x{value:02x}"


def _character(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    return _numbered(character) if unicodedata.category(character) in _INVISIBLE else character


def _numbered(character: str) -> str:
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _bounded(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]} … ({len(text) - 2 * half} characters left out) … {text[-half:]}"
