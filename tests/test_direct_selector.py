"""The selector of the relay: what it serves itself takes nothing from the loop."""

import selectors
import socket
import time

from reference._direct_selector import DirectSelector, Ready

TURNS = 1000


def test_the_time_comes_however_much_there_is_to_serve() -> None:
    """Timers of the loop must run while somebody floods."""
    near, far = socket.socketpair()
    selector = DirectSelector()
    served = 0

    def leave_it(_ready: Ready) -> None:
        nonlocal served
        served += 1
        assert served < TURNS or time.monotonic() < begun + 10, "it never comes back"

    selector.serve = leave_it
    selector.register(near, selectors.EVENT_READ, "ours")
    far.send(b"x")  # nobody reads it, so there is always something
    for seconds in (0, 0.01):
        begun = time.monotonic()
        assert selector.select(seconds) == []
    assert served > 0
    with near, far:
        selector.close()
