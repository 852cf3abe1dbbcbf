"""axe-core's judgement of a page: what keeps people from reading or using it."""

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

SEVERE = ("serious", "critical")
RUN = """
async (options) => (await axe.run(document, options)).violations.map((one) => ({
  id: one.id, impact: one.impact, help: one.help,
  nodes: one.nodes.map((node) => node.target.join(" ") + ": " + (node.any[0] || node.all[0] || node.none[0] || {}).message),
}))
"""
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def _code() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def judged(page: Page) -> list[Any]:
    """The serious and critical findings on the page as it stands there."""
    # Not by a script element: the page's policy lets none in but its own.
    page.evaluate(f"() => {{ if (!window.axe) {{ {_code()} }} }}")
    options = {"runOnly": STANDARDS, "resultTypes": ["violations"]}
    return [found for found in page.evaluate(RUN, options) if found["impact"] in SEVERE]
