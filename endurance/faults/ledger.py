"""Who said what, and who must have heard it: what the fault scenarios are judged by.

Every line of those who stay must have been heard by all others who stay, exactly once, in
the order in which it was said, and all must have heard all lines in one order (RELAY-1,
RELAY-4). Of those who left, or were cut off, everybody must have heard the same beginning.
"""

import graphlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Collection

SHOWN_MAX = 5
"""Faults told of one pair of speaker and listener."""
SHOWN_OCTETS = 60
"""How much of a text is told."""


class Ledger:
    """The book of one conversation. Names are handles; nothing here knows a socket."""

    def __init__(self) -> None:
        self._said: dict[str, list[str]] = defaultdict(list)
        self._heard: dict[str, list[tuple[str, str]]] = {}
        self._heard_of: dict[str, Counter[str]] = {}
        self._since: dict[str, Counter[str]] = {}
        self._deaf: set[str] = set()
        self._cut_off: set[str] = set()
        self._forgiven: set[str] = set()

    # What happens

    def arrive(self, name: str) -> None:
        """From now on it must hear everything."""
        self._heard.setdefault(name, [])
        self._heard_of.setdefault(name, Counter())
        self._since[name] = Counter({who: len(lines) for who, lines in self._said.items()})

    def say(self, speaker: str, text: str) -> None:
        """It says this; texts of one speaker are all different."""
        self._said[speaker].append(text)

    def hear(self, listener: str, speaker: str, text: str) -> None:
        """It heard this, after all that it heard before."""
        self._heard.setdefault(listener, []).append((speaker, text))
        self._heard_of.setdefault(listener, Counter())[speaker] += 1

    def cut_off(self, speaker: str) -> None:
        """What it says may not arrive: of its lines a beginning, the same for all, is enough."""
        self._cut_off.add(speaker)

    def deafen(self, listener: str) -> None:
        """It need not hear any more; what it has heard must still be right."""
        self._deaf.add(listener)

    def leave(self, name: str) -> None:
        """It does not stay: nothing is promised to it, nor of what it says last."""
        self.cut_off(name)
        self.deafen(name)

    def forgive(self, listener: str) -> None:
        """It need not hear everything, and may miss lines: it counts them itself."""
        self.deafen(listener)
        self._forgiven.add(listener)

    # What follows

    @property
    def said(self) -> int:
        """Lines said."""
        return sum(len(lines) for lines in self._said.values())

    @property
    def delivered(self) -> int:
        """Lines heard, by everybody together."""
        return sum(len(lines) for lines in self._heard.values())

    @property
    def listeners(self) -> list[str]:
        """Those who have arrived and must hear everything."""
        return [name for name in self._since if name not in self._deaf]

    def heard_of(self, listener: str, speaker: str) -> int:
        """How many lines of the speaker it has heard."""
        return self._heard_of.get(listener, Counter())[speaker]

    def outstanding(self, without: Collection[str] = ()) -> int:
        """Lines that somebody who stays, but for these, has still to hear."""
        return sum(
            max(0, len(lines) - self._since[name][who] - self._heard_of[name][who])
            for name in self.listeners
            if name not in without
            for who, lines in self._said.items()
            if who not in (name, *self._cut_off)
        )

    def uneven(self, without: Collection[str] = ()) -> bool:
        """Whether of somebody cut off some who stay have not heard what others have heard."""
        return bool(self._different_ends(self._deaf.union(without)))

    def faults(self, without: Collection[str] = ()) -> list[str]:
        """All that is wrong, a sentence each: who, which line, what was expected.

        These need not have heard everything yet.
        """
        deaf = self._deaf.union(without)
        return [
            *self._wrong_lines(deaf),
            *self._different_ends(deaf),
            *self._different_orders(),
        ]

    def _wrong_lines(self, deaf: Collection[str]) -> list[str]:
        told = []
        for listener in self._heard:
            of: dict[str, list[str]] = {who: [] for who in self._said}
            for who, text in self._heard[listener]:
                of.setdefault(who, []).append(text)
            for who, texts in of.items():
                told += self._compare(listener, who, texts, to_the_end=listener not in deaf)
        return told

    def _compare(self, listener: str, who: str, heard: list[str], *, to_the_end: bool) -> list[str]:
        said = self._said[who]
        if who == listener:
            return [f"{listener} heard its own line {text!r:.{SHOWN_OCTETS}}" for text in heard]
        number = {text: place for place, text in enumerate(said)}
        known = [number[text] for text in heard if text in number]
        must = range(0)
        if listener in self._since and listener not in self._forgiven:
            # What was said while it was coming may be heard or not, but then to the end.
            first = min([self._since[listener][who], *known])
            to_the_end = to_the_end and who not in self._cut_off
            must = range(first, len(said) if to_the_end else max(known, default=-1) + 1)
        lost = sorted(set(must).difference(known))
        wrong = [
            f"heard {text!r:.{SHOWN_OCTETS}}, which {who} never said"
            for text in heard
            if text not in number
        ]
        wrong += [
            f"heard line {place + 1} {times} times"
            for place, times in Counter(known).items()
            if times > 1
        ]
        wrong += [f"never heard line {place + 1}" for place in lost]
        wrong += [
            f"heard line {after + 1} after line {before + 1}"
            for before, after in itertools.pairwise(known)
            if after < before
        ]
        if len(wrong) > SHOWN_MAX:
            wrong[SHOWN_MAX:] = [f"and {len(wrong) - SHOWN_MAX} more"]
        example = f": {said[lost[0]]!r:.{SHOWN_OCTETS}}" if lost else ""
        return [
            f"of {who}, who said {len(said)}, {listener} heard {len(heard)}: "
            f"{'; '.join(wrong)}{example}"
        ] if wrong else []  # fmt: skip

    def _different_ends(self, deaf: Collection[str]) -> list[str]:
        """Of somebody cut off, all who stay must have heard up to the same line."""
        told = []
        for who in self._cut_off & self._said.keys():
            ends: dict[str, list[str]] = {}
            for listener in self._since:
                if listener != who and listener not in deaf:
                    texts = [text for speaker, text in self._heard[listener] if speaker == who]
                    # Who came later may have heard none at all.
                    if texts or not self._since[listener][who]:
                        ends.setdefault(texts[-1] if texts else "", []).append(listener)
            if len(ends) > 1:
                told.append(
                    f"the last line heard of {who}, who was cut off, is not the same: {ends}"
                )
        return told

    def _different_orders(self) -> list[str]:
        """All orders together must be one, though nobody hears his own lines."""
        order: graphlib.TopologicalSorter[tuple[str, str]] = graphlib.TopologicalSorter()
        for lines in self._heard.values():
            for before, after in itertools.pairwise(dict.fromkeys(lines)):
                order.add(after, before)
        try:
            order.prepare()
        except graphlib.CycleError as error:
            circle = " before ".join(f"{who}>{text!r}" for who, text in error.args[1][:SHOWN_MAX])
            return [f"not heard by all in one order: {circle}"]
        return []
