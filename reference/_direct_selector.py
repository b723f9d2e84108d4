"""A selector for asyncio that serves some sockets itself, without a trip through the loop.

asyncio takes some microseconds for each callback; a relay that passes on a line has a few
for the whole turn. So the relay's sockets are served here, between two looks at what is
ready, and the loop gets only what is its own: signals, timers, the console's threads.
"""

import selectors
import time
from collections.abc import Callable

Ready = list[tuple[selectors.SelectorKey, int]]


class DirectSelector(selectors.DefaultSelector):
    """asyncio's selector. What is registered with anything but a tuple as its data is
    served here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.serve: Callable[[Ready], None] = lambda _ready: None
        """Called with what is ready of the sockets that are served here."""
        self._hand_back = False

    def hand_back(self) -> None:
        """To be called when ``serve`` has scheduled something with the loop."""
        self._hand_back = True

    def select(self, timeout: float | None = None) -> Ready:
        """Serve our own until something of the loop's is ready, or the time is over."""
        self._hand_back = False
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            ready = super().select(timeout)
            loops = [each for each in ready if type(each[0].data) is tuple]  # as asyncio registers
            if len(loops) != len(ready):
                own = [each for each in ready if type(each[0].data) is not tuple]
                self.serve(own if loops else ready)
            if loops or not ready or self._hand_back:
                return loops
            if deadline is not None:
                timeout = deadline - time.monotonic()
                if timeout <= 0:
                    return loops
