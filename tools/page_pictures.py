"""Make the pictures of the page for the README: the made-up house of the tests, on a phone and on a desk.

    PYTHONPATH=. .venv/bin/python tools/page_pictures.py

Needs Debian's chromium. Run by hand when the look has changed; writes docs/pictures/.
"""

import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.web import made_up
from tests.web.page_server import serving

TARGET = Path(__file__).resolve().parent.parent / "docs" / "pictures"
PATIENCE = 120_000.0  # ms
SETTLED = 2500.0  # ms until everything that is asked for has come and is drawn
# name: width, height, theme, pixels for each of the page's
PICTURES = {
    "page-phone": (390, 844, "light", 2.0),
    "page-desk": (1280, 1120, "dark", 1.0),
}


def main() -> int:
    """Make all pictures."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name in PICTURES:
            picture(chromium, name)
        chromium.close()
    return 0


def evening() -> dict[str, Any]:
    """A house without grid that has enough for the night: what flows, what is left and how long it lasts agree."""
    battery = made_up.battery(current=-13.1)
    battery["reading"]["empty_in"] = [57_600.0, 68_400.0]
    told = made_up.state(1, inverter=made_up.inverter(load_power=1101.0)) | {"batteries": [battery]}
    return told | {"house": made_up.house(told)}


def picture(chromium: Browser, name: str) -> None:
    """Make one picture of the first screen."""
    width, height, theme, scale = PICTURES[name]
    look: dict[str, Any] = {"color_scheme": theme, "device_scale_factor": scale}
    with serving(evening()) as (url, _):
        page = chromium.new_page(viewport={"width": width, "height": height}, locale="en", **look)
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        page.wait_for_selector("html.started .soc-line")
        page.wait_for_timeout(SETTLED)
        page.screenshot(path=TARGET / f"{name}.png")
        page.close()


if __name__ == "__main__":
    raise SystemExit(main())
