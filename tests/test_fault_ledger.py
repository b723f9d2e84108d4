"""The ledger of the fault scenarios: what it lets pass, and that it can fail."""

from endurance.faults.ledger import Ledger


def spoken(*hearings: tuple[str, str]) -> Ledger:
    """Ann and bob said two lines each; this is who heard what, as "ann1"."""
    ledger = Ledger()
    for name in ("ann", "bob", "carl", "dora"):
        ledger.arrive(name)
    for text in ("1", "2"):
        ledger.say("ann", text)
        ledger.say("bob", text)
    for listener, lines in hearings:
        for line in lines.split():
            ledger.hear(listener, line[:-1], line[-1])
    return ledger


RIGHT = {"ann": "bob1 bob2", "bob": "ann1 ann2", "carl": "ann1 bob1 bob2 ann2"}
RIGHT["dora"] = RIGHT["carl"]


def faults(**changed: str) -> list[str]:
    return spoken(*(RIGHT | changed).items()).faults()


def test_what_all_heard_once_and_in_order_is_right() -> None:
    ledger = spoken(*RIGHT.items())
    assert ledger.faults() == []
    assert ledger.outstanding() == 0
    assert (ledger.said, ledger.delivered) == (4, 12)


def test_a_line_that_is_lost_is_told() -> None:
    assert faults(carl="ann1 bob1 bob2") == [
        "of ann, who said 2, carl heard 1: never heard line 2: '2'"
    ]
    assert spoken(("carl", "ann1")).outstanding() == 2 + 2 + 3 + 4


def test_a_line_heard_twice_is_told() -> None:
    (fault,) = faults(bob="ann1 ann2 ann2")
    assert fault == "of ann, who said 2, bob heard 3: heard line 2 2 times"


def test_a_line_that_nobody_said_is_told() -> None:
    (fault,) = faults(bob="ann1 ann2 ann3")
    assert fault == "of ann, who said 2, bob heard 3: heard '3', which ann never said"


def test_ones_own_line_is_told() -> None:
    assert "ann heard its own line '1'" in faults(ann="bob1 bob2 ann1")


def test_lines_of_one_speaker_that_changed_places_are_told() -> None:
    told = faults(carl="ann2 ann1 bob1 bob2")
    assert told[0] == "of ann, who said 2, carl heard 2: heard line 1 after line 2"


def test_two_orders_are_told() -> None:
    (fault,) = faults(carl="bob1 ann1 bob2 ann2")
    assert fault.startswith("not heard by all in one order")


def test_orders_that_contradict_each_other_only_all_together_are_told() -> None:
    ledger = Ledger()
    for name in ("ann", "bob", "carl"):
        ledger.arrive(name)
        ledger.say(name, "1")
    for listener, first, second in (("ann", "bob", "carl"), ("bob", "carl", "ann"),
                                    ("carl", "ann", "bob")):  # fmt: skip
        ledger.hear(listener, first, "1")
        ledger.hear(listener, second, "1")
    (fault,) = ledger.faults()
    assert fault.startswith("not heard by all in one order")


def test_of_who_left_a_beginning_is_enough_if_it_is_the_same_for_all() -> None:
    heard = {"carl": "ann1 bob1 bob2", "bob": "ann1"}
    ledger = spoken(*(RIGHT | heard | {"dora": heard["carl"]}).items())
    ledger.leave("ann")
    assert ledger.faults() == []
    ledger = spoken(*(RIGHT | heard).items())
    ledger.leave("ann")
    assert [fault for fault in ledger.faults() if "is not the same" in fault]


def test_a_gap_in_what_was_heard_of_who_left_is_told() -> None:
    ledger = spoken(("carl", "ann2 bob1 bob2"))
    ledger.leave("ann")
    assert "of ann, who said 2, carl heard 1: never heard line 1: '1'" in ledger.faults()


def test_to_who_left_nothing_is_promised_but_what_it_heard_is_right() -> None:
    ledger = spoken(*(RIGHT | {"carl": "ann1"}).items())
    ledger.leave("carl")
    assert ledger.faults() == []
    assert ledger.outstanding() == 0
    ledger.hear("carl", "bob", "2")
    assert ledger.faults() == ["of bob, who said 2, carl heard 1: never heard line 1: '1'"]


def test_who_comes_late_hears_all_from_then_on() -> None:
    ledger = spoken(*RIGHT.items())
    ledger.arrive("eve")
    ledger.say("ann", "3")
    ledger.say("ann", "4")
    for name in ("bob", "carl", "dora"):
        ledger.hear(name, "ann", "3")
        ledger.hear(name, "ann", "4")
    ledger.hear("eve", "ann", "3")
    assert ledger.outstanding() == 1
    assert ledger.faults() == ["of ann, who said 4, eve heard 1: never heard line 4: '4'"]
    assert ledger.faults(without=["eve"]) == []
    ledger.hear("eve", "ann", "4")
    assert ledger.faults() == []
