"""A cable between two hosts that does to packets what networks do, by a seeded dice.

What `tc netem` does in kernels that have it, done here for any kernel: the cable joins a
network device (tun) of either host, reads the packets and passes them on, or not. TCP at
both ends is the system's own.
"""

import asyncio
import contextlib
import itertools
import os
import random
from collections import Counter

from attrs import frozen

from endurance.faults.hosts import PACKET_MAX, Host

PACKETS_AT_ONCE = 64
_numbers = itertools.count(1)


@frozen
class Weather:
    """What happens to the packets of one direction; chances are from 0 to 1."""

    delay: float = 0.0
    """Seconds."""
    jitter: float = 0.0
    """Seconds, by which the delay is more or less; so packets overtake each other."""
    loss: float = 0.0
    burst: float = 0.0
    """The chance that the packet after a lost one is lost too, if that is more."""
    duplicate: float = 0.0
    corrupt: float = 0.0
    """One bit is turned."""
    overtake: float = 0.0
    """It is not delayed."""
    rate: float = 0.0
    """Octets in a second; 0: as fast as it goes."""
    queue: float = 64_000.0
    """Octets that wait because of the rate; what comes on top is lost."""


CLEAR = Weather()


class Cable:
    """Between a near and a far host; ``there`` goes to the far one, ``back`` comes from it."""

    def __init__(
        self,
        near: Host,
        far: Host,
        dice: random.Random,
        there: Weather = CLEAR,
        back: Weather = CLEAR,
        *,
        mtu: int = 1500,
    ) -> None:
        number = next(_numbers)
        self.name = f"cable{number}"
        net = number % 200
        ends = [[f"198.18.{net}.{end}", f"2001:db8:{net:x}::{end}"] for end in (1, 2)]
        if mtu < 1280:  # IPv6 does without such links
            ends = [addresses[:1] for addresses in ends]
        self.near_addresses, self.far_addresses = ends
        self._plugs = (
            near.plug(self.name, ends[0], ends[1], mtu),
            far.plug(self.name, ends[1], ends[0], mtu),
        )
        self._far = far
        self._dice = dice
        self._loop = asyncio.get_running_loop()
        self.counts: Counter[str] = Counter()
        """What became of packets."""
        self._ways = [
            _Way(self, self._plugs[1], there, dice),
            _Way(self, self._plugs[0], back, dice),
        ]
        for plug, way in zip(self._plugs, self._ways, strict=True):
            self._loop.add_reader(plug, self._carry, plug, way)

    def _carry(self, plug: int, way: "_Way") -> None:
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = os.read(plug, PACKET_MAX)
            except OSError:  # no more for now; or the device is down
                return
            way.carry(packet)

    def cut(self, *, there: bool = True, back: bool = True) -> None:
        """Nothing comes through, and nobody is told."""
        self._ways[0].cut, self._ways[1].cut = there, back

    def mend(self) -> None:
        """It carries again."""
        self.cut(there=False, back=False)

    def pull_out(self) -> None:
        """Take it out at the far end, which is told that there is no network."""
        self._far.ip(f"link set {self.name} down")

    def plug_in(self) -> None:
        """Put it in again."""
        self._far.ip(f"link set {self.name} up")

    def close(self) -> None:
        """Take it away, with its devices."""
        for plug in self._plugs:
            self._loop.remove_reader(plug)
            os.close(plug)
        for way in self._ways:
            way.out = -1


class _Way:
    """One direction of a cable."""

    def __init__(self, cable: Cable, out: int, weather: Weather, dice: random.Random) -> None:
        self._counts = cable.counts
        self._loop = asyncio.get_running_loop()
        self._weather = weather
        self._dice = dice
        self._losing = False
        self._free_at = 0.0
        self.out = out
        self.cut = False

    def carry(self, packet: bytes) -> None:
        weather, chance = self._weather, self._dice.random
        self._losing = chance() < (
            max(weather.loss, weather.burst) if self._losing else weather.loss
        )
        if self.cut or self._losing:
            self._counts["cut off" if self.cut else "lost"] += 1
            return
        if chance() < weather.corrupt:
            self._counts["corrupted"] += 1
            place = self._dice.randrange(len(packet))
            turned = packet[place] ^ 1 << self._dice.randrange(8)
            packet = packet[:place] + bytes([turned]) + packet[place + 1 :]
        self._send(packet)
        if chance() < weather.duplicate:
            self._counts["doubled"] += 1
            self._send(packet)

    def _send(self, packet: bytes) -> None:
        weather = self._weather
        now = self._loop.time()
        then = now
        if weather.rate:
            if (self._free_at - now) * weather.rate > weather.queue:
                self._counts["lost"] += 1
                return
            self._free_at = then = max(now, self._free_at) + len(packet) / weather.rate
        if self._dice.random() < weather.overtake:
            self._counts["overtaking"] += 1
        else:
            then += weather.delay + weather.jitter * self._dice.uniform(-1, 1)
        if then <= now:
            self._write(packet)
        else:
            self._loop.call_at(then, self._write, packet)

    def _write(self, packet: bytes) -> None:
        if self.out >= 0 and not self.cut:
            self._counts["carried"] += 1
            with contextlib.suppress(OSError):  # the device is down, or this is no packet now
                os.write(self.out, packet)
