"""An afternoon in which a house with two packs runs dry, hours of dark, and the grid again: few words, and all true."""

import pytest

from jk_bms.model.alarms import Severity
from jk_bms.rules.base import Notice
from tests.rules.two_packs import Pack, TwoPacks, afternoon

pytestmark = pytest.mark.long

MOST = 20  # messages in a chat, of a dozen hours; there were 103


def told(house: TwoPacks) -> list[Notice]:
    return [notice for notice in house.notices if notice.quiet is None]


@pytest.mark.parametrize(("first", "second"), [(30.0, 30.0), (30.0, 45.0)], ids=["alike", "one outlasts"])
def test_an_afternoon(first: float, second: float) -> None:
    house = TwoPacks(Pack(1, "Cellar", ah=280, soc=first), Pack(2, "Garage", ah=200, soc=second), load=2000.0)
    afternoon(house)

    messages = told(house)
    assert 8 <= len(messages) <= MOST
    assert not any(notice.silent for notice in messages)
    # The story, in order: each step once.
    rules = [notice.alert.rule for notice in messages if notice.what in ("raised", "worse")]
    story = ["grid_lost", "soc_low", "runtime", "going_dark", "house_dark"]
    assert [rule for rule in dict.fromkeys(rules) if rule in story] == story
    assert rules.count("house_dark") == rules.count("going_dark") == rules.count("grid_lost") == 1
    # The one that ends first is told when it does, with the one that goes on.
    cuts = [notice for notice in messages if notice.alert.rule == "pack_cut"]
    assert [notice.what for notice in cuts] == ["raised"] * (first != second)
    for notice in cuts:
        assert notice.alert.subject == house.packs[0].device.address
        assert [name for name, _ in notice.alert.facts["others"]] == ["Garage"]
    # Every critical fact is named in a message, of its own or in that of another.
    named = {
        (alert.subject, alert.rule, alert.part)
        for notice in messages
        for alert in (notice.alert, *notice.also)
    }
    critical = {
        (notice.alert.subject, notice.alert.rule, notice.alert.part)
        for notice in house.notices
        if notice.alert.severity is Severity.CRITICAL and notice.what in ("raised", "worse")
    }
    assert critical - named == set()
    # Nothing is called over while the house is dark, and no danger goes on when the power is back.
    steps = [(notice.what, notice.alert.rule) for notice in messages]
    dark, light = steps.index(("raised", "house_dark")), steps.index(("cleared", "house_dark"))
    assert [what for what, _ in steps[dark:light] if what == "cleared"] == []
    assert {what for what, _ in steps[light:]} == {"cleared"}
    assert house.engine.open() == []
    # What a reminder lists is what stands: the forecasts are not, in the dark.
    reminders = [notice for notice in messages[dark:light] if notice.what == "repeat"]
    assert len(reminders) == 3
    for notice in reminders:
        assert notice.alert.rule == "house_dark"
        assert not {alert.rule for alert in notice.also} & {"going_dark", "runtime", "grid_lost"}


def test_one_pack_runs_dry_and_the_house_does_not() -> None:
    house = TwoPacks(Pack(1, "Cellar", ah=100, soc=20.0), Pack(2, "Garage", ah=280, soc=90.0), load=1500.0)
    house.live(600.0)
    house.grid = False
    while house.packs[0].bms.discharge_on and house.t < 86_400.0:
        house.live(60.0)
    house.live(1800.0)

    messages = told(house)
    codes = [notice.alert.code for notice in messages if notice.what in ("raised", "worse")]
    assert codes.count(1050) == codes.count(1051) == 1
    assert not {1038, 1039, 1042, 2012} & set(codes)
    assert len(messages) <= 12
    of_pack = [notice.alert for notice in messages if notice.alert.rule == "soc_low"]
    assert {alert.severity for alert in of_pack} <= {Severity.WARNING, Severity.ERROR}
    (ending,) = [alert for alert in house.engine.open() if alert.rule == "pack_ending"]
    assert ending.facts["how"] == "cut"


def test_a_weak_cell_that_darkens_the_house_is_told_once() -> None:
    """Under load its voltage fell, at rest it stays low: two parts of the spread, and one cause that people know."""
    house = TwoPacks(Pack(1, "Cellar", ah=280, soc=30.0, weak={5: 0.6}), load=2500.0)
    house.live(600.0)
    house.grid = False
    while not house.dark and house.t < 86_400.0:
        house.live(60.0)
    dark = len(told(house))
    house.live(3600.0)

    spreads = {alert.part for alert in house.engine.open() if alert.rule == "cell_spread"}
    assert len(spreads) > 1  # or nothing is shown here
    after = told(house)[dark:]
    assert {notice.alert.rule for notice in after} == {"house_dark"}
    for notice in told(house):
        named = [(alert.subject, alert.rule) for alert in (notice.alert, *notice.also)]
        assert named.count((house.packs[0].device.address, "cell_spread")) <= 1
