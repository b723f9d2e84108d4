"""The register of cases: each names what it proves, and builds scripts from hypothesis' draws."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from conformance.operations import Script

Draw = Callable[[st.SearchStrategy[Any]], Any]
Build = Callable[[Draw], Script]


@dataclass(frozen=True)
class Case:
    """One case. ``share`` scales the number of examples; 0 is one example always."""

    name: str
    kind: str
    proves: tuple[str, ...]
    build: Build
    share: float
    profile: str
    every: int
    """So many examples at least: it has so many classes, and goes through all of them."""
    alone: bool
    """Whether it needs a process of its own, so that an attached target cannot be tested."""
    operator: bool
    """Whether it needs the operator's side of a server."""
    tls: bool = False
    """Whether it needs TLS."""
    asked: bool = False
    """Whether it needs a server that asks clients for certificates."""

    @property
    def about(self) -> str:
        """The first sentence of its description."""
        return (self.build.__doc__ or "").strip().splitlines()[0]

    def scripts(self) -> st.SearchStrategy[Script]:
        """The scripts that it generates."""
        return st.composite(lambda draw: self.build(draw))()  # noqa: PLW0108 (it looks at the signature)


CASES: dict[str, Case] = {}
"""All cases by name, each kind's in the order in which they are run."""

PROFILES = ("quick", "standard", "thorough")


def case(
    kind: str,
    *proves: str,
    share: float = 1.0,
    profile: str = "quick",
    every: int = 0,
    alone: bool = False,
    operator: bool = False,
    tls: bool = False,
    asked: bool = False,
) -> Callable[[Build], Build]:
    """Register a case, from this profile on."""

    def register(build: Build) -> Build:
        name = f"{kind}.{build.__name__.replace('_', '-')}"
        CASES[name] = Case(
            name=name,
            kind=kind,
            proves=proves,
            build=build,
            share=share,
            profile=profile,
            every=every,
            alone=alone,
            operator=operator or alone,
            tls=tls or asked,
            asked=asked,
        )
        return build

    return register


NOT_TESTED: dict[str, dict[str, str]] = {"relay": {}, "turns": {}, "client": {}}
"""Requirements that no case of a kind proves, and why, by kind."""
