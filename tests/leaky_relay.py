"""Our relay, but that it keeps some memory for everybody who has ever come."""

import sys
from typing import Any

from reference import relayserver
from reference._room import Peer, Room

KEPT = 1 << 18
kept: list[bytearray] = []
_watch = Room._watch


def leaking(self: Room, peer: Peer, events: int) -> None:
    kept.append(bytearray(b"x") * KEPT)
    _watch(self, peer, events)


def main(arguments: Any = None) -> int:
    Room._watch = leaking  # type: ignore[method-assign]
    return relayserver.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
