"""Every screen of the real page, of houses with 0, 1, 2 and 8 batteries, in both languages and themes.

A tour loads one screen and walks to all the others as a person does. ``SOAK`` loads every screen in every dress, on
three widths; ``SCREENSHOTS`` names a folder to keep pictures in.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from jk_bms.texts import LANGUAGES
from tests.e2e.house import until
from tests.page.axe import judged
from tests.page.house import Lived, Session, lived
from tests.page.visitor import visitor
from tests.scale import soaking
from tests.web.chromium import NEEDED, chromium, faults

pytestmark = [*NEEDED, pytest.mark.timeout(3600 if soaking() else 600)]

SCREENS = ("", "battery/1", "history", "history?show=year,compare", "alerts", "more")
GATES = ("login", "start", "join")
HOUSES = (1, 0, 2, 8)
WIDTHS = (360, 768, 1280)
THEMES = ("light", "dark")
SETTLED = """
async () => {
  await document.fonts.ready;
  for (let still = 0, last = ""; still < 4; ) {
    await new Promise((done) => setTimeout(done, 75));
    const asked = performance.getEntriesByType("resource").length, now = asked + document.body.innerText.length;
    still = now === last && !document.querySelector(".busy") ? still + 1 : 0;
    last = now;
  }
}
"""
# As a person's touch, but for the browser no touch: what jumps afterwards is no answer to it and counts.
WALK = """
(path) => {
  const link = document.createElement("a");
  link.href = path;
  document.body.append(link);
  link.click();
  link.remove();
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
    window.shiftsFrom = performance.now();
    done();
  })));
}
"""


class Dress(NamedTuple):
    """Who looks."""

    width: int
    theme: str
    language: str


WHOLE = [Dress(*each) for each in product(WIDTHS, THEMES, LANGUAGES)]


def tours(batteries: int) -> list[tuple[Dress, str]]:
    """How a house of so many batteries is looked at, and the screen that each tour begins with.

    Without ``SOAK`` each two of house, width, theme and language meet, on a narrow and a wide screen.
    """
    if soaking():
        return list(product(WHOLE, SCREENS))
    house = HOUSES.index(batteries)
    return [
        (
            Dress(width, THEMES[(house + wide) % 2], LANGUAGES[(house // 2 + wide) % 2]),
            SCREENS[(2 * house + wide) % len(SCREENS)],
        )
        for wide, width in enumerate((360, 1280))
    ]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


class Shown(NamedTuple):
    """A house, and who is signed in there."""

    house: Lived
    session: Session


@contextmanager
def shown(folder: Path, batteries: int) -> Iterator[Shown]:
    """A house with so many batteries: one has a day behind it, of more than one the last is nearly empty."""
    with lived(folder, batteries, past=batteries == 1, low=batteries > 1) as running:
        session = running.sign_in()
        if batteries > 1:  # what comes later is news, and may move things
            until(lambda: running.ask(session, "/api/state")["alerts"])
        yield Shown(running, session)


def look_of(dress: Dress) -> dict[str, Any]:
    return {
        "viewport": {"width": dress.width, "height": 780},
        "color_scheme": dress.theme,
        "locale": dress.language,
    }


def looked_at(page: Page, dress: Dress, screen: str) -> dict[str, Any]:
    """Wait until all is there; return what is wrong with it."""
    page.wait_for_selector("html.started")
    page.wait_for_selector("main .card, main.gate, main .history-head")
    page.evaluate(SETTLED)
    if folder := os.environ.get("SCREENSHOTS"):
        name = "-".join(map(str, (screen or "home", *dress))).replace("/", "-").replace("?", "-")
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    wrong = faults(page)
    if (language := page.evaluate("document.documentElement.lang")) != dress.language:
        wrong["language"] = language
    if found := judged(page):
        wrong["axe"] = found
    return wrong


@pytest.mark.parametrize("batteries", HOUSES)
def test_every_screen(browser: Browser, tmp_path: Path, batteries: int) -> None:
    with shown(tmp_path, batteries) as house:
        for dress, start in tours(batteries):
            with visitor(browser, house.house, house.session, **look_of(dress)) as (page, troubles):
                page.goto(house.house.url + start)
                wrong = {start: looked_at(page, dress, start)}
                for screen in () if soaking() and start else SCREENS:
                    if screen != start:
                        page.evaluate(WALK, "/" + screen)
                        wrong[screen] = looked_at(page, dress, screen)

                assert {(dress, screen): found for screen, found in wrong.items() if found} == {}
                assert (dress, troubles) == (dress, [])


def test_a_gate_shows_nothing_of_the_house(browser: Browser, tmp_path: Path) -> None:
    """What asks for a password or a code shows no number of the house."""
    looks = list(product(GATES, WHOLE))
    with shown(tmp_path, 1) as house:
        told = json.dumps(house.house.ask(house.session, "/api/state")["batteries"])
        secret = {"Main", *re.findall(r'"(?:voltage|serial)": "?([^",]+)', told)}
        assert len(secret) > 2
        for gate, dress in looks if soaking() else looks[:: len(WHOLE) + 5]:
            with visitor(browser, house.house, None, **look_of(dress)) as (page, troubles):
                page.goto(house.house.url + gate)

                assert looked_at(page, dress, gate) == {}
                assert troubles == []
                shown_there = page.content()
                assert [word for word in secret if word in shown_there] == []
