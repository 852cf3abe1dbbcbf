"""What the bot says without being asked: level steps, a dead poller."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jk_bms.bot.access import Access
from jk_bms.bot.choices import Choices
from jk_bms.bot.languages import Languages
from jk_bms.bot.monitor import DEFAULT_MINIMUM, Monitor, level_of
from jk_bms.bot.parts import Parts
from jk_bms.bot.stat_log import StatLog
from jk_bms.bot.store import BotStore, Chat, open_store
from jk_bms.config.settings import Settings
from jk_bms.view.live_view import LiveView
from tests.bot.conftest import Configure, soon
from tests.bot.house_snapshot import device, reading, snapshot
from tests.bot.telegram_server import OWNER
from tests.told import house as told


class House:
    """A monitor with one monitoring chat, a clock that the test turns and states that it gives."""

    def __init__(self, settings: Settings, store: BotStore) -> None:
        self.now = 1000.0
        self.store = store
        store.remember(Chat(id=OWNER, monitoring=True))
        self.live = LiveView(settings)
        log = StatLog(settings.log_file, settings.timezone) if settings.log_file else None
        self.monitor = Monitor(
            Parts(settings, store, Access(settings, store), self.live, Languages(store, "en")),
            log,
            lambda: self.now,
        )

    def told(self) -> list[str]:
        """What was queued since the last time."""
        waiting = self.store.oldest(OWNER)
        self.store.done([one.number for one in waiting])
        return [one.message.text for one in waiting]

    async def level(self, soc: float | None, **more: Any) -> list[str]:
        await self.monitor.check(told(snapshot(device(reading=reading(battery_soc=soc, **more)))))
        return self.told()

    async def look(self, state: dict[str, Any]) -> list[str]:
        await self.monitor.look(told(state))
        return self.told()


@pytest.fixture
def house(store: BotStore, configure: Configure) -> House:
    return House(configure(TELEGRAM_CHANGE_STEP="5"), store)


@pytest.fixture
def with_env(tmp_path: Path, configure: Configure) -> Iterator[Callable[..., House]]:
    stores: list[BotStore] = []

    def make(**env: str) -> House:
        stores.append(open_store(tmp_path / f"bot{len(stores)}.db"))
        return House(configure(**env), stores[-1])

    yield make
    for store in stores:
        store.close()


STEPS = {  # from, to, with TELEGRAM_CHANGE_STEP=5: what is said
    "4.9 down": (84.3, 79.4, None),
    "5.0 down": (84.3, 79.3, "Battery Level: 79.3% ↓"),
    "4.9 up": (60.1, 65.0, None),
    "5.0 up": (60.1, 65.1, "Battery Level: 65.1% ↑"),
    "unknown": (60.0, None, None),
}


@pytest.mark.parametrize(("before", "after", "said"), STEPS.values(), ids=STEPS)
async def test_a_step_of_the_level_is_told(
    house: House, before: float, after: float | None, said: str | None
) -> None:
    first = await house.level(before)
    then = await house.level(after)

    assert first == [f"Voltage: 52.583 V, Battery Level: {before:.1f}%"]
    assert then == ([f"Voltage: 52.583 V, {said}"] if said else [])


async def test_steps_are_of_ten_where_nobody_chose(with_env: Callable[..., House]) -> None:
    house = with_env()

    told = [text for soc in (80.0, 74.0, 70.0, 60.5, 60.0) for text in await house.level(soc)]

    assert [text.split(": ")[-1] for text in told] == ["80.0%", "70.0% ↓", "60.0% ↓"]


@pytest.mark.parametrize(
    ("hour", "chosen", "setting", "silent"),
    [
        (23, None, "", True),
        (12, None, "", False),
        (23, "", "", False),  # this chat wants them to ring
        (12, "11:00-13:00", "", True),
        (23, None, "00:00-05:00", False),
        (3, None, "00:00-05:00", True),
    ],
)
async def test_at_night_the_level_makes_no_sound(
    with_env: Callable[..., House], hour: int, chosen: str | None, setting: str, silent: bool
) -> None:
    house = with_env(ALERT_QUIET_HOURS=setting, TIMEZONE="Europe/Kyiv")
    house.store.change_chat(OWNER, choices=Choices(quiet=chosen))
    house.monitor._now = lambda: datetime(2026, 12, 1, hour, 30, tzinfo=ZoneInfo("Europe/Kyiv"))
    await house.monitor.check(told(snapshot(device(reading=reading(battery_soc=80.0)))))

    (waiting,) = house.store.oldest(OWNER)
    assert waiting.message.silent is silent


async def test_small_steps_add_up(house: House) -> None:
    told = [text for soc in (80.0, 78.0, 76.0, 74.0, 72.0, 70.0, 68.0) for text in await house.level(soc)]

    assert [text.split(": ")[-1] for text in told] == ["80.0%", "74.0% ↓", "68.0% ↓"]


CHOSEN = {  # step that the chat chose: the levels that it is told of 80, 74, 69
    None: ["80.0%", "74.0% ↓", "69.0% ↓"],
    10.0: ["80.0%", "69.0% ↓"],
    0.0: [],
}


@pytest.mark.parametrize(("step", "told"), CHOSEN.items(), ids=str)
async def test_a_chat_chooses_its_step(
    with_env: Callable[..., House], step: float | None, told: list[str]
) -> None:
    house = with_env(TELEGRAM_CHANGE_STEP="5")
    house.store.change_chat(OWNER, choices=Choices(step=step))

    texts = [text for soc in (80.0, 74.0, 69.0) for text in await house.level(soc)]

    assert [text.split(": ")[-1] for text in texts] == told


async def test_a_restart_remembers_the_level(house: House, configure: Configure) -> None:
    await house.level(80.0)
    again = House(configure(), house.store)

    assert await again.level(79.0) == []


async def test_old_values_are_no_level(house: House) -> None:
    await house.monitor.check(told(snapshot(device(age=500.0))))

    assert house.told() == []


async def test_the_level_may_come_from_the_voltage(with_env: Callable[..., House]) -> None:
    house = with_env(LEVEL_SOURCE="voltage", MIN_VOLTAGE="48", MAX_VOLTAGE="52")

    assert await house.level(50.0, voltage=53.0) == ["Voltage: 53.000 V, Battery Level: 100.0%"]


def test_bigger_packs_weigh_more_in_the_level(configure: Configure) -> None:
    small = device(1, reading=reading(battery_soc=20.0, capacity=100.0))
    big = device(2, reading=reading(battery_soc=80.0, capacity=300.0))

    level = level_of(told(snapshot(small, big)), configure())

    assert level is not None
    assert level.percent == 65.0


async def test_limits_of_another_pack_are_warned_of_once(
    with_env: Callable[..., House], caplog: pytest.LogCaptureFixture
) -> None:
    house = with_env(MIN_VOLTAGE="100", MAX_VOLTAGE="120")
    first = await house.level(50.0)
    second = await house.level(50.0)

    assert [text for text in first if "MIN_VOLTAGE is 100 V" in text] != []
    assert second == []
    assert caplog.text.count("MIN_VOLTAGE is 100 V") == 1


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"MIN_VOLTAGE": "48", "MAX_VOLTAGE": "54"}, "76.4%"),  # 52.583 V lies between them
        ({"MIN_VOLTAGE": "48", "MAX_VOLTAGE": "54", "LEVEL_SOURCE": "soc"}, "80.0%"),
        ({"MIN_VOLTAGE": "22"}, "80.0%"),
        ({"MAX_VOLTAGE": "54"}, "80.0%"),
        ({"MIN_VOLTAGE": "22", "MAX_VOLTAGE": "27"}, "80.0%"),  # of another pack
        ({}, "80.0%"),
    ],
    ids=str,
)
async def test_two_limits_that_fit_the_pack_are_meant(
    with_env: Callable[..., House], env: dict[str, str], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    house = with_env(**env)

    (text,) = await house.level(80.0)
    await house.level(80.0)

    assert text.endswith(told)
    assert caplog.text.count("do not fit a pack of 52.6 V") == (env.get("MAX_VOLTAGE") == "27")


DEFAULTS = {  # LEVEL_SOURCE: whether the default of MIN_VOLTAGE is warned of below a pack of 12 V
    "soc": False,
    "voltage": True,
}


@pytest.mark.parametrize(("source", "warned"), DEFAULTS.items(), ids=DEFAULTS)
async def test_a_limit_that_nobody_set_and_nothing_uses_is_not_warned_of(
    with_env: Callable[..., House], source: str, warned: bool
) -> None:
    house = with_env(LEVEL_SOURCE=source)

    assert any("MIN_VOLTAGE" in text for text in await house.level(50.0, voltage=12.1)) == warned


def test_the_limit_that_nobody_set_is_the_default(configure: Configure) -> None:
    assert configure().min_voltage == DEFAULT_MINIMUM


async def test_each_check_is_a_line_of_the_log_file(with_env: Callable[..., House], tmp_path: Path) -> None:
    house = with_env(LOG_FILE_PATH=str(tmp_path / "logs" / "stat.log"))
    await house.level(95.3)
    await house.level(95.2)  # not sent, but noted

    lines = (tmp_path / "logs" / "stat.log").read_text().splitlines()
    assert [line.split(";")[1] for line in lines] == [
        f"Chat ID: {OWNER}",
        "Voltage: 52.583 V, Battery Level: 95.3%",
        "Voltage: 52.583 V, Battery Level: 95.2%",
    ]


async def test_the_log_file_is_never_written_in_the_event_loop(
    with_env: Callable[..., House], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()
    write = StatLog._write

    def watched(self: StatLog, *arguments: Any) -> None:
        threads.add(threading.current_thread().name)
        write(self, *arguments)

    monkeypatch.setattr(StatLog, "_write", watched)
    house = with_env(LOG_FILE_PATH=str(tmp_path / "stat.log"))
    task = asyncio.create_task(house.monitor.run())
    await soon((tmp_path / "stat.log").exists)
    house.monitor.began(OWNER)
    await soon(lambda: "Chat ID" in (tmp_path / "stat.log").read_text())
    task.cancel()

    assert threads
    assert threading.current_thread().name not in threads


async def test_grid_and_silent_batteries_are_left_to_the_alerts(house: House) -> None:
    """Whatever an older bot noted of them."""
    house.store.set_notes({"grid": "present", "silent:AA:BB:CC:DD:EE:01": 1000.0})
    lost = snapshot(device(age=5000.0), inverter={"grid": {"state": "lost", "for": 3.0}, "age": 1.0})

    assert await house.look(lost) == []
    assert await house.look(snapshot()) == []


async def test_a_dead_poller_is_told_after_five_minutes_and_its_return(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = snapshot() | {"poller_down": True}
    house.live.down_since = house.now
    house.now += 299
    early = await house.look(down)
    house.now += 2
    late = await house.look(down)
    again = await house.look(down)
    house.live.down_since = None
    back = await house.look(snapshot())

    assert (early, again) == ([], [])
    assert "is not being watched" in late[0]
    assert "If the Raspberry Pi has power" in late[0]
    assert "<code>sudo systemctl restart easun-jkbms</code>" in late[0]
    assert "systemctl" not in back[0]
    assert "answers again" in back[0]


WHO_HEARS = {  # of a dead poller and of wrong limits: the settings, what is known of the chat, whether it is told
    "named in the settings, never wrote": ("77", None, True),
    "named in the settings, sent /stop": ("77", Chat(id=OWNER), True),
    "claimed with a code, sent /stop": ("", Chat(id=OWNER, allowed=True), True),
    "began monitoring, is named no more": ("5", Chat(id=OWNER, monitoring=True), False),
    "nobody": ("", None, False),
}


@pytest.mark.parametrize(("named", "chat", "told"), WHO_HEARS.values(), ids=WHO_HEARS)
async def test_what_everybody_must_know_goes_to_all_who_get_alerts(
    with_env: Callable[..., House], named: str, chat: Chat | None, told: bool
) -> None:
    house = with_env(TELEGRAM_CHAT_ID=named, MIN_VOLTAGE="100", MAX_VOLTAGE="120")
    house.store.change_chat(OWNER, monitoring=False)
    if chat is not None:
        house.store.remember(chat)
    limits = await house.level(50.0)
    house.live.down_since = house.now
    house.now += 301
    down = await house.look(snapshot() | {"poller_down": True})
    house.live.down_since = None
    back = await house.look(snapshot())

    assert [len(texts) for texts in (limits, down, back)] == [told] * 3


async def test_the_first_chat_of_a_bot_without_any_is_told_that_the_poller_is_dead(
    with_env: Callable[..., House],
) -> None:
    house = with_env(TELEGRAM_CHAT_ID="")
    house.live.down_since = house.now - 301
    down = snapshot() | {"poller_down": True}
    assert await house.look(down) == []

    house.store.change_chat(OWNER, allowed=True)

    assert "is not being watched" in (await house.look(down))[0]


async def test_who_may_no_longer_hear_is_told_nothing(with_env: Callable[..., House]) -> None:
    house = with_env(TELEGRAM_CHAT_ID="5")

    assert await house.level(80.0) == []
