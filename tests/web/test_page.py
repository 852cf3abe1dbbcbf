"""The page in a browser: Debian's Chromium, on a made-up house that the test changes while it looks.

At most 60 pages are loaded; ``SOAK`` looks at every screen in every dress. ``SCREENSHOTS`` names a folder to keep
pictures in.
"""

import gzip
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from jk_bms.texts import LANGUAGES, language
from jk_bms.view.charge import level_of, shown_soc
from jk_bms.web.assets import tree
from jk_bms.web.words import FORMS, quantity
from tests.scale import soaking
from tests.web import made_up
from tests.web.page_server import House, serving

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
PATIENCE = 60_000.0  # ms: the machine may be busy
MOST_SHIFT = 0.02
FIRST_VISIT = 120_000  # bytes, compressed
SHIFTS = """
() => {
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
}
"""
CUT = """
() => [...document.querySelectorAll(".num, .figure, .value, button, .hero-soc, td")]
  .filter((one) => one.offsetParent && !one.closest(".hidden") && one.scrollWidth > one.clientWidth + 1)
  .filter((one) => getComputedStyle(one).overflowX !== "visible")
  .map((one) => one.textContent)
"""
OUTSIDE = """
() => [...document.querySelectorAll("main *")]
  .filter((one) => one.offsetParent && !one.closest(".chips, .scroll-x, .hidden, .u-wrap, svg"))
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => one.className + ": " + one.textContent.slice(0, 40))
"""

pytestmark = [pytest.mark.long, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]


class Look(NamedTuple):
    """A screen, of a house with so many batteries, as one person sees it."""

    path: str
    batteries: int
    width: int
    theme: str
    language: str


SCREENS = ("", "battery/1", "history", "history?show=month,compare", "alerts", "more", "login", "start")
# Each two of screen, width, theme, language and number of batteries meet at least once.
PAIRS = (
    Look("", 1, 360, "light", "en"), Look("", 0, 1280, "dark", "uk"), Look("", 2, 768, "dark", "en"),
    Look("", 8, 360, "dark", "uk"), Look("", 1, 1280, "light", "uk"),
    Look("battery/1", 1, 360, "dark", "uk"), Look("battery/1", 2, 1280, "light", "en"),
    Look("battery/1", 8, 768, "light", "uk"),
    Look("history", 1, 1280, "dark", "en"), Look("history", 2, 360, "light", "uk"),
    Look("history?show=month,compare", 1, 360, "dark", "en"), Look("history?show=month,compare", 8, 1280, "light", "uk"),
    Look("alerts", 1, 360, "light", "uk"), Look("alerts", 2, 1280, "dark", "en"),
    Look("more", 1, 360, "dark", "en"), Look("more", 1, 1280, "light", "uk"),
    Look("login", 1, 360, "dark", "uk"), Look("start", 1, 1280, "light", "en"),
)  # fmt: skip
EVERY = tuple(
    Look(*each) for each in product(SCREENS, (0, 1, 2, 8), (360, 768, 1280), ("light", "dark"), LANGUAGES)
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


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

    def opened(state: dict[str, Any] | None = None, look: Look = PAIRS[0], **more: Any) -> Visit:
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
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.add_init_script(f"({SHIFTS})()")
        troubles: list[str] = []

        def foreign(request: Request) -> None:
            if not request.url.startswith((url.split("/", 3)[0] + "//" + url.split("/")[2], "data:")):
                troubles.append(f"asked {request.url}")

        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("request", foreign)
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


@pytest.mark.parametrize("look", EVERY if soaking() else PAIRS, ids=lambda look: "-".join(map(str, look)))
def test_every_screen_in_every_dress(visit: Callable[..., Visit], look: Look) -> None:
    state = made_up.state(look.batteries, alerts=[made_up.alert()] if look.batteries else [])
    page, _, _, troubles = visit(state, look)

    started(page)
    page.wait_for_selector(".card, form")
    page.wait_for_load_state("load")
    page.wait_for_timeout(300)  # what is asked for after the first drawing comes in

    if folder := os.environ.get("SCREENSHOTS"):
        name = "-".join(map(str, look)).replace("/", "_") or "home"
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    assert troubles == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.lang") == look.language
    assert page.locator("h1").count() == 1
    assert page.evaluate("window.shift") <= MOST_SHIFT


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


def test_a_server_that_goes_away_is_said_and_found_again(visit: Callable[..., Visit]) -> None:
    page, house, _, _ = visit()
    started(page)
    wait_for_stream(page, house)

    house.up = False
    house.cut()
    expect(page.locator(".link-word")).to_contain_text("no connection", timeout=PATIENCE)
    expect(page.locator(".hero-soc.old")).to_be_visible()
    house.up = True

    expect(page.locator(".link-word")).to_contain_text("live", timeout=PATIENCE)


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
    expect(sheet).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".hero-soc")).to_have_text("76\u00a0%")
    sheet.get_by_label("Password").fill("wrong")
    sheet.get_by_role("button", name="Sign in").click()
    expect(sheet).to_contain_text("That is not the password.")
    sheet.get_by_label("Password").fill("right")
    sheet.get_by_role("button", name="Sign in").click()

    expect(sheet).to_be_hidden()
    expect(page.locator(".link-word")).to_contain_text("live", timeout=PATIENCE)


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
    expect(page.locator("#simple")).to_be_visible(timeout=PATIENCE)


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
