"""A house that is not there, as ``/api/state`` tells it: what the pages are tested with."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jk_bms.model.alert import alert_of
from jk_bms.view.house import house_of
from jk_bms.web.words import alert_words
from tests.told import house as snapshot

KYIV = ZoneInfo("Europe/Kyiv")
NOW = datetime(2026, 11, 27, 16, 42, 7, tzinfo=UTC)
NAMES = ("Main", "Shed", "Garage", "Attic", "Cellar", "Barn", "Boat", "Spare")
HOSTILE = "<img src=x onerror=alert(1)>\"'&\u202eevil" + "x" * 40


def reading(
    number: int = 1, *, soc: float = 76.4, current: float = -41.23, cells: int = 16
) -> dict[str, Any]:
    """One reading of a pack that is discharged, as a poller tells it."""
    volts = [3.2860 + 0.004 * math.sin(2.1 * (n + number)) for n in range(cells)]
    volts = [round(value, 3) for value in volts]
    low, high = min(volts), max(volts)
    voltage = round(sum(volts), 3)
    return {
        "device": {
            "name": NAMES[number - 1],
            "address": address(number),
            "number": number,
            "type": "jk",
            "model": "JK_PB2A16S20P",
            "hw_version": "15A",
            "sw_version": "15.38",
            "serial": f"40{number}2118830",
        },
        "time": NOW.isoformat(),
        "voltage": voltage,
        "current": current,
        "power": round(voltage * current, 1),
        "battery_soc": soc,
        "battery_soc_source": "counted",
        "soc_low": soc - 2.6,
        "soc_high": soc + 2.8,
        "soc_anchor": "full",
        "soc_anchor_age": 90_000.0,
        "temperature": 18.5,
        "temperatures": [18.5, 17.9],
        "probe_numbers": [1, 2],
        "mos_temperature": 21.0,
        "cells": volts,
        "cell_numbers": list(range(1, cells + 1)),
        "cell_count": cells,
        "cell_resistances": [0.13] * cells,
        "cell_min": {"v": low, "index": volts.index(low) + 1},
        "cell_max": {"v": high, "index": volts.index(high) + 1},
        "cell_delta": round(high - low, 3),
        "cell_average": round(voltage / cells, 3),
        "charge": 236.2,
        "capacity": 314.0,
        "cycles": 214,
        "soh": 98.0,
        "meters": {"charged_kwh": 4213.4, "discharged_kwh": 3987.1},
        "switches": {"charge": True, "discharge": True, "balance": False},
        "empty_in": [19_200.0, 23_400.0],
        "uptime": 400_000,
    }


def address(number: int) -> str:
    return f"C8:47:80:00:00:{number:02X}"


def battery(number: int = 1, **more: Any) -> dict[str, Any]:
    """One of the house's batteries, streaming."""
    told = reading(number, **more)
    days = {
        (NOW.date() - timedelta(days=back)).isoformat(): {
            "charged_kwh": 9.8 - back,
            "discharged_kwh": 6.2 + 0.4 * back,
        }
        for back in range(7)
    }
    return {
        "number": number,
        "address": address(number),
        "name": NAMES[number - 1],
        "type": "jk",
        "link": {
            "state": "streaming",
            "for": 273_600.0,
            "verdict": None,
            "message": "",
            "rssi": -61,
            "causes": [],
            "adapter": "hci0",
            "last_frame": 0.4,
            "connects": 3,
            "failures": 0,
            "last_outage": {"lasted": 312.0, "cure": "reconnect", "verdict": "not_seen"},
            "released_for": None,
        },
        "cell_limits": [2.85, 3.55],
        "age": 0.4,
        "reading": told,
        "days": days,
    }


def inverter(**more: Any) -> dict[str, Any]:
    return {
        "load_power": 1994.0,
        "pv_power": 412.0,
        "grid_power": 0.0,
        "grid_voltage": 0.0,
        "time": NOW.isoformat(),
        "age": 4.2,
        "grid": {"state": "lost", "for": 720.0},
        "error": None,
    } | more


def inverters() -> dict[str, Any]:
    """Two inverters, of which one is not heard, as the state tells them together and each."""
    one = inverter(
        id="deye", kind="deye", name="Deye", load_power=1994.0, status="Battery mode", load_voltage=230.4
    )
    other = inverter(
        id="easun", kind="easun", name="Easun", age=400.0, error="no answer for 7 min", pv_power=None
    )
    known = {key: value for key, value in other.items() if value is not None}
    return {"inverter": inverter(of=2, fresh=1), "inverters": [one, known]}


def alert(**more: Any) -> dict[str, Any]:
    facts = {
        "what": "raised",
        "rule": "cell_low",
        "code": 1006,
        "severity": "critical",
        "part": "4",
        "subject": address(1),
        "value": 2.843,
        "set": 2.85,
        "clear": 3.0,
        "peak": 2.831,
        "unit": "V",
        "digits": 3,
        "count": 1,
        "since": (NOW - timedelta(minutes=22)).isoformat(),
        "facts": {"cell": 4, "limit": 2.5},
        "muted": False,
        "muted_until": None,
    } | more
    return facts | {"words": alert_words(alert_of(facts), NAMES[0], KYIV, NOW)}


def state(batteries: int = 1, **more: Any) -> dict[str, Any]:
    """The whole present of a house with so many batteries; ``more`` in place of what is usual."""
    told = {
        "poller": {"up": True, "since": (NOW - timedelta(days=3)).isoformat()},
        "clock_trusted": True,
        "poll_interval": 2.0,
        "time": NOW.isoformat(),
        "timezone": "Europe/Kyiv",
        "batteries": [battery(number + 1, soc=76.4 - 9 * number) for number in range(batteries)],
        "inverter": inverter(),
        "alerts": [],
        "version": "1.0.0",
    } | more
    return told | {"house": house(told)}


def house(told: dict[str, Any]) -> dict[str, Any]:
    """What the packs have together, as the server tells it."""
    whole = house_of(snapshot({"devices": told["batteries"], "poll_interval": told["poll_interval"]}))
    fields = {key: value for key, value in whole._asdict().items() if value is not None}
    fields.pop("counted")
    fields["left_out"] = [{"address": one.device.address, "why": one.why} for one in whole.left_out]
    return fields
