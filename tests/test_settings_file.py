"""settings.env: what a person changes through the running service, and what takes effect at once."""

import asyncio
import json
import logging
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jk_bms.clock import Clock
from jk_bms.config.devices import Entry
from jk_bms.config.settings import SETTINGS, Settings, load_settings
from jk_bms.config.settings.load import UNWRITTEN
from jk_bms.config.settings.written import COPY, put_values
from jk_bms.errors import ConfigError, LiveError
from jk_bms.live.async_client import AsyncLive
from jk_bms.live.messages import ConfigTold
from jk_bms.model.alarms import Severity
from jk_bms.poller import configuration, service
from jk_bms.poller.poller import Poller
from jk_bms.poller.requests import answer
from tests.scale import scaled
from tests.test_poller import QUICK, events, running, until

FILE = "settings.env"


def load(top: Path, **environ: str) -> Settings:
    return load_settings(environ, top=top, forgiving=True)


# Reading

PLACES = {
    # name: (environment, .env, settings.env) of ALERT_REPEAT_HOURS -> value, place
    "nowhere": ((None, None, None), 12.0, "default"),
    "changed": ((None, None, "3"), 3.0, "settings.env line 1"),
    "the owner wins": ((None, "2", "3"), 2.0, ".env line 1"),
    "the environment wins": (("1", "2", "3"), 1.0, "environment"),
    "the owner says nothing": ((None, "", "3"), 3.0, "settings.env line 1"),
    "nothing is said": ((None, "", ""), 12.0, "default"),
    "changed to what cannot be": ((None, None, "often"), 12.0, "default"),
}


@pytest.mark.parametrize(("places", "value", "source"), PLACES.values(), ids=PLACES)
def test_which_place_counts(
    places: tuple[str | None, ...], value: float, source: str, tmp_path: Path
) -> None:
    environment, owners, changed = places
    for name, text in ((".env", owners), (FILE, changed)):
        if text is not None:
            (tmp_path / name).write_text(f"ALERT_REPEAT_HOURS={text}\n")

    settings = load(tmp_path, **({} if environment is None else {"ALERT_REPEAT_HOURS": environment}))

    assert settings.alert_repeat_hours == value
    assert settings.sources["ALERT_REPEAT_HOURS"].removeprefix(f"{tmp_path}/") == source


def test_it_lies_beside_the_database_or_where_it_is_told(tmp_path: Path) -> None:
    assert load(tmp_path).settings_file == tmp_path / FILE
    assert load(tmp_path, BMS_DB_PATH="/var/lib/x/bms.db").settings_file == Path("/var/lib/x") / FILE
    assert load(tmp_path, SETTINGS_FILE="other.env").settings_file == tmp_path / "other.env"


@pytest.mark.parametrize("key", sorted(UNWRITTEN))
def test_it_cannot_say_where_things_are(key: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(f"{key}=/elsewhere/bms.db\n")

    settings = load(tmp_path)

    assert settings.bms_db_path == tmp_path / "bms.db"
    assert f"{key} cannot be set in {tmp_path / FILE} line 1: ignored" in " ".join(settings.warnings)


HOSTILE = {
    "a value that cannot be": b"JK_BMS_POLL_INTERVAL=soon\nDB_PATH=mysql://root:hunter2@db\n",
    "zeros of a power cut": b"\0" * 5000,
    "not UTF-8": b"ALERT_MIN_LEVEL=\xff\n",
    "no lines of ours": b"<html>'\"\n\n=\nexport\n'",
    "far too much": b"A=b\n" * 500_000,
    "keys of others": b"POLL_INTERVAL=5\nPATH=/tmp\n",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_bad_one_keeps_nothing_from_starting(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(raw)

    settings = load(tmp_path)
    strict = load_settings({}, top=tmp_path)

    assert (settings.poll_interval, strict.poll_interval) == (30.0, 30.0)
    assert settings.warnings
    assert "hunter2" not in " ".join(settings.warnings)


def test_a_folder_of_that_name_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()

    assert load(tmp_path).warnings


# Writing


@given(
    st.dictionaries(st.sampled_from(["A", "ALERT_MIN_LEVEL", "Z_1"]), st.text(st.characters(codec="utf-8")))
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]) -> None:
    from dotenv import dotenv_values

    path = tmp_path_factory.mktemp("written") / FILE
    values = {key: text for key, text in values.items() if text.isprintable()}

    put_values(path, values)

    assert dotenv_values(path, interpolate=False) == {key: text for key, text in values.items() if text}


def test_the_others_stay_and_one_copy_of_before_is_kept(tmp_path: Path) -> None:
    path = tmp_path / FILE
    put_values(path, {"ALERT_MIN_LEVEL": "error", "LOG_LEVEL": "DEBUG"})
    before = path.read_bytes()

    put_values(path, {"ALERT_MIN_LEVEL": None, "ALERTS_OFF": "1005,1016"})

    assert path.read_text().splitlines()[1:] == ["ALERTS_OFF=1005,1016", "LOG_LEVEL=DEBUG"]
    assert (tmp_path / (FILE + COPY)).read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in tmp_path.iterdir()) == [FILE, FILE + COPY]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        put_values(tmp_path / "missing" / FILE, {"LOG_LEVEL": "DEBUG"})


WRITER = """
import sys
from pathlib import Path
from jk_bms.config.settings.written import put_values
number = 0
while True:
    number += 1
    put_values(Path(sys.argv[1]), {key: str(number) * 2000 for key in ("A", "B", "C")})
    if number == 2:
        print("begun", flush=True)
"""


def test_a_kill_in_the_middle_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    from dotenv import dotenv_values

    path = tmp_path / FILE
    chance = random.Random(1)
    for _ in range(scaled(100)):
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            try:
                writer.wait(0.05 + 0.1 * chance.random())
            except subprocess.TimeoutExpired:
                writer.send_signal(signal.SIGKILL)

        for known in (path, path.with_name(path.name + COPY)):
            values = dotenv_values(known, interpolate=False)
            assert list(values) == ["A", "B", "C"]
            assert len(set(values.values())) == 1
            assert load(tmp_path).poll_interval == 30.0


# Asked for at the socket


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "LOOK_PERIOD", 0.05)
    monkeypatch.setattr(configuration, "SETTLED", 0.01)
    monkeypatch.setenv("WATCHDOG_USEC", "150000")
    root = logging.getLogger()
    monkeypatch.setattr(root, "level", root.level)  # which LOG_LEVEL sets


def house_in(folder: Path) -> Poller:
    """A house whose owner has an .env."""
    environ = {"BMS_STANDALONE_ROWS": "true", "DEADMAN_URL": "https://hc-ping.com/canary-4711"}
    env = folder / ".env"
    if not env.exists():
        env.write_text("# mine\n")
    read = partial(load_settings, environ, top=folder, forgiving=True)
    return Poller(
        read(),
        [Entry(address="simulated", type="simulated", options=dict(QUICK))],
        clock=Clock(),
        files=lambda poller: [one for one in service.owners_files(poller) if one.name == "settings"],
        load=read,
    )


async def put(house: Poller, by: str = "the test", **changes: str) -> list[dict[str, str]]:
    changed: list[dict[str, str]] = (await answer(house, {"action": "config", "set": changes, "by": by}))[
        "changed"
    ]
    return changed


def change_of(house: Poller) -> list[str]:
    return [event.text for event in events(house) if event.kind == "config.changed"]


async def test_a_change_takes_effect_at_once_and_is_told(tmp_path: Path) -> None:
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: house.snapshot().devices[0].reading)
        heard: list[object] = []
        hearing = asyncio.create_task(hear(house, heard))
        await until(lambda: heard)

        (change,) = await put(house, by="pi", ALERT_MIN_LEVEL="error")

        assert (change["old"], change["new"], change["by"]) == ("warning", "error", "by pi")
        assert change["source"] == f"{tmp_path / FILE} line 2"
        assert house.settings.alert_min_level == "error"
        await until(lambda: change_of(house))
        await until(lambda: any(isinstance(one, ConfigTold) for one in heard))
        hearing.cancel()
        assert change_of(house) == ["ALERT_MIN_LEVEL is error now, was warning (changed by pi)"]
        (message,) = (one for one in heard if isinstance(one, ConfigTold))
        assert (message.key, message.new) == ("ALERT_MIN_LEVEL", "error")

        await put(house, ALERT_MIN_LEVEL="")
        assert house.settings.alert_min_level == "warning"

    assert load(tmp_path).alert_min_level == "warning"


async def hear(house: Poller, heard: list[object]) -> None:
    async for message in AsyncLive(house.settings.socket_path).subscribe():
        heard += [message]


# What a reader does by a setting, for each of the poller's that take effect at once: (text, where, what it is then).
EFFECTS: dict[str, tuple[str, Callable[[Poller], object], object]] = {
    "ALERT_MIN_LEVEL": ("error", lambda h: options(h).min_level, Severity.ERROR),
    "ALERT_REPEAT_HOURS": ("3", lambda h: options(h).repeat_hours, 3.0),
    "ALERT_STARTUP_DELAY": ("1", lambda h: options(h).startup_delay, 1.0),
    "ALERT_CONFIRM": ("9", lambda h: options(h).confirm, 9),
    "ALERT_CLEAR": ("9", lambda h: options(h).clear, 9),
    "ALERT_CLEARED_NOTIFY": ("no", lambda h: options(h).cleared_notify, False),
    "ALERT_QUIET_HOURS": ("22:00-07:00", lambda h: options(h).quiet_hours, (time(22), time(7))),
    "ALERTS_OFF": ("1005", lambda h: options(h).off, frozenset({1005})),
    "LOG_LEVEL": ("ERROR", lambda h: h.settings.log_level, "ERROR"),
    "BMS_SOC_SOURCE": ("curve", lambda h: newest(h).battery_soc_source, "curve"),
    "BMS_SOC_CURVE": ("2:0,4:100", lambda h: h.memory._pack("simulated")._curve.points[0].v, 2.0),
    "BMS_INVERT_CURRENT": ("true", lambda h: merging(h).invert_current, True),
    "BMS_MERGE_MAX_AGE": ("500", lambda h: merging(h).max_age, 500.0),
    "BMS_MERGE_ERROR_ROWS": ("true", lambda h: merging(h).error_rows, True),
    "BMS_MERGE_CELLS": ("true", lambda h: merging(h).cells, True),
    "BMS_MERGE_FIELDS": ("all", lambda h: merging(h).fields, "all"),
}
OF_THE_BOT = {
    "BOT_LANGUAGE",
    "TELEGRAM_CHANGE_STEP",
    "LEVEL_SOURCE",
    "CHECK_INTERVAL",
    "DASHBOARD_URL",
    "SUMMARY_TIME",
    "DIGEST_PERIOD",
}


def is_so(house: Poller, look: Callable[[Poller], object], wanted: object) -> bool:
    return look(house) == wanted


def options(house: Poller) -> Any:
    return house.alerts._engine.options


def merging(house: Poller) -> Any:
    return house.parts["inverter_db"]._options  # type: ignore[attr-defined]


def newest(house: Poller) -> Any:
    return house.hub.newest["simulated"]


def test_each_setting_that_takes_effect_at_once_has_a_reader() -> None:
    assert {one.key for one in SETTINGS if one.at_once} == {*EFFECTS, *OF_THE_BOT}


async def test_each_takes_effect(tmp_path: Path) -> None:
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: house.snapshot().devices[0].reading)
        for key, (text, look, wanted) in EFFECTS.items():
            assert look(house) != wanted, key
            await put(house, **{key: text})
            await until(partial(is_so, house, look, wanted))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"DB_PATH": "/tmp/x"}, "takes effect at the next start only; write it into .env"),
        ({"ALERT_MIN_LEVL": "error"}, "(did you mean ALERT_MIN_LEVEL?)"),
        ({"BMS_DB_PATH": "/tmp/x"}, "cannot be changed here"),
        ({"ALERT_MIN_LEVEL": "loud"}, "ALERT_MIN_LEVEL='loud': expected one of info, warning"),
        ({"DASHBOARD_URL": "https://a\nLOG_LEVEL=DEBUG"}, "characters that cannot be seen"),
        ({"ALERT_REPEAT_HOURS": "5"}, "is set in environment, which wins"),
        ({"ALERT_CONFIRM": "5"}, ".env line 2, which wins; change it there"),
    ],
)
async def test_what_cannot_be_changed_here(
    changes: dict[str, str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of what is asked for together is changed then."""
    (tmp_path / ".env").write_text("# mine\nALERT_CONFIRM=4\n")
    house = house_in(tmp_path)
    house.settings_file._load = partial(
        load_settings, {"ALERT_REPEAT_HOURS": "2"}, top=tmp_path, forgiving=True
    )
    async with running(house):
        with pytest.raises(ConfigError) as caught:
            await put(house, LOG_LEVEL="ERROR", **changes)
        assert words in str(caught.value)
        assert house.settings.log_level == "INFO"
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize("wrong", [[], "ALERT_MIN_LEVEL=error", {}, {"LOG_LEVEL": 5}])
async def test_a_request_that_makes_no_sense(wrong: object, tmp_path: Path) -> None:
    with pytest.raises(LiveError, match="expected such as"):
        await answer(house_in(tmp_path), {"action": "config", "set": wrong})


async def test_it_tells_every_setting_and_no_secret(tmp_path: Path) -> None:
    told = await answer(house_in(tmp_path), {"action": "config"})

    rows = {row["key"]: row for row in told["settings"]}
    assert set(rows) == {setting.key for setting in SETTINGS}
    assert (rows["DEADMAN_URL"]["value"], rows["DEADMAN_URL"]["source"]) == ("***", "environment")
    assert "canary-4711" not in json.dumps(told)
    assert (rows["LOG_LEVEL"]["at_once"], rows["LOG_LEVEL"]["locked"]) == (True, False)


async def test_twenty_at_a_time_lose_none(tmp_path: Path) -> None:
    house = house_in(tmp_path)
    wanted = {key: text for key, (text, _, _) in EFFECTS.items() if key != "LOG_LEVEL"}
    wanted |= {"LEVEL_SOURCE": "soc", "CHECK_INTERVAL": "61", "SUMMARY_TIME": "21:30", "DIGEST_PERIOD": "24h"}
    wanted |= {"TELEGRAM_CHANGE_STEP": "7"}
    assert len(wanted) == 20
    async with running(house):
        await until(lambda: house.memory.is_open)
        await asyncio.gather(*(put(house, **{key: text}) for key, text in wanted.items()))

    lines = (tmp_path / FILE).read_text().splitlines()[1:]
    assert {line.partition("=")[0] for line in lines} == set(wanted)
    assert len(change_of(house)) == 20


async def test_an_env_that_is_changed_by_hand(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What can takes effect; the rest is told once; one that becomes wrong changes nothing."""
    house = house_in(tmp_path)
    async with running(house):
        (tmp_path / ".env").write_text("ALERT_MIN_LEVEL=critical\nJK_BMS_TIMEOUT=33\n")
        await until(lambda: house.settings.alert_min_level == "critical")
        assert house.settings.timeout == 20.0
        await until(lambda: "JK_BMS_TIMEOUT: takes effect at the next start" in caplog.text)

        (tmp_path / ".env").write_text("ALERT_MIN_LEVEL=loud\n")
        await until(lambda: house.configuration.faults)
        assert house.settings.alert_min_level == "critical"
        assert "ALERT_MIN_LEVEL='loud'" in house.configuration.faults["settings"]

        (tmp_path / ".env").replace(tmp_path / "old")
        (tmp_path / ".env").write_text("# mine\n")
        await until(lambda: house.settings.alert_min_level == "warning")
        await until(lambda: not house.configuration.faults)
    assert change_of(house)[0] == "ALERT_MIN_LEVEL is critical now, was warning (changed by hand)"
