"""Three connections of a relay, every order of what they do explored.

An oracle of another kind, the plain history of events, says what each must have heard.
"""

import pickle

from attrs import Factory, define

from chatproto import Admit, Announce, Effect, End, ErrorCode, Forward, Relay, Tell

# What each does, in its own order; carl wants bob's handle, and joins late.
SCRIPTS = {
    "A": [b"connect", b"ann>\\join chat/1\n", b"ann>a1\n", b"ann>a2\n", b"ann>\\quit\n"],
    "B": [b"connect", b"bob>b1\nbob>", b"b2\n", b""],
    "C": [b"connect", b"BOB>\\join chat/1\n", b"BOB>c1\n", b"oops\n"],
}
HANDLES = {"A": b"ann", "B": b"bob", "C": b"BOB"}


@define
class World:
    """The relay, how far each script is, and what each has heard."""

    relay: Relay[str] = Factory(Relay)
    done: dict[str, int] = Factory(lambda: dict.fromkeys(SCRIPTS, 0))
    open: list[str] = Factory(list)
    joined: list[str] = Factory(list)
    heard: dict[str, list[bytes]] = Factory(lambda: {key: [] for key in SCRIPTS})
    expected: dict[str, list[bytes]] = Factory(lambda: {key: [] for key in SCRIPTS})
    bound: dict[bytes, str] = Factory(dict)
    slow: bool = False

    def step(self, who: str) -> None:
        octets = SCRIPTS[who][self.done[who]]
        self.done[who] += 1
        if octets == b"connect":
            self.open.append(who)
            self.apply(self.relay.connect(who))
        elif who in self.open:
            effects = self.relay.receive(who, octets)
            self.remember(who, octets)
            self.apply(effects)

    def overflow(self, who: str) -> None:
        self.slow = True
        effects = self.relay.end(who, ErrorCode.TOO_SLOW)
        self.expect(who, b"SERVER>\\error too-slow\n")
        self.forget(who)
        self.apply(effects)

    # What the relay did

    def apply(self, effects: list[Effect[str]]) -> None:
        for effect in effects:
            match effect:
                case Forward(octets, sender):
                    self.deliver(octets, [key for key in self.open if key != sender])
                case Announce(octets, about):
                    self.deliver(octets, [key for key in self.joined if key != about])
                case Tell(octets, receiver):
                    self.deliver(octets, [receiver])
                case Admit(octets, receiver):
                    self.deliver(octets, [receiver])
                    self.joined.append(receiver)
                case End(connection):
                    self.open.remove(connection)
                    if connection in self.joined:
                        self.joined.remove(connection)

    def deliver(self, octets: bytes, receivers: list[str]) -> None:
        for receiver in receivers:
            assert receiver in self.open, "delivered to one that has ended"
            self.heard[receiver] += octets.splitlines(keepends=True)

    # What it should have done

    def remember(self, who: str, octets: bytes) -> None:
        handle = HANDLES[who]
        whole = (b"bob>" + octets if octets == b"b2\n" else octets).removesuffix(b"bob>")
        for line in whole.splitlines(keepends=True) or [b""]:
            first = handle.lower() not in self.bound
            if line in (b"", handle + b">\\quit\n"):
                self.forget(who)
            elif line == b"oops\n":
                self.expect(who, b"SERVER>\\error malformed\n")
                self.forget(who)
            elif self.bound.setdefault(handle.lower(), who) != who:
                self.expect(who, b"SERVER>\\error handle-taken\n")
                self.forget(who)
            else:
                self.remember_said(who, handle, line, first=first)

    def remember_said(self, who: str, handle: bytes, line: bytes, *, first: bool) -> None:
        if first:
            for other in self.joined:
                self.expect(other, b"SERVER>\\joined %b\n" % handle)
        if line.endswith(b">\\join chat/1\n"):
            others = [HANDLES[key] for key in self.bound.values() if key != who]
            self.expect(who, b"SERVER>\\welcome chat/1 relay here=%d\n" % len(others))
            if others:
                self.expect(who, b"SERVER>\\joined %b\n" % b" ".join(others))
        else:
            for other in self.open:
                if other != who:
                    self.expect(other, line)

    def expect(self, who: str, line: bytes) -> None:
        self.expected[who].append(line)

    def forget(self, who: str) -> None:
        handle = HANDLES[who]
        if self.bound.get(handle.lower()) == who:
            del self.bound[handle.lower()]
            for other in self.joined:
                if other != who:
                    self.expect(other, b"SERVER>\\left %b\n" % handle)


def test_every_order_of_three_connections() -> None:
    start = pickle.dumps(World())
    seen = {start}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        world: World = pickle.loads(here)
        moves = [("step", key) for key in SCRIPTS if world.done[key] < len(SCRIPTS[key])]
        if not world.slow:
            moves += [("overflow", key) for key in world.open]
        for name, who in moves:
            after: World = pickle.loads(here)
            getattr(after, name)(who)
            assert {k: sorted_roster(v) for k, v in after.heard.items()} == {
                k: sorted_roster(v) for k, v in after.expected.items()
            }
            there = pickle.dumps(after)
            if there not in seen:
                seen.add(there)
                waiting.append(there)
    assert len(seen) > 1_000


def sorted_roster(lines: list[bytes]) -> list[bytes]:
    """The lines, with the handles of each roster in order: any order is right (RELAY-6)."""
    return [b" ".join(sorted(line.split())) if b"\\joined" in line else line for line in lines]
