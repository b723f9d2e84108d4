r"""A case as data: a list of operations that JSON can hold, and that is the replay file too.

Each operation is a dictionary with its name under ``op``. Octets are bytes in memory and
``{"octets": [PART, …]}`` in a file, a part being a string, ``{"hex": "…"}``, or
``{"repeat": PART, "times": N}``. What is expected stands in the list as well, so that a
script says by itself what it proves: ``about`` names the requirements that are broken when
the expectation is not met.
"""

import re
from typing import Any, Self

Operation = dict[str, Any]
_LONG_RUN = re.compile(rb"(?s)(.)\1{23,}")
_OCTETS_MAX = 64 << 20


class Script:
    """Builds a list of operations."""

    def __init__(self, *, fresh: bool = False, **start: Any) -> None:
        self.operations: list[Operation] = []
        self._subject: list[str] = []
        if fresh:
            self.add("fresh", **start)

    def add(self, name: str, /, **values: Any) -> Self:
        """Append an operation."""
        about = values.pop("about", None) or []
        about = [about] if isinstance(about, str) else about
        if about := list(dict.fromkeys([*self._subject, *about])):
            values["about"] = about
        self.operations.append({"op": name, **values})
        return self

    def on(self, *requirements: str) -> Self:
        """From here on everything that goes wrong breaks these, whatever else it breaks."""
        self._subject = list(requirements)
        return self

    # The lower tester

    def connect(self, who: str) -> Self:
        """Connect to the target."""
        return self.add("connect", at=who)

    def accept(self, who: str, about: str = "") -> Self:
        """Take the connection of a client under test."""
        return self.add("accept", at=who, about=about)

    def send(self, who: str, octets: bytes, cuts: list[int] | None = None) -> Self:
        """Send octets; at each cut wait until the target has read what came before."""
        return self.add("send", at=who, octets=octets, **({"cuts": cuts} if cuts else {}))

    def expect(self, who: str, *event: Any, about: str | list[str] = "") -> Self:
        """The next thing that comes is this event."""
        return self.add("expect", at=who, event=list(event), about=about)

    def expect_end(self, who: str, about: str | list[str] = "CLOSE-1") -> Self:
        """The target ends its side, by an end of stream and not by a reset."""
        return self.expect(who, "end", about=about)

    def end(self, who: str) -> Self:
        """End the sending side."""
        return self.add("end", at=who)

    def reset(self, who: str) -> Self:
        """Close by a reset."""
        return self.add("reset", at=who)

    def close(self, who: str) -> Self:
        """Close both sides at once."""
        return self.add("close", at=who)

    # The upper tester

    def type(self, *lines: bytes) -> Self:
        """Type lines at the target's standard input."""
        return self.add("type", octets=b"".join(line + b"\n" for line in lines))

    def shown(self, line: bytes, about: str | list[str] = "TERM-9") -> Self:
        """A line on the screen ends so."""
        return self.add("shown", line=line, about=about)

    def not_shown(self, line: bytes, about: str | list[str]) -> Self:
        """No line on the screen ends so, up to now."""
        return self.add("not_shown", line=line, about=about)

    def exits(self, status: int, about: str | list[str], seconds: float = 8) -> Self:
        """The program ends with this status."""
        return self.add("exits", status=status, about=about, seconds=seconds)


def pack(value: Any) -> Any:
    """The same as JSON can hold it."""
    match value:
        case bytes():
            return {"octets": _parts(value)}
        case dict():
            return {key: pack(each) for key, each in value.items()}
        case list() | tuple():
            return [pack(each) for each in value]
    return value


def unpack(value: Any) -> Any:
    """What ``pack`` was given."""
    match value:
        case {"octets": list(parts)} if len(value) == 1:
            return b"".join(map(_octets, parts))
        case dict():
            return {key: unpack(each) for key, each in value.items()}
        case list():
            return [unpack(each) for each in value]
    return value


def _parts(octets: bytes) -> list[Any]:
    parts: list[Any] = []
    at = 0
    for run in _LONG_RUN.finditer(octets):
        parts += [_part(octets[at : run.start()])] if run.start() > at else []
        parts.append({"repeat": _part(run[1]), "times": len(run[0])})
        at = run.end()
    return [*parts, _part(octets[at:])] if at < len(octets) or not parts else parts


def _part(octets: bytes) -> Any:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return {"hex": octets.hex()}


def _octets(part: Any) -> bytes:
    if isinstance(part, str):
        return part.encode()
    if "hex" in part:
        return bytes.fromhex(part["hex"])
    once, times = _octets(part["repeat"]), int(part["times"])
    if len(once) * times > _OCTETS_MAX:
        raise ValueError(f"an operation has at most {_OCTETS_MAX:,} octets")
    return once * times
