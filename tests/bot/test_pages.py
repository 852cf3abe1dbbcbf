"""The pages of the bot: what a person sees on the phone."""

import re
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jk_bms.battery.until import Outlook
from jk_bms.bot import pages as real
from jk_bms.bot.commands import MENU
from jk_bms.bot.pages import Page
from jk_bms.bot.pages.callbacks import alert_key, find_alert, press, pressed
from jk_bms.bot.pages.page import WIDTH
from jk_bms.bot.pages.values import soc_mark
from jk_bms.errors import Verdict
from jk_bms.model.alert import alert_of
from jk_bms.model.snapshot import WebNow
from jk_bms.repair.causes import WORDS
from jk_bms.repair.ladder import Rung
from jk_bms.texts import LANGUAGES, Texts, language
from jk_bms.view.charge import shown_soc
from tests.bot.house_snapshot import (
    NOW,
    alert,
    cause,
    device,
    health_report,
    lent,
    reading,
    snapshot,
    troubled,
)
from tests.told import Told

pages: Any = Told(real)
KYIV = ZoneInfo("Europe/Kyiv")
EN, UK = language("en"), language("uk")
HOSTILE = '</b><script>&amp;{0}{x}%s\n\u202e"😀"' + "x" * 4000


def status(*devices: dict[str, Any], **other: Any) -> Page:
    page: Page = pages.status(snapshot(*devices, **other), EN, KYIV, NOW)
    return page


def battery(**other: Any) -> str:
    known = device(reading=reading(**other))
    return str(pages.battery(snapshot(known), known, EN, KYIV, NOW).text)


def all_pages(texts: Texts, state: dict[str, Any], report: dict[str, Any] | None = None) -> dict[str, Page]:
    """Every page of a house, by name."""
    first = state["devices"][0]
    return {
        "status": pages.status(state, texts, KYIV, NOW, dashboard_url="http://house/"),
        "battery": pages.battery(state, first, texts, KYIV, NOW),
        "cells": pages.cells(state, first, texts, KYIV, NOW),
        "health": pages.health(first, report, texts),
        "alerts": pages.alerts(state, texts, KYIV, NOW),
        "link": pages.link(state, texts, KYIV, NOW),
        "released": pages.released(state["devices"], NOW + timedelta(minutes=10), texts, KYIV, NOW),
        "resumed": pages.resumed(state["devices"], texts),
        "until": pages.until(state, first, outlook(), texts, KYIV, NOW),
        "help": pages.help_page(texts, MENU),
        "choice": pages.choice(state["devices"], "battery", texts, or_all=True),
        "grid lost": pages.grid_change(False, state, texts, KYIV, NOW),
        "lost": pages.bms_lost(first, texts, KYIV, NOW),
        "back": pages.bms_back(first, texts, 800.0),
        "limits": pages.limits_warning(42.0, 26.1, texts),
        "refused": pages.plain(texts, "bot.refused"),
    }


def outlook(**other: Any) -> Outlook:
    return Outlook(
        "maybe", NOW + timedelta(hours=14), 0.0, 23.4, NOW + timedelta(hours=11), None, 412.0, 7, 83.0
    )._replace(**other)


# /status


def test_status_says_everything_at_a_glance() -> None:
    page = status()

    assert page.text == (
        "🔌 <b>Grid is on</b> · 2 h 5 min\n"
        "<pre>Charge          84 %\n"
        "Grid           231 V\n"
        "Grid             0 W\n"
        "Load          1994 W\n"
        "Sun             12 W\n"
        "Voltage      52.58 V\n"
        "Current      -41.2 A discharging\n"
        "Power        -2168 W\n"
        "Temperature   18.5 °C\n"
        "Difference       8 mV</pre>\n"
        "updated 18:42:07 (12 s ago)"
    )
    assert [[button.data for button in row] for row in page.buttons] == [["status", "battery:1"]]


UNSURE = "❔ Grid unknown\n"
AWAY = "❔ Grid unknown: the inverter does not answer"


@pytest.mark.parametrize(
    ("inverter", "words"),
    [
        (None, "Grid unknown: no inverter is being read"),
        (
            {"grid": {"state": "unknown", "for": 9.0}, "age": 9.0},
            "❔ Grid unknown: the inverter does not answer",
        ),
        ({"grid": {"state": "unknown"}, "age": 900.0}, "does not answer, last heard 15 min ago"),
        ({"age": None}, "❔ Grid unknown"),
        ({"grid": {"state": "lost", "for": 130.0}, "age": 1.0}, "🔦 <b>No grid</b> · 2 min"),
        ({"grid": {"state": "lost", "for": 6.9}, "age": 1.0}, "🔦 <b>No grid</b> · just now"),
        ({"grid": {"state": "present", "for": 10.0}, "age": 1.0}, "🔌 <b>Grid is on</b> · 10 s"),
        ({"grid": {"state": "present"}, "age": 1.0, "grid_power": 0.0}, "🔌 <b>Grid is on</b>"),
        # Not confirmed yet, but it answers.
        ({"grid": {"state": "unknown"}, "age": 1.0, "grid_voltage": 231.0}, "🔌 <b>Grid is on</b>"),
        ({"grid": {"state": "unknown"}, "age": 1.0, "grid_power": 10.1}, "🔌 <b>Grid is on</b>"),
        ({"grid": {"state": "unknown"}, "age": 1.0, "grid_voltage": 50.0, "grid_power": 900.0}, UNSURE),
        ({"grid": {"state": "unknown"}, "age": 1.0, "grid_power": 0.0}, UNSURE),
        ({"grid": {"state": "unknown"}, "age": 1.0, "grid_voltage": 231.0, "error": "no answer"}, AWAY),
        ({"grid": {"state": "unknown"}, "age": 200.0, "grid_voltage": 231.0}, AWAY),
    ],
)
def test_grid_is_never_lost_for_lack_of_data(inverter: dict[str, Any] | None, words: str) -> None:
    assert words in status(inverter=inverter).text


def test_dashboard_has_a_button_only_when_there_is_one() -> None:
    page = pages.status(snapshot(), EN, KYIV, NOW, dashboard_url="http://house/")

    assert page.buttons[-1][0].url == "http://house/"
    assert not any(button.url for row in status().buttons for button in row)


def test_several_batteries_each_have_a_part_and_a_button() -> None:
    page = status(device(), device(2, "Shed", age=900.0, reading=reading(battery_soc=14.9)))

    first, flows, *rest = page.text.splitlines()
    assert first == "🟢 <b>House: 84 %</b>"
    assert flows == "Discharging at 2168 W"
    assert "🟢 Main: 84 %, -2168 W, 18.5 °C" in rest
    assert "⚠️ Shed: no data, 14 % at 18:27; not counted" in rest
    assert "updated 18:42:07 (12 s ago)" in rest, "of the one that counts"
    assert [row[0].data for row in page.buttons] == ["status", "battery:1", "battery:2"]


def test_the_first_line_is_the_house() -> None:
    """Charge weighted by capacity, what is left, power, and until when."""
    sized: dict[str, Any] = {
        "capacity": 280.0,
        "voltage": 52.0,
        "power": -1000.0,
        "soc_low": 84.3,
        "soc_high": 84.3,
    }
    low = sized | {"capacity": 70.0, "battery_soc": 20.0, "alarms": ["cell_undervoltage"]}
    packs = [device(reading=reading(**sized)), device(2, "Shed", reading=reading(**low))]
    first, flows, *rest = status(*packs).text.splitlines()

    assert first == "🟡 <b>House: 71 %, 13.0 kWh left</b>"
    assert flows == "Discharging at 2000 W, lasts until 00:00–00:45 tomorrow"
    assert rest[0] == "🔌 <b>Grid is on</b> · 2 h 5 min"
    assert "🟠 Shed: 20 %, -1000 W, 18.5 °C ❗ a cell is empty" in rest
    page = pages.house(snapshot(*packs), UK, KYIV, NOW)
    assert page.text.splitlines()[0] == "🟡 <b>Дім: 71 %, лишилося 13,0 кВт·год</b>"
    assert page.buttons[0][1].data == "chart:24h:soc:all"


def test_old_values_are_marked_after_three_polls() -> None:
    assert "stale" not in status(device(age=90.0)).text
    assert "⚠️ updated 18:40:48 (91 s ago) · stale" in status(device(age=91.0)).text


def test_without_a_right_clock_only_the_age_is_told() -> None:
    page = status(device(reading=reading(clock_trusted=False)), clock_trusted=False)

    assert "updated 12 s ago" in page.text
    assert "clock of this machine is wrong" in page.text


def test_poller_down_is_said_first() -> None:
    """What only the poller knows is missing then, and no page minds."""
    stored = {key: value for key, value in device(age=900.0).items() if key not in ("link", "days")}
    state = {"devices": [stored], "poller_down": True}
    first = all_pages(EN, state)

    for name in ("status", "battery", "cells", "alerts", "link", "until"):
        assert first[name].text.startswith("⚠️ The battery monitor does not answer."), name
    assert "stale" in first["status"].text
    assert "\n❔ Grid unknown\n" in first["status"].text
    assert "State of the link unknown" in first["link"].text


def test_a_link_in_trouble_is_told_with_since_when() -> None:
    link = device()["link"] | {"state": "searching", "for": 800.0}

    assert "📡 Main: searching for 13 min, see /link" in status(device(link=link)).text


def test_made_up_battery_says_so_once() -> None:
    assert "Main (simulated)" in pages.link(snapshot(device(type="simulated")), EN, KYIV, NOW).text
    named = device(1, "Simulated battery", type="simulated")
    assert "(simulated)" not in pages.link(snapshot(named), EN, KYIV, NOW).text


def test_open_alerts_are_counted() -> None:
    assert "❗ 1 open alert: /alerts" in status(alerts=[alert()]).text
    assert "❗ 2 open alerts: /alerts" in status(alerts=[alert(), alert(part="5")]).text


# /battery


@pytest.mark.parametrize(
    ("soc", "shown", "mark"),
    [
        (100, 100, "🟢"),
        (99.6, 100, "🟢"),
        (80, 80, "🟢"),
        (79.9, 79, "🟡"),
        (50, 50, "🟡"),
        (49.9, 49, "🟠"),
        (20, 20, "🟠"),
        (19.9, 19, "🔴"),
        (0, 0, "🔴"),
        (-1, 0, "🔴"),
    ],
)
def test_colour_and_number_agree(soc: float, shown: int, mark: str) -> None:
    """Nobody reads 20 % in red, or 80 % in yellow."""
    assert (shown_soc(soc), soc_mark(soc)) == (shown, mark)


def test_battery_in_detail() -> None:
    text = battery()

    for words in (
        "🟢 <b>Main: 84 %</b>",
        "Left        236.2 Ah",
        "In today      9.8 kWh",
        "Highest     3.290 V cell 3",
        "Lowest      3.282 V cell 4",
        "Probe 2      18.1 °C",
        "MOSFETs      21.0 °C",
        "At the usual load: empty in 5 h 20 min to 6 h",
        "Charge counted, 79–88 % (95 % sure), last full 2 h 1 min ago",
        "updated 18:42:07 (12 s ago)",
    ):
        assert words in text


def test_what_a_silent_battery_said_is_not_told_as_present() -> None:
    """It was full a while before it fell silent; how it would go on then helps nobody now."""
    old = device(age=36_000.0)
    text = pages.battery(snapshot(old), old, EN, KYIV, NOW).text

    assert "At the usual load" not in text
    assert "last full 12 h" in text
    assert "In today      9.8 kWh" in text


def test_the_energy_of_yesterday_is_not_that_of_today() -> None:
    """Midnight is the owner's."""
    known = device(age=36_000.0)
    late = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)  # 0:30 in Kyiv

    assert "today" not in pages.battery(snapshot(known), known, EN, KYIV, late).text
    assert "In today" in pages.battery(snapshot(known), known, EN, UTC, late).text


@pytest.mark.parametrize(("soc", "warned"), [(20.0, False), (19.99, True), (15.0, True)])
def test_a_low_battery_gets_advice(soc: float, warned: bool) -> None:
    assert ("Switch off what is not needed" in battery(battery_soc=soc, current=-12.0)) is warned
    assert ("It is being charged" in battery(battery_soc=soc, current=40.0)) is warned
    assert "Switch off" not in battery(battery_soc=soc, current=40.0)


@pytest.mark.parametrize(
    ("current", "word"),
    [(0.09, "hardly any"), (-0.09, "hardly any"), (0.1, "charging"), (-0.1, "discharging")],
)
def test_direction_of_the_current(current: float, word: str) -> None:
    assert f"A {word}\n" in battery(current=current)


def test_no_data_says_since_when() -> None:
    empty = device(reading={"temperature": 20.0}, age=3600.0)

    assert "No battery data since 17:42." in pages.battery(snapshot(empty), empty, EN, KYIV, NOW).text
    never = device(reading=None, age=None)
    assert "No battery data yet." in pages.battery(snapshot(never), never, EN, KYIV, NOW).text


def test_alarms_and_switches_of_the_bms_are_told_in_words() -> None:
    text = battery(alarms=["cell_undervoltage", "bit_31"], switches={"charge": True, "discharge": False})

    assert "The BMS reports: a cell is empty" in text
    assert "The BMS reports: alarm 31, which this program does not know" in text
    assert "Discharging is switched off in the BMS" in text
    assert "Charging is switched off" not in text


def test_count_without_anchor_is_not_called_sure() -> None:
    assert "our own count says 79–88 %, not sure yet" in battery(battery_soc_source="bms")


# /cells, /health, /link


def test_cells_mark_the_highest_and_the_lowest() -> None:
    text = pages.cells(snapshot(), device(), EN, KYIV, NOW).text

    assert " 3 3.290 max   11 3.290" in text
    assert " 4 3.282 min   12 3.282" in text
    assert "Difference      8 mV" in text


def test_cells_keep_their_numbers_where_some_are_missing() -> None:
    """A cell mask with gaps: the numbers are those on the wires."""
    known = device(
        reading=reading(
            cells=[3.3, 3.31, 3.32],
            cell_numbers=[1, 2, 5],
            cell_min={"v": 3.3, "index": 1},
            cell_max={"v": 3.32, "index": 5},
        )
    )

    assert " 5 3.320 max" in pages.cells(snapshot(known), known, EN, KYIV, NOW).text


def test_cells_of_a_battery_that_never_spoke() -> None:
    def text(known: dict[str, Any]) -> str:
        return str(pages.cells(snapshot(known), known, EN, KYIV, NOW).text)

    assert "No battery data yet." in text(device(reading=None, age=None))
    assert "No battery data since 17:42." in text(device(reading={"temperature": 20.0}, age=3600.0))
    assert "does not report its cells" in text(device(reading=reading(cells=None)))


def test_health_of_good_cells() -> None:
    text = pages.health(device(), health_report(), EN).text

    assert "watched for 41 days" in text
    assert "🟢 All 16 cells are in order." in text
    assert "Capacity: 273 Ah of 280 Ah, 98 %" in text


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (1, "Усе гаразд: 1 комірка справна."),
        (2, "Усі 2 комірки справні."),
        (5, "Усі 5 комірок справні."),
        (21, "Усе гаразд: 21 комірка справна."),
    ],
)
def test_health_of_good_cells_in_ukrainian(cells: int, said: str) -> None:
    """The form of one is that of 21 too."""
    assert f"🟢 {said}\n" in pages.health(device(), health_report(cells), UK).text


def test_health_names_the_faulty_cell_and_what_to_do() -> None:
    report = health_report(4)
    report["cells"][2]["faults"] = [{"kind": "bad connection", "since": "2026-11-02", "sure": 0.97}]
    report["cells"][3]["unknown"] = ["capacity"]

    text = pages.health(device(), report, EN).text

    assert "🟠 Cell 3: bad connection, 97 % sure, since 2 Nov 2026" in text
    assert "Then tighten and clean its lugs" in text
    assert "The other 3 cells are in order" in text
    assert "Capacity is not yet known for every cell" in text


def test_health_that_knows_nothing_yet() -> None:
    assert "Nothing is known" in pages.health(device(), None, EN).text
    unknown = ["capacity", "self-discharge", "resistance"]
    report = health_report(2)
    for cell in report["cells"]:
        cell |= {"unknown": unknown, "resistance": None, "size": None, "loss_month": None}
    text = pages.health(device(), report, EN).text
    assert "It is too early to say." in text
    assert "<pre>" not in text, "a table of nothing"


def test_link_tells_why_there_is_no_data() -> None:
    link = device()["link"] | {"state": "searching", "verdict": "not_seen", "message": "4 others were heard"}
    text = pages.link(snapshot(device(link=link)), EN, KYIV, NOW).text

    assert "🟠 <b>Main</b>" in text
    assert "Not heard: out of range, without power, or connected to a phone." in text
    assert "4 others were heard" in text


def test_link_names_the_likeliest_causes_and_what_to_do() -> None:
    text = pages.link(snapshot(device(link=troubled())), EN, KYIV, NOW).text

    assert "• 47 %: A phone or another device is connected" in text
    assert "<i>Close the battery" in text
    assert text.index("47 %") < text.index("25 %") < text.index("12 %")
    assert "5 %: No device with this address" not in text
    assert "4 other devices" not in text, "the causes say it, in the language of the reader"


def test_link_tells_of_the_outage_and_what_is_tried() -> None:
    text = pages.link(snapshot(device(link=troubled())), EN, KYIV, NOW).text

    assert "No data since 18:28 (13 min). 6 failed attempts so far." in text
    assert "Done so far: the adapter was switched off and on." in text
    assert "last reading 13 min ago" in text

    plain = troubled(outage=troubled()["outage"] | {"rung": "reconnect"})
    assert "Tried" not in pages.link(snapshot(device(link=plain)), EN, KYIV, NOW).text


def test_link_tells_what_cured_the_last_outage() -> None:
    last = troubled()["last_outage"]
    link = device()["link"] | {"last_outage": last}
    text = pages.link(snapshot(device(link=link)), EN, KYIV, NOW).text

    assert "Last outage 22:42 yesterday, 5 min. The connection broke. What helped: a new connection." in text
    ended_by_release = device(link=link | {"last_outage": last | {"cure": None}})
    assert "What helped" not in pages.link(snapshot(ended_by_release), EN, KYIV, NOW).text


def test_link_counts_connections_and_commands() -> None:
    text = pages.link(snapshot(), EN, KYIV, NOW).text

    assert "Signal    -61 dBm" in text
    assert "Connects    3" in text
    assert "Commands    5 in 24 h" in text
    assert "dropped" not in text

    noisy = pages.link(snapshot(device(link=device()["link"] | {"discarded": 120})), EN, KYIV, NOW).text
    assert "Bytes lost  120" in noisy


def test_link_says_nothing_twice() -> None:
    """The first cause of some verdicts is the verdict in other words."""
    link = troubled(verdict="no_adapter", causes=[cause("no_adapter", 0.95)])
    text = pages.link(snapshot(device(link=link)), EN, KYIV, NOW).text

    assert text.count("no Bluetooth adapter") == 1
    assert "<code>bluetoothctl list</code>" in text


def test_link_keeps_three_causes_to_a_page() -> None:
    batteries = [device(number, f"Pack {number}", link=troubled()) for number in range(1, 5)]

    assert pages.link(snapshot(*batteries[:1]), EN, KYIV, NOW).text.count("• ") == 3
    assert pages.link(snapshot(*batteries), EN, KYIV, NOW).text.count("• ") == 4, "one for each"


def test_link_of_a_newer_service_is_told_in_its_words() -> None:
    news = {"code": "solar_storm", "sure": 0.8, "meaning": "The sun <3.", "action": "Wait."}
    text = pages.link(snapshot(device(link=troubled(causes=[news]))), UK, KYIV, NOW).text

    assert "80 %: The sun &lt;3. <i>Wait.</i>" in text


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_cause_verdict_and_repair_has_its_words(name: str) -> None:
    """Each code that the link machine knows, and none besides."""
    texts = language(name)
    keys = import_module(f"jk_bms.texts.{name}.link").TEXTS
    causes = {key.split(".")[2] for key in keys if key.startswith("link.cause.")}
    rungs = {key.split(".")[2] for key in keys if key.startswith("link.rung.")}

    assert causes == set(WORDS)
    assert all(texts.known(f"link.cause.{code}.{what}") for code in WORDS for what in ("meaning", "action"))
    assert rungs == {rung.code for rung in Rung}
    assert [verdict for verdict in Verdict if not texts.known(f"bot.verdict.{verdict}")] == [Verdict.RELEASED]


def test_bot_and_tools_say_the_same_of_a_cause() -> None:
    told = {code: (EN(f"link.cause.{code}.meaning"), EN(f"link.cause.{code}.action")) for code in WORDS}

    assert told == dict(WORDS)


def test_commands_to_type_are_the_same_in_every_language() -> None:
    for code in WORDS:
        for what in ("meaning", "action"):
            key = f"link.cause.{code}.{what}"
            assert re.findall("`.*?`", EN(key)) == re.findall("`.*?`", UK(key)), key


def test_link_that_was_let_go_says_until_when() -> None:
    page = pages.link(snapshot(lent()), EN, KYIV, NOW)

    assert "connects again in 5 min" in page.text
    assert [button.data for button in page.buttons[0]] == ["resume"]


def test_link_offers_the_phone_its_turn() -> None:
    assert [button.data for button in pages.link(snapshot(), EN, KYIV, NOW).buttons[0]] == ["release:10m"]
    both = pages.link(snapshot(lent(), device(2, "Garage")), EN, KYIV, NOW)
    assert [button.data for button in both.buttons[0]] == ["release:10m", "resume"]
    unknown = pages.link(snapshot(device(link=None), poller_down=True), EN, KYIV, NOW)
    assert [button.data for row in unknown.buttons for button in row] == ["link"]


def test_released_battery_says_until_when_and_that_the_phone_can_connect() -> None:
    page = pages.released([device()], NOW + timedelta(minutes=10), EN, KYIV, NOW)

    assert "Main: lent to the phone app until 18:52." in page.text
    assert "The phone app can connect now." in page.text
    assert [button.data for button in page.buttons[0]] == ["resume:1", "link"]


def test_several_released_batteries_are_named_at_once() -> None:
    both = [device(), device(2, "Garage")]
    page = pages.released(both, NOW + timedelta(hours=20), EN, KYIV, NOW)

    assert "Main, Garage: lent to the phone app until 14:42 tomorrow." in page.text
    assert page.buttons[0][0].data == "resume:all"
    assert "Main, Garage: connecting again." in pages.resumed(both, EN).text


def test_choice_may_offer_all() -> None:
    page = pages.choice([device(), device(2, "Garage")], "release", EN, "600s", or_all=True)

    assert [row[0].data for row in page.buttons] == ["release:600s:1", "release:600s:2", "release:600s:all"]


# /alerts


def test_no_alerts() -> None:
    assert "🟢 No open alerts." in pages.alerts(snapshot(), EN, KYIV, NOW).text


def test_alerts_worst_first_with_buttons_that_mute() -> None:
    warning = alert(rule="mosfet_hot", severity="warning", code=1034, part="")
    state = snapshot(alerts=[warning, alert()])
    page = pages.alerts(state, EN, KYIV, NOW)

    assert page.text.index("🚨 1. Main") < page.text.index("🟠 2. Main")
    first, second, refresh = page.buttons
    assert [button.label for button in first] == [
        "👀 1: I have seen it",  # it is critical
        "🔕 1: 1 h",
        "8 h",
        "until over",
    ]
    assert [pressed(button.data).arguments[0] for button in second] == ["3600", "28800", "clear"]
    assert find_alert(map(alert_of, state["alerts"]), pressed(second[0].data).arguments[1]) == alert_of(
        warning
    )
    assert refresh[0].data == "alerts"


def test_what_the_house_lives_by_comes_before_older_alerts_as_bad() -> None:
    of_house = [
        alert(
            rule=rule,
            code=code,
            part="",
            subject=subject,
            since=NOW.isoformat(),
            unit="",
            facts={"low": 600, "high": 900},
        )
        for rule, code, subject in (
            ("grid_lost", 2001, "inverter"),
            ("going_dark", 1042, "AA:BB:CC:DD:EE:01"),
            ("house_dark", 2012, "house"),
        )
    ]
    cells = [alert(part=str(n)) for n in range(14)]

    text = pages.alerts(snapshot(alerts=[*cells, *of_house]), EN, KYIV, NOW).text

    places = [
        text.index(words) for words in ("no power", "going dark about", "the grid is lost", "🚨 4. Main")
    ]
    assert places == sorted(places)


def test_muted_alert_can_be_heard_again() -> None:
    until = (NOW + timedelta(hours=1)).isoformat()
    page = pages.alerts(snapshot(alerts=[alert(muted=True, muted_until=until)]), EN, KYIV, NOW)

    assert "🔕 muted until 19:42" in page.text
    assert [button.label for button in page.buttons[0]] == ["👀 I have seen it", "🔔 Tell me again"]


@pytest.mark.parametrize(
    ("texts", "words"), [(EN, "judged as house.yaml says"), (UK, "межі задано в house.yaml")]
)
def test_an_alert_that_the_owner_has_judged_otherwise_says_so(texts: Texts, words: str) -> None:
    otherwise, usual = (
        pages.alerts(snapshot(alerts=[alert(overridden=own)]), texts, KYIV, NOW).text for own in (True, False)
    )

    assert words in otherwise
    assert words not in usual


def test_forty_alerts_are_one_page() -> None:
    page = pages.alerts(snapshot(alerts=[alert(part=str(n)) for n in range(40)]), EN, KYIV, NOW)

    assert "30 more" in page.text
    assert len(page.buttons) == 12  # one for all, ten, and to refresh


def test_an_alert_that_is_over_is_found_no_more() -> None:
    assert find_alert([alert_of(alert())], alert_key(alert_of(alert(part="5")))) is None


# /until


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            {},
            [
                "🟡 <b>Main: charge may last until 08:42 tomorrow",
                "empty at 05:42 tomorrow",
                "if you use 90 W less",
            ],
        ),
        (
            {"verdict": "yes", "soc_low": 31.2, "soc_high": 40.0, "empty_first": None, "save": None},
            ["🟢 <b>Main: charge lasts until", "Left at 08:42 tomorrow: 31–40 %"],
        ),
        (
            {"verdict": "no", "soc_high": 0.0, "empty_last": NOW + timedelta(hours=12)},
            ["🔴 <b>Main: charge does not last", "Empty between 05:42 tomorrow and 06:42 tomorrow.", ": 0 %"],
        ),
        ({"days": 0}, ["Based on 412 W: the load of the last minutes."]),
        ({"days": None}, ["Based on 412 W: the usual load."]),
        ({"load": -300.0}, ["Based on 300 W more"]),
        ({"save": 411.0}, ["last only with everything switched off"]),
    ],
)
def test_until(other: dict[str, Any], words: list[str]) -> None:
    text = pages.until(snapshot(), device(), outlook(**other), EN, KYIV, NOW).text

    assert [word for word in words if word not in text] == []


def test_until_without_charge_or_load() -> None:
    def text(known: dict[str, Any]) -> str:
        return str(pages.until(snapshot(known), known, None, EN, KYIV, NOW).text)

    young = device(reading=reading(battery_soc=62.0, current=40.0, capacity=280.0))
    assert "how much the house uses is not known" in text(young)
    assert "The charge is 62 %, and the battery is being charged." in text(young)
    assert "charge or load" not in text(young)
    resting = text(device(reading=reading(battery_soc=62.0, current=-12.0)))
    assert "The charge is 62 %. How long it lasts" in resting
    assert "how much the battery holds is not known" in resting
    assert "being charged" not in resting
    assert "charge or load is not known yet." in text(device(reading=reading(battery_soc=None)))
    assert "No battery data yet." in text(device(reading=None, age=None))


@pytest.mark.parametrize("known", [True, False])
def test_until_in_a_dark_house_says_so(known: bool) -> None:
    dark = alert(
        rule="house_dark", code=2012, subject="house", facts={"how": "sure", "soc": 8.0}, unit="", part=""
    )
    state = snapshot(device(reading=reading(battery_soc=6.0 if known else None)), alerts=[dark])

    for shown in (
        pages.until(state, None, None, EN, KYIV, NOW),
        pages.until(state, None, outlook(), EN, KYIV, NOW),
    ):
        charge = 6 if known else 8
        assert f"The house has had no power since 18:30; the charge is {charge} %." in shown.text
        assert "lasts until" not in shown.text
    assert "Світла немає з 18:30" in pages.until(state, None, None, UK, KYIV, NOW).text


def test_a_guest_finds_only_buttons_that_are_his() -> None:
    page = pages.alerts(snapshot(alerts=[alert(), alert(part="5")]), EN, KYIV, NOW, hushed={})
    owners = pages.alerts(snapshot(alerts=[alert(), alert(part="5")]), EN, KYIV, NOW)

    assert {str(one.data).partition(":")[0] for row in page.buttons for one in row} == {"hush", "alerts"}
    assert owners.buttons[0][0].data == "ack:all:page"


def test_until_from_old_values_says_how_old() -> None:
    old = device(age=36_000.0)
    text = pages.until(snapshot(old, poller_down=True), old, None, EN, KYIV, NOW).text

    assert text.startswith("⚠️ The battery monitor does not answer.")
    assert "I cannot say: the last data is 10 h old." in text
    assert "updated 08:42:19 (10 h ago) · stale" in text


def test_until_of_one_of_several_batteries() -> None:
    """What is to be switched off is said of the house."""
    house = snapshot(
        device(), device(2, "Shed"), device(3, "Barn", age=36_000.0), device(4, "Attic", reading=None)
    )
    text = pages.until(house, device(), outlook(share=0.25), EN, KYIV, NOW).text

    assert "by size: this one carries 25 %." in text
    assert "Not counted, because there is no fresh data: Barn, Attic." in text
    assert "if you use 340 W less" in text
    assert "Not counted on" not in pages.until(snapshot(), device(), outlook(), EN, KYIV, NOW).text


def test_until_of_a_house_names_who_is_not_in_it() -> None:
    lent_one = lent(3, "Barn") | {"age": 400.0}
    house = snapshot(device(), device(2, "Shed"), lent_one)
    page = pages.until(house, None, outlook(), EN, KYIV, NOW)

    assert "House: charge may last until" in page.text
    assert "Barn: lent to the phone app, 84 % at 18:35; not counted" in page.text
    assert page.buttons[0][0].data == "until:0842:all"
    unknown = pages.until(house, None, None, UK, KYIV, NOW).text
    assert "Barn: Bluetooth звільнено для телефона" in unknown


# Without command


@pytest.mark.parametrize(
    ("level", "rising", "text"),
    [
        (95.3, True, "Voltage: 26.512 V, Battery Level: 95.3% ↑"),
        (95.3, False, "Voltage: 26.512 V, Battery Level: 95.3% ↓"),
        (107.2, None, "Voltage: 26.512 V, Battery Level: 100.0%"),
        (-3.0, None, "Voltage: 26.512 V, Battery Level: 0.0%"),
    ],
)
def test_level_change(level: float, rising: bool | None, text: str) -> None:
    assert pages.level_change(26.512, level, EN, rising=rising) == text


def test_several_inverters_have_a_line_each() -> None:
    """Below the house; what one said long ago is told with its age, and a cut of its own by name."""
    seen = {"grid": {"state": "present", "for": None}, "grid_voltage": 231.0, "age": 3.0}
    inverters = [
        seen | {"id": "shed", "name": "<Shed>", "load_power": 400.0, "pv_power": 900.0},
        {"id": "garage", "age": 3.0, "grid": {"state": "lost", "for": 60.0}, "load_power": 150.0},
        {"id": "attic", "age": 300.0, "grid": {"state": "unknown", "for": None}, "load_power": 70.0},
        {"id": "barn", "age": None},
    ]

    text = status(inverter=seen | {"of": 4, "fresh": 2}, inverters=inverters).text

    assert "Inverters that answer: 2 of 4\n&lt;Shed&gt;: Load 400 W · Sun 900 W\n" in text
    assert "\ngarage: No grid · Load 150 W\nattic: Load 70 W · last heard 5 min ago\nbarn: no data" in text
    one = status(inverter=seen, inverters=inverters[:1]).text
    assert "Shed" not in one


def test_grid_news_stand_above_the_status() -> None:
    page = pages.grid_change(False, snapshot(), EN, KYIV, NOW)

    assert page.text.startswith("🔦 <b>Grid lost</b>")
    assert "<pre>Charge" in page.text


# Whatever comes


@pytest.mark.parametrize("name", LANGUAGES)
def test_blocks_fit_a_phone(name: str) -> None:
    """No line of a block is wider than a phone shows, with long values and long words."""
    large = reading(voltage=-152.583, current=-1234.5, power=-151275.2, charge=12362.2)
    state = snapshot(device(reading=large))
    blocks = [
        line
        for page in all_pages(language(name), state, health_report(24)).values()
        for found in re.findall(r"<pre>(.*?)</pre>", page.text, re.DOTALL)
        for line in found.splitlines()
    ]

    assert max(map(len, blocks)) <= WIDTH


@pytest.mark.parametrize("name", LANGUAGES)
def test_hostile_texts_stay_text(name: str) -> None:
    """A name, an alarm, a message of the link from outside: no markup, no torn page."""
    strange = {"code": HOSTILE, "sure": 0.9, "meaning": HOSTILE, "action": HOSTILE}
    link = troubled(state=HOSTILE, verdict=HOSTILE, message=HOSTILE, causes=[strange] * 4)
    link["outage"] |= {"rung": HOSTILE}
    link["last_outage"] |= {"verdict": HOSTILE, "cure": HOSTILE}
    evil = device(name=HOSTILE, link=link, reading=reading(alarms=[HOSTILE], battery_soc_source=HOSTILE))
    report = health_report(3)
    report["cells"][0]["faults"] = [{"kind": HOSTILE, "since": None, "sure": 0.9}]
    bad = alert(rule=HOSTILE, part=HOSTILE, severity=HOSTILE, unit=HOSTILE, facts={HOSTILE: HOSTILE})
    state = snapshot(evil, device(2, HOSTILE), alerts=[bad])

    for title, page in all_pages(language(name), state, report).items():
        assert balanced(page.text), title
        assert "<script" not in page.text, title
        assert len(page.text) < 4096, title
        for row in page.buttons:
            for button in row:
                assert len((button.data or "").encode()) <= 64
                assert len(button.label) < 100


@pytest.mark.parametrize("key", reading())
@pytest.mark.parametrize("name", LANGUAGES)
def test_a_missing_value_costs_its_line_and_nothing_else(key: str, name: str) -> None:
    known = {field: value for field, value in reading().items() if field != key}
    if key.startswith("cell"):
        known = {field: value for field, value in known.items() if not field.startswith("cell")}

    for page in all_pages(language(name), snapshot(device(reading=known))).values():
        assert "None" not in page.text
        assert "nan" not in page.text


def test_times_are_those_of_the_owner() -> None:
    late = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)  # 0:30 in Kyiv
    page = pages.status(snapshot(device(age=3600.0)), EN, KYIV, late)

    assert "updated 23:30 yesterday (1 h ago)" in page.text


def test_data_of_buttons_fits_and_comes_back() -> None:
    assert pressed(press("mute", "clear", "1a2b3c")) == ("mute", ("clear", "1a2b3c"))
    assert pressed(None) == ("", ())
    with pytest.raises(ValueError, match="64 bytes"):
        press("chart", "x" * 60)
    with pytest.raises(ValueError, match="without ':'"):
        press("until", "07:00")


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_command_is_in_the_menu_and_short_enough(name: str) -> None:
    texts = language(name)
    text = pages.help_page(texts, MENU).text

    for command in MENU:
        assert f"/{command} – " in text
        assert 3 <= len(texts(f"bot.command.{command}")) <= 256


def balanced(html: str) -> bool:
    """Whether every tag is one of Telegram's and closed in order."""
    stack = []
    for close, tag in re.findall(r"<(/?)([^<>]*)>", html):
        if tag not in ("b", "i", "pre", "code"):
            return False
        if not close:
            stack.append(tag)
        elif not stack or stack.pop() != tag:
            return False
    return not stack and "<" not in re.sub(r"<[^<>]*>", "", html)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ([3.05, 3.55], ""),
        ([2.0, 2.1], "Cells beyond the limits (2.000 V to 2.100 V): 1, 2, 3"),
        (None, ""),
    ],
)
def test_cells_beyond_a_limit_are_named(limits: list[float] | None, told: str) -> None:
    battery = device(cell_limits=limits)

    text = pages.cells(snapshot(battery), battery, EN, KYIV, NOW).text

    assert told in text
    assert ("beyond" in text) == bool(told)


def test_the_page_is_told_without_its_code() -> None:
    fresh = WebNow(
        url="http://pi.local:8080", code="ABCDEFGHJK", link="http://pi.local:8080/start#ABCDEFGHJK"
    )

    told = real.web(fresh, EN, owner=True).text
    assert told.startswith("http://pi.local:8080\n")
    assert "It has no password yet" in told
    assert "ABCDEFGHJK" not in told
    assert "password" not in real.web(fresh, EN, owner=False).text
    assert real.web(WebNow(url="https://pi.example.org"), EN, owner=True).text == "https://pi.example.org"
    assert "does not run" in real.web(None, EN, owner=True).text
