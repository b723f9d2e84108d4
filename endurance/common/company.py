"""Those who watch a server from within, whichever kind of server it is."""

import asyncio
from typing import Protocol

from endurance.common.bystanders import Bystanders
from endurance.common.regulars import Regulars
from endurance.common.server import Server
from endurance.common.tally import Tally


class Company(Protocol):
    """Bystanders of a relay, or regulars of a turn server."""

    tally: Tally

    async def arrive(self) -> None:
        """Be there."""

    async def talk(self, seconds: float, enough: asyncio.Event) -> None:
        """Say something every so many seconds, until it is enough."""

    async def settle(self) -> None:
        """Wait until everything said is heard, and say what is not, when nobody else is here."""

    def leave(self) -> None:
        """Close all connections at once."""

    def faults(self) -> list[str]:
        """Sentences about all that was wrong."""


def company_of(kind: str, server: Server) -> Company:
    """Those who fit this kind of server."""
    tally = Tally()
    return Bystanders(server, tally) if kind == "relay" else Regulars(server, tally)
