"""What people are told of alerts: every rule in every language, and every step of an alert."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.limits import PackLimits
from jk_bms.model.alarms import Severity
from jk_bms.rules import example
from jk_bms.rules.base import Grade, Look, PackView, Rule
from jk_bms.rules.catalogue import RULES
from jk_bms.rules.levels import CELLS
from jk_bms.texts import LANGUAGES, language
from jk_bms.texts import alerts as told_module
from jk_bms.texts.alerts import SHOWN, explain
from tests.told import Told

_told: Any = Told(told_module)
alert_html = _told.alert_html
alert_line = _told.alert_line
alert_message = _told.alert_message
several_message = _told.several_message


KYIV = ZoneInfo("Europe/Kyiv")
NOW = datetime(2026, 11, 21, 16, 42, tzinfo=UTC)
EN = language("en")
STRICT = PackLimits(  # a BMS that cuts early
    cell_ovp=3.5,
    cell_uvp=3.1,
    charge_current=50.0,
    discharge_current=60.0,
    charge_otp=40.0,
    discharge_otp=45.0,
    charge_utp=5.0,
    mosfet_otp=70.0,
)
RULE = {rule.name: rule for rule in RULES}
GRADED = [(rule, grade) for rule in RULES for grade in rule.grades(rule.example())]
HOSTILE = '</b>{0}{x}<script>&\n\u202e"' + "x" * 4000


def looked(rule: Rule) -> tuple[str, Look]:
    """What the rule finds in its own example, the worst part of it."""
    looks = {part: look for part, look in (rule.look(rule.example()) or {}).items() if look is not None}
    part = (max if rule.rising else min)(looks, key=lambda part: looks[part].value)
    return part, looks[part]


def facts(rule: Rule, grade: Grade | None = None, what: str = "raised", **other: Any) -> dict[str, Any]:
    """The facts of an event of ``rule``."""
    part, look = looked(rule)
    grade = grade or rule.grades(rule.example())[0]
    return {
        "what": what,
        "rule": rule.name,
        "code": grade.code,
        "severity": grade.severity.word,
        "part": part,
        "subject": "C8:47:80:00:00:01",
        "value": look.value,
        "set": grade.set,
        "clear": grade.clear,
        "peak": look.value,
        "since": NOW.isoformat(),
        "unit": rule.unit,
        "digits": rule.digits,
        "count": 1,
        "facts": dict(look.facts),
    } | other


def told(rule: str, what: str = "raised", *, name: str = "en", **other: Any) -> str:
    """A whole message of ``rule``, as text."""
    message = alert_message(facts(RULE[rule], None, what, **other), "Main", language(name), KYIV, NOW)
    return f"{message.title}\n{message.body}"


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_its_texts(rule: Rule, name: str) -> None:
    """Title, meaning and what to do; and what ends it, where no number tells."""
    texts = language(name)

    for part in ("title", "meaning", "action"):
        assert texts.known(f"alerts.{rule.name}.{part}"), part
    assert rule.unit or texts.known(f"alerts.{rule.name}.over")


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize(("rule", "grade"), GRADED, ids=lambda x: getattr(x, "code", ""))
def test_what_wakes_people_at_night_is_not_called_harmless(rule: Rule, grade: Grade, name: str) -> None:
    harmless = {"en": "Nothing is urgent", "uk": "Нічого термінового"}[name]
    text = alert_message(facts(rule, grade), "Main", language(name), KYIV, NOW).body

    assert grade.severity < Severity.ERROR or harmless not in text


@pytest.mark.parametrize("name", LANGUAGES)
def test_no_text_is_about_a_rule_that_is_gone(name: str) -> None:
    from importlib import import_module

    keys = import_module(f"jk_bms.texts.{name}.alerts").TEXTS
    named = {key.split(".")[1] for key in keys if key.endswith(".meaning")}

    assert named == set(RULE)


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("what", ["raised", "worse", "repeat", "cleared"])
@pytest.mark.parametrize(("rule", "grade"), GRADED, ids=lambda x: getattr(x, "code", ""))
def test_every_alert_is_complete(rule: Rule, grade: Grade, what: str, name: str) -> None:
    """No field is left unknown, and nothing but words reaches a person."""
    message = alert_message(facts(rule, grade, what), "Main", language(name), KYIV, NOW)
    text = f"{message.title}\n{message.body}"

    assert message.title.startswith("Main: ")
    assert str(grade.code) in message.body
    assert not re.search(r"[?{}]|None|nan", text)
    assert len(message.title) <= 110
    assert len(text) < 900


def test_alert_names_everything_that_matters() -> None:
    """Pack, cell, value, limit, since when, what it means, what to do, what ends it, code."""
    since = (NOW - timedelta(minutes=12)).isoformat()
    text = told("cell_low", since=since)

    assert text == (
        "Main: cell 7 is nearly empty, 2.810 V\n"
        "Limit 2.850 V, since 18:30 (12 min).\n"
        "The BMS cuts off at 2.500 V.\n"
        "The lowest cell decides for the whole battery: at its limit the BMS cuts off and the house goes dark.\n"
        "Switch off what is not needed, or charge.\n"
        "It is over above 3.000 V.\n"
        "Critical, code 1006"
    )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("cell_high", ["cell 7 is nearly too full, 3.640 V", "It is over below 3.550 V."]),
        (
            "cell_spread",
            ["differ too much, 210 mV", "Limit 200 mV", "Cell 7 is the highest, cell 1 the lowest"],
        ),
        ("cell_hot", ["54.5 °C", "Probe 2 is the warmest"]),
        ("temperature_spread", ["From 24.0 °C to 40.0 °C"]),
        ("soc_low", ["nearly empty, 11.0 %", "the shown charge is 13 %"]),
        (
            "runtime",
            ["the charge will not last long, 25 min", "goes dark between 19:07 and 19:22", "more than 1 h"],
        ),
        ("going_dark", ["going dark about 18:55", "between 18:55 and 19:03", "Load: "]),
        ("switch_off", ["discharging is switched off"]),
        ("bms_alarm", ["the BMS reports: the discharge current is too high"]),
        ("wire", ["the balance wire of cell 7 has too much resistance, 0.620 Ω"]),
        ("cycles", ["has done 2001 cycles"]),
        ("cell_fault", ["cell 7: weak", "the other cells cannot give all they hold"]),
        ("bms_silent", ["does not answer, 16 min", "Not heard: out of range"]),
        ("grid_lost", ["the grid is lost", "Charge: 62 %.", "Load: 390 W."]),
        ("disk_full", ["little space left on the disk, 6.0 %", "/var/lib/jk-bms"]),
        ("clock_jump", ["It moved by 1 h."]),
        ("database_failing", ["disk I/O error"]),
        ("bad_configuration", ["jk_devices.yaml line 3"]),
    ],
)
def test_each_rule_tells_what_it_found(rule: str, words: list[str]) -> None:
    text = told(rule)

    assert [word for word in words if word not in text] == []


def test_a_detail_that_nobody_measured_is_left_out() -> None:
    assert "cuts off at" not in told("cell_low", facts={"cell": 7, "limit": None})
    assert "Load" not in told("grid_lost", facts={"soc": 62.0, "load_power": None})
    assert "Charge: 62 %." in told("grid_lost", facts={"soc": 62.0, "load_power": None})


def test_recovery_closes_the_message() -> None:
    since = (NOW - timedelta(minutes=12)).isoformat()
    text = told("cell_low", "cleared", value=3.012, since=since)

    assert text == (
        "Main: cell 7 is nearly empty: over\n"
        "It lasted 12 min, from 18:30.\n"
        "At worst 2.810 V, now 3.012 V.\n"
        "Code 1006"
    )
    assert told("grid_lost", "cleared").startswith("Main: the grid is back\n")


def test_what_is_over_because_it_is_gone_has_not_recovered() -> None:
    text = told("cell_hot", "cleared", facts={"probe": 3, "unmeasured": True})

    assert "cooled down" not in text
    assert "has not been measured for hours" in text


def test_a_message_that_comes_late_tells_of_then() -> None:
    """How long it lasted, and when it goes dark, is counted from the step, not from its arrival."""
    ended = NOW - timedelta(hours=3)
    since = (ended - timedelta(minutes=12)).isoformat()
    over = facts(RULE["cell_low"], None, "cleared", since=since)
    dark = facts(RULE["going_dark"], since=ended.isoformat())

    assert "It lasted 12 min, from 15:30." in alert_message(over, "Main", EN, KYIV, NOW, at=ended).body
    known = alert_message(over | {"lasted": 300.0}, "Main", EN, KYIV, NOW, at=ended)
    assert "It lasted 5 min, from 15:30." in known.body
    assert "about 15:55" in alert_message(dark, "Main", EN, KYIV, NOW, at=ended).title
    assert "about 15:55" in alert_line(dark, "Main", EN, KYIV, NOW, at=ended)
    assert "about 15:55" in several_message([(dark, "Main", ended)] * 2, EN, KYIV, NOW).body


def test_repeat_and_worse_are_marked() -> None:
    assert "nearly empty, 2.810 V (still)" in told("cell_low", "repeat")
    assert "worst 2.790 V" in told("cell_low", "repeat", peak=2.79)
    assert "nearly empty, 2.810 V (worse now)" in told("cell_low", "worse")


def test_test_is_marked_wherever_the_mark_stands() -> None:
    for text in (told("cell_low", facts={"cell": 7, "test": True}), told("cell_low", "test")):
        assert text.startswith("TEST: Main: cell 7")
        assert "only a test" in text


def test_what_is_the_same_twice_is_said_once() -> None:
    assert "Worst 2.810 V." in told("cell_low", "cleared", value=2.81, peak=2.81)
    assert "Найгірше 2,810 В." in told("cell_low", "cleared", name="uk", value=2.81, peak=2.81)
    assert "At worst 2.810 V, now 3.010 V." in told("cell_low", "cleared", value=3.01, peak=2.81)
    assert "worst" not in told("cell_low", "repeat", value=2.81, peak=2.81)


@pytest.mark.parametrize("rule", ["going_dark", "pack_ending"])
def test_a_forecast_that_tells_a_time_has_no_worst(rule: str) -> None:
    """Its value is the minutes that were left: "worst 0 s" says nothing."""
    for what in ("repeat", "cleared"):
        assert "orst" not in told(rule, what, value=45.0, peak=0.0)


def test_possible_repeat_is_marked() -> None:
    known = facts(RULE["grid_lost"], subject="inverter")

    message = alert_message(known, None, EN, KYIV, NOW, perhaps_again=True)

    assert message.title == "Inverter: the grid is lost (perhaps sent before)"
    assert "<i>(perhaps sent before)</i>" in alert_html(known, None, EN, KYIV, NOW, perhaps_again=True)


def test_html_says_the_same_as_the_text() -> None:
    known = facts(RULE["cell_low"])
    message = alert_message(known, "Main", EN, KYIV, NOW)

    html = alert_html(known, "Main", EN, KYIV, NOW)

    assert html.startswith("🚨 <b>Main: cell 7 is nearly empty, 2.810 V</b>\n\n")
    assert re.sub(r"\n+", "\n", html).partition("\n")[2] == message.body


def test_commands_are_named_only_where_they_can_be_sent() -> None:
    """A mail that says /until helps nobody."""
    for rule in RULES:
        known = facts(rule)
        message = alert_message(known, "Main", EN, KYIV, NOW)
        html = alert_html(known, "Main", EN, KYIV, NOW)

        assert not re.search(r"(^|\s)/[a-z]+\b", message.body.replace("/var/lib/jk-bms", "")), rule.name
        asked = EN.known(f"alerts.{rule.name}.ask")
        assert bool(re.search(r"\n/(until|health|link)", html)) is asked


def test_recovery_and_severity_have_their_marks() -> None:
    assert alert_html(facts(RULE["cell_low"], None, "cleared"), "Main", EN, KYIV, NOW).startswith("✅ <b>")


@pytest.mark.parametrize(("count", "more"), [(2, None), (SHOWN, None), (SHOWN + 12, "and 12 more")])
def test_many_are_told_at_once(count: int, more: str | None) -> None:
    """After an outage: how many, the newest of them, and how many came before."""
    events = [(facts(RULE["wire"], part=str(n), facts={"cell": n}), "Main", NOW) for n in range(count)]

    message = several_message(events, EN, KYIV, NOW)

    assert message.title == f"{count} messages about alerts"
    assert message.body.count("- Main: ") == min(count, SHOWN)
    assert (more in message.body) if more else ("more" not in message.body)
    assert f"cell {count - 1} " in message.body


def test_of_many_what_goes_on_comes_first() -> None:
    steps = [
        ("1", "raised"),
        ("2", "raised"),
        ("1", "cleared"),
        ("3", "raised"),
        ("3", "cleared"),
        ("4", "raised"),
    ]
    events = [
        (facts(RULE["wire"], None, what, part=part, facts={"cell": part}), "Main", NOW)
        for part, what in steps
    ]

    lines = several_message(events, EN, KYIV, NOW).body.splitlines()

    assert [re.findall(r"cell (\d)", line)[0] for line in lines] == ["4", "2", "3", "1"]
    assert [": over" in line for line in lines] == [False, False, True, True]


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize(("rule", "grade"), GRADED, ids=lambda x: getattr(x, "code", ""))
def test_what_is_explained_is_what_the_rule_does(rule: Rule, grade: Grade, name: str) -> None:
    """The limits in the text, read back by a machine: the value there raises, one step before it does not."""
    text = explain(rule, grade, language(name))
    begins = {
        "en": r"Begins (at|below) (-?[\d.,]+)\s(\S+?)[ ,.]",
        "uk": r"Починається (з|нижче) (-?[\d.,]+)\s(\S+?)[ ,.]",
    }
    found = re.search(begins[name], text)
    if not rule.unit:
        assert found is None
        return
    assert found is not None, text
    told = float(found[2].replace(",", ".")) * IN_UNIT.get(found[3], 1.0) / IN_UNIT.get(rule.unit, 1.0)
    if found[1] in ("below", "нижче"):  # there it does not begin yet, one step further it does
        step = 0.1 if rule.unit == "%" else 1.0
        assert told - step == pytest.approx(grade.set)
    else:
        late = 1.0 if rule.name == "inverter_stale" else 0.0  # "more than two minutes"
        assert told == pytest.approx(grade.set - late)


# In the smallest of their kind.
IN_UNIT = {"s": 1.0, "min": 60.0, "h": 3600.0, "с": 1.0, "хв": 60.0, "год": 3600.0, "mV": 0.001, "мВ": 0.001}


def test_rule_without_texts_is_told_all_the_same() -> None:
    """The poller may be newer than the bot."""
    known = facts(RULE["cell_low"]) | {
        "rule": "cell_singing",
        "unit": "dB",
        "digits": 0,
        "value": 90,
        "set": 80,
    }
    message = alert_message(known | {"clear": 60}, "Main", EN, KYIV, NOW)
    text = f"{message.title}\n{message.body}"

    assert text.startswith(
        "Main: alert cell_singing, 90 dB\nLimit 80 dB, since 18:42.\nIt is over below 60 dB."
    )


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize(
    "broken", [{}, {"rule": None}, {"since": "yesterday"}, {"facts": None, "unit": None}]
)
def test_facts_of_another_make_do_not_break_a_message(broken: dict[str, Any], name: str) -> None:
    texts = language(name)
    known = broken and facts(RULE["cell_low"]) | broken

    assert alert_html(known, None, texts, KYIV, NOW)
    assert alert_line(known, None, texts, KYIV, NOW)


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_hostile_names_and_errors_stay_text(rule: Rule, name: str) -> None:
    _, look = looked(rule)
    evil = {key: HOSTILE if isinstance(value, str) else value for key, value in look.facts.items()}
    known = facts(rule, facts=evil, part=HOSTILE)

    for what in ("raised", "cleared"):
        html = alert_html(known | {"what": what}, HOSTILE, language(name), KYIV, NOW)

        assert set(re.findall(r"<[^<>]*>", html)) <= {"<b>", "</b>"}
        assert len(html) < 4096
        assert "{0}" in html  # shown, not filled in


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize(("rule", "grade"), GRADED, ids=lambda x: getattr(x, "code", ""))
def test_every_code_can_be_explained(rule: Rule, grade: Grade, name: str) -> None:
    text = explain(rule, grade, language(name))

    assert str(grade.code) in text
    assert not re.search(r"[?{}]|None", text)


def test_explanation_tells_the_limits() -> None:
    text = explain(RULE["cell_low"], RULE["cell_low"].grades(RULE["cell_low"].example())[0], EN)

    assert "Begins at 2.850 V or less, seen 3 times in a row, for 10 s." in text
    assert "It is over above 3.000 V." in text
    assert "The limits follow the BMS's own settings" in text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_explanation_says_that_limits_follow_something_only_where_they_do(rule: Rule) -> None:
    """A pack of other cells and with another BMS has other limits, or the explanation does not say so."""
    view = rule.example()
    grades = rule.grades(view)
    if not isinstance(view, PackView):
        others = [grades]
    else:
        other_cells = example.pack(cell_voltages=(2.3,) * 8)._replace(
            chemistry=CHEMISTRIES["lto"], limits=PackLimits()
        )
        other_bms = view._replace(limits=STRICT)
        others = [rule.grades(other_cells), rule.grades(other_bms)]
    text = explain(rule, grades[0], EN)

    assert ("imits follow" in text or "These are the limits" in text) == any(
        other != grades for other in others
    )


def test_explanation_of_the_spread_tells_both_places_of_the_curve() -> None:
    rule, levels = RULE["cell_spread"], CELLS["lfp"]
    text = explain(rule, rule.grades(rule.example())[0], EN)

    assert "Begins at 200 mV" in text
    assert f"{1000 * levels.middle_warning.set:.0f} mV are a warning" in text
    assert f"{1000 * levels.middle_critical.set:.0f} mV critical" in text


@pytest.mark.parametrize(
    ("shown", "words"), [({"soc": 2.0}, "nearly empty, 2 % ·"), ({}, "nearly empty, 0.0 % ·")]
)
def test_a_list_has_the_charge_that_is_shown_beside_it(shown: dict[str, Any], words: str) -> None:
    """It has no room for the words about the margin for doubt, and a message holds one charge."""
    low = facts(RULE["soc_low"], value=0.0, facts=shown)
    dark = facts(RULE["house_dark"], facts={"how": "sure", "soc": 2.0}, also=[low | {"label": "Main"}])

    body = alert_message(dark, None, EN, KYIV, NOW).body

    assert "Charge: 2 %." in body
    assert words in body
    assert alert_message(low, "Main", EN, KYIV, NOW).title.endswith("nearly empty, 0.0 %")


def test_a_charge_that_nobody_counted_is_not_called_reckoned_on_the_safe_side() -> None:
    (look,) = (RULE["soc_low"].look(example.pack(battery_soc=11.0)) or {}).values()
    assert look is not None

    assert "margin for doubt" not in told("soc_low", facts=dict(look.facts))
    assert "margin for doubt; the shown charge is 13 %" in told("soc_low", facts={"soc": 13.0})
