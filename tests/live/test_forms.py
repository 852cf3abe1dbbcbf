"""What the socket says has a form: the same on the wire as ever, and understood across versions of this program."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jk_bms.errors import LiveError
from jk_bms.live import messages
from jk_bms.live.messages import FORMS, ConfigTold, LinkTold, SampleTold, Told, told_in, told_line
from jk_bms.model import Device, Sample
from jk_bms.model.alert import AlertTold, alert_of
from jk_bms.model.link import Cause
from jk_bms.model.outage import OutageNow, PastOutage
from jk_bms.model.quantities import QUANTITIES
from jk_bms.model.reading import Reading, as_reading, reading_of, sample_of
from jk_bms.model.snapshot import (
    AdapterNow,
    BatteryNow,
    Energy,
    EventTold,
    GridNow,
    InverterShown,
    InvertersTold,
    Lasting,
    LinkNow,
    ProgramNow,
    RecordsNow,
    Snapshot,
    TelegramNow,
)

SAMPLE = Sample(
    device=Device(address="C8:47:80:00:00:01", name="Main"),
    taken_at=datetime(2026, 12, 1, 7, tzinfo=UTC),
    monotonic=900.0,
    voltage=52.58,
    current=-41.2,
    cell_voltages=(3.285, 3.287),
    battery_soc=84.0,
    charged_kwh=12.0,
    charge_enabled=True,
)
LINK = LinkNow(
    state="silent",
    lasts=7.0,
    verdict="mute",
    causes=(Cause("mute", 0.6, "It says nothing.", "Switch it off and on."),),
    outage=OutageNow(verdict="mute", lasted=7.0, attempts=1),
    last_outage=PastOutage(began=datetime(2026, 11, 30, tzinfo=UTC), lasted=60.0, cure="reconnect"),
)
INVERTER = InverterShown(load_power=400.0, age=3.0, grid=GridNow(state="lost", lasts=60.0))
HOUSE = Snapshot(
    program=ProgramNow(version="1.2", pid=7, uptime=60.0),
    poll_interval=2.0,
    devices=(
        BatteryNow(
            number=1,
            address=SAMPLE.device.address,
            name="Main",
            link=LINK,
            cell_limits=(3.0, 3.5),
            age=0.5,
            reading=reading_of(SAMPLE, UTC, monotonic=True),
            days={"2026-12-01": Energy(charged_kwh=1.0, discharged_kwh=2.0)},
        ),
        BatteryNow(number=2, address="C8:47:80:00:00:02", link=LinkNow(state="searching")),
    ),
    adapters=(AdapterNow("00:1A:7D:DA:71:01", 3, 2),),
    inverter=INVERTER,
    house=Lasting(packs={SAMPLE.device.address: (1200, 1500)}, empty_in=(1200, 1500)),
    alerts=(
        alert_of({"rule": "cell_low", "code": 1006, "severity": "critical", "value": 2.8, "muted": False}),
    ),
    telegram=TelegramNow(username="house_bot"),
    records=RecordsNow(path="/x/inverter.db", merged=3),
)
TOLD: dict[str, Told] = {
    "snapshot": HOUSE,
    "sample": SampleTold(address=SAMPLE.device.address, reading=reading_of(SAMPLE)),
    "link": LinkTold(address=SAMPLE.device.address, link=LINK),
    "inverter": InvertersTold(inverter=INVERTER),
    "event": EventTold(kind="grid.lost", time="2026-12-01T07:00:00+00:00", monotonic=5.0, text="it went"),
    "config": ConfigTold(key="LOG_LEVEL", old="INFO", new="DEBUG", source=".env line 3", by="by hand"),
}


def said(told: Told) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(told_line(told))
    return message


@pytest.mark.parametrize("name", FORMS)
def test_what_is_said_is_what_is_understood(name: str) -> None:
    line = told_line(TOLD[name])

    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
    assert (said(TOLD[name])["v"], said(TOLD[name])["type"]) == (1, name)
    assert told_in(messages.parse(line)) == TOLD[name]


def test_keys_that_others_count_on_are_always_there() -> None:
    """A bot of an earlier version reads these without asking whether they are there; what is not known is null."""
    house = said(Snapshot(devices=(BatteryNow(number=1, address="X", link=LinkNow()),)))

    assert house.keys() >= {
        "v", "type", "program", "clock_trusted", "poll_interval", "devices", "adapters", "inverter", "house",
        "inverters", "alerts", "unsaved", "telegram", "channels", "web",
    }  # fmt: skip
    assert house["devices"][0].keys() >= {"number", "address", "name", "type", "link"}
    assert house["devices"][0]["link"].keys() >= {
        "state", "for", "verdict", "message", "rssi", "causes", "adapter", "last_frame", "connects", "failures",
        "frames", "refused", "implausible", "implausible_reason", "discarded", "commands", "commands_day",
        "rung", "outage", "last_outage", "released_for",
    }  # fmt: skip
    assert said(InvertersTold(inverter=InverterShown()))["inverter"].keys() == {
        "time",
        "age",
        "grid",
        "error",
    }
    assert said(EventTold()).keys() >= {"kind", "time", "monotonic", "device", "text", "facts"}


def test_an_open_alert_has_the_keys_that_it_ever_had() -> None:
    """What it has besides is told where it is known."""
    alert = AlertTold(muted=False, muted_until="2026-12-01T08:00:00+00:00")

    [told] = said(Snapshot(alerts=(alert,)))["alerts"]

    assert told.keys() >= {
        "rule", "code", "severity", "part", "subject", "value", "set", "clear", "peak", "since", "unit",
        "digits", "count", "facts", "muted", "muted_until",
    }  # fmt: skip


HALF = {"rule": "cell_low", "value": 2.8, "also": [{"rule": "soc_low"}]}  # what is understood of each
STRANGE = {
    "nothing": ({}, AlertTold()),
    "more": (HALF | {"colour": "red"}, None),
    "a word for a number": (HALF | {"set": "low", "count": "many"}, None),
    "nothing for a text": (HALF | {"severity": None, "since": 7}, None),
    "no facts": (HALF | {"facts": None, "digits": 1.5, "silent": "yes"}, None),
    "another among the others": (HALF | {"also": ["x", {"rule": "soc_low", "code": "new"}]}, None),
}


@pytest.mark.parametrize(("facts", "told"), STRANGE.values(), ids=STRANGE)
def test_of_strange_facts_the_rest_is_told(facts: dict[str, Any], told: AlertTold | None) -> None:
    """Events are years old, or of another version: what is not understood of one is left out, and nothing else."""
    usual = AlertTold(rule="cell_low", value=2.8, also=(AlertTold(rule="soc_low"),))

    assert alert_of(facts) == (told or usual)


def test_a_forecast_that_there_is_not_has_no_key() -> None:
    assert said(Snapshot(house=Lasting()))["house"] == {"packs": {}}


def test_a_service_of_another_version_is_understood() -> None:
    """An older one leaves out what it does not know of, a newer one says more: both are so for a minute."""
    older = {
        "v": 1,
        "type": "snapshot",
        "devices": [{"number": 1, "address": "X", "link": {"state": "silent"}}],
    }
    newer = said(HOUSE) | {"weather": {"sun": 3}}
    newer["devices"][0] |= {"colour": "blue"}
    newer["devices"][0]["reading"] |= {"humidity": 40.0}
    newer["devices"][0]["link"] |= {"state": "dreaming", "verdict": "bewitched", "rung": "new_moon"}

    before, after = told_in(older), told_in(newer)

    assert before == Snapshot(devices=(BatteryNow(number=1, address="X", link=LinkNow(state="silent")),))
    assert isinstance(after, Snapshot)
    assert after.devices[0].link_state == "dreaming"
    assert after.devices[0].reading == HOUSE.devices[0].reading
    assert told_in({"v": 1, "type": "weather"}) is None


def test_what_has_another_form_is_told_as_such() -> None:
    message = said(HOUSE)
    message["devices"][0]["age"] = "young"

    with pytest.raises(LiveError, match=r"says snapshot in a form .* expected one of its own version"):
        messages.understood(Path("/run/s"), message)


def test_a_reading_has_a_field_for_each_quantity_and_no_other() -> None:
    """A quantity that is added to the table alone would be lost on its way to the pages."""
    keys: set[str] = set()
    for name, field in zip(Reading.__struct_encode_fields__, Reading.__struct_fields__, strict=True):
        inner = getattr(Reading(), field)
        names = inner.__struct_encode_fields__ if isinstance(inner, msgspec.Struct) else ()
        keys |= {f"{name}.{one}" for one in names} or {name}

    assert keys - {"monotonic"} == {quantity.key for quantity in QUANTITIES if quantity.key}


def test_a_reading_in_fields_is_the_same_on_the_wire() -> None:
    plain = as_reading(SAMPLE, UTC, monotonic=True)

    assert json.loads(msgspec.json.encode(reading_of(SAMPLE, UTC, monotonic=True))) == plain
    assert sample_of(reading_of(SAMPLE, UTC, monotonic=True)) == SAMPLE


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": True},
        {"ok": True, "result": None},
        {"ok": True, "result": [1]},
        {"ok": False, "error": "no", "verdict": "a_word_of_tomorrow"},
        {"ok": False, "error": "no", "verdict": ["mute"]},
        {},
    ],
    ids=str,
)
def test_an_answer_of_another_version_is_no_fault_of_this_program(answer: dict[str, Any]) -> None:
    with pytest.raises(LiveError):
        messages.result(answer)
