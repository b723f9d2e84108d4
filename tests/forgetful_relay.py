"""Our relay, but that it passes on every tenth chunk of lines to its operator only."""

import itertools
import sys

from chatproto import Effect, Forward, Relay
from reference import relayserver
from reference._room import Peer

_receive = Relay.receive
_chunks = itertools.count(1)


def forgetting(self: Relay[Peer], who: Peer, data: bytes) -> list[Effect[Peer]]:
    effects = _receive(self, who, data)
    forget = next(_chunks) % 10 == 0
    return [each for each in effects if not (forget and isinstance(each, Forward))]


if __name__ == "__main__":
    Relay.receive = forgetting  # type: ignore[method-assign, assignment]
    sys.exit(relayserver.main())
