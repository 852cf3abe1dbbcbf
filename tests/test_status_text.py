"""The page of ``status`` and of the live view: words, never an unknown as a number."""

import re
from typing import Any

import pytest

from jk_bms.view.status_text import cell_bars, soc_bar, status_lines
from tests.told import house

LINK = {"state": "streaming", "for": 75.0, "verdict": None, "message": "", "rssi": -61}
READING = {
    "battery_soc": 84.0,
    "battery_soc_source": "counted",
    "voltage": 52.583,
    "current": -5.234,
    "power": -275.2,
    "cells": [3.285, 3.287, 3.29, 3.282],
    "cell_min": {"v": 3.282, "index": 4},
    "cell_max": {"v": 3.29, "index": 3},
    "cell_delta": 0.008,
    "soc_low": 79.0,
    "soc_high": 88.0,
    "soc_anchor": "full",
    "soc_anchor_age": 7300.0,
    "empty_in": [15000.0, 19900.0],
    "meters": {"charged_kwh": 12.34, "discharged_kwh": 10.2},
    "temperatures": [18.5, 18.1],
    "mos_temperature": 21.0,
    "alarms": ["cell_undervoltage"],
}


def page(device: dict[str, Any] | None = None, **top: Any) -> str:
    known: dict[str, Any] = {"number": 1, "address": "AA:BB", "name": "main", "type": "jk", "link": LINK}
    return "\n".join(status_lines(house({"devices": [known | (device or {})], **top})))


def test_full_page() -> None:
    """Everything that a person asks first is on it."""
    text = page({"reading": READING, "age": 0.4})

    for words in (
        "Battery 1: main",
        "connected, for 75 s, -61 dBm",
        "84 % counted\n           (79 to 88 %, full 2 h 1 min ago)",
        "Empty in 4 h 10 min to 5 h 40 min at the usual load",
        "12.3 kWh in, 10.2 kWh out",
        "52.58 V   -5.23 A   -275 W discharging",
        "3.282 V (cell 4) to 3.290 V (cell 3), delta 8 mV",
        "battery T1 18.5, T2 18.1 °C, MOSFETs 21.0 °C",
        "cell_undervoltage",
        "just now",
    ):
        assert words in text


LONG = {
    "name": "The battery below the stairs of the old house " * 2,
    "link": LINK
    | {
        "state": "searching",
        "message": "not in the scan:\n  out of range, without power, or connected to a phone " * 3,
        "causes": [{"sure": 0.9, "meaning": "A phone is connected. " * 4, "action": "Close its app. " * 6}],
        "connects": 12345,
        "refused": 12345,
        "discarded": 1234567,
        "commands": 123456,
        "commands_day": 7200,
        "implausible": 12,
        "implausible_reason": "a current of 2000000 A, which no pack of that size can give " * 2,
    },
}


@pytest.mark.parametrize("color", [False, True], ids=["plain", "coloured"])
@pytest.mark.parametrize("source", ["counted", "bms", "curve"])
def test_no_line_is_wider_than_a_terminal(source: str, *, color: bool) -> None:
    """In the live view what is wider would be cut off."""
    cells = [3.285] * 32
    reading = READING | {
        "battery_soc_source": source,
        "soc_anchor_age": 7e6,
        "alarms": ["cell_undervoltage"] * 9,
    }
    device = {
        "number": 1,
        "address": "AA:BB",
        "type": "jk",
        "reading": reading | {"cells": cells},
        "age": 0.4,
    }
    telegram = {"trouble": "another program answers with our token, stop it " * 4}
    alert = {
        "severity": "critical",
        "subject": "AA:BB",
        "rule": "soc_low",
        "code": 1001,
        "value": 9.0,
        "unit": "%",
    }
    lines = status_lines(
        house({"devices": [device | LONG], "telegram": telegram, "alerts": [alert | {"what": "raised"}]}),
        color=color,
    )

    seen = [re.sub(r"\x1b\[\d+m", "", line) for line in lines]
    assert [line for line in seen if len(line) > 80] == []
    assert not any("\n" in line for line in seen)
    assert "Close its app." in " ".join(" ".join(seen).split())


def test_energy_of_today() -> None:
    days = {
        "2026-11-19": {"charged_kwh": 9.0, "discharged_kwh": 8.0},
        "2026-11-20": {"charged_kwh": 3.14, "discharged_kwh": 2.0},
    }

    assert "10.2 kWh out; today 3.1 in, 2.0 out" in page({"reading": READING, "age": 0.4, "days": days})


def test_nothing_known_yet() -> None:
    link = LINK | {"state": "searching", "message": "not seen", "rssi": None}
    text = page({"link": link})

    assert "searching" in text
    assert "not seen" in text
    assert "none yet" in text
    assert "None" not in text


def test_how_long_a_release_lasts() -> None:
    link = LINK | {"state": "released", "verdict": "released", "released_for": 540.0, "last_frame": 61.0}
    text = page({"link": link})

    assert "released, for 75 s, -61 dBm, taken up again in 9 min" in text
    assert "none since the start, the last 61 s ago" in text


def test_an_outage_is_explained() -> None:
    """The two likeliest causes with what to do, how long, what was done; nothing of the unlikely."""
    link = LINK | {
        "state": "searching",
        "verdict": "not_seen",
        "message": "not seen by hci0 in 20 s",
        "causes": [
            {
                "code": "phone_connected",
                "sure": 0.5,
                "meaning": "A phone is connected.",
                "action": "Close it.",
            },
            {"code": "switched_off", "sure": 0.2, "meaning": "It is off.", "action": "Look."},
            {"code": "out_of_range", "sure": 0.2, "meaning": "It is far.", "action": "Move."},
        ],
        "outage": {"verdict": "not_seen", "lasted": 240.0, "attempts": 5, "rung": "power_cycle"},
        "last_outage": {
            "began": "2026-11-20T10:00:00+00:00",
            "lasted": 65.0,
            "verdict": "stale_cache",
            "cure": "forget",
        },
        "connects": 3,
        "refused": 4,
        "discarded": 120,
        "commands": 17,
        "commands_day": 2,
    }

    text = " ".join(page({"link": link}).split())

    for words in (
        "Probably: A phone is connected. Close it.",
        "Or: It is off. Look.",
        "Outage for 4 min, 5 failed attempts; switched the adapter off and on",
        "for 65 s: stale cache, had the Bluetooth service forget the device",
        "3 connections, 4 frames refused, 120 bytes dropped, 17 commands (2 in the last 24 h)",
    ):
        assert words in text
    assert "far" not in text


def test_a_link_that_works_has_no_outage_on_the_page() -> None:
    link = LINK | {"causes": [], "outage": {"lasted": 5.0, "attempts": 1, "rung": "reconnect"}, "connects": 2}

    text = page({"link": link})

    assert "Outage" not in text
    assert "2 connections" in text


@pytest.mark.parametrize("key", READING)
def test_missing_value_is_not_shown(key: str) -> None:
    """A device that does not report something gets no line for it, and no error."""
    reading = {name: value for name, value in READING.items() if name != key}
    if key.startswith("cell"):
        reading = {name: value for name, value in reading.items() if not name.startswith("cell")}

    text = page({"reading": reading, "age": 1.0})

    assert "None" not in text
    assert "nan" not in text


def test_count_without_anchor_says_so() -> None:
    reading = READING | {"battery_soc_source": "bms", "soc_anchor": None}

    assert "84 % by the BMS\n           (our count: 79 to 88 %, not anchored yet)" in page(
        {"reading": reading, "age": 1.0}
    )


def test_a_count_that_is_not_shown_though_it_had_an_anchor() -> None:
    reading = READING | {"battery_soc_source": "bms", "soc_low": 2.0, "soc_high": 98.0}

    assert "84 % by the BMS (our count: 2 to 98 %)" in page({"reading": reading, "age": 1.0})


def test_old_reading_is_marked() -> None:
    assert "5 min ago (old)" in page({"reading": READING, "age": 300.0})
    assert "(old)" not in page({"reading": READING, "age": 300.0}, poll_interval=120.0)


def test_wrong_clock_is_said() -> None:
    assert "clock of this machine is wrong" in page(clock_trusted=False)


@pytest.mark.parametrize(("soc", "full"), [(-5, 0), (0, 0), (50, 12), (99.9, 24), (130, 24)])
def test_soc_bar(soc: float, full: int) -> None:
    assert soc_bar(soc) == "█" * full + "░" * (24 - full)


def test_cell_bars_keep_calm_below_the_noise() -> None:
    """One millivolt between cells is no mountain range."""
    assert set(cell_bars([3.300, 3.301])) <= set("▁▂▃")
    assert cell_bars([3.0, 3.4]) == "▁█"


ALERT = {
    "rule": "cell_low",
    "code": 1006,
    "severity": "critical",
    "part": "",
    "subject": "AA:BB:CC:DD:EE:FF",
    "value": 2.84,
    "set": 2.85,
    "clear": 3.0,
    "peak": 2.84,
    "since": "2026-12-01T10:00:00+00:00",
    "unit": "V",
    "digits": 3,
    "count": 1,
    "facts": {"cell": 7},
    "muted": True,
    "muted_until": None,
}


def test_open_alerts_stand_first() -> None:
    lines = page(alerts=[ALERT]).splitlines()

    assert lines[0] == "Alerts"
    assert lines[1].startswith("  critical ")
    assert "cell 7 is nearly empty, 2.840 V" in lines[1]
    assert lines[2].endswith("code 1006 (muted)")


def test_grid_and_load() -> None:
    inverter = {
        "grid": {"state": "present", "for": 7300.0},
        "grid_voltage": 230.1,
        "grid_power": 412.0,
        "load_power": 380.4,
        "pv_power": 1200.0,
        "age": 3.0,
        "error": None,
    }

    text = page(inverter=inverter)

    assert "Grid     present, for 2 h 1 min, 230 V, 412 W" in text
    assert "Power    load 380 W, sun 1200 W" in text
    assert "(old)" not in text.split("House")[1]


def test_several_inverters_are_told_below_the_house() -> None:
    """What they are together comes first; one that says nothing is named, and then nothing is added up."""
    seen = {"grid": {"state": "present", "for": None}, "grid_voltage": 231.0, "age": 3.0}
    text = page(
        inverter=seen | {"of": 2, "fresh": 1},
        inverters=[
            seen | {"id": "shed", "name": "Shed", "load_power": 400.0},
            {"id": "garage", "age": 300.0, "grid": {"state": "unknown", "for": None}, "error": "no answer"},
        ],
    )

    house, shed, garage = re.split(r"Inverter Shed|Inverter garage", text[text.index("House") :])
    assert "Heard    1 of 2 inverters; nothing is added up" in house
    assert "Power    load 400 W" in shed
    assert "5 min ago (old)" in garage
    assert "Trouble  no answer" in garage


def test_the_only_inverter_has_no_name() -> None:
    seen = {"grid": {"state": "present", "for": None}, "load_power": 400.0, "age": 3.0}
    text = page(inverter=seen, inverters=[seen | {"id": "shed", "name": "Shed"}])

    assert "load 400 W" in text
    assert "Shed" not in text


def test_a_grid_that_nobody_knows_of() -> None:
    inverter = {"grid": {"state": "unknown", "for": None}, "age": 400.0, "error": "timed out"}

    house = page(inverter=inverter).split("House")[1]

    assert "Grid     unknown\n" in house
    assert "6 min ago (old)" in house
    assert "Trouble  timed out" in house


def test_the_code_of_a_bot_that_nobody_claimed() -> None:
    assert "/start ABCDE" in page(telegram={"code": "ABCDE"})
    assert "Telegram" not in page(telegram=None)


def test_a_bot_in_trouble() -> None:
    assert "Telegram" not in page(telegram={"code": None, "trouble": "", "state": "well", "heard": 3.0})
    said = page(telegram={"code": None, "trouble": "the bot has not been heard of for 12 min: " + "no " * 30})
    assert "Trouble  the bot has not been heard of for 12 min" in said
    assert max(map(len, said.splitlines())) <= 80


def test_several_batteries_are_told_together_first() -> None:
    """Weighted by capacity; one that is silent is named, not averaged."""
    sized = {"capacity": 280.0, "voltage": 50.0, "battery_soc": 90.0, "current": -10.0, "power": -500.0}
    small = sized | {"capacity": 70.0, "battery_soc": 15.0}
    devices = [
        {
            "number": n,
            "address": f"AA:{n}",
            "name": name,
            "type": "jk",
            "link": LINK,
            "reading": reading,
            "age": age,
        }
        for n, name, reading, age in (
            (1, "main", sized, 5.0),
            (2, "shed", small, 5.0),
            (3, "barn", small | {"battery_soc": 1.0}, 900.0),
        )
    ]

    lines = status_lines(house({"devices": devices}))

    assert lines[0] == "All batteries"
    assert lines[1].endswith(" 75 %, 13.1 kWh left")
    assert lines[2:4] == ["  Power    -20.00 A   -1000 W discharging", "  Without  barn: no data now"]
    assert status_lines(house({"devices": devices[:1]}))[0] == "Battery 1: main"


def test_readings_that_cannot_be_true_are_told() -> None:
    """How many lately and why; nothing of it once ten minutes went by without one."""
    reason = "current is 2000000 A; expected at most 1120 A either way"
    doubtful = page({"link": LINK | {"implausible": 7, "implausible_reason": reason}})
    calm = page({"link": LINK | {"implausible": 0, "implausible_reason": reason}})

    said = " ".join(doubtful.split())
    assert f"Doubt 7 readings left out in the last 10 min, as they cannot be true: {reason}" in said
    assert "Doubt" not in calm


def test_a_charge_that_is_not_counted_says_why() -> None:
    why = "the BMS protects its cells at 4.20 V; the registry says lfp"
    said = " ".join(page({"reading": READING, "age": 1.0, "uncounted": why}).split())

    assert f"Cells the charge is that of the BMS and not counted: {why}. Write `chemistry:`" in said
    assert "not counted" not in page({"reading": READING, "age": 1.0})


def test_a_balancer_says_what_it_does_not_measure() -> None:
    reading = {
        key: value
        for key, value in READING.items()
        if not key.startswith(("battery_soc", "current", "power"))
    }
    text = page({"reading": reading | {"device": {"balancer": True}}, "age": 0.4})

    assert "Charge   not measured: this is an active balancer" in text
    assert " A" not in text.split("Power")[1].splitlines()[0]
