"""The poller in this process: what a whole house does when its clock or its batteries fail."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jk_bms.bot.pages.battery import battery, cells
from jk_bms.clock import NOT_BEFORE, Clock
from jk_bms.config.devices import Entry
from jk_bms.config.settings import load_settings
from jk_bms.errors import ConfigError, LiveError
from jk_bms.live.messages import told_line
from jk_bms.model import Event, InverterSample
from jk_bms.model.link import LinkState
from jk_bms.poller import service
from jk_bms.poller.poller import EXIT_SILENT, Poller
from jk_bms.poller.requests import answer
from jk_bms.repair import shared as house_rungs
from jk_bms.repair.ladder import Rung
from jk_bms.start import EXIT_CONFIG, EXIT_OK
from jk_bms.store.bms_db import open_reader
from jk_bms.store.outages import newest_outages
from jk_bms.texts import language
from jk_bms.view.status_text import status_lines
from tests.house_times import MORNING
from tests.scale import PATIENCE

GRID = {"grid_voltage": "230.1"}
QUICK = {"period": "0.05", "start": MORNING}


class WokenClock(Clock):
    """A clock that wakes in 1970, until somebody sets it."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = timedelta(0)
        self._woke = datetime.now(UTC)

    def now(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + (datetime.now(UTC) - self._woke) + self.ahead

    def set(self) -> None:
        self.ahead = self._woke - datetime(1970, 1, 1, tzinfo=UTC)


def poller(folder: Path, clock: Clock | None = None, *, options: Any = (), **environ: str) -> Poller:
    settings = load_settings(
        {"BMS_SIMULATED_MERGE": "true", "BMS_MERGE_WATCH": "0.05", **environ}, top=folder
    )
    entry = Entry(address="simulated", type="simulated", options={**QUICK, **dict(options)})
    return Poller(settings, [entry], clock=clock or Clock())


@asynccontextmanager
async def running(house: Poller) -> AsyncIterator[None]:
    task = asyncio.create_task(house.run())
    try:
        yield
    finally:
        house.stop.set()
        assert await task == EXIT_OK


def said(house: Poller) -> dict[str, Any]:
    """What it says of itself at its socket."""
    told: dict[str, Any] = json.loads(told_line(house.snapshot()))
    return told


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not what():
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the poller look after itself every 50 ms."""
    monkeypatch.setenv("WATCHDOG_USEC", "150000")


def insert(path: Path, made: datetime, payload: Mapping[str, str] = GRID) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS readings (id INTEGER PRIMARY KEY AUTOINCREMENT, "
            "created_at TEXT NOT NULL, payload TEXT, error TEXT)"
        )
        connection.execute(
            "INSERT INTO readings (created_at, payload) VALUES (?, ?)",
            (made.isoformat(timespec="seconds"), json.dumps(payload, separators=(",", ":"))),
        )


def payloads(path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        return [
            json.loads(text) for (text,) in connection.execute("SELECT payload FROM readings ORDER BY id")
        ]


async def test_a_machine_that_wakes_in_1970(tmp_path: Path) -> None:
    """Nothing is merged with a wrong time; once the clock is right all is well, the past too."""
    clock = WokenClock()
    house = poller(tmp_path, clock, BMS_MERGE_FIELDS="all")
    insert(house.settings.db_path, clock.now())
    async with running(house):
        await until(lambda: house.snapshot().devices[0].reading)
        assert said(house)["clock_trusted"] is False
        assert said(house)["devices"][0]["age"] < 5  # ages do not ask the wall clock
        assert payloads(house.settings.db_path) == [{"grid_voltage": "230.1"}]

        clock.set()
        insert(house.settings.db_path, clock.now())
        await until(lambda: "bms_updated_at" in payloads(house.settings.db_path)[1])
        await until(lambda: "clock.set" in [event.kind for event in events(house)])

    old, new = payloads(house.settings.db_path)
    assert old == {"grid_voltage": "230.1"}
    assert datetime.fromisoformat(new["bms_updated_at"]) > NOT_BEFORE
    assert all(event.clock_trusted and event.taken_at > NOT_BEFORE for event in events(house))
    assert events(house)[0].kind == "service.start"


def events(house: Poller) -> list[Any]:
    with open_reader(house.settings.bms_db_path) as store:
        return [event for _, event in store.events_after(0)]


async def test_ends_for_a_fresh_start_when_nothing_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house_rungs, "ALL_SILENT", 0.3)
    house = poller(tmp_path, options={"faults": "mute"}, BMS_STANDALONE_ROWS="true")

    async with asyncio.timeout(PATIENCE):
        assert await house.run() == EXIT_SILENT

    assert [event.kind for event in events(house)][-2:] == ["service.silent", "service.stop"]


async def test_silence_is_counted_over_restarts(tmp_path: Path) -> None:
    """From the last good frame, whichever run had it; the runs without any share one outage."""
    first = poller(tmp_path, BMS_STANDALONE_ROWS="true")
    async with running(first):
        await until(lambda: first.snapshot().devices[0].reading)
    last = first.sources[0].status.last_sample
    assert last is not None

    for _ in range(2):
        mute = poller(tmp_path, options={"faults": "mute"}, BMS_STANDALONE_ROWS="true", JK_BMS_TIMEOUT="1")
        async with running(mute):
            await until(lambda: said(mute)["devices"][0]["link"]["outage"])  # noqa: B023 - called here
            link = said(mute)["devices"][0]["link"]
            assert mute.link_log.heard("simulated") == last
            assert link["outage"]["lasted"] == pytest.approx(mute.clock.monotonic() - last, abs=1.0)

    with open_reader(mute.settings.bms_db_path) as store:
        (left,) = newest_outages(store)
    assert (left.over, left.monotonic) == (False, last)
    assert left.lasted >= 2.0


async def test_links_count_on_over_restarts(tmp_path: Path) -> None:
    commands = 0
    for connects in (1, 2):
        house = poller(tmp_path, BMS_STANDALONE_ROWS="true")
        async with running(house):
            await until(lambda: house.snapshot().devices[0].reading)  # noqa: B023 - called here
            link = said(house)["devices"][0]["link"]
            assert link["connects"] == connects
            assert link["commands"] > commands
            commands = link["commands"]


async def test_an_outage_is_recorded_with_its_cure(tmp_path: Path) -> None:
    """Also one that only a fresh start of the service ended."""
    house = poller(tmp_path, options={"faults": "mute"}, BMS_STANDALONE_ROWS="true", JK_BMS_TIMEOUT="1")
    async with running(house):
        await until(lambda: said(house)["devices"][0]["link"]["outage"])
        link = said(house)["devices"][0]["link"]
        assert link["verdict"] == "mute"
        assert link["causes"][0]["code"] == "mute"
        house.link_log.ended_by = Rung.EXIT
        house.link_log.keep()

    with open_reader(house.settings.bms_db_path) as store:
        (left,) = newest_outages(store)
    assert (left.over, left.cure, left.verdict) == (False, None, "mute")

    again = poller(tmp_path, BMS_STANDALONE_ROWS="true")
    async with running(again):
        await until(lambda: again.snapshot().devices[0].reading)

    with open_reader(house.settings.bms_db_path) as store:
        (closed,) = newest_outages(store)
    assert (closed.over, closed.cure) == (True, "exit")
    assert closed.lasted >= left.lasted
    third = poller(tmp_path, BMS_STANDALONE_ROWS="true")
    async with running(third):
        await until(lambda: third.snapshot().devices[0].reading)
        assert said(third)["devices"][0]["link"]["last_outage"]["cure"] == "exit"


async def test_what_the_links_learnt_of_the_radio_outlives_the_run(tmp_path: Path) -> None:
    first, second = poller(tmp_path), poller(tmp_path)
    async with running(first):
        await until(lambda: first.snapshot().devices[0].reading)
        first.radio.hears_others("00:1A:7D:DA:71:13")

    async with running(second):
        await until(lambda: second.snapshot().devices[0].reading)
        assert second.radio.heard_others("00:1A:7D:DA:71:13")
        assert not second.radio.heard_others("00:1A:7D:DA:71:14")


@pytest.mark.parametrize("rest", ["released", "between two visits"])
async def test_a_battery_left_alone_is_not_silent(
    rest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Visited once an hour, or lent to another program for an hour: no reason to end."""
    visits = rest != "released"
    house = poller(
        tmp_path, JK_BMS_KEEP_ALIVE=str(not visits).lower(), JK_BMS_POLL_INTERVAL="3600" if visits else "1"
    )
    looks: list[str] = []
    monkeypatch.setattr(house._notifier, "status", looks.append)
    async with running(house):
        await until(lambda: house.snapshot().devices[0].reading)
        if not visits:
            await answer(house, {"action": "release", "seconds": 60})
        await until(lambda: house.sources[0].status.state in (LinkState.RELEASED, LinkState.WAITING))
        monkeypatch.setattr(house_rungs, "ALL_SILENT", 0.3)
        so_far = len(looks)
        await until(lambda: len(looks) > so_far + 20)  # a second, three times the limit
        assert not house.stop.is_set()


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"action": "dance"}, "unknown action 'dance'"),
        ({}, "unknown action None"),
        ({"action": "read", "device": "other"}, "does not read 'other'; it reads simulated"),
        ({"action": "read", "device": 5}, "device is 5"),
        ({"action": "release", "seconds": float("nan")}, "seconds is nan"),
        ({"action": "release", "seconds": 0}, "seconds is 0"),
        ({"action": "scan", "seconds": 10_000}, "seconds is 10000"),
    ],
)
async def test_requests_that_are_refused(request_: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(LiveError, match=says):
        await answer(poller(tmp_path), request_)


@pytest.mark.parametrize("device", [None, "Simulated", "1"])
async def test_a_battery_is_meant_by_name_address_or_number(device: str | None, tmp_path: Path) -> None:
    said = await answer(poller(tmp_path), {"action": "resume", "device": device})

    assert said == {"devices": ["simulated"]}


async def test_claiming_the_bot(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The code is shown where only the owner looks, is good once, and never comes back."""
    token = "123456:AAE-canary-canary-canary-canary-canary"
    house = poller(tmp_path, BMS_STANDALONE_ROWS="true", TELEGRAM_BOT_TOKEN=token)
    async with running(house):
        await until(lambda: said(house)["telegram"]["code"])
        code = said(house)["telegram"]["code"]
        assert f"/start {code}" in caplog.text
        with pytest.raises(LiveError, match="not, or no longer, good"):
            await answer(house, {"action": "claim", "code": "WRONG"})
        assert (await answer(house, {"action": "invite"}))["link"] is None

        await answer(house, {"action": "telegram", "username": "house_bot", "claimed": False})
        assert (await answer(house, {"action": "invite"}))["link"].startswith("https://t.me/house_bot?start=")
        assert await answer(house, {"action": "claim", "code": code}) == {"role": "owner", "first": True}
        assert said(house)["telegram"]["code"] is None
        with pytest.raises(LiveError):
            await answer(house, {"action": "claim", "code": code})

    again = poller(tmp_path, BMS_STANDALONE_ROWS="true", TELEGRAM_BOT_TOKEN=token)
    async with running(again):
        await until(lambda: again.snapshot().devices[0].reading)
        assert said(again)["telegram"]["code"] is None
        assert again.invitations.username == "house_bot"
        sign = {"action": "telegram", "username": "house_bot", "state": "well"}
        await answer(again, sign | {"claimed": False})  # such as while the owner is being written down
        await answer(again, sign | {"claimed": True})
        await answer(again, sign | {"claimed": False})
        assert said(again)["telegram"]["code"] is None
        await answer(again, sign)  # an older bot
        await answer(again, sign | {"claimed": False})  # its database was lost
        new = said(again)["telegram"]["code"]
        assert f"/start {new}" in caplog.text
        assert new != code
    kinds = [event.kind for event in events(again)]
    assert kinds.count("telegram.claimed") == 1
    assert all(code not in str(event) and token not in str(event) for event in events(again))
    assert token not in caplog.text


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"TELEGRAM_BOT_TOKEN": "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "TELEGRAM_CHAT_ID": "5"},
        {"TELEGRAM_BOT_TOKEN": "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "TELEGRAM_ALLOWED_USERS": "5"},
    ],
)
async def test_no_code_where_none_is_needed(environ: Any, tmp_path: Path) -> None:
    house = poller(tmp_path, BMS_STANDALONE_ROWS="true", **environ)
    async with running(house):
        await until(lambda: house.snapshot().devices[0].reading)
        assert (said(house)["telegram"] is None) == (not environ)
        assert (said(house)["telegram"] or {"code": None})["code"] is None


async def test_a_bot_that_is_gone_or_refused_is_trouble_of_the_house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = poller(tmp_path, BMS_STANDALONE_ROWS="true", TELEGRAM_BOT_TOKEN="1:AAAAAAAA")
    written: list[object] = []
    async with running(house):
        await until(lambda: house.snapshot().devices[0].reading)
        monkeypatch.setattr(house, "keep_invitations", lambda: written.append(1))
        sign = {"action": "telegram", "username": "house_bot", "claimed": True, "state": "well"}
        for _ in range(3):
            await answer(house, sign)
        assert house._trouble() == ""
        await answer(house, sign | {"state": "unknown_token"})
        assert "does not know TELEGRAM_BOT_TOKEN" in house._trouble()
        assert said(house)["telegram"]["trouble"] == house._trouble()
        await answer(house, sign)
        assert house._trouble() == ""
        assert len(written) == 1  # what does not change is not written each minute
        for _ in range(2):
            await answer(house, sign | {"claimed": False})
        assert "has lost its owner" in house._trouble()
        await answer(house, sign)
        assert house._trouble() == ""

    assert len(written) == 3  # what does not change is not written each minute


async def test_the_snapshot_tells_of_grid_and_alerts(tmp_path: Path) -> None:
    """The records of the inverter program are looked at by the merge alone, and once."""
    house = poller(tmp_path, options={"faults": "mute"}, BMS_MERGE_WATCH="0.02")
    insert(house.settings.db_path, datetime.now(UTC) - timedelta(seconds=1))
    async with running(house):
        # Not the made-up inverter, which may be the first to speak: of records that come together the newest counts.
        await until(lambda: (said(house)["inverter"] or {}).get("grid_voltage") == 230.1)
        insert(house.settings.db_path, datetime.now(UTC))
        await until(lambda: said(house)["inverter"]["grid"]["state"] == "present")
        snapshot = said(house)

    assert snapshot["inverter"]["grid_voltage"] == 230.1
    assert snapshot["inverter"]["age"] < 10
    assert snapshot["alerts"] == []
    assert snapshot["poll_interval"] == house.settings.poll_interval


async def test_a_start_after_an_end_without_a_word_says_so(tmp_path: Path) -> None:
    house = poller(tmp_path, BMS_STANDALONE_ROWS="true")
    async with running(house):
        await until(lambda: house.snapshot().devices[0].reading)
    with closing(sqlite3.connect(house.settings.bms_db_path)) as connection, connection:
        connection.execute("DELETE FROM events WHERE kind = 'service.stop'")

    again = poller(tmp_path, BMS_STANDALONE_ROWS="true")
    async with running(again):
        await until(lambda: again.snapshot().devices[0].reading)

    starts = [event for event in events(again) if event.kind == "service.start"]
    assert [event.facts.get("after_crash") for event in starts] == [None, True]


def test_no_place_for_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A path that is too long, or in a folder that is none: one line, and no restarts."""
    (tmp_path / "file").touch()
    for key, value in {
        "JK_BMS_ADDRESS": "simulated",
        "JK_ENV_FILE": str(tmp_path / "env"),
        "DB_PATH": str(tmp_path / "inverter.db"),
        "BMS_DB_PATH": str(tmp_path / "bms.db"),
    }.items():
        monkeypatch.setenv(key, value)
    (tmp_path / "env").touch()

    for socket in (tmp_path / ("long" * 30), tmp_path / "file" / "s", tmp_path / "missing" / "s"):
        monkeypatch.setenv("BMS_SOCKET", str(socket))
        assert service.main([]) == EXIT_CONFIG
        said = capfd.readouterr().err
        assert f"live socket {socket}: cannot be made" in said
        assert said.count("ERROR") == 1
        assert "Traceback" not in said


async def test_an_end_that_was_explained_is_no_crash(tmp_path: Path) -> None:
    """Another program's records stop a house that writes its own: it says why it ends, then and to the next run."""
    refused = poller(tmp_path, BMS_STANDALONE_ROWS="true")
    insert(refused.settings.db_path, datetime.now(UTC))

    with pytest.raises(ExceptionGroup) as caught:
        await refused.run()
    assert caught.group_contains(ConfigError)

    again = poller(tmp_path)
    async with running(again):
        await until(lambda: again.snapshot().devices[0].reading)
    told = [event for event in events(again) if event.kind.startswith("service.")]
    assert [event.kind for event in told] == ["service.start", "service.stop"] * 2
    assert "poller ended: " in told[1].text
    assert not any(event.facts.get("after_crash") for event in told)


async def test_the_grid_that_goes_and_comes_is_an_event(tmp_path: Path) -> None:
    """Once it is confirmed; how it is when it is first seen is no change."""
    house = poller(tmp_path)
    heard: list[str] = []
    house.hub.listen(
        lambda item: heard.append(item.kind) if isinstance(item, Event) and "grid" in item.kind else None
    )
    async with running(house):
        await until(lambda: said(house)["devices"])
        now = house.clock.now()
        for step, volts in enumerate((230.0, 231.0, 0.0, 0.0, 0.0, 229.0, 230.0, 230.0, 230.0)):
            house.hub.publish(
                InverterSample(
                    taken_at=now + timedelta(seconds=step),
                    monotonic=house.clock.monotonic(),
                    grid_voltage=volts,
                )
            )

    assert heard == ["grid.lost", "grid.back"]


async def test_an_active_balancer_takes_no_value_from_the_inverter(tmp_path: Path) -> None:
    """What it cannot measure stays the inverter's; nothing of it alarms anybody, and every page copes."""
    house = poller(tmp_path, options={"balancer": "true"}, ALERT_STARTUP_DELAY="0")
    told = {
        "battery_soc": "80",
        "battery_current": "-5.0",
        "battery_power": "-265",
        "battery_voltage": "52.0",
    }
    insert(house.settings.db_path, datetime.now(UTC), {"grid_voltage": "230.1", **told})
    async with running(house):
        await until(lambda: "bms_soc_curve" in payloads(house.settings.db_path)[0])
        await until(lambda: house.sources[0].status.frames > 50)
        told_of, snapshot = said(house), house.snapshot()
        assert house.alerts.open_alerts() == []
        status = "\n".join(status_lines(snapshot))
    [device] = snapshot.devices
    reading = told_of["devices"][0]["reading"]
    [payload] = payloads(house.settings.db_path)

    assert reading["device"]["balancer"] is True
    assert not {"current", "power", "soc", "battery_soc", "mos_temperature"} & reading.keys()
    assert reading["switches"].keys() == {"balance"}
    assert reading["probe_numbers"] == [1]
    assert {key: payload[key] for key in told if key != "battery_voltage"} == {
        key: value for key, value in told.items() if key != "battery_voltage"
    }
    assert payload["battery_voltage"] != told["battery_voltage"]
    assert not {"bms_soc", "battery_soc_source"} & payload.keys()
    assert payload["bms_soc_curve"]
    assert "Charge   not measured: this is an active balancer" in status
    assert "-0 W" not in status
    for name in ("en", "uk"):
        texts = language(name)
        for shown in (battery, cells):
            assert shown(snapshot, device, texts, UTC, datetime.now(UTC)).text
        assert texts("bot.balancer") in battery(snapshot, device, texts, UTC, datetime.now(UTC)).text


async def test_a_frame_of_nonsense_leaves_nothing_behind(tmp_path: Path) -> None:
    """Every third tells of two million ampere: no meter, count or record sees it, and the owner is told."""
    house = poller(tmp_path, options={"faults": "wild_every=3"}, ALERT_STARTUP_DELAY="0")
    insert(house.settings.db_path, datetime.now(UTC))
    async with running(house):
        await until(lambda: house.sources[0].status.implausible >= 10)
        await until(lambda: any(alert["code"] == 1047 for alert in house.alerts.open_alerts()))
        await until(lambda: "battery_current" in payloads(house.settings.db_path)[0])
        snapshot = house.snapshot()
    [device] = snapshot.devices
    reading, link = device.told, device.link
    assert link is not None

    assert max(reading.meters.charged_ah or 0.0, reading.meters.discharged_ah or 0.0) < 1.0
    assert abs(reading.current or 0.0) < 500
    assert abs(float(payloads(house.settings.db_path)[0]["battery_current"])) < 500
    assert link.state == "streaming"
    assert link.implausible >= 10
    assert "in the last 10 min, as they cannot be true: current is 2000000" in " ".join(
        " ".join(status_lines(snapshot)).split()
    )
    told = [event for event in events(house) if event.kind == "frame.implausible"]
    assert len(told) == 1  # of many
    assert len(bytes.fromhex(told[0].facts["frame"])) == 300
