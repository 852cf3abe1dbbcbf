"""Debian's Chromium, and what is looked at in every page that it opens."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from tests.scale import PATIENCE as SECONDS

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
PATIENCE = 1000.0 * SECONDS  # ms: the machine may be busy
MOST_SHIFT = 0.02
expect.set_options(timeout=PATIENCE)
NEEDED = [pytest.mark.long, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]

SHIFTS = """
() => {
  window.shifts = [];
  window.shiftsFrom = 0;
  new PerformanceObserver((list) => window.shifts.push(...list.getEntries()))
    .observe({ type: "layout-shift", buffered: true });
}
"""
# How far things jumped that no touch moved, since ``shiftsFrom``; and which. As browsers count it (CLS): the worst burst,
# whose jumps lie less than a second apart, within five seconds.
JUMPED = """
(most) => {
  const moved = window.shifts.filter((one) => !one.hadRecentInput && one.startTime >= window.shiftsFrom);
  const bursts = [];
  for (const one of moved) {
    const burst = bursts.at(-1);
    if (burst && one.startTime - burst.at(-1).startTime < 1000 && one.startTime - burst[0].startTime < 5000) burst.push(one);
    else bursts.push([one]);
  }
  const far = bursts.filter((burst) => burst.reduce((sum, one) => sum + one.value, 0) > most);
  const name = (node) => (node ? (node.className && (node.className.baseVal ?? node.className)) || node.nodeName : "?");
  return far.flat().map((one) => one.value.toFixed(4) + ": " +
    one.sources.map((each) => `${name(each.node)} ${each.previousRect.y}>${each.currentRect.y}`).join(", "));
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


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """A browser."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments])
        yield started
        started.close()


def watched(context: BrowserContext, url: str) -> tuple[Page, list[str]]:
    """A new page of the site at ``url``; and the list that fills with what goes wrong in it.

    That is a word in the console, an error that is not caught, a request to another host.
    """
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.add_init_script(f"({SHIFTS})()")
    troubles: list[str] = []
    own = ("/".join(url.split("/", 3)[:3]) + "/", "data:", "blob:" + url)

    def foreign(request: Request) -> None:
        if not request.url.startswith(own):
            troubles.append(f"asked {request.url}")

    page.on("console", lambda message: troubles.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("request", foreign)
    return page, troubles


def faults(page: Page) -> dict[str, Any]:
    """What is wrong with how the page stands there; empty: nothing."""
    found = {
        "wider than the screen by": max(
            0, page.evaluate("document.documentElement.scrollWidth - innerWidth")
        ),
        "outside": page.evaluate(OUTSIDE),
        "cut": page.evaluate(CUT),
        "headings": page.locator("h1").count() - 1,
        "jumped": page.evaluate(JUMPED, MOST_SHIFT),
    }
    return {what: how for what, how in found.items() if how}


def allowed(troubles: Sequence[str], *words: str) -> list[str]:
    """The troubles that none of these words explains."""
    return [one for one in troubles if not any(word in one for word in words)]
