"""All Python targets by name, and where the inputs are that are kept."""

from collections.abc import Callable
from pathlib import Path

from fuzz import client, decoder, files, reception, relay, report, screen, turns

HERE = Path(__file__).parent
IN_C = HERE.parent / "c_client" / "fuzz"

TARGETS: dict[str, Callable[[bytes], None]] = {
    "decoder": decoder.fuzz,
    "client": client.fuzz,
    "turns": turns.fuzz,
    "relay": relay.fuzz,
    "reception": reception.fuzz,
    "screen": screen.fuzz,
    "report": report.fuzz,
    "files": files.fuzz,
}
C_TARGETS = ("wire", "session", "outbox")
SAME_INPUTS = {"decoder": "wire", "client": "session"}
"""Python targets that read the inputs of one in C as well."""


def corpus(name: str) -> Path:
    """The directory of a target's corpus: few inputs that reach all that any of them reached."""
    return (IN_C if name in C_TARGETS else HERE) / "corpus" / name


def kept(name: str) -> list[Path]:
    """All inputs that a target has to bear, with those (``found/``) that it once did not."""
    names = {name, SAME_INPUTS.get(name, name)}
    return [
        path
        for place in (HERE, IN_C)
        for kind in ("corpus", "found")
        for each in sorted(names)
        for path in sorted((place / kind / each).glob("*"))
    ]
