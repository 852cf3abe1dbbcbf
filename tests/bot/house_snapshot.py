"""A house as the poller tells it, for the pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

from jk_bms.repair.causes import WORDS

NOW = datetime(2026, 11, 21, 16, 42, 19, tzinfo=UTC)

CELLS = [3.285, 3.287, 3.29, 3.282, 3.286, 3.286, 3.285, 3.287] * 2


def reading(**other: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "time": (NOW - timedelta(seconds=12)).isoformat(),
        "voltage": 52.583,
        "current": -41.234,
        "power": -2168.2,
        "battery_soc": 84.3,
        "battery_soc_source": "counted",
        "soc_low": 79.0,
        "soc_high": 88.0,
        "soc_anchor": "full",
        "soc_anchor_age": 7300.0,
        "temperature": 18.5,
        "temperatures": [18.5, 18.1],
        "mos_temperature": 21.0,
        "cells": CELLS,
        "cell_count": 16,
        "cell_min": {"v": 3.282, "index": 4},
        "cell_max": {"v": 3.29, "index": 3},
        "cell_average": 3.286,
        "cell_delta": 0.008,
        "charge": 236.2,
        "empty_in": [19300.0, 21500.0],
        "switches": {"charge": True, "discharge": True, "balance": False},
        "meters": {"charged_kwh": 12.34, "discharged_kwh": 10.2},
    }
    return {key: value for key, value in (known | other).items() if value is not None}


def device(number: int = 1, name: str | None = "Main", **other: Any) -> dict[str, Any]:
    link = {
        "state": "streaming",
        "for": 7500.0,
        "verdict": None,
        "message": "",
        "rssi": -61,
        "connects": 3,
        "failures": 0,
        "refused": 0,
        "causes": [],
        "last_frame": 12.0,
        "commands_day": 5,
        "rung": "none",
        "outage": None,
        "last_outage": None,
        "released_for": None,
    }
    return {
        "number": number,
        "address": f"AA:BB:CC:DD:EE:{number:02X}",
        "name": name,
        "type": "jk",
        "link": link,
        "age": 12.0,
        "reading": reading(),
        "days": {"2026-11-21": {"charged_kwh": 9.84, "discharged_kwh": 6.21}},
    } | other


def cause(code: str, sure: float) -> dict[str, Any]:
    """A cause as the poller tells it: the words of the tools."""
    return {"code": code, "sure": sure, "meaning": WORDS[code][0], "action": WORDS[code][1]}


def troubled(**other: Any) -> dict[str, Any]:
    """The link of a battery that is not heard."""
    link: dict[str, Any] = device()["link"] | {
        "state": "searching",
        "for": 40.0,
        "verdict": "not_seen",
        "message": "not heard, but 4 other devices are",
        "last_frame": 800.0,
        "failures": 6,
        "causes": [
            cause("phone_connected", 0.47),
            cause("switched_off", 0.25),
            cause("out_of_range", 0.12),
            cause("wrong_address", 0.05),
        ],
        "rung": "power_cycle",
        "outage": {"verdict": "not_seen", "lasted": 800.0, "attempts": 6, "rung": "power_cycle"},
        "last_outage": {
            "began": (NOW - timedelta(hours=20)).isoformat(),
            "lasted": 320.0,
            "verdict": "dropped",
            "cure": "reconnect",
        },
    }
    return link | other


def lent(number: int = 1, name: str | None = "Main") -> dict[str, Any]:
    """A battery that is left alone, so that a phone can connect."""
    link = device()["link"] | {"state": "released", "verdict": "released", "released_for": 300.0}
    return device(number, name, link=link)


def snapshot(*devices: dict[str, Any], **other: Any) -> dict[str, Any]:
    inverter = {
        "grid": {"state": "present", "for": 7500.0},
        "grid_voltage": 231.2,
        "grid_power": 0.0,
        "load_power": 1994.0,
        "pv_power": 12.0,
        "age": 4.0,
    }
    return {
        "clock_trusted": True,
        "poll_interval": 30.0,
        "devices": list(devices) or [device()],
        "inverter": inverter,
        "alerts": [],
    } | other


def alert(**other: Any) -> dict[str, Any]:
    return {
        "rule": "cell_low",
        "code": 1006,
        "severity": "critical",
        "part": "4",
        "subject": "AA:BB:CC:DD:EE:01",
        "value": 2.843,
        "set": 2.85,
        "clear": 3.0,
        "peak": 2.831,
        "since": (NOW - timedelta(minutes=12)).isoformat(),
        "unit": "V",
        "digits": 3,
        "count": 1,
        "facts": {},
        "what": "raised",
    } | other


def health_report(cells: int = 16, **other: Any) -> dict[str, Any]:
    healthy = {
        "faults": [],
        "sure": 0.97,
        "resistance": 0.00052,
        "resistance_excess": 0.02,
        "size": 0.4,
        "size_sigma": 0.5,
        "loss_month": 0.1,
        "loss_month_sigma": 0.2,
        "ahead_when_full_ah": 0.3,
        "verdict": "good",
        "unknown": [],
    }
    return {
        "cells": [healthy | {"number": number} for number in range(1, cells + 1)],
        "days": 41.3,
        "nominal_ah": 280.0,
        "learned_ah": 273.4,
        "temperature": 19.0,
        "balancer_unseen": False,
        "imbalance": 1.2,
        "verdict": f"all {cells} cells are in order",
    } | other
