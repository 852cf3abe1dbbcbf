"""Alerts of the real service: from the battery to the owner's own web service, through outages and kills."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jk_bms.live.client import LiveClient
from tests.actions.http_server import WebService
from tests.e2e.house import House, Service, until
from tests.house_times import EVENING

TOKEN = "123456:canary-of-the-bot-token-0123456789a"
SECRET = "canary-of-the-address"
LOW = (
    f"simulated:\n  type: simulated\n  name: Shed\n  period: 0.2\n  start: {EVENING}\n  start_soc: 8\n"
    "  faults: {faults}\n"
)


@pytest.fixture
def web() -> Iterator[WebService]:
    with WebService() as service:
        yield service


@pytest.fixture
def house(tmp_path: Path, web: WebService) -> House:
    """A house whose battery is nearly empty, and whose owner has a web service."""
    made = House(
        tmp_path,
        JK_BMS_ADDRESS="simulated",
        BMS_STANDALONE_ROWS="true",
        JK_BMS_POLL_INTERVAL="1",
        ALERT_STARTUP_DELAY="0",
        ALERT_URLS=f"json://127.0.0.1:{web.port}/{SECRET}",
        DEADMAN_URL=f"http://127.0.0.1:{web.port}/{SECRET}",
        TELEGRAM_BOT_TOKEN=TOKEN,
        BOT_LANGUAGE="en",
    )
    made.registry.write_text(LOW.format(faults="drop_chance=0.0"))
    return made


def alerts(house: House, kind: str = "alert.raised") -> list[dict[str, Any]]:
    """The facts of all events of that kind that are told."""
    if not house.bms_db.exists():
        return []
    with closing(sqlite3.connect(f"file:{house.bms_db}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT facts FROM events WHERE kind = ? ORDER BY id", (kind,)).fetchall()
    return [facts for facts in (json.loads(row[0]) for row in rows) if "quiet" not in facts]


def ask(service: Service, action: str, **fields: Any) -> dict[str, Any]:
    with LiveClient(Path(service.house.env["BMS_SOCKET"])) as client:
        return client.request(action, **fields)


def test_a_low_battery_is_told_and_nothing_secret_with_it(house: House, web: WebService) -> None:
    """In the log of events within a second of the sample, on the socket, at the owner's service, in the tool."""
    with house.service() as service:
        service.streaming()
        until(lambda: alerts(house))
        until(lambda: web.posted)
        snapshot = service.snapshot()
        status, listed = house.tool("status"), house.tool("alerts")
        invitation = house.tool("invite")
        assert service.end()[0] == 0
    later = house.tool("alerts", "--json")

    assert "Shed" in web.titles[0]
    assert snapshot is not None
    assert [alert["code"] for alert in snapshot["alerts"]] == [1001]
    assert snapshot["inverter"]["grid"]["state"] in ("present", "lost", "unknown")
    code = snapshot["telegram"]["code"]
    assert f"/start {code}" in status.stdout
    assert "code 1001" in status.stdout
    assert "code 1001" in listed.stdout
    assert "/start " in invitation.stdout
    known = json.loads(later.stdout)
    assert [alert["code"] for alert in known["open"]] == [1001]
    assert [alert["code"] for alert in known["history"]] == [1001]
    everything = "\n".join(
        (
            service.log,
            json.dumps(snapshot),
            status.stdout,
            listed.stdout,
            house.tool("config").stdout,
            house.tool("status").stderr,
        )
    )
    with closing(sqlite3.connect(house.bms_db)) as connection:
        everything += "\n".join(connection.iterdump())
    assert TOKEN not in everything
    assert SECRET not in everything


def test_an_outage_and_two_kills_lose_no_alert(house: House, web: WebService) -> None:
    """The owner's service is away, the poller is killed twice: afterwards everything arrives, in order."""
    web.stop()
    codes = [1014, 1015, 1034, 1018, 1026, 1010]
    for first in range(0, len(codes), 2):
        with house.service() as service:
            service.streaming()
            for code in codes[first : first + 2]:
                ask(service, "alert_test", code=code)
            wanted = first + 2
            until(lambda wanted=wanted: len(alerts(house, "alert.test")) == wanted)  # type: ignore[misc]
            service.kill()
    web.start()
    with house.service() as service:
        until(lambda: set(told(web)) == set(codes))
        until(lambda: alerts(house))
        assert service.end()[0] == 0

    assert [alert["code"] for alert in alerts(house, "alert.test")] == codes
    first_time = [code for number, code in enumerate(told(web)) if code not in told(web)[:number]]
    assert first_time == codes
    again = len(told(web)) - len(codes)
    assert again <= 1
    assert sum("perhaps" in title for title in web.titles) >= again
    assert len(alerts(house)) == 1  # the low battery itself: raised once in four lives


def told(web: WebService) -> list[int]:
    """The codes of the tests that arrived, in order."""
    return [
        code
        for message in web.posted
        if "TEST" in message["title"]
        for code in (1014, 1015, 1034, 1018, 1026, 1010)
        if f"code {code}" in message["message"]
    ]


def test_a_silent_battery_is_told(house: House, web: WebService) -> None:
    """The link holds, the frames stop: a warning after two minutes of the battery's own time."""
    house.registry.write_text(LOW.format(faults="stop_after=200").replace("start_soc: 8", "start_soc: 60"))
    with house.service("--speed", "30") as service:
        service.streaming()
        until(lambda: [alert for alert in alerts(house) if alert["rule"] == "bms_silent"], 60)
        began = time.monotonic()
        until(lambda: [title for title in web.titles if "Shed" in title])
        assert time.monotonic() - began < 20  # it is woken, it does not wait for its next look


@pytest.mark.parametrize("arguments", [("--explain", "1006"), ("--explain", "2001")])
def test_explaining_needs_no_service(arguments: tuple[str, ...], house: House) -> None:
    answer = house.tool("alerts", *arguments)

    assert answer.returncode == 0, answer.stderr
    assert arguments[1] in answer.stdout


def test_words_about_what_is_not_there(house: House) -> None:
    unknown = house.tool("alerts", "--explain", "4711")
    assert unknown.returncode == 3
    assert "1006, 1007" in unknown.stderr  # those that there are
    assert house.tool("alerts", "--explain", "cell").returncode == 2
    assert house.tool("alerts", "--test", "1006").returncode == 4
    assert house.tool("invite").returncode == 4
