"""The page in a browser: Debian's Chromium, on a made-up house that the test changes while it looks.

At most 60 pages are loaded; ``SOAK`` looks at every screen in every dress. ``SCREENSHOTS`` names a folder to keep
pictures in.
"""

import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from jk_bms.called import poller
from jk_bms.texts import LANGUAGES, language
from jk_bms.view.charge import level_of, shown_soc
from jk_bms.web.assets import tree
from jk_bms.web.words import FORMS, quantity
from tests.web import made_up
from tests.web.chromium import NEEDED, PATIENCE, chromium, watched
from tests.web.page_server import House, serving

FIRST_VISIT = 120_000  # bytes, compressed
pytestmark = NEEDED


class Look(NamedTuple):
    """A screen, of a house with so many batteries, as one person sees it."""

    path: str
    batteries: int
    width: int
    theme: str
    language: str


USUAL = Look("", 1, 360, "light", "en")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


class Visit(NamedTuple):
    """A page that is open, and what went wrong in it."""

    page: Page
    house: House
    context: BrowserContext
    troubles: list[str]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens a page of a made-up house."""
    ends: list[Callable[[], None]] = []

    def opened(state: dict[str, Any] | None = None, look: Look = USUAL, **more: Any) -> Visit:
        served = ExitStack()
        url, house = served.enter_context(
            serving(state or made_up.state(look.batteries), more.pop("base", "/"))
        )
        for name, usual in (("control", True), ("signed_in", True), ("public", False)):
            setattr(house, name, more.pop(name, usual))
        context = browser.new_context(
            viewport={"width": look.width, "height": 780},
            color_scheme="dark" if look.theme == "dark" else "light",
            locale=look.language,
            **more,
        )
        page, troubles = watched(context, url)
        ends.append(context.close)
        ends.append(served.close)
        page.goto(url + look.path)
        return Visit(page, house, context, troubles)

    yield opened
    for end in ends:
        end()


def started(page: Page) -> Page:
    """Wait until the modules draw the page."""
    page.wait_for_selector("html.started")
    return page


def test_numbers_are_those_of_the_program(visit: Callable[..., Visit]) -> None:
    """Each quantity, at halves and beyond them, in both languages, digit for digit."""
    values = [0.0, -0.0, 0.04, -0.04, 0.05, 0.125, 0.375, 0.5, 1.5, 2.5, -2.5, 3.2865, 12.345, 41.25, -41.25, 99.95, 99.96,
              100.5, 2168.4999, -2168.5, 9999.5, 10000.0, 1234567.8]  # fmt: skip
    socs = [-3.0, 0.0, 0.9, 19.99, 20.0, 49.999, 50.0, 79.5, 80.0, 99.49, 99.5, 100.0, 103.0]
    spans = [
        0.0,
        0.44,
        0.45,
        9.94,
        9.95,
        10.5,
        11.5,
        119.4,
        119.6,
        120.0,
        3599.0,
        3600.0,
        7259.0,
        172799.0,
        172800.0,
        9e5,
    ]
    pairs = [
        [0, 50],
        [30, 300],
        [600, 660],
        [960, 3000],
        [14400, 19800],
        [19200, 23400],
        [40000, 90000],
        [90000, 400000],
    ]
    page, _, _, _ = visit()
    started(page)
    here = f"/s/{tree().hash}/"
    told = page.evaluate(
        """async ([here, values, socs, spans, pairs, forms, languages]) => {
          const format = await import(here + "format.js"), words = await import(here + "words.js");
          const found = {};
          for (const name of languages) {
            await words.loadWords(here, name);
            found[name] = {
              quantities: forms.map((form) => values.map((value) => format.quantity(form, value))),
              socs: socs.map((soc) => [format.shownSoc(soc), format.levelOf(soc)]),
              spans: spans.map(format.span),
              agos: spans.map(format.ago),
              between: pairs.map(([low, high]) => format.spanBetween(low, high)),
            };
          }
          return found;
        }""",
        [here, values, socs, spans, pairs, list(FORMS), list(LANGUAGES)],
    )

    for name in LANGUAGES:
        texts = language(name)
        assert told[name] == {
            "quantities": [[quantity(texts, form, value) for value in values] for form in FORMS],
            "socs": [[shown_soc(soc), level_of(soc)] for soc in socs],
            "spans": [texts.span(seconds) for seconds in spans],
            "agos": [texts.ago(seconds) for seconds in spans],
            "between": [texts.span_between(low, high) for low, high in pairs],
        }


def test_a_new_reading_is_shown_at_once(visit: Callable[..., Visit]) -> None:
    page, house, _, troubles = visit()
    started(page)
    expect(page.locator(".hero-soc")).to_have_text("76\u00a0%")
    wait_for_stream(page, house)

    house.say(
        "battery",
        {"address": made_up.address(1), "age": 0.1, "reading": made_up.reading(soc=75.2, current=12.0)},
    )

    expect(page.locator(".hero-soc")).to_have_text("75\u00a0%")
    expect(page.locator(".flow")).to_contain_text("charging")
    assert page.title() == "75 % · House"
    assert troubles == []


def test_old_values_look_old_and_promise_nothing(visit: Callable[..., Visit]) -> None:
    page, house, _, _ = visit()
    started(page)
    expect(page.locator(".outlook")).to_contain_text("Empty in")
    wait_for_stream(page, house)

    house.say("beat", {"time": house.state["time"], "ages": {made_up.address(1): 900.0}})

    expect(page.locator(".hero-soc.old")).to_be_visible()
    expect(page.locator(".outlook")).not_to_contain_text("Empty in")
    expect(page.locator(".strip")).to_contain_text("No data from Main for 15 min")
    expect(page.locator(".hero .age")).to_contain_text("15 min ago")


def test_a_value_gets_old_without_any_message(visit: Callable[..., Visit]) -> None:
    """And an inverter does not by the limit of a battery: it is heard less often."""
    state = made_up.state(1, inverter=made_up.inverter(age=60.0))
    state["batteries"][0]["age"] = 4.0
    page, _, _, _ = visit(state)
    started(page)
    expect(page.locator(".hero-soc:not(.old)")).to_be_visible()

    expect(page.locator(".hero-soc.old")).to_be_visible()
    expect(page.locator(".outlook")).not_to_contain_text("Empty in")
    expect(page.locator(".card", has=page.locator(".flow")).locator(".age")).to_have_text(
        re.compile(r"inverter \d+ s ago")
    )


def test_a_server_that_goes_away_is_said_and_found_again(visit: Callable[..., Visit]) -> None:
    page, house, _, _ = visit()
    started(page)
    wait_for_stream(page, house)

    house.up = False
    house.cut()
    expect(page.locator(".link-word")).to_contain_text("no connection")
    expect(page.locator(".hero-soc.old")).to_be_visible()
    house.up = True

    expect(page.locator(".link-word")).to_contain_text("live")


def test_without_network_the_last_values_are_shown_with_their_age(visit: Callable[..., Visit]) -> None:
    page, house, context, _ = visit()
    started(page)
    wait_for_stream(page, house)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function(
        "async () => (await caches.keys()).length > 0 && (await indexedDB.databases()).length > 0"
    )
    page.wait_for_timeout(500)

    house.up = False
    house.cut()
    context.set_offline(True)
    page.reload()

    started(page)
    expect(page.locator(".hero-soc.old")).to_have_text("76\u00a0%")
    expect(page.locator(".link-word")).to_contain_text("offline since")
    expect(page.locator(".strip")).to_contain_text("Offline. Values of")


def test_a_session_that_ends_asks_for_the_password_over_the_values(visit: Callable[..., Visit]) -> None:
    page, house, _, _ = visit()
    started(page)
    wait_for_stream(page, house)

    house.signed_in = False
    house.cut()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_be_visible()
    expect(page.locator(".hero-soc")).to_have_text("76\u00a0%")
    sheet.get_by_label("Password").fill("wrong")
    sheet.get_by_role("button", name="Sign in").click()
    expect(sheet).to_contain_text("That is not the password.")
    sheet.get_by_label("Password").fill("right")
    sheet.get_by_role("button", name="Sign in").click()

    expect(sheet).to_be_hidden()
    expect(page.locator(".link-word")).to_contain_text("live")


def test_the_battery_is_given_to_the_phone(visit: Callable[..., Visit]) -> None:
    page, house, _, _ = visit()
    started(page)

    page.get_by_label("For how long?").select_option("30")
    page.get_by_role("button", name="Free Bluetooth for my phone").click()
    page.wait_for_function("() => true")
    wait_until(page, lambda: bool(house.asked))

    assert house.asked == [("POST", "/api/request/release", {"device": made_up.address(1), "seconds": 1800})]


def test_a_guest_finds_nothing_to_press(visit: Callable[..., Visit]) -> None:
    page, _, _, _ = visit(made_up.state(1, alerts=[made_up.alert()]), control=False)
    started(page)
    expect(page.locator("#link")).to_contain_text("connected")

    assert page.get_by_role("button", name="Free Bluetooth for my phone").count() == 0


def test_who_looks_without_a_session_is_offered_to_sign_in_and_not_asked(visit: Callable[..., Visit]) -> None:
    page, _, _, _ = visit(look=Look("more", 1, 360, "light", "en"), public=True, control=False)
    started(page)

    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert page.get_by_role("dialog").count() == 0
    assert page.get_by_role("button", name="Sign out").count() == 0


def test_an_alert_is_read_muted_and_closed_by_keyboard(visit: Callable[..., Visit]) -> None:
    look = Look("alerts", 1, 360, "light", "en")
    page, house, _, troubles = visit(made_up.state(1, alerts=[made_up.alert()]), look)
    started(page)

    page.get_by_role("button", name=re.compile("cell 4 is nearly empty")).focus()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("Switch off what is not needed")
    assert "1006" in page.url
    sheet.get_by_role("button", name="Quiet").click()  # a critical one asks once more
    expect(sheet).to_contain_text("Keep quiet anyway?")
    sheet.get_by_role("button", name="Quiet for 1 h").click()
    wait_until(page, lambda: bool(house.asked))
    page.keyboard.press("Escape")

    expect(sheet).to_be_hidden()
    assert house.asked == [
        ("POST", f"/api/alerts/{made_up.address(1)}/1006/mute".replace(":", "%3A"), {"for": "1h"})
    ]
    assert troubles == []


def test_a_past_alert_says_what_it_meant_and_leads_to_its_day(visit: Callable[..., Visit]) -> None:
    page, _, _, troubles = visit(look=Look("alerts", 2, 360, "light", "en"))
    started(page)
    expect(page.locator(".empty")).to_contain_text("since ")
    page.get_by_role("button", name="Past").click()

    page.get_by_role("button", name=re.compile("the grid is back")).first.click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("What this code is about.")
    sheet.get_by_role("link", name="History").click()
    page.wait_for_selector(".u-over")

    assert re.search(r"/history\?device=1&from=2026-11-\d\d&show=day$", page.url)
    assert troubles == []


def test_alerts_of_one_battery_and_the_way_to_its_cell(visit: Callable[..., Visit]) -> None:
    of_other = made_up.alert(subject=made_up.address(2), part="5")
    page, _, _, _ = visit(
        made_up.state(2, alerts=[made_up.alert(), of_other]), Look("alerts", 2, 1280, "dark", "en")
    )
    started(page)
    rows = page.locator(".items > button")
    expect(rows).to_have_count(2)

    page.get_by_role("button", name="Main", exact=True).click()
    expect(rows).to_have_count(1)
    rows.first.click()
    expect(page.get_by_role("dialog")).to_contain_text("It is over above")
    page.get_by_role("link", name="Cell 4").click()

    expect(page.get_by_role("dialog", name="Cell 4 · Main")).to_be_visible()


def test_a_service_that_is_down_and_a_history_that_cannot_be_read_say_what_to_do(
    visit: Callable[..., Visit],
) -> None:
    state = made_up.state(1, poller={"up": False, "since": made_up.NOW.isoformat()})
    page, _, context, _ = visit(state)
    started(page)
    context.route(
        "**/api/history*",
        lambda route: route.fulfill(
            status=503, json={"error": {"code": "database_away", "message": "bms.db is locked"}}
        ),
    )
    page.reload()
    expect(page.locator("main")).to_contain_text("History cannot be read at the moment: bms.db is locked")

    page.locator(".strip").click()
    expect(page.locator("#service")).to_contain_text(poller("start"))


def test_back_closes_a_sheet_and_leaves_the_screen(visit: Callable[..., Visit]) -> None:
    page, _, _, _ = visit(made_up.state(1, alerts=[made_up.alert()]))
    started(page)
    page.get_by_role("link", name="Alerts").click()
    page.get_by_role("button", name=re.compile("cell 4")).click()
    expect(page.get_by_role("dialog")).to_be_visible()

    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.url.endswith("/alerts")
    page.go_back()
    expect(page.locator(".hero-soc")).to_be_visible()


def test_a_cell_is_looked_at_closely_and_back_gives_the_focus_back(visit: Callable[..., Visit]) -> None:
    page, _, _, troubles = visit(look=Look("battery/1", 1, 360, "light", "en"))
    started(page)
    cell = page.locator('a[href$="#cell-4"]')

    cell.focus()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="Cell 4 · Main")
    expect(sheet).to_contain_text("3.289\u00a0V")
    expect(sheet).to_contain_text("Cell 4: weak, 97 % sure")
    expect(sheet).to_contain_text("The BMS stops charging at")
    expect(sheet.locator("svg.trace")).to_be_visible()
    for _ in range(9):  # the focus stays inside
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('[role=dialog]') !== null")
    page.go_back()

    expect(sheet).to_be_hidden()
    assert page.url.endswith("/battery/1")
    assert page.evaluate("document.activeElement.getAttribute('href')").endswith("#cell-4")
    assert troubles == []


def test_the_doctor_says_where_it_ends_why_and_what_to_do(visit: Callable[..., Visit]) -> None:
    state = made_up.state(1)
    state["batteries"][0]["age"] = 900.0
    state["batteries"][0]["link"] |= {
        "state": "searching",
        "for": 300.0,
        "verdict": "not_seen",
        "last_frame": 900.0,
        "causes": [{"code": "phone_connected", "sure": 0.62, "meaning": "m", "action": "a"}],
    }
    page, _, _, troubles = visit(state, Look("battery/1", 1, 360, "light", "en"))
    started(page)

    page.get_by_role("link", name="Find the cause").click()
    sheet = page.get_by_role("dialog", name="Find the cause · Main")
    expect(sheet).to_contain_text("Not heard: out of range")
    expect(sheet).to_contain_text("A phone or another device is connected to the battery")
    expect(sheet).to_contain_text("62\u00a0%")
    expect(sheet).to_contain_text("Close the battery's app on every phone")
    steps = sheet.locator(".steps > li")
    assert [each.locator("svg").get_attribute("aria-label") for each in steps.all()] == (
        ["in order"] * 7 + ["here it ends"] + ["not tried"] * 5
    )
    sheet.get_by_text("As text").click()
    expect(sheet.locator("code.take")).to_contain_text("8. The battery is heard: here it ends")

    page.go_back()
    expect(sheet).to_be_hidden()
    assert troubles == []


def test_the_doctor_finds_a_battery_that_is_read_well(visit: Callable[..., Visit]) -> None:
    page, _, _, _ = visit(look=Look("battery/1#doctor", 1, 1280, "dark", "uk"), control=False)
    started(page)
    sheet = page.get_by_role("dialog")

    expect(sheet).to_contain_text("Усе гаразд: батарею опитують.")
    expect(sheet.locator(".steps > li")).to_have_count(13)
    expect(sheet.locator(".steps")).to_contain_text("−61\u00a0дБм")


VALUES = {
    # what the address opens: (its title, words of the sheet)
    "charge": ("Charge · Main", ("76\u00a0%", "counted here from the current", "last full 25 h")),
    "current": ("Current · Main", ("−41.2\u00a0A", "measured by the BMS", "With a plus")),
    "probe-2": ("Temperature 2 · Main", ("17.9\u00a0°C", "Below 0")),
    "in_today": ("In today · Main", ("9.8\u00a0kWh", "since midnight", "last 7 days")),
    "cycles": ("Cycles · Main", ("214",)),
    "mosfet": ("MOSFETs · Main", ("–", "This BMS does not tell it.")),  # which the made-up one does not here
}


def test_each_value_opens_what_it_means(visit: Callable[..., Visit]) -> None:
    state = made_up.state(1)
    del state["batteries"][0]["reading"]["mos_temperature"]
    page, _, _, troubles = visit(state, Look("battery/1", 1, 360, "light", "en"))
    started(page)
    assert page.locator('a[href$="#mosfet"]').count() == 0

    for name, (title, words) in VALUES.items():
        if name == "mosfet":
            page.evaluate(
                "history.pushState({ours: true}, '', '#mosfet'); dispatchEvent(new PopStateEvent('popstate'))"
            )
        else:
            page.locator(f'a[href$="#{name}"]').first.click()
        sheet = page.get_by_role("dialog", name=title)
        for each in words:
            expect(sheet).to_contain_text(each)
        page.keyboard.press("Escape")
        expect(sheet).to_be_hidden()
    assert troubles == []


def test_the_settings_of_a_bms_are_told_in_words(visit: Callable[..., Visit]) -> None:
    page, _, _, troubles = visit(look=Look("battery/1", 1, 360, "dark", "uk"))
    started(page)

    page.get_by_role("button", name="Налаштування BMS").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("Комірка переповнена від")
    expect(sheet).to_contain_text("3,650\u00a0В")
    expect(sheet.locator("h3")).to_have_text(["Комірки", "Струм", "Балансування"])
    assert troubles == []


STROKE = """
([from, to, where]) => {
  const target = document.querySelector(where);
  const touch = (x) => new Touch({ identifier: 1, target, clientX: x, clientY: 300 });
  const stroke = (kind, touches, changedTouches) =>
    target.dispatchEvent(new TouchEvent(kind, { bubbles: true, touches, changedTouches }));
  stroke("touchstart", [touch(from)], [touch(from)]);
  stroke("touchend", [], [touch(to)]);
}
"""


def test_a_stroke_of_the_finger_goes_to_the_next_battery(visit: Callable[..., Visit]) -> None:
    page, _, _, _ = visit(look=Look("battery/1", 2, 360, "light", "en"), has_touch=True)
    started(page)
    chosen = page.locator('.chips [aria-pressed="true"]').first

    page.wait_for_selector(".spark")
    page.evaluate(STROKE, [300, 100, ".spark"])  # a picture takes its strokes itself
    page.evaluate(STROKE, [300, 270, ".hero"])
    page.evaluate(STROKE, [100, 300, ".hero"])  # there is none before the first
    expect(chosen).to_have_text("Main")
    page.evaluate(STROKE, [300, 100, ".hero"])
    expect(chosen).to_have_text("Shed")
    assert page.url.endswith("/battery/2")
    page.evaluate(STROKE, [100, 300, ".hero"])
    expect(chosen).to_have_text("Main")


def test_several_inverters_are_shown_apart_and_go_on_by_the_stream(visit: Callable[..., Visit]) -> None:
    page, house, _, troubles = visit(made_up.state(1, **made_up.inverters()))
    started(page)
    card = page.locator("#inverters")
    expect(card).to_contain_text("Cannot be read: no answer for 7 min")
    expect(card).to_contain_text("Sun 412\u00a0W")
    expect(page.locator("main")).to_contain_text("1 of 2 inverters are heard")
    wait_for_stream(page, house)

    fresh = made_up.inverters()
    fresh["inverters"][1] = made_up.inverter(id="easun", name="Easun", load_power=777.0)
    fresh["inverter"] |= {"fresh": 2}
    house.say("inverter", fresh)
    expect(card).to_contain_text("House 777\u00a0W")
    expect(page.locator("main")).not_to_contain_text("inverters are heard")
    card.get_by_role("button", name=re.compile("Deye")).click()
    sheet = page.get_by_role("dialog", name="Deye")
    expect(sheet).to_contain_text("Battery mode")
    expect(sheet).to_contain_text("230\u00a0V")
    page.go_back()
    expect(sheet).to_be_hidden()
    page.get_by_role("link", name="More").click()
    expect(page.locator("#inverters")).to_contain_text("Easun")
    assert troubles == []


def test_one_inverter_is_what_the_flow_shows(visit: Callable[..., Visit]) -> None:
    page, _, _, _ = visit(made_up.state(1, inverters=[made_up.inverter(id="deye", name="Deye")]))
    started(page)

    expect(page.locator(".flow")).to_contain_text("412\u00a0W")
    assert page.locator("#inverters").count() == 0


def test_zoom_asks_for_finer_data_and_the_whole_comes_back(visit: Callable[..., Visit]) -> None:
    page, _, _, troubles = visit(look=Look("history?show=week", 1, 1280, "light", "en"))
    started(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "api/history" in request.url else None)
    chart = page.locator(".chart").first
    expect(chart).to_be_visible()
    page.wait_for_selector(".u-over")

    chart.focus()
    for _ in range(12):
        page.keyboard.press("+")
    wait_until(page, lambda: bool(asked))
    expect(page.get_by_role("button", name="Whole span")).to_be_visible()
    page.keyboard.press("0")

    expect(page.get_by_role("button", name="Whole span")).to_be_hidden()
    assert troubles == []


def test_a_setting_is_changed_refused_and_taken_back(visit: Callable[..., Visit]) -> None:
    page, house, _, _ = visit(look=Look("more", 1, 360, "light", "en"))
    started(page)
    page.get_by_label("Find a setting").fill("alert_confirm")
    row = page.get_by_role("button", name=re.compile("How many bad readings"))
    row.click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("From 1 to 1000. Default: 3.")

    sheet.get_by_label("Value").fill("many")
    sheet.get_by_role("button", name="Save").click()
    expect(sheet.get_by_role("alert")).to_contain_text("many is not good here")
    expect(sheet.get_by_label("Value")).to_have_value("many")
    sheet.get_by_label("Value").fill("5")
    sheet.get_by_role("button", name="Save").click()
    expect(sheet.get_by_role("status")).to_contain_text("It counts from now on")
    assert house.settings["ALERT_CONFIRM"] == "5"
    sheet.get_by_role("button", name="Back to the default").click()
    wait_until(page, lambda: "ALERT_CONFIRM" not in house.settings)
    page.go_back()

    expect(sheet).to_be_hidden()
    expect(row).to_contain_text("3")


def test_a_setting_that_is_not_changed_here_says_where(visit: Callable[..., Visit]) -> None:
    page, _, _, troubles = visit(look=Look("more#set-WEB_PORT", 1, 360, "light", "uk"))
    started(page)
    sheet = page.get_by_role("dialog")

    expect(sheet).to_contain_text("WEB_PORT=8080")
    expect(sheet).to_contain_text("sudo systemctl restart 'easun-jkbms*'")
    assert sheet.get_by_role("textbox").count() == 0
    page.get_by_role("button", name="Закрити").click()
    page.get_by_label("Знайти налаштування").fill("openai_api_key")
    expect(page.get_by_role("button", name=re.compile("OPENAI_API_KEY"))).to_contain_text("не задано")
    assert troubles == []


def test_a_token_is_made_shown_once_and_ended_with_the_password_asked_again(
    visit: Callable[..., Visit],
) -> None:
    page, house, _, _ = visit(look=Look("more", 1, 360, "light", "en"))
    house.sure = False
    started(page)
    page.get_by_role("button", name="Tokens for programs").click()
    sheet = page.get_by_role("dialog")

    sheet.get_by_label("Password").fill("wrong")
    sheet.get_by_role("button", name="Go on").click()
    expect(sheet.get_by_role("alert")).to_contain_text("That is not the password.")
    sheet.get_by_label("Password").fill("right")
    sheet.get_by_role("button", name="Go on").click()
    sheet.get_by_label("Name of the program").fill("Home Assistant")
    sheet.get_by_label("What it may do").select_option("control")
    sheet.get_by_label("Until it ends").select_option("30")
    sheet.get_by_role("button", name="Make a token").click()
    expect(sheet.get_by_text("s3cret-of-a-program")).to_be_visible()
    assert house.asked[-1][2] == {"name": "Home Assistant", "scope": "control", "days": 30}
    expect(sheet.locator(".items")).to_contain_text("look and control")

    page.go_back()
    expect(sheet).to_be_hidden()
    page.get_by_role("button", name="Tokens for programs").click()
    expect(sheet.locator(".items")).to_contain_text("Home Assistant")
    assert sheet.get_by_text("s3cret-of-a-program").count() == 0
    sheet.get_by_role("button", name="End Home Assistant").click()
    assert house.tokens != []  # asked once more: it cannot be taken back
    sheet.locator(".actions").get_by_role("button", name="End Home Assistant").click()
    wait_until(page, lambda: house.tokens == [])


def test_a_session_is_ended_once_that_is_sure_and_the_password_changed(visit: Callable[..., Visit]) -> None:
    page, house, _, troubles = visit(look=Look("more", 1, 1280, "light", "en"))
    started(page)

    page.get_by_role("button", name="Sign out Olena").click()
    page.get_by_role("button", name="Keep").click()
    assert house.asked == []
    page.get_by_role("button", name="Sign out Olena").click()
    page.get_by_role("button", name="Sign out Olena").click()
    wait_until(page, lambda: bool(house.asked))
    page.get_by_role("button", name="Change password").click()
    page.get_by_label("Present password").fill("right")
    page.get_by_label("New password").fill("three words of mine")
    page.get_by_role("button", name="Change password").click()

    expect(page.get_by_text("Changed.")).to_be_visible()
    assert house.asked == [
        ("DELETE", "/api/sessions/2", None),
        ("POST", "/api/change-password", {"old_password": "right", "new_password": "three words of mine"}),
    ]
    assert troubles == []


def test_the_one_time_link_is_taken_also_where_its_screen_is_open(visit: Callable[..., Visit]) -> None:
    page = started(visit(look=Look("start", 1, 360, "light", "en"), signed_in=False).page)
    expect(page.locator("#code")).to_have_value("")

    page.evaluate("location.hash = 'ONCE00001'")  # the link, put into the address of that very page

    expect(page.locator("#code")).to_have_value("ONCE00001")
    expect(page.locator("#password")).to_be_focused()
    assert not page.url.endswith("ONCE00001"), "the code stays in no history"


def test_another_tab_that_signed_in_anew_does_not_stop_this_one(visit: Callable[..., Visit]) -> None:
    """The cookie is shared, the mark of its session is not: it is asked for once, and no more than once."""
    page, house, _, _ = visit()
    started(page)
    house.csrf = "of the new session"

    page.get_by_role("button", name="Free Bluetooth for my phone").click()

    wait_until(page, lambda: [path for _, path, _ in house.asked] == ["/api/request/release"])
    house.broken_csrf = True
    page.get_by_role("button", name="Free Bluetooth for my phone").click()
    expect(page.get_by_role("alert")).to_contain_text("This came from another page")


# How many points of a panel's chart have the colour of a band, which shines through
BAND = """
([place, name]) => {
  const canvas = document.querySelectorAll(".panel")[place].querySelector("canvas");
  const hex = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const wanted = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let n = 0; n < data.length; n += 4) {
    const near = wanted.every((part, at) => Math.abs(data[n + at] - part) < 8);
    if (near && data[n + 3] > 40 && data[n + 3] < 70) found += 1;
  }
  return found;
}
"""


@pytest.mark.parametrize(
    ("place", "color", "word"), [(1, "soc", "Battery"), (2, "fair", "Lowest"), (2, "fair", "Highest")]
)
def test_a_hidden_line_takes_its_band_along(
    visit: Callable[..., Visit], place: int, color: str, word: str
) -> None:
    page, _, _, troubles = visit(look=Look("history", 1, 1280, "light", "en"))
    started(page)
    page.get_by_role("button", name="+ Cells").click()
    line = page.locator(".panel").nth(place).locator(".legend").get_by_role("button", name=word)

    def band() -> int:
        return int(page.evaluate(BAND, [place, color]))

    wait_until(page, lambda: band() > 500)
    line.click()
    wait_until(page, lambda: band() < 50)  # edges of lines and words
    line.click()
    wait_until(page, lambda: band() > 500)
    assert troubles == []


def test_the_file_holds_the_quantities_that_are_shown(visit: Callable[..., Visit]) -> None:
    page, _, _, _ = visit(look=Look("history", 1, 1280, "light", "en"))
    started(page)

    def keys() -> str:
        link = page.get_by_role("link", name="CSV").get_attribute("href") or ""
        return parse_qs(urlsplit(link).query).get("keys", [""])[0]

    assert keys() == "battery_soc,soc_low,soc_high,power"
    page.get_by_role("button", name="+ Cells").click()
    wait_until(page, lambda: keys() == "battery_soc,soc_low,soc_high,power,cell_min,cell_max")
    page.locator(".panel").first.get_by_role("button", name="Close").click()
    wait_until(page, lambda: keys() == "power,cell_min,cell_max")


def test_a_chart_is_a_table_by_key_and_a_line_is_hidden_by_touch(visit: Callable[..., Visit]) -> None:
    page, _, _, troubles = visit(look=Look("history", 1, 1280, "light", "en"))
    started(page)
    page.wait_for_selector(".u-over")
    legend = page.locator(".panel .legend")

    for word in ("House", "Sun"):
        legend.get_by_role("button", name=word).click()
        expect(legend.get_by_role("button", name=word)).to_have_attribute("aria-pressed", "false")
    expect(legend.get_by_role("button", name="Battery")).to_be_disabled()  # never the last
    legend.get_by_role("button", name="Sun").click()
    expect(legend.get_by_role("button", name="Battery")).to_be_enabled()
    page.locator(".chart").first.focus()
    page.keyboard.press("t")
    expect(page.locator(".table-view").first).to_be_visible()
    page.get_by_label("Which day?").fill("2026-11-03")

    expect(page.locator(".stepper")).to_contain_text("3 Nov 2026")
    assert "from=2026-11-03" in page.url
    assert troubles == []


def test_language_and_colours_change_without_loading_anew(visit: Callable[..., Visit]) -> None:
    page, _, _, _ = visit(look=Look("more", 1, 360, "light", "en"))
    started(page)
    page.evaluate("window.same = true")

    page.get_by_role("button", name="Українська").click()
    expect(page.locator("h1")).to_have_text("Ще")
    page.get_by_role("button", name="Темна").click()

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("document.documentElement.lang") == "uk"
    assert page.evaluate("window.same") is True
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    assert (cookies["lang"], cookies["theme"]) == ("uk", "dark")


def test_without_scripts_the_numbers_stand_there(visit: Callable[..., Visit]) -> None:
    page, _, _, troubles = visit(java_script_enabled=False)

    expect(page.locator(".hero-soc")).to_have_text("76\u00a0%")
    expect(page.locator("body")).to_contain_text("Sun")
    assert troubles == []


def test_a_module_that_cannot_be_had_leaves_the_simple_page(visit: Callable[..., Visit]) -> None:
    page, _, context, _ = visit(service_workers="block")
    started(page)
    context.route("**/vendor/htm.js", lambda route: route.abort())

    page.reload()

    expect(page.locator(".hero-soc")).to_have_text("76\u00a0%")
    expect(page.locator("#simple")).to_be_visible()


def test_hostile_names_are_text(visit: Callable[..., Visit]) -> None:
    state = made_up.state(2, alerts=[made_up.alert(part=made_up.HOSTILE)])
    for each in state["batteries"]:
        each["name"] = each["label"] = made_up.HOSTILE
    page, _, _, troubles = visit(state)
    started(page)

    expect(page.locator(".card bdi").first).to_contain_text("<img src=x")
    assert page.locator("#app img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert troubles == []


def test_under_a_base_path(visit: Callable[..., Visit]) -> None:
    page, _, _, troubles = visit(base="/api/hassio_ingress/x/", look=Look("battery/1", 1, 360, "light", "en"))
    started(page)

    page.get_by_role("link", name="History").click()
    page.wait_for_selector(".u-over")

    assert page.url.endswith("/api/hassio_ingress/x/history")
    assert troubles == []


def test_a_new_release_is_offered_and_never_taken_by_itself(visit: Callable[..., Visit]) -> None:
    page, house, _, _ = visit()
    started(page)
    wait_for_stream(page, house)

    house.say("hello", {"static": "another", "resumed": True})

    expect(page.get_by_role("button", name="New version")).to_be_visible()
    expect(page.locator(".hero-soc")).to_be_visible()


def test_a_first_visit_fits_its_budget(visit: Callable[..., Visit]) -> None:
    """Everything that is loaded until the numbers and their pictures stand there, compressed as the server does it."""
    loaded: dict[str, int] = {}
    page, _, _, _ = visit(service_workers="block")
    page.on("response", lambda response: loaded.update({response.url: len(gzip.compress(response.body(), 5))})
            if "/api/" not in response.url else None)  # fmt: skip
    page.reload()
    started(page)
    page.wait_for_timeout(1000)

    assert len(loaded) > 15
    assert sum(loaded.values()) <= FIRST_VISIT
    assert not [url for url in loaded if "uplot" in url]


def wait_for_stream(page: Page, house: House) -> None:
    """Wait until the page hears what the house says."""
    wait_until(page, lambda: bool(house.streams))
    expect(page.locator(".link-word")).to_contain_text("live")


def wait_until(page: Page, so: Callable[[], bool]) -> None:
    """Wait until ``so``, letting the browser go on."""
    for _ in range(int(PATIENCE / 50)):
        if so():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it did not come about within {PATIENCE / 1000:.0f} s")
