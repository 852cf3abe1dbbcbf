"""What comes in is judged before anything is done with it: bodies, queries, paths, names, times."""

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from jk_bms.called import all_programs
from jk_bms.config.settings import SETTINGS
from jk_bms.texts import language
from jk_bms.web.http import AGES, accepts_gzip, own_path, same_tag, without_ages
from jk_bms.web.table import ROUTES
from tests.web import made_up
from tests.web.asking import Browser, House

BODIES: dict[str, tuple[bytes, str]] = {
    # what is sent: (body, the field that is named)
    "not JSON": (b"{", ""),
    "not an object": (b"[1]", ""),
    "a text": (b'"x"', ""),
    "no number": (b'{"code": NaN}', ""),
    "a number as text": (b'{"code": "1006"}', "code"),
    "nothing": (b"{}", "code"),
    "one more field": (b'{"code": 1006, "loud": true}', "loud"),
    "no UTF-8": (b'{"\xff": 1}', ""),
    "very deep": (b"[" * 30000, ""),
}


@pytest.mark.parametrize(("body", "field"), BODIES.values(), ids=BODIES)
async def test_a_bad_body(house: House, body: bytes, field: str) -> None:
    owner = await house.owner()
    got = await owner.ask("POST", "/api/alerts/test", raw=body)

    assert (got.status, got.code) == (400, "bad_request")
    assert got.json["error"].get("field", "") == field
    assert house.service.actions("alert_test") == []


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/json; charset=utf-8", 200),
    ],
)
async def test_only_json_is_taken(house: House, kind: str, status: int) -> None:
    owner = await house.owner()
    got = await owner.ask("POST", "/api/alerts/test", {"code": 1006}, headers={"content-type": kind})

    assert got.status == status


async def test_a_large_body_is_refused(house: House) -> None:
    owner = await house.owner()
    got = await owner.ask("POST", "/api/alerts/test", raw=b"x" * 65537)

    assert (got.status, got.code) == (413, "too_large")


PATHS = [
    "/..", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/s/..", "/s/x/../../web.db", "/s/%2e%2e%2fweb.db",
    "/battery/%00", "/battery/1%0d%0aSet-Cookie:x", "/battery/..", "/battery/%5c", "//", "//api/state", "/api//state",
    "/api/batteries/%ff", "/api/batteries/..", "/api/" + "x" * 8000, "/api/state/", "/API/state", "/web.db", "/.env",
    "/static/app.js", "/s/", "/battery/1/2",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=[path[:30] for path in PATHS])
async def test_no_other_file_is_ever_opened(house: House, path: str) -> None:
    """Files are looked up in a table that was made at the start."""
    owner = await house.owner()
    got = await owner.get(path)

    assert got.status in (400, 404)
    assert "set-cookie" not in got.headers


QUERIES: dict[str, tuple[str, int]] = {
    # what is asked: (query, status)
    "one more key": ("/api/days?device=1&colour=red", 400),
    "no device": ("/api/days", 400),
    "401 days": ("/api/days?device=1&days=401", 400),
    "no days": ("/api/days?device=1&days=0", 400),
    "a word for days": ("/api/days?device=1&days=many", 400),
    "no points": ("/api/history?device=1&keys=voltage&from=2026-01-01&points=0", 400),
    "2001 points": ("/api/history?device=1&keys=voltage&from=2026-01-01&points=2001", 400),
    "unknown quantity": ("/api/history?device=1&keys=colour&from=2026-01-01", 400),
    "no quantity": ("/api/history?device=1&keys=&from=2026-01-01", 400),
    "13 quantities": (
        f"/api/history?device=1&from=2026-01-01&keys={','.join(f'cell_{n}' for n in range(1, 14))}",
        400,
    ),
    "the year 1": ("/api/history?device=1&keys=voltage&from=0001-01-01", 400),
    "the year 9999": ("/api/history?device=1&keys=voltage&from=9999-12-31T23:59:59-12:00", 400),
    "backwards": ("/api/history?device=1&keys=voltage&from=2026-01-02&to=2026-01-01", 400),
    "a blink": (
        "/api/history?device=1&keys=voltage&from=2026-01-01T00:00:00&to=2026-01-01T00:00:00.000001",
        400,
    ),
    "no time": ("/api/history?device=1&keys=voltage&from=yesterday", 400),
    "unknown battery": ("/api/history?device=9&keys=voltage&from=2026-01-01", 503),  # bms.db may know it
    "unknown battery now": ("/api/batteries/9", 404),
    "no level": ("/api/alerts?level=loud", 400),
    "a strange limit": ("/api/alerts?limit=201", 400),
    "a strange cursor": ("/api/alerts?before=x", 400),
    "no such code": ("/api/alerts/explain/99", 404),
    "no code": ("/api/alerts/explain/x", 404),
    "hundreds of keys": ("/api/state?" + "&".join(f"k{n}=1" for n in range(300)), 400),
    "not UTF-8": ("/api/days?device=%ff", 400),
}


@pytest.mark.parametrize(("path", "status"), QUERIES.values(), ids=QUERIES)
async def test_a_bad_query(house: House, path: str, status: int) -> None:
    owner = await house.owner()
    got = await owner.get(path)

    assert got.status == status, got.body
    assert got.json["error"]["message"]


async def test_what_is_refused_is_said_in_the_language_of_the_one_who_asks(house: House) -> None:
    owner = await house.owner()
    english = await owner.get("/api/batteries/9")
    ukrainian = await owner.get("/api/batteries/9", accept_language="de, uk-UA;q=0.9, en;q=0.5")

    assert english.json["error"]["message"] == "There is no battery 9; known are: Main"
    assert ukrainian.json["error"]["message"] == "Немає батареї 9; відомі: Main"


async def test_another_method_is_told_what_is_good(house: House) -> None:
    owner = await house.owner()
    got = await owner.ask("DELETE", "/api/state")
    assert (got.status, got.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert (await owner.ask("OPTIONS", "/api/tokens")).headers["allow"] == "GET, HEAD, OPTIONS, POST"
    head = await owner.ask("HEAD", "/api/state")
    assert (head.status, head.body, int(head.headers["content-length"]) > 1000) == (200, b"", True)


async def test_nothing_changed_is_nothing_sent(house: House) -> None:
    """Ages grow without end; that alone is no change."""
    owner = await house.owner()
    first = await owner.get("/api/state")
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"

    later = await owner.get("/api/state", if_none_match=tag)
    house.service.state["devices"][0]["reading"]["voltage"] += 0.01
    await house.page.house.ask()
    again = await owner.get("/api/state", if_none_match=tag)
    packed = await owner.get("/api/batteries", accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    same = await owner.get("/api/batteries", if_none_match=packed.headers["etag"])

    assert same.status == 304
    assert (later.status, later.body, again.status) == (304, b"", 200)


async def test_pretty_is_for_people(house: House) -> None:
    owner = await house.owner()
    got = await owner.get("/api/session?pretty")

    assert b'\n  "scope"' in got.body


async def test_every_answer_has_the_headers(house: House) -> None:
    owner = await house.owner()
    for path in ("/", "/api/state", "/nothing", "/api/nothing", "/api/health"):
        got = await owner.get(path)
        assert got.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'"), (
            path
        )
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["referrer-policy"] == "same-origin"
        assert "unsafe" not in got.headers["content-security-policy"]


HOSTILE = [
    "<img src=x onerror=alert(1)>", '"><script>alert(1)</script>', "\u202egnp.exe", "x" * 200, "a\r\nSet-Cookie: x=1",
    "</script><script>alert(1)</script>", "&lt;b&gt;", "\u2028\u2029",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_hostile_name_is_only_a_name(house: House, name: str) -> None:
    """Shown as text on each page, never in a header; the same for a guest's name and for a token's."""
    house.service.state["devices"][0] |= {"name": name}
    house.service.state["alerts"] = [made_up.alert(part=name)]
    await house.page.house.ask()
    owner = await house.owner()
    await owner.post("/api/tokens", {"name": name, "scope": "read"})
    for path in ("/", "/battery/1", "/alerts", "/history", "/more"):
        got = await owner.get(path, accept="text/html")
        assert got.status == 200
        assert b"<img src=x" not in got.body, path
        assert b"<script>alert" not in got.body, path
    for route in ROUTES:
        if route.method == "GET" and "{" not in route.path and not route.streams:
            got = await owner.get(route.path)
            assert all("Set-Cookie: x" not in text and "\n" not in text for text in got.headers.values())
            if got.headers.get("content-type") == "application/json" and got.body:
                json.loads(got.body)


@pytest.mark.parametrize(
    ("path", "own"),
    [("/", "/"), ("/battery/1?x=1#cells", "/battery/1?x=1#cells"), ("//x", "/"), ("/x//y", "/"), ("x", "/"), ("/\\x", "/")],
)  # fmt: skip
def test_own_paths(path: str, own: str) -> None:
    assert own_path(path) == own


@pytest.mark.parametrize(
    ("header", "good"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("gzip; q=0.0", False), ("br", False),
     ("", False)],
)  # fmt: skip
def test_who_can_unpack(header: str, good: bool) -> None:
    assert accepts_gzip({"accept-encoding": header}) == good


@pytest.mark.parametrize(
    ("sent", "good"),
    [
        ('"abc"', True),
        ('W/"abc-gzip"', True),
        ('"x", "abc"', True),
        ("*", True),
        ('"abcd"', False),
        ("", False),
    ],
)
def test_tags(sent: str, good: bool) -> None:
    assert same_tag(sent, "abc") == good


def test_ages_are_no_change() -> None:
    told: dict[str, Any] = {"a": [dict.fromkeys(AGES, 5.0)], "soc": 76}

    assert without_ages(told) == {"a": [{}], "soc": 76}


async def test_requests_go_to_the_service(house: House) -> None:
    owner = await house.owner()
    body = {"device": "Main", "seconds": 120}
    assert (await owner.post("/api/request/release", body)).status == 200
    asked = house.service.actions("release")[0]
    assert (asked["device"], asked["seconds"]) == (made_up.address(1), 120.0)
    assert (await owner.post("/api/request/reboot", {})).status == 404
    assert (await owner.post("/api/request/read", {"seconds": 5})).status == 400

    house.service.refusal = "not now"
    got = await owner.post("/api/request/resume", {})
    assert (got.status, got.code, got.json["error"]["message"]) == (409, "refused", "not now")


async def test_alerts_are_muted_and_acknowledged(house: House) -> None:
    house.service.state["alerts"] = [made_up.alert()]
    await house.page.house.ask()
    owner = await house.owner()
    listed = (await owner.get("/api/alerts")).json
    assert listed["known"]
    assert "2.843" in listed["alerts"][0]["text"]

    assert (await owner.post("/api/alerts/Main/1006/mute", {"for": "8h"})).status == 200
    assert (await owner.post("/api/alerts/1/1006/ack")).status == 200
    assert (await owner.post("/api/alerts/Main/1007/mute", {"for": "8h"})).status == 404
    assert (await owner.post("/api/alerts/Main/1006/mute", {"for": "9h"})).status == 400

    mute, seen = house.service.actions("mute", "acknowledge")
    assert (mute["seconds"], mute["rule"], mute["part"]) == (28800.0, "cell_low", "4")
    assert seen["by"] == "web"


async def test_with_the_service_away_the_last_is_shown_and_marked(house: House) -> None:
    owner = await house.owner()
    await house.page.house._client.snapshot()
    house.page.house._lost("gone")

    state = (await owner.get("/api/state")).json

    assert state["poller"]["up"] is False
    assert (state["batteries"][0]["old"], state["batteries"][0]["reading"]["voltage"] > 50) == (True, True)
    assert "link" not in state["batteries"][0]
    assert "alerts" not in state
    assert state["inverter"]["grid"]["state"] == "unknown"
    assert (await owner.get("/api/doctor")).code == "poller_away"
    assert (await owner.get("/api/health")).json["status"] == "degraded"


async def test_older_forms(house: House) -> None:
    owner = await house.owner()
    told = (await owner.get("/api/cell-info")).json
    assert (len(told["cell_voltages"]), told["state_of_charge"], told["precharging_status"]) == (
        16,
        76.4,
        None,
    )
    assert told["charging_status"] == 1
    (board,) = (await owner.get("/bms_jk/status")).json
    assert (board["batt_action"], board["cell_v_min"] + 1) == (
        2,
        house.service.state["devices"][0]["reading"]["cell_min"]["index"],
    )


async def test_the_house_of_several_in_the_older_form(house: House) -> None:
    """Charge by capacity, current and power summed, the largest delta; what is old is left out and named."""
    house.service.state["devices"] = [
        made_up.battery(1, soc=80.0), made_up.battery(2, soc=40.0), made_up.battery(3) | {"age": 9999.0}
    ]  # fmt: skip
    await house.page.house.ask()
    owner = await house.owner()

    told = (await owner.get("/api/cell-info?device=all")).json

    assert told["state_of_charge"] == pytest.approx(60.0)
    assert told["charge_current"] == pytest.approx(-82.46)
    assert (told["devices"], told["left_out"], told["stale"]) == (["Main", "Shed"], ["Garage"], False)


async def test_too_many_requests_from_one_address(house: House) -> None:
    owner: Browser = await house.owner()
    got = [await owner.get("/api/session") for _ in range(80)]
    assert {each.status for each in got} == {200, 429}
    assert int(got[-1].headers["retry-after"]) >= 1
    here = house.browser("127.0.0.1", host="localhost")
    assert {(await here.get("/api/health")).status for _ in range(200)} == {200}


def test_what_a_path_of_the_table_is() -> None:
    """Each is written once, in lower case, without a slash at its end."""
    keys = [(route.method, route.path) for route in ROUTES]
    assert len(keys) == len(set(keys))
    assert all(route.path == "/" or not route.path.endswith("/") for route in ROUTES)
    assert Path(__file__).exists()


async def test_the_doctor_walks_every_layer(house: House) -> None:
    """And says at which it ends, with what was known of the link."""
    owner = await house.owner()
    [well] = (await owner.get("/api/doctor")).json
    assert (well["well"], {step["result"] for step in well["steps"]}, len(well["steps"])) == (
        True,
        {"ok"},
        13,
    )

    house.service.state["devices"][0]["link"] |= {
        "state": "searching",
        "verdict": "not_seen",
        "last_frame": 90.0,
    }
    await house.page.house.ask()
    [ill] = (await owner.get("/api/doctor?device=1")).json
    at_fault = [step["layer"] for step in ill["steps"] if step["result"] == "fault"]
    assert (ill["well"], at_fault, ill["state"]) == (False, ["battery_is_heard"], "searching")
    assert ill["verdict"] == language("en")("bot.verdict.not_seen")


async def test_settings_that_take_effect_at_once_are_changed_by_the_service(house: House) -> None:
    """What is in force there is shown; without it, what this program read. A guest or a program sees none of it."""
    owner = await house.owner()
    rows = {row["key"]: row for row in (await owner.get("/api/configs")).json}
    assert rows["ALERT_MIN_LEVEL"]["source"] == "settings.env"

    assert (await owner.ask("PATCH", "/api/configs", {"ALERT_MIN_LEVEL": "error"})).status == 200
    assert house.service.actions("config")[-1]["set"] == {"ALERT_MIN_LEVEL": "error"}
    assert (await owner.ask("PATCH", "/api/configs", {})).status == 400
    assert (await owner.ask("PATCH", "/api/configs", {"ALERT_MIN_LEVEL": 5})).status == 400
    house.service.refusal = "WEB_PORT: cannot be changed while the service runs"
    got = await owner.ask("PATCH", "/api/configs", {"WEB_PORT": "9"})
    assert (got.status, got.json["error"]["message"]) == (409, house.service.refusal)
    rows = {row["key"]: row for row in (await owner.get("/api/configs")).json}
    assert (rows["ALERT_MIN_LEVEL"]["source"], rows["TIMEZONE"]["value"]) == ("default", "Europe/Kyiv")


@pytest.mark.parametrize("told", [{}, {"settings": [{}]}, {"settings": "x"}, {"settings": None}], ids=str)
async def test_settings_told_in_a_form_of_another_version_are_shown_as_this_program_read_them(
    house: House, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any]
) -> None:
    async def other(*_: Any, **__: Any) -> dict[str, Any]:
        return told

    owner = await house.owner()
    monkeypatch.setattr(house.page.house, "request", other)
    rows = {row["key"]: row for row in (await owner.get("/api/configs")).json}

    assert rows["TIMEZONE"]["value"] == "Europe/Kyiv"


REFUSED = {
    # name: (key, text, language, the words of the answer)
    "a number": ("ALERT_CONFIRM", "many", "en", "many is not good here: a number from 1 to 1000 is expected."),
    "outside": ("ALERT_CONFIRM", "0", "uk", "Значення 0 не підходить: потрібне число від 1 до 1000."),
    "a word": ("BMS_SOC_SOURCE", "x", "en", "x is none of these: auto, counted, bms, curve"),
    "a form": ("ALERT_QUIET_HOURS", "22", "en", "22 is not good here: something like 22:00-07:00 is expected."),
}  # fmt: skip


@pytest.mark.parametrize(("key", "text", "name", "words"), REFUSED.values(), ids=REFUSED)
async def test_a_setting_that_is_refused_says_what_was_expected(
    house: House, key: str, text: str, name: str, words: str
) -> None:
    owner = await house.owner()
    owner.headers["accept-language"] = name

    got = await owner.ask("PATCH", "/api/configs", {key: text})

    assert (got.status, got.json["error"]["field"], got.json["error"]["message"]) == (400, key, words)
    assert house.service.actions("config") == []


@pytest.mark.parametrize(("name", "letters"), [("en", "[A-Za-z]"), ("uk", "[А-ЯІЇЄҐ]")])
async def test_every_setting_says_what_it_means_in_the_language_of_the_page(
    house: House, name: str, letters: str
) -> None:
    owner = await house.owner()
    house.service.refusal = "away"  # so that all of them come as this program read them
    owner.headers["accept-language"] = name
    meanings = {row["key"]: row["meaning"] for row in (await owner.get("/api/configs")).json}

    assert meanings.keys() == {setting.key for setting in SETTINGS}
    assert {key: said for key, said in meanings.items() if "`" in said or not re.match(letters, said)} == {}


async def test_a_setting_says_what_it_takes_or_where_it_is_changed(house: House) -> None:
    owner = await house.owner()
    house.service.refusal = "away"  # so that all of them come as this program read them
    owner.headers["accept-language"] = "uk"
    rows = {row["key"]: row for row in (await owner.get("/api/configs")).json}

    assert (
        rows["ALERT_CONFIRM"]["low"],
        rows["ALERT_CONFIRM"]["high"],
        rows["ALERT_CONFIRM"]["default"],
    ) == (1, 1000, "3")
    assert rows["ALERT_CONFIRM"]["meaning"] == language("uk")("settings.ALERT_CONFIRM")
    assert "command" not in rows["ALERT_CONFIRM"]
    assert rows["BMS_SOC_SOURCE"]["choices"] == ["auto", "counted", "bms", "curve"]
    assert "value" not in rows["BACKUP_DIR"]
    assert (rows["WEB_PORT"]["command"], rows["WEB_PORT"]["file"][-4:]) == (all_programs("restart"), ".env")
    assert "example" not in rows["OPENAI_API_KEY"]


def test_each_setting_that_is_changed_on_the_page_has_words_of_its_own() -> None:
    words = {key.removeprefix("settings.") for key in import_module("jk_bms.texts.en.settings").TEXTS}

    assert words == {setting.key for setting in SETTINGS if setting.at_once}
