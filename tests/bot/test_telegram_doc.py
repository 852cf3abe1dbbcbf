"""docs/telegram.md shows what the program really says; every command is told of there."""

import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jk_bms.battery.until import Outlook
from jk_bms.bot import pages as real
from jk_bms.bot.choices import Choices
from jk_bms.bot.commands import MENU
from jk_bms.model.alert import alert_of
from jk_bms.texts import language
from jk_bms.texts.alerts import alert_html
from tests.bot.house_snapshot import NOW, alert, device, reading, snapshot, troubled
from tests.told import Told

DOC = (Path(__file__).parents[2] / "docs" / "telegram.md").read_text(encoding="utf-8")
KYIV = ZoneInfo("Europe/Kyiv")
pages: Any = Told(real)
EN, UK = language("en"), language("uk")
ALERT = alert(value=2.843, facts={"cell": 4, "limit": 2.5}, since=(NOW - timedelta(seconds=5)).isoformat())


def seen(html: str) -> str:
    """What a person sees of a message."""
    return unescape(re.sub(r"</?(b|i|pre|code)>", "", html))


def examples() -> dict[str, str]:
    house = snapshot()
    main = house["devices"][0]
    morning = Outlook(
        "maybe",
        NOW + timedelta(hours=12, minutes=18),
        0.0,
        23.4,
        NOW + timedelta(hours=11),
        None,
        946.0,
        7,
        83.0,
    )
    over = ALERT | {"what": "cleared", "value": 3.012, "since": (NOW - timedelta(minutes=22)).isoformat()}
    return {
        "status": pages.status(house, EN, KYIV, NOW).text,
        "battery": pages.battery(house, main, EN, KYIV, NOW).text,
        "cells": pages.cells(house, main, EN, KYIV, NOW).text,
        "link": pages.link(snapshot(device(link=troubled())), EN, KYIV, NOW).text,
        "release": pages.released([main], NOW + timedelta(minutes=10), EN, KYIV, NOW).text,
        "until": pages.until(house, main, morning, EN, KYIV, NOW).text,
        "ukrainian": pages.battery(house, device(name="Дім"), UK, KYIV, NOW).text,
        "old": pages.status(
            {"devices": [{**device(age=900.0), "link": None, "days": {}}], "poller_down": True},
            EN,
            KYIV,
            NOW,
        ).text,
        "alert": alert_html(alert_of(ALERT), "Main", EN, KYIV, NOW),
        "settings": pages.choices(Choices(quiet="22:00-07:00", pictures="dark"), 10.0, None, EN).text,
        "over": alert_html(alert_of(over), "Main", EN, KYIV, NOW),
        "level": pages.level_change(52.583, reading()["battery_soc"], EN, rising=False),
    }


@pytest.mark.parametrize("name", examples())
def test_example_is_what_the_program_says(name: str) -> None:
    assert f"```text\n{seen(examples()[name])}\n```" in DOC


def test_every_command_is_in_the_table() -> None:
    told = re.findall(r"^\| `/(\w+)", DOC, re.MULTILINE)

    assert told == list(MENU)
