"""What is measured, as data: the name says it, the arguments are the load generator's."""

from attrs import frozen

from bench.servers import FLOOR, OURS, QUEUE_OFF

STALLED_QUEUE = 1 << 20
STALLED_FILL = 60_000
"""Messages: more octets than the system and a queue take for one receiver."""
IDLE = 10_000
BESIDE_STALLED = (FLOOR, OURS, "inspircd", "redis", "nats")
"""Those that bound what they keep for a receiver."""


@frozen
class Scenario:
    """One run: a server is started, put under load, and stopped."""

    name: str
    arguments: tuple[str, ...]
    quick: bool = False
    """Whether it belongs to ``--quick``."""
    servers: tuple[str, ...] = ()
    """Only these; empty: all."""
    queue: int = QUEUE_OFF
    """Octets that a server may keep for a receiver that does not read."""


def _fan_out(receivers: int, window: int) -> Scenario:
    return Scenario(
        f"A{receivers}/W{window}",
        ("--scenario", "A", "--clients", f"{receivers}", "--window", f"{window}"),
        quick=(receivers, window) in {(10, 1), (100, 64)},
    )


def _everybody(clients: int, window: int) -> Scenario:
    return Scenario(
        f"B{clients}/W{window}",
        ("--scenario", "B", "--clients", f"{clients}", "--window", f"{window}"),
        quick=(clients, window) == (50, 1),
    )


def _paced(rate: int) -> Scenario:
    return Scenario(
        f"R50@{rate}",
        ("--scenario", "B", "--clients", "50", "--rate", f"{rate}"),
        quick=rate == 3_000,
    )


def _stalled(count: int) -> Scenario:
    return Scenario(
        f"stalled{count}",
        (
            *("--clients", "10", "--window", "64"),
            *("--stalled", f"{count}", "--fill", f"{STALLED_FILL}"),
        ),
        servers=BESIDE_STALLED,
        queue=STALLED_QUEUE,
    )


SCENARIOS = (
    *(_fan_out(receivers, window) for window in (1, 64, 1024) for receivers in (10, 100, 500)),
    *(_everybody(clients, window) for window in (1, 16) for clients in (50, 200)),
    *(_paced(rate) for rate in (1_000, 3_000, 12_000, 30_000)),
    Scenario("idle10000", ("--clients", "10", "--idle", f"{IDLE}", "--together", "256")),
    *(_stalled(count) for count in (0, 1, 100, 1_000)),
)
