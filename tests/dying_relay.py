"""Our relay, but that a signal of its own making ends it after some seconds."""

import signal
import sys

from reference import relayserver

SECONDS = 3

if __name__ == "__main__":
    signal.alarm(SECONDS)
    sys.exit(relayserver.main())
