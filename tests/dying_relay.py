"""Our relay, but that a signal of its own making ends it some seconds after its start."""

import signal
import sys
from typing import Any

from reference import relayserver

SECONDS = 2


class DyingServer(relayserver.RelayServer):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        signal.alarm(SECONDS)


if __name__ == "__main__":
    relayserver.RelayServer = DyingServer  # type: ignore[assignment, misc]
    sys.exit(relayserver.main())
