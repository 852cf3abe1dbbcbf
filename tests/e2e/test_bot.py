"""Poller, bot and Telegram together: two real programs and a server that speaks the Bot API."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jk_bms.live.client import LiveClient
from tests.bot.bot_program import BotProgram
from tests.bot.telegram_server import OWNER, STRANGER, USERNAME, TelegramServer
from tests.e2e.house import House, Service, until
from tests.house_times import EVENING
from tests.scale import in_time

# A pack that stands before an alert: the two grades of a low charge come within seconds.
FAULTY = (
    f"simulated:\n  type: simulated\n  name: Main <&>\n  period: 0.2\n  start: {EVENING}\n"
    "  start_soc: {soc}\n"
)
AT_ONCE = {"ALERT_STARTUP_DELAY": "0", "BMS_STANDALONE_ROWS": "true"}


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as server:
        yield server


def bot_of(house: House, telegram: TelegramServer, **env: str) -> BotProgram:
    """Start the bot of this house."""
    return BotProgram(house.folder, telegram, BOT_POLL_INTERVAL="0.5", **env)


def test_battery_shows_what_the_poller_reads(simulated: House, telegram: TelegramServer) -> None:
    with simulated.service() as service, bot_of(simulated, telegram):
        reading = service.streaming()["devices"][0]["reading"]
        telegram.say("/battery")
        (sent,) = telegram.await_messages(1)
        time.sleep(1.1)  # it tells the second of its reading: within the same one there is nothing to edit
        telegram.press(sent.button("Refresh"), message=sent.message)
        telegram.until(lambda: any(one.method == "editMessageText" for one in telegram.sent))

    assert "Simulated battery" in sent.shown
    assert f"{reading['battery_soc']:.0f} %".split()[0] in sent.shown
    assert re.search(r"\d\d\.\d\d V", sent.shown)


def test_status_tells_of_the_grid_of_the_simulated_house(simulated: House, telegram: TelegramServer) -> None:
    with simulated.service() as service, bot_of(simulated, telegram):
        service.streaming()
        until(lambda: (service.snapshot() or {}).get("inverter"))
        until(lambda: service.snapshot()["inverter"]["grid"]["state"] != "unknown")  # type: ignore[index]
        telegram.say("/status")
        (sent,) = telegram.await_messages(1)

    assert "Grid unknown" not in sent.shown
    assert "Load" in sent.shown


def test_the_code_of_the_log_claims_the_bot_once(simulated: House, telegram: TelegramServer) -> None:
    claims = {"TELEGRAM_CHAT_ID": "", "TELEGRAM_BOT_TOKEN": telegram.token}
    with simulated.service(**claims) as service, bot_of(simulated, telegram, **claims) as bot:
        snapshot = service.streaming()
        code = snapshot["telegram"]["code"]
        assert code in service.log
        assert code in simulated.tool("status").stdout
        telegram.say(f"/start {code}")
        telegram.until(lambda: any("yours now" in text for text in telegram.shown(OWNER)))
        telegram.say(f"/start {code}", chat=STRANGER, user=STRANGER)
        telegram.until(lambda: telegram.shown(STRANGER))
        snapshot = service.snapshot() or {}
        invitation = simulated.tool("invite").stdout

        assert not any("yours" in text for text in telegram.shown(STRANGER))
        assert not (snapshot["telegram"] or {}).get("code")
        assert code not in bot.log
        found = re.search(rf"https://t\.me/{USERNAME}\?start=(\w+)", invitation)
        assert found, invitation
        telegram.say(f"/start {found[1]}", chat=STRANGER, user=STRANGER)
        telegram.until(lambda: any("You are now an owner" in text for text in telegram.shown(STRANGER)))


def test_the_phone_app_gets_its_turn_and_the_service_comes_back(
    simulated: House, telegram: TelegramServer
) -> None:
    with simulated.service() as service, bot_of(simulated, telegram):
        service.streaming()
        telegram.say("/release 5m")
        (sent,) = telegram.await_messages(1)
        left_alone = (service.snapshot() or {})["devices"][0]["link"]
        telegram.say("/link")
        (_, link) = telegram.await_messages(2)
        telegram.press(sent.button("Resume"), message=sent.message)
        telegram.until(lambda: any("connecting again." in one.shown for one in telegram.sent))
        until(lambda: (service.snapshot() or {})["devices"][0]["link"]["state"] == "streaming")

    assert "lent to the phone app until" in sent.shown
    assert left_alone["state"] == "released"
    assert 200 < left_alone["released_for"] <= 300
    assert "The battery monitor connects again in" in link.shown
    assert "Resume" in str(link.buttons)


def test_an_alert_reaches_the_chat_within_two_seconds(simulated: House, telegram: TelegramServer) -> None:
    """From the moment the event stands in the log to the request at the Bot API."""
    simulated.registry.write_text(FAULTY.format(soc=8))
    with bot_of(simulated, telegram), simulated.service(**AT_ONCE) as service:
        service.streaming()
        until(lambda: any(kind == "alert.raised" for kind in simulated.events()))
        raised = time.monotonic()
        telegram.until(lambda: any("Main <&>" in text for text in telegram.shown(OWNER)))
        arrived = time.monotonic()

    assert in_time(arrived - raised, 2.0)


def test_a_lost_grid_is_shown_within_two_seconds_where_monitoring_began(
    simulated: House, telegram: TelegramServer
) -> None:
    """From an inverter program's records to one message with the state of the house."""
    simulated.make_inverter_db()
    record_grid(simulated, 230.1)  # from then on the grid of the simulated house does not count
    program = {"BMS_STANDALONE_ROWS": "false", "BMS_SIMULATED_MERGE": "true", "ALERT_STARTUP_DELAY": "0"}
    with bot_of(simulated, telegram), simulated.service(**program) as service:
        service.streaming()
        telegram.say("/start")
        until(lambda: noted(simulated, f"level:{OWNER}") and noted(simulated, "alerts_cursor"))
        record_grid(simulated, 230.1, lambda: grid_of(service) == "present")
        record_grid(simulated, 0.0, lambda: "alert.raised" in simulated.events())
        raised = time.monotonic()
        telegram.until(lambda: any("Grid lost" in text for text in telegram.shown(OWNER)))
        arrived = time.monotonic()
        time.sleep(1.0)  # in which a second teller would tell

    assert in_time(arrived - raised, 2.0)
    told = [one for one in telegram.messages(OWNER) if "rid" in one.shown and "lost" in one.shown]
    assert len(told) == 1
    assert told[0].button("Refresh")


def record_grid(house: House, volts: float, seen: Callable[[], bool] = lambda: True) -> None:
    """Write what the grid has, as an inverter program does, until it is ``seen``."""

    def written() -> bool:
        with closing(sqlite3.connect(house.inverter_db, timeout=5)) as connection, connection:
            connection.execute(
                "INSERT INTO readings (created_at, payload) VALUES (?, ?)",
                (datetime.now(UTC).isoformat(), f'{{"grid_voltage": "{volts}", "load_power": "900"}}'),
            )
        time.sleep(0.1)
        return seen()

    until(written)


def grid_of(service: Service) -> str:
    inverter = (service.snapshot() or {}).get("inverter") or {}
    return str(inverter.get("grid", {}).get("state"))


def test_what_was_raised_while_the_bot_was_dead_arrives_once(
    simulated: House, telegram: TelegramServer
) -> None:
    codes = (1014, 1034, 1018)
    with simulated.service() as service:
        service.streaming()
        with bot_of(simulated, telegram) as bot:
            until(lambda: noted(simulated, "alerts_cursor"))  # what happens from now on is its business
            bot.kill()
        with LiveClient(Path(simulated.env["BMS_SOCKET"])) as client:
            for code in codes:
                client.request("alert_test", code=code)
        with bot_of(simulated, telegram):
            telegram.await_messages(len(codes))
            newest = simulated.events().count("alert.test")
            time.sleep(0.5)
        with bot_of(simulated, telegram) as bot:
            until(lambda: "serving as" in bot.log)
            time.sleep(1.0)

    assert newest == len(codes)
    told = [next(code for code in codes if str(code) in text) for text in telegram.shown(OWNER)]
    assert told == list(codes)


def noted(house: House, name: str) -> bool:
    """Whether the bot noted that in its database."""
    path = house.folder / "bot.db"
    if not path.exists():
        return False
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        try:
            return bool(connection.execute("SELECT 1 FROM notes WHERE name = ?", (name,)).fetchone())
        except sqlite3.OperationalError:  # it is just being made
            return False


def answer(telegram: TelegramServer) -> str:
    """Ask for /battery; return what comes."""

    def shown() -> list[str]:
        return [text for text in telegram.shown(OWNER) if text.startswith(("🟢", "🟡", "🟠", "🔴", "⚠️"))]

    count = len(shown())
    telegram.say("/battery")
    telegram.until(lambda: len(shown()) > count)
    return shown()[-1]


def test_kill_9_of_the_poller_is_no_end_of_the_bot(simulated: House, telegram: TelegramServer) -> None:
    with bot_of(simulated, telegram):
        with simulated.service() as service:
            service.streaming()
            alive = answer(telegram)
            service.kill()
        dead = answer(telegram)
        with simulated.service() as service:
            service.streaming()
            again = answer(telegram)

    assert "does not answer" not in alive
    assert "battery monitor does not answer" in dead
    assert "V" in dead
    assert "does not answer" not in again
