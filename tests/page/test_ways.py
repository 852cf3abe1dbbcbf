"""What happens to a page between its first numbers and the last: ways that die, sleep, other tabs, other clocks."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.house import Lived, lived, made, page_of
from tests.page.visitor import visitor
from tests.page.way import way_to
from tests.web.chromium import NEEDED, allowed, chromium, faults
from tests.web.program import PASSWORD

pytestmark = [*NEEDED, pytest.mark.timeout(600)]

DEAD = 35.0  # s within which a page says that nothing comes any more
PERCENT = re.compile(r"\d+\u00a0%")
FOCUS = """
() => {
  const one = document.activeElement, box = one.getBoundingClientRect();
  const marked = (at) => getComputedStyle(at).outlineStyle !== "none" && parseFloat(getComputedStyle(at).outlineWidth) >= 1;
  if (one === document.body) return null;
  const seen = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return { name: one.getAttribute("aria-label") || one.textContent.trim().slice(0, 40), href: one.getAttribute("href"),
    seen, marked: marked(one) || marked(one.parentElement) };
}
"""
A_DAY_AHEAD = """
const shift = 26 * 3600e3, True = Date;
globalThis.Date = class extends True {
  constructor(...given) { super(...(given.length ? given : [True.now() + shift])); }
  static now() { return True.now() + shift; }
};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    with lived(tmp_path_factory.mktemp("ways"), 2) as running:
        yield running


def opened(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("html.started")
    expect(page.locator(".link-word")).to_contain_text("live")
    expect(page.locator(".hero-soc:not(.old)")).to_have_text(PERCENT)


def test_a_way_that_dies_in_silence_is_said_and_found_again(browser: Browser, house: Lived) -> None:
    """As a proxy or a phone network does: the line stays, the bytes do not come."""
    with way_to(house.page.port) as way, visitor(browser, house, url=way.url) as (page, _):
        opened(page, way.url)
        way.dead = True
        began = time.monotonic()

        expect(page.locator(".link-word")).not_to_contain_text("live")
        shown = time.monotonic() - began
        expect(page.locator(".hero-soc.old")).to_have_text(PERCENT)  # still there, and no longer of now
        way.dead = False

        expect(page.locator(".link-word")).to_contain_text("live")
        expect(page.locator(".hero-soc:not(.old)")).to_have_text(PERCENT)
        expect(page.locator(".strip")).to_have_count(0)
    assert shown <= DEAD


def test_a_page_that_slept_shows_what_is_now(browser: Browser, house: Lived) -> None:
    with visitor(browser, house) as (page, troubles):
        opened(page, house.url)
        devtools = page.context.new_cdp_session(page)
        devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        time.sleep(8)
        devtools.send("Page.setWebLifecycleState", {"state": "active"})

        expect(page.locator(".link-word")).to_contain_text("live")
        expect(page.locator("main .age", has_text="live").first).to_be_visible()
    assert troubles == []


def test_a_tab_that_signs_out_takes_the_others_along(browser: Browser, house: Lived) -> None:
    """And a session that is ended elsewhere asks for the password over the values, which stay."""
    with visitor(browser, house) as (page, _):
        other = page.context.new_page()
        for each in (page, other):
            opened(each, house.url)
        owner = house.sign_in()
        listed = house.ask(owner, "/api/sessions")
        gone = [each for each in listed if not each["this"]]
        assert len(gone) >= 1
        for each in gone:
            house.ask(owner, f"/api/sessions/{each['id']}", "DELETE")

        for each in (page, other):
            each.bring_to_front()
            expect(each.get_by_role("dialog")).to_be_visible()
            expect(each.locator(".hero-soc")).to_have_text(PERCENT)
        sheet = page.get_by_role("dialog")
        page.bring_to_front()
        sheet.get_by_label("Password").fill(PASSWORD)
        sheet.get_by_role("button", name="Sign in").click()
        expect(sheet).to_be_hidden()
        expect(page.locator(".link-word")).to_contain_text("live")


def test_a_phone_whose_clock_is_wrong_shows_the_ages_of_the_house(browser: Browser, house: Lived) -> None:
    with visitor(browser, house) as (page, troubles):
        page.add_init_script(A_DAY_AHEAD)
        opened(page, house.url)

        page.wait_for_timeout(3000)
        expect(page.locator("main .age", has_text="live").first).to_be_visible()
        expect(page.locator(".hero-soc:not(.old)")).to_have_text(PERCENT)
        expect(page.locator(".strip")).to_have_count(0)
    assert troubles == []


def test_everything_is_reached_by_keyboard_and_seen_where_it_is(browser: Browser, house: Lived) -> None:
    with visitor(browser, house, viewport={"width": 1280, "height": 800}) as (page, troubles):
        opened(page, house.url)
        for screen in ("battery", "history", "alerts", "more", "home"):
            passed: list[dict[str, Any]] = []
            while True:  # until the link to that screen
                page.keyboard.press("Tab")
                found = page.evaluate(FOCUS)
                assert len(passed) < 150, passed
                if found is None:  # once around
                    continue
                passed.append(found)
                place = urlsplit(found["href"] or "#").path
                if place.startswith(f"/{screen}") or (screen == "home" and place == "/"):
                    break
            assert [each for each in passed if not (each["seen"] and each["marked"])] == []
            page.keyboard.press("Enter")
            expect(page.locator(".nav [aria-current=page]")).to_have_attribute(
                "href", re.compile(rf"^/{'' if screen == 'home' else screen}")
            )
            expect(page.locator("main :is(.card, .history-head)").first).to_be_visible()
    assert troubles == []


@pytest.mark.parametrize("screen", ["", "battery/1", "history", "alerts", "more"])
def test_at_twice_the_size_nothing_is_cut(browser: Browser, house: Lived, screen: str) -> None:
    """A window of 640 dots zoomed to 200 %, and letters alone twice as large."""
    with visitor(browser, house, viewport={"width": 320, "height": 640}, device_scale_factor=2) as (page, _):
        page.goto(house.url + screen)
        page.wait_for_selector("html.started")
        page.wait_for_selector("main :is(.card, .history-head)")
        page.wait_for_timeout(500)
        zoomed = faults(page)
        page.set_viewport_size({"width": 640, "height": 800})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        page.wait_for_timeout(500)
        enlarged = {what: how for what, how in faults(page).items() if what != "jumped"}
    assert (zoomed, enlarged) == ({}, {})


def test_a_house_whose_programs_end_and_return(browser: Browser, tmp_path: Path) -> None:
    """The battery service, then the page with the network: the last values stand there, with since when."""
    home = made(tmp_path, 1)
    with home.service() as service, page_of(home) as program:
        house = Lived(home, service, program, 1)
        service.streaming()
        with visitor(browser, house) as (page, troubles):
            opened(page, house.url)
            service.kill()
            expect(page.locator(".strip")).to_contain_text("The battery monitor does not answer")
            expect(page.locator(".hero-soc.old")).to_have_text(PERCENT)
            with home.service() as again:
                again.streaming()
                expect(page.locator(".hero-soc:not(.old)")).to_have_text(PERCENT)
                expect(page.locator(".strip", has_text="does not answer")).to_have_count(0)
                page.evaluate("navigator.serviceWorker.ready.then(() => true)")
                page.wait_for_function(
                    "async () => (await caches.keys()).length > 0 && (await indexedDB.databases()).length > 0"
                )
                page.wait_for_timeout(1000)
                program.process.kill()
                page.context.set_offline(True)
                page.reload()

                page.wait_for_selector("html.started")
                expect(page.locator(".hero-soc.old")).to_have_text(PERCENT)
                expect(page.locator(".link-word")).to_contain_text("offline since")
    assert allowed(troubles, "Failed to load resource", "ERR_") == []


def test_the_log_says_which_battery(browser: Browser, house: Lived) -> None:
    with visitor(browser, house) as (page, troubles):
        page.goto(house.url + "more")
        for name in ("Main", "Shed"):
            expect(page.locator(".items", has_text=re.compile(rf"{name}.*: connected"))).to_be_visible()
    assert troubles == []
