"""Names, numbers, means and the table of what Home Assistant has, without a broker."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jk_bms.model import Sample
from jk_bms.sinks.mqtt.entities import ENTITIES, NUMBERS
from jk_bms.sinks.mqtt.names import LONGEST, names_of, node_of, topic_of
from jk_bms.sinks.mqtt.outgoing import Outgoing
from jk_bms.sinks.mqtt.states import Battery, number
from jk_bms.sinks.series import BATTERY
from tests.sinks.mqtt_house import PACK

NAMES = {
    # alias: topic of the states, node of discovery
    "battery-1": ("battery_1", "battery_1"),
    "battery.1": ("battery.1", "battery_1"),
    "bat/1": ("bat/1", "bat_1"),
    "/bat//1/": ("bat/1", "bat_1"),
    "$SYS": ("SYS", "SYS"),
    "Акб Щит": ("Акб_Щит", "Akb_Shchyt"),
    "Згорани Єнакієве": ("Згорани_Єнакієве", "Zghorany_Yenakiieve"),
    "Юрій": ("Юрій", "Yurii"),
    "Объезд": ("Объезд", "Obezd"),
    "Größe é": ("Größe_é", "Grosse_e"),
    "+": ("_", ""),
    "🔋": ("_", ""),
    "": ("_", ""),
    "#/+": ("_/_", ""),
}


@pytest.mark.parametrize(("alias", "made"), NAMES.items())
def test_names(alias: str, made: tuple[str, str]) -> None:
    assert (topic_of(alias), node_of(topic_of(alias))) == made


@given(st.text(max_size=300))
def test_no_alias_makes_a_topic_that_a_broker_or_home_assistant_refuses(alias: str) -> None:
    topic, node = topic_of(alias), node_of(topic_of(alias))

    assert 1 <= len(topic.encode()) <= LONGEST
    assert not set("+#\0") & set(topic)
    assert topic[0] not in "$/"
    assert topic[-1] != "/"
    assert "//" not in topic
    assert node.isascii()
    assert not set(node) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


A, B, C = (f"C8:47:8C:00:00:0{n}" for n in (1, 2, 3))


def test_two_that_would_be_called_the_same_are_not() -> None:
    names = names_of([(A, "a b"), (B, "a_b"), (C, "a.b")], {})

    assert names[A] == ("a_b", "a_b", "a_b")
    assert names[B] == ("a_b_0002", "a_b_0002", "a_b_0002")
    assert names[C] == ("a.b", "c8478c000003", "a.b")


def test_who_gets_another_alias_keeps_its_ids() -> None:
    names = names_of([(A, "new")], {A: {"uid": "old"}})

    assert names[A] == ("new", "new", "old")


def test_a_new_one_takes_over_from_who_is_gone_but_not_from_who_is_there() -> None:
    kept = {A: {"uid": "shed"}, B: {"uid": "attic"}}
    names = names_of([(B, "cellar"), (C, "shed")], kept)
    assert names[C].uid == "shed"
    assert names_of([(B, "cellar"), (C, "attic")], kept)[C].uid == "attic_0003"


NUMBERS_TOLD = {
    ("voltage", 52.8): "52.8",
    ("voltage", 52.8349): "52.83",
    ("power", 12345.6): "12350",
    ("power", -0.00001): "-0.00001",
    ("current", -0.0): "0",
    ("full_ah", 104.123456): "104.12",
    ("battery_soc", 100.0): "100",
    ("battery_soc", 71.449): "71.45",
    ("charged_kwh", 123456.7891): "123456.789",
    ("net_kwh", -0.0001): "0",
    ("cycle_charge_ah", 1234567.0): "1234567",
    ("cell_1", 3.3019): "3.302",
    ("power", 1e-9): "0",
}


@pytest.mark.parametrize(("given", "told"), NUMBERS_TOLD.items())
def test_numbers(given: tuple[str, float], told: str) -> None:
    column, value = given

    assert number(value, NUMBERS[column]) == told


def sample(at: float, **values: float) -> Sample:
    return Sample(device=PACK, taken_at=datetime(2026, 12, 1, tzinfo=UTC), monotonic=at, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_means_are_of_the_samples_since_the_last_time(count: int) -> None:
    """Also where only one came; the rest is the newest."""
    battery = Battery(10.0, invert=False)
    assert battery.take(sample(0.0, voltage=50.0, current=1.0, battery_soc=1.0))
    for n in range(1, count):
        assert not battery.take(sample(float(n), voltage=51.0 + n, current=1.2, battery_soc=2.0))
    assert battery.take(sample(10.0, voltage=54.0, current=-1.0, battery_soc=3.0))

    volts, amperes = [51.0 + n for n in range(1, count)] + [54.0], [1.2] * (count - 1) + [-1.0]
    watts = [v * i for v, i in zip(volts, amperes, strict=True)]
    assert float(battery.last["soc/total_voltage"]) == pytest.approx(sum(volts) / count, abs=0.006)
    assert float(battery.last["soc/current"]) == pytest.approx(sum(amperes) / count, rel=1e-3)
    mean = sum(watts) / count
    assert float(battery.last["soc/power"]) == pytest.approx(mean, rel=1e-3)
    assert float(battery.last["soc/charge_power"]) == pytest.approx(max(mean, 0.0), rel=1e-3)
    assert float(battery.last["soc/discharge_power"]) == pytest.approx(max(-mean, 0.0), rel=1e-3)
    assert battery.last["soc/soc_percent"] == "3"
    assert battery.take(sample(20.0, voltage=40.0, current=0.0))
    assert battery.last["soc/total_voltage"] == "40"


def test_a_load_that_comes_is_told_at_once_and_for_four_seconds() -> None:
    battery = Battery(60.0, invert=False)
    battery.take(sample(0.0, voltage=50.0, current=-2.0))  # 100 W

    assert not battery.take(sample(1.0, voltage=50.0, current=-2.6))  # 130 W, less than 15 % of 220 more
    assert battery.take(sample(2.0, voltage=50.0, current=-20.0))
    assert battery.take(sample(5.9, voltage=50.0, current=-20.0))
    assert not battery.take(sample(6.1, voltage=50.0, current=-20.0))


def test_another_set_of_values_is_told_at_once() -> None:
    battery = Battery(60.0, invert=False)
    battery.take(sample(0.0, voltage=50.0))

    assert battery.take(sample(1.0, voltage=50.0, soh=99.0))
    assert battery.last.keys() == {"soc/total_voltage", "soc/soh", "meter/sample_count"}


def test_the_sign_is_turned_where_it_is_asked_for_and_nowhere_else() -> None:
    battery = Battery(1.0, invert=True)
    battery.take(sample(0.0, voltage=50.0, current=2.0))

    assert battery.last["soc/current"] == "-2"
    assert battery.last["soc/power"] == "-100"
    assert battery.last["soc/charge_power"] == "100"
    assert battery.last["battery_charging"] == "ON"


def test_what_is_no_number_is_absent() -> None:
    battery = Battery(1.0, invert=False)
    battery.take(sample(0.0, voltage=float("nan"), current=float("inf"), soh=float("-inf")))

    assert battery.last.keys() == {"meter/sample_count"}


def test_an_unchanged_state_is_sent_again_after_ten_seconds_a_retained_one_never() -> None:
    now = 0.0
    out = Outgoing(lambda: now)
    out.open = True
    for now in (0.0, 5.0, 9.9, 10.0, 15.0):
        out.put("a", "1")
        out.put("a/availability", "online")
        out.put("slow", str(now), every=12.0)
        out.put("b", str(now))
        sent = dict(out._waiting)
        out._waiting.clear()
        assert sent.get("b") == str(now)
        assert ("a" in sent) is (now in (0.0, 10.0))
        assert ("a/availability" in sent) is (now == 0.0)
        assert ("slow" in sent) is (now in (0.0, 15.0))


def test_every_number_of_the_table_is_one_of_the_series() -> None:
    own = {"cell_average", "cell_median", "problem_code"}  # made where they are sent

    assert NUMBERS.keys() - own <= BATTERY.keys()
    assert len({entity.id for entity in ENTITIES.values()}) == len(ENTITIES)
