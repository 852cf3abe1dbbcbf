"""A house of several packs: one that is nearly empty is named, and only the house goes dark."""

from typing import Any

import msgspec
import pytest

from jk_bms.model.alarms import Severity
from jk_bms.rules import example
from jk_bms.rules.base import HouseView, Moment, Other, PackView
from jk_bms.rules.engine import Engine
from jk_bms.rules.forecast import lasting, minutes_left
from jk_bms.rules.left import house_left, pack_left
from jk_bms.rules.options import Options
from jk_bms.texts import alerts as told_module
from jk_bms.texts import language
from tests.rules.test_rules import BEGIN, RULE, Trial
from tests.texts.test_alerts import KYIV, NOW, facts
from tests.told import Told

_told: Any = Told(told_module)
alert_message = _told.alert_message


GARAGE = Other("Garage", 80.0)
EN = language("en")


def pack(minutes: float | None, soc: float = 8.0, **changes: Any) -> PackView:
    """A pack of 280 Ah that lasts so long; None: nothing is drawn from it."""
    drawn: dict[str, Any] = {"current": 0.0, "empty_in": None}
    if minutes is not None:
        drawn = {"current": -60.0, "empty_in": (60.0 * minutes, 60.0 * minutes)}
    sample: dict[str, Any] = {"battery_soc": soc, "soc_low": soc, "soc_high": soc, **drawn}
    view: dict[str, Any] = {key: changes.pop(key) for key in tuple(changes) if key in PackView._fields}
    return example.pack(**(sample | changes))._replace(**view)


OFF = pack(None, discharge_enabled=False)


def looks(house: HouseView) -> Any:
    found = minutes_left(house, cautious=True)
    return found and found[""]


def test_what_one_gives_when_it_is_empty_the_others_give() -> None:
    """8 % and 80 %, each at 60 A: the one lasts ten minutes, both together as long as all that they hold."""
    one, other = pack(10.0), pack(100.0, soc=80.0)

    left = house_left([one, other])

    assert left is not None
    assert left.sure == pytest.approx(60.0 * (8 + 80) / (8 / 10 + 80 / 100))
    assert looks(example.packs(one, other)).value == 55.0


def test_a_pack_at_rest_helps_later_and_one_that_is_cut_off_never() -> None:
    alone = house_left([pack(10.0)])

    assert alone == pack_left(pack(10.0))
    helped = house_left([pack(10.0), pack(None, soc=40.0)])
    assert helped is not None
    assert helped.sure == pytest.approx(6 * 600.0)
    assert looks(example.packs(pack(10.0), OFF)).value == 10.0


def test_packs_of_other_sizes() -> None:
    small = pack(30.0, soc=50.0, full_ah=100.0)
    large = pack(300.0, soc=50.0, full_ah=300.0)

    left = house_left([small, large])

    assert left is not None
    assert left.sure == pytest.approx(60.0 * (50 + 150) / (50 / 30 + 150 / 300))


def test_an_empty_pack_gives_no_rate_out_of_nothing() -> None:
    left = house_left([pack(0.0, soc=0.0, drain=(24.0, 24.0)), pack(100.0, soc=80.0)])

    assert left is not None
    assert left.sure == pytest.approx(3600.0 * 80 / (24 + 48))


def test_one_that_is_silent_is_named_and_not_counted() -> None:
    look = looks(example.packs(pack(10.0))._replace(silent=("Garage",)))

    assert (look.value, look.facts["uncounted"]) == (10.0, ["Garage"])
    known = facts(RULE["going_dark"]) | {"facts": dict(look.facts)}
    assert "nothing is heard of it: Garage." in alert_message(known, None, EN, KYIV, NOW).body


def test_an_emptying_pack_does_not_say_that_the_house_goes_dark() -> None:
    trial = Trial()
    one, other = pack(10.0, others=(GARAGE,)), pack(300.0, soc=80.0)
    moments = [Moment(5.0 * step, BEGIN) for step in range(1, 60)]

    for moment in moments:
        trial.engine.look("cellar", one, moment)
        trial.engine.look("house", example.packs(one, other), moment)

    assert trial.code("going_dark") is None
    assert trial.code("pack_ending") == 1050
    low = trial.open("soc_low")
    assert low is not None
    assert (low.code, low.severity) == (1001, Severity.ERROR)


def test_when_no_other_goes_on_it_is_critical_again() -> None:
    trial = Trial()
    trial.hold(pack(100.0, others=(GARAGE,)))
    told = trial.hold(pack(100.0, others=(Other("Garage", 15.0),)))

    assert "worse soc_low 1001" in told
    back = trial.hold(pack(100.0, others=(GARAGE,)))
    assert [line for line in back if "soc_low" in line] == []


def test_the_message_names_the_pack_and_the_one_that_goes_on() -> None:
    known = facts(RULE["pack_ending"])
    title = alert_message(known, "Cellar", EN, KYIV, NOW).title
    ukrainian = alert_message(known, "Льох", language("uk"), KYIV, NOW).title

    assert title == "Cellar: will switch off at about 18:55; Garage, 80 %, goes on"
    assert ukrainian == "Льох: вимкнеться близько 18:55; Garage (80 %) працює далі"
    two = known | {"facts": {**known["facts"], "others": [["Garage", 80.0], ["Shed", 55.0]]}}
    assert alert_message(two, "Cellar", EN, KYIV, NOW).title.endswith("Garage, 80 %, and Shed, 55 %, go on")


@pytest.mark.parametrize(
    ("house", "how"),
    [
        (example.packs(OFF, OFF), "cut"),
        (example.packs(OFF)._replace(silent=("Garage",)), "silent"),
        (example.packs()._replace(silent=("Garage",)), "silent"),
    ],
)
def test_a_forecast_that_can_be_made_no_more_says_so(house: HouseView, how: str) -> None:
    """It neither keeps its old time, nor is it over; and where nothing was foretold, nothing is."""
    trial = Trial()
    assert trial.hold(house) == []
    trial.hold(pack(10.0))
    before = trial.open("going_dark")
    assert before is not None
    assert "low" in before.facts

    assert [line for line in trial.hold(house) if "dark" in line or "runtime" in line] == []

    for rule in ("going_dark", "runtime"):
        alert = trial.open(rule)
        assert alert is not None
        assert alert.facts == {"how": how}
        known = facts(RULE[rule]) | {"facts": alert.facts, "value": alert.value}
        message = alert_message(known, None, EN, KYIV, NOW)
        assert ":" not in message.title.partition(": ")[2]  # no time of the past
        assert "0 min" not in message.title


def test_a_pack_that_cut_off_beside_others_says_so() -> None:
    trial = Trial()
    trial.hold(pack(10.0, others=(GARAGE,)))
    assert trial.code("pack_ending") == 1050

    trial.hold(pack(None, others=(GARAGE,), discharge_enabled=False))

    alert = trial.open("pack_ending")
    assert alert is not None
    known = facts(RULE["pack_ending"]) | {"facts": alert.facts}
    title = alert_message(known, "Cellar", EN, KYIV, NOW).title
    assert title == "Cellar: has switched off; Garage, 80 %, goes on"
    trial.hold(pack(None, others=(GARAGE,), on_battery=False))
    assert trial.code("pack_ending") is None


def cut(**changes: Any) -> PackView:
    """An empty pack that its BMS has cut off, beside one that feeds on."""
    values: dict[str, Any] = {"others": (GARAGE,), "discharge_enabled": False}
    return pack(None, **(values | example.with_cell(7, 2.49, 2.9) | changes))


@pytest.mark.parametrize(
    ("others", "title", "said"),
    [
        (
            (GARAGE,),
            "Cellar: has switched off; Garage, 80 %, goes on",
            "Cellar: вимкнулася; Garage (80 %) працює далі",
        ),
        (
            (Other("Garage", 16.0),),
            "Cellar: has switched off; only Garage, 16 %, goes on",
            "Cellar: вимкнулася; далі працює тільки Garage (16 %)",
        ),
    ],
    ids=["goes on", "nearly empty as well"],
)
def test_a_pack_that_cuts_off_is_told_once_when_it_does(
    others: tuple[Other, ...], title: str, said: str
) -> None:
    trial = Trial()
    empty: dict[str, Any] = example.with_cell(7, 2.83, 2.9)
    before = trial.hold(pack(10.0, others=others, **empty))
    assert "raised pack_cut 1051" not in before

    told = trial.hold(cut(others=others), looks=8)

    assert told.count("raised pack_cut 1051") == 1
    alert = trial.open("pack_cut")
    assert alert is not None
    known = facts(RULE["pack_cut"], facts=alert.facts)
    assert alert_message(known, "Cellar", EN, KYIV, NOW).title == title
    assert alert_message(known, "Cellar", language("uk"), KYIV, NOW).title == said
    listed = [one.rule for one in trial.engine.listed()]
    assert "pack_cut" in listed
    assert "pack_ending" not in listed  # it says no more than the other
    # It is told once: neither a grid that comes and goes, nor a charge, nor its end is news of it.
    later = trial.hold(cut(others=others))
    later += trial.hold(cut(others=others, on_battery=False))
    later += trial.hold(cut(others=others))
    assert trial.code("pack_cut") == 1051
    later += trial.hold(example.pack(current=20.0)._replace(on_battery=False))
    assert not any("pack_cut" in line for line in later)
    assert trial.code("pack_cut") is None


@pytest.mark.parametrize(
    "view",
    [
        cut(others=()),
        cut(others=(Other("Garage", 0.4),)),
        cut(on_battery=False),
        cut(current=20.0),
        cut(discharge_enabled=None),
        cut(discharge_enabled=True),
        cut(**example.with_cell(7, 3.2, 3.2)),
    ],
    ids=["alone", "all end together", "grid", "charged", "not known", "on", "no reason: 1045"],
)
def test_no_pack_cut_off_where_none_feeds_on_without_it(view: PackView) -> None:
    trial = Trial()

    assert not any("pack_cut" in line for line in trial.hold(view))


def test_when_the_last_one_is_off_none_is_said_to_go_on() -> None:
    trial = Trial()
    trial.hold(cut())
    trial.hold(cut(others=()))

    alert = trial.open("pack_cut")
    assert alert is not None
    known = facts(RULE["pack_cut"], facts=alert.facts)
    assert alert_message(known, "Cellar", EN, KYIV, NOW).title == "Cellar: has switched off"


def test_a_switch_that_is_off_without_a_reason_names_those_that_go_on() -> None:
    off: dict[str, Any] = {"discharge_enabled": False, "cell_voltages": (3.3,) * 16}
    for others, words in (((GARAGE,), "Without it Garage, 80 %, goes on."), ((), "")):
        look = (RULE["switch_off"].look(pack(None, others=others, **off)) or {})["discharge"]
        assert look is not None
        known = facts(RULE["switch_off"], part="discharge", facts=dict(look.facts))
        body = alert_message(known, "Cellar", EN, KYIV, NOW).body
        assert ("Without it" in body) == bool(words)
        assert words in body


@pytest.mark.parametrize("rule", ["soc_low", "cell_low"])
@pytest.mark.parametrize(
    ("view", "words", "said"),
    [
        (pack(10.0, others=(GARAGE,)), "; Garage, 80 %, goes on.", "; Garage (80 %) працює далі."),
        (
            pack(10.0, others=(Other("Garage", 15.0),)),
            "; only Garage, 15 %, goes on.",
            "; далі працює тільки Garage (15 %).",
        ),
        (
            pack(None, others=(GARAGE,), discharge_enabled=False),
            "This battery is switched off and gives nothing; Garage, 80 %, goes on.",
            "Цю батарею вимкнено, вона нічого не дає; Garage (80 %) працює далі.",
        ),
        (pack(10.0, others=(Other("Garage", 0.4),)), "the house goes dark.", "в домі згасне світло."),
    ],
    ids=["goes on", "nearly empty as well", "this one is off", "all end together"],
)
def test_what_an_emptying_pack_means_beside_others(rule: str, view: PackView, words: str, said: str) -> None:
    """The house goes dark with the last of them, and one that is cut off will not cut off."""
    look = (RULE[rule].look(view) or {})[""]
    assert look is not None
    known = facts(RULE[rule]) | {"facts": dict(look.facts)}

    assert words in alert_message(known, "Cellar", EN, KYIV, NOW).body
    assert said in alert_message(known, "Льох", language("uk"), KYIV, NOW).body
    dark = "the house goes dark" in alert_message(known, "Cellar", EN, KYIV, NOW).body
    assert dark == ("goes dark" in words)


def test_a_pack_that_another_one_charges_is_no_charge_of_the_house() -> None:
    charged = pack(None, current=20.0)

    assert looks(example.packs(pack(10.0), charged)).value < 30.0
    assert minutes_left(example.packs(charged, pack(None)), cautious=True) == {}


def test_a_warning_looks_at_the_larger_load_and_a_page_at_all_that_is_likely() -> None:
    """40 %, told to last five to nine hours; a kettle would empty it in less than two."""
    hour = 3600.0
    counted: dict[str, Any] = {"battery_soc": 42.0, "soc_counted": 42.0, "soc_low": 38.0, "soc_high": 46.0}
    kettle = example.pack(
        current=-60.0, soc_anchor="full", empty_in=(5 * hour, 9 * hour), drain=(22.0, 30.0), **counted
    )

    left = lasting(example.packs(kettle))

    assert left is not None
    assert (left.first, left.last) == (5 * hour, 9 * hour)
    assert left.likely == pytest.approx(39.0 / 22.0 * hour)
    assert left.sure == pytest.approx(39.0 / 30.0 * hour)
    together = house_left([kettle, kettle])
    assert together == pytest.approx(left)


def test_what_all_show_is_what_is_judged() -> None:
    house = example.packs(pack(10.0), pack(20.0))
    left = lasting(house)

    assert left is not None
    look = looks(house)
    assert (look.facts["low"], look.facts["high"]) == (round(left.first), round(left.last))
    assert lasting(example.packs(pack(10.0, powered=False))) is None
    assert lasting(example.packs(OFF)) is None


ADVICE = {"soc_low": "charge with now", "cell_low": "charge with now", "pack_low": "charge with now"}


@pytest.mark.parametrize("rule", ["soc_low", "cell_low", "pack_low", "runtime", "cell_spread", "emergency"])
@pytest.mark.parametrize("name", ["en", "uk"])
def test_no_advice_to_charge_where_nothing_can(rule: str, name: str) -> None:
    one = RULE[rule]
    view = one.example()
    scarce: Any = {"on_battery": True, "could_be_charged": False}
    if isinstance(view, HouseView):
        assert view.packs
        view = example.packs(*(pack._replace(**scarce) for pack in view.packs))
    else:
        view = view._replace(**scarce)
    usual = alert_message(facts(one), None, language(name), KYIV, NOW).body
    found = next(look for look in (one.look(view) or {}).values() if look is not None)
    body = alert_message(facts(one, facts=dict(found.facts)), None, language(name), KYIV, NOW).body

    assert body != usual
    assert ("or charge" if name == "en" else "або зарядіть") not in body


@pytest.mark.parametrize("rule", ["soc_low", "cell_low", "pack_low"])
@pytest.mark.parametrize(
    ("name", "words", "vain"),
    [("en", "It is being charged", "or charge"), ("uk", "вже заряджається", "або зарядіть")],
)
def test_no_advice_to_charge_what_is_being_charged(rule: str, name: str, words: str, vain: str) -> None:
    one = RULE[rule]
    sample = one.example().sample
    for current in (40.0, -40.0, 0.0):
        view = one.example()._replace(sample=msgspec.structs.replace(sample, current=current))
        found = next(look for look in (one.look(view) or {}).values() if look is not None)
        body = alert_message(facts(one, facts=dict(found.facts)), None, language(name), KYIV, NOW).body

        assert (words in body) == (current > 0)
        assert (vain in body) == (current <= 0)


def test_a_temperature_that_nothing_measures_any_more_ends_as_unknown() -> None:
    """The only probe is gone: not over at once, nor for ever."""
    trial = Trial()
    trial.hold(example.pack(temperatures=(54.5,)))
    gone = example.pack(temperatures=())

    assert trial.hold(gone, looks=287, every=300.0) == []
    assert trial.code("cell_hot") == 1010
    assert trial.hold(gone, looks=2, every=300.0) == ["cleared cell_hot 1010"]


def test_a_silent_pack_is_no_pack_without_a_probe() -> None:
    trial = Trial()
    trial.hold(example.pack(temperatures=(54.5,)))
    silent = example.pack()._replace(sample=None)

    trial.hold(silent, looks=1000, every=300.0)

    assert trial.code("cell_hot") == 1010


def test_what_ended_as_unknown_is_not_called_good() -> None:
    known = facts(RULE["cell_hot"], None, "cleared", facts={"probe": 1, "unmeasured": "all"})
    message = alert_message(known, "Main", EN, KYIV, NOW)

    assert message.title == "Main: the battery is dangerously hot: no longer measured"
    assert "whether it is over is not known" in message.body


def test_forecasts_of_earlier_versions_become_those_of_the_house() -> None:
    from jk_bms.alerts.alerts import _of_the_house

    engine = Engine(Options(startup_delay=0))
    for step in range(1, 30):
        engine.look("AA:BB", example.packs(pack(10.0)), Moment(5.0 * step, BEGIN))
    later = Engine(Options(startup_delay=0))
    later.restore(_of_the_house(engine.state()))

    assert {(alert.subject, alert.rule) for alert in later.open()} == {
        ("house", "runtime"),
        ("house", "going_dark"),
    }
