"""The pages without scripts: what stands in them, and that nothing foreign is markup in them."""

import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from jk_bms.texts import LANGUAGES, language
from jk_bms.web import html
from jk_bms.web.assets import tree
from jk_bms.web.html import Frame, HistoryRow
from tests.web import made_up
from tests.web.made_up import HOSTILE, KYIV, NOW

ROWS = [HistoryRow(NOW, 76.4, -2168.0, 52.58), HistoryRow(NOW, None, None, None)]


def frame(name: str = "en", **more: Any) -> Frame:
    return Frame(language(name), KYIV, NOW, csrf="c5rf", may_control=True)._replace(**more)


def pages(told: dict[str, Any], name: str = "en", **more: Any) -> dict[str, str]:
    """Every page of a house."""
    f = frame(name, **more)
    made = {
        "home": html.home(f, told),
        "alerts": html.alerts(f, told),
        "history": html.history(f, told, ROWS),
        "more": html.more(f, told),
        "login": html.login(f, trouble="wrong", after="/battery/1"),
        "start": html.start(f),
    }
    if told["batteries"] and (page := html.battery(f, told, 1)):
        made["battery"] = page
    return made


class Looked(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("br", "hr", "img", "input", "link", "meta", "path", "rect", "use"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "title"):
            self.data.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.data).split())


def test_the_numbers_stand_in_the_page_before_any_script() -> None:
    page = Looked(html.home(frame(), made_up.state()))

    for said in (
        "76",
        "73–79 % (95 % sure)",
        "Empty in 5 h 20 min to 6 h 30 min",
        "412 W",
        "1994 W",
        "just now",
    ):
        assert said in page.text.replace("\u00a0", " "), said
    assert "−2168 W discharging" in page.text.replace("\u00a0", " ")


def test_in_ukrainian_too() -> None:
    page = Looked(html.home(frame("uk"), made_up.state()))

    assert "з імовірністю 95 %: 73–79 %" in page.text
    assert "52,58 В" in page.text.replace("\u00a0", " ")


@pytest.mark.parametrize("count", [0, 1, 2, 8])
@pytest.mark.parametrize("name", LANGUAGES)
def test_pages_are_whole_for_any_house(count: int, name: str) -> None:
    told = made_up.state(count, alerts=[made_up.alert()])

    for screen, page in pages(told, name).items():
        looked = Looked(page)
        assert looked.open == [], screen
        assert sum(tag == "h1" for tag, _ in looked.tags) == 1, screen
        assert f'lang="{name}"' in page
        assert not re.search(r"\{|\}|None|nan", looked.text), screen


def test_no_style_and_no_script_stand_in_a_page() -> None:
    """The policy of the page forbids both, and a browser would say so in its console."""
    for screen, page in pages(made_up.state(2, alerts=[made_up.alert()])).items():
        for tag, attributes in Looked(page).tags:
            assert "style" not in (tag, *attributes), screen
            assert not [name for name in attributes if name.startswith("on")], screen
            if tag == "script":
                assert attributes.get("type") == "application/json" or attributes.get("src"), screen


def test_nothing_foreign_is_markup() -> None:
    told = made_up.state(2, alerts=[made_up.alert(facts={"cell": HOSTILE}, rule=HOSTILE, part=HOSTILE)])
    for each in told["batteries"]:
        each["name"] = each["address"] = each["type"] = HOSTILE
        each["link"]["state"] = each["link"]["causes"] = HOSTILE
        each["link"]["causes"] = [{"code": HOSTILE}]
        each["reading"]["battery_soc_source"] = HOSTILE
    told["version"] = "</script><script>alert(1)</script>"

    for screen, page in pages(told, title=HOSTILE, base="/").items():
        looked = Looked(page)
        assert [tag for tag, _ in looked.tags if tag == "img"] == [], screen
        assert sum(tag == "script" for tag, _ in looked.tags) == 2, screen
        assert looked.open == [], screen


def test_data_for_scripts_is_what_was_told() -> None:
    told = made_up.state(1, version="</script>\u2028<!--")
    found = re.search(
        r'<script type="application/json" id="told">(.*?)</script>', html.home(frame(), told), re.DOTALL
    )

    assert found is not None
    assert msgspec.json.decode(found[1])["state"] == msgspec.json.decode(msgspec.json.encode(told))


def test_every_address_begins_with_the_base() -> None:
    """Behind an ingress the page is not at the root."""
    for screen, page in pages(made_up.state(2), base="/api/hassio_ingress/x/").items():
        for tag, attributes in Looked(page).tags:
            for name in ("href", "src", "action"):
                if (address := attributes.get(name)) is not None and not address.startswith("#"):
                    assert address.startswith("/api/hassio_ingress/x/"), (screen, tag, address)


def test_what_a_page_loads_is_there() -> None:
    files = tree()
    for page in pages(made_up.state()).values():
        for address in re.findall(rf'"/s/{files.hash}/([^"]+)"', page):
            assert address in files.files


def test_old_values_are_marked_and_promise_nothing() -> None:
    told = made_up.state()
    told["batteries"][0]["age"] = 900.0
    page = html.home(frame(), told)

    assert 'class="hero-soc old"' in page
    assert "Empty in" not in page
    assert "15 min ago" in page
    assert 'class="hero-soc old"' not in html.home(frame(), made_up.state())


def test_poller_away_is_said_first() -> None:
    told = made_up.state(
        1, poller={"up": False, "since": NOW.isoformat()}, alerts=None, alerts_before=[made_up.alert()]
    )

    assert "does not answer since 18:42" in html.home(frame(), told)
    assert "is not known at the moment" in html.alerts(frame(), told)
    assert "cell 4 is nearly empty" in html.alerts(frame(), told)
    assert "does not answer" not in html.home(frame(), made_up.state())


def test_who_may_not_change_anything_gets_no_form() -> None:
    told = made_up.state(1, alerts=[made_up.alert()])

    assert "<form" in html.alerts(frame(), told)
    assert "<form" not in html.alerts(frame(csrf="", may_control=False), told)
    assert "<form" not in str(html.battery(frame(may_control=False), told, 1))


def test_sign_in_shows_no_number() -> None:
    page = html.login(frame(title="Kitchen"))

    assert not re.search(r"\d\s?(%|W|V|°C)", Looked(page).text)
    assert '"state":null' in page
    assert "Kitchen" not in Looked(page).text


def test_an_unknown_battery_has_no_page() -> None:
    assert html.battery(frame(), made_up.state(), 3) is None


def test_the_page_fits_its_budget() -> None:
    """The numbers come with the first round trip: 15 kB compressed, also with eight batteries and open alerts."""
    import gzip

    alerts = [made_up.alert(part=str(number)) for number in range(5)]
    assert len(gzip.compress(html.home(frame("uk"), made_up.state(8, alerts=alerts)).encode(), 5)) < 15_000


def test_unknown_is_absent_and_never_nought() -> None:
    told = made_up.state(1, inverter=None)
    told["batteries"][0]["reading"] = {"device": {}, "voltage": 52.6, "time": NOW.isoformat()}
    told["house"] = made_up.house(told)
    text = Looked(html.home(frame(), told)).text

    assert "charge not known" in text
    assert not re.search(r"\b0 W|\b0 %", text.replace("\u00a0", " "))
