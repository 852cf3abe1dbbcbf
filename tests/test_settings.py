"""Where settings come from, what is refused and in which words, and that the documents say the same."""

import re
import typing
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jk_bms.config.settings import KEYS, SETTINGS, TOP, Setting, Settings, describe, load_settings
from jk_bms.errors import ConfigError

BY_KEY = {setting.key: setting for setting in SETTINGS}


def load(top: Path, env: str | bytes | None = None, **environ: str) -> Settings:
    """Settings of a project in ``top`` with this .env and environment."""
    if env is not None:
        (top / ".env").write_bytes(env if isinstance(env, bytes) else env.encode())
    return load_settings(environ, top=top)


def faults(top: Path, env: str | bytes | None = None, **environ: str) -> tuple[str, ...]:
    """What is wrong with these settings."""
    with pytest.raises(ConfigError) as caught:
        load(top, env, **environ)
    return caught.value.faults


def outcome(
    environ: dict[str, str], env_file: Path | None = None, top: Path = TOP
) -> Settings | tuple[str, ...]:
    """The settings, or what is wrong with them; nothing else may come."""
    try:
        return load_settings(environ, env_file, top=top)
    except ConfigError as error:
        return error.faults


def test_defaults(tmp_path: Path) -> None:
    """Nothing configured is a valid configuration."""
    settings = load(tmp_path)

    assert settings.db_type == "sqlite"
    assert settings.db_path == tmp_path / "inverter.db"
    assert settings.address is None
    assert settings.poll_interval == 30.0
    assert settings.devices_file == tmp_path / "jk_devices.yaml"
    assert settings.max_consecutive_errors == 5
    assert settings.merge_watch == 1.0
    assert settings.merge_max_age == 90.0
    assert settings.soc_source == "auto"
    assert [tuple(point) for point in settings.soc_curve.points] == [(2.5, 0), (3.3, 50), (3.65, 100)]
    assert not settings.merge_cells
    assert settings.merge_fields == "page"
    assert settings.keep_alive
    assert not settings.invert_current
    assert not settings.merge_error_rows
    assert not settings.standalone_rows
    assert not settings.simulated_merge
    assert settings.standalone_keep_days == 30
    assert settings.bms_db_path == tmp_path / "bms.db"
    assert settings.socket_path == tmp_path / "poller.sock"
    assert settings.adapter is None
    assert settings.timeout == 20.0
    assert settings.log_level == "INFO"
    assert settings.timezone is None
    assert settings.env_file is None
    assert settings.bot_token is None
    assert settings.chat_ids == settings.allowed_users == settings.digest_chats == ()
    assert settings.bot_language is None
    assert settings.bot_db_path == tmp_path / "bot.db"
    assert settings.telegram_api == "https://api.telegram.org"
    assert (settings.polling_interval, settings.bot_poll_interval, settings.check_interval) == (10, 10, 600)
    assert (settings.level_source, settings.min_voltage, settings.max_voltage) == (None, 20, 25)
    assert settings.change_step == 10
    assert (settings.log_file, settings.log_keep_days, settings.log_http_requests) == (None, 90, False)
    assert (settings.alert_repeat_hours, settings.alert_startup_delay) == (12, 180)
    assert (settings.alert_confirm, settings.alert_clear) == (3, 5)
    assert (settings.alert_min_level, settings.alert_cleared_notify) == ("warning", True)
    assert settings.alert_quiet_hours is None
    assert settings.alert_urls == ()
    assert settings.deadman_url is None
    assert (settings.summary_time, settings.digest_period) == (time(23, 59), "day")
    assert (settings.openai_key, settings.openai_url, settings.openai_prompt) == (None, None, None)
    assert settings.openai_model == "gpt-4o-mini"
    assert (settings.digest_timeout, settings.digest_max_chars) == (60, 100_000)
    assert settings.warnings == ()


def test_default_environment_and_top(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without arguments the process environment counts, and the project's own folder."""
    monkeypatch.setenv("JK_ENV_FILE", "/dev/null")
    monkeypatch.setenv("JK_BMS_TIMEOUT", "7")

    settings = load_settings()

    assert settings.timeout == 7.0
    assert settings.devices_file == TOP / "jk_devices.yaml"


GOOD = {
    # key=value: attribute
    ("DB_TYPE", "SQLite"): "sqlite",
    ("JK_BMS_ADDRESS", " c8:47:8c:00:00:01 "): "C8:47:8C:00:00:01",
    ("JK_BMS_ADDRESS", "c8-47-8c-00-00-01"): "C8:47:8C:00:00:01",
    ("JK_BMS_ADDRESS", "12345678-90ab-cdef-1234-567890ABCDEF"): "12345678-90AB-CDEF-1234-567890ABCDEF",
    ("JK_BMS_ADDRESS", "Simulated"): "simulated",
    ("JK_BMS_POLL_INTERVAL", "1"): 1.0,
    ("JK_BMS_POLL_INTERVAL", "2.5"): 2.5,
    ("BMS_MERGE_WATCH", "0"): 0.0,
    ("BMS_MERGE_WATCH", ".5"): 0.5,
    ("BMS_SOC_SOURCE", "Curve"): "curve",
    ("BMS_MERGE_CELLS", "on"): True,
    ("BMS_MERGE_CELLS", ""): False,
    ("BMS_MERGE_FIELDS", "ALL"): "all",
    ("BMS_MERGE_FIELDS", ""): "page",
    ("BMS_INVERT_CURRENT", "Yes"): True,
    ("BMS_INVERT_CURRENT", "1"): True,
    ("BMS_INVERT_CURRENT", "0"): False,
    ("BLE_CONNECTIONS", "2"): 2,
    ("JK_BMS_ADAPTER", "hci1"): "hci1",
    ("JK_BMS_ADAPTER", "aa:bb:cc:dd:ee:ff"): "AA:BB:CC:DD:EE:FF",
    ("LOG_LEVEL", "warn"): "WARNING",
    ("LOG_LEVEL", "debug"): "DEBUG",
    ("RUNTIME_DIRECTORY", "/run/a:/run/b"): Path("/run/a"),
    ("MAX_CONSECUTIVE_ERRORS", "7"): 7,
    ("TELEGRAM_BOT_TOKEN", "123:AA-b_c"): "123:AA-b_c",
    ("TELEGRAM_CHAT_ID", "123456789"): (123456789,),
    ("TELEGRAM_CHAT_ID", "-1001234567890, 42,"): (-1001234567890, 42),
    ("TELEGRAM_CHAT_ID", "42 42 7"): (42, 7),
    ("TELEGRAM_ALLOWED_USERS", "1;2"): (1, 2),
    ("BOT_LANGUAGE", "UK"): "uk",
    ("DASHBOARD_URL", "http://192.168.1.5:8000/battery/"): "http://192.168.1.5:8000/battery",
    ("DASHBOARD_URL", "https://maps.example/@50,30"): "https://maps.example/@50,30",
    ("OPENAI_BASE_URL", "http://[fd00::5]:11434/v1"): "http://[fd00::5]:11434/v1",
    ("OPENAI_PROMPT", "Say it  in one line"): "Say it  in one line",
    ("LOG_HTTP_REQUESTS", "False"): False,
    ("SUMMARY_TIME", "7:05"): time(7, 5),
    ("SUMMARY_TIME", "23:59:30"): time(23, 59, 30),
    ("ALERT_QUIET_HOURS", "22:00-07:00"): (time(22), time(7)),
    ("ALERT_QUIET_HOURS", "22:00 - 7:30"): (time(22), time(7, 30)),
    ("ALERT_REPEAT_HOURS", "0"): 0.0,
    ("ALERTS_OFF", "1005,1016"): (1005, 1016),
    ("ALERTS_OFF", "1042 2001; 1042,"): (1042, 2001),
    ("ALERT_URLS", "ntfy://host/a,b"): ("ntfy://host/a,b",),
    ("ALERT_URLS", "ntfy://a mailto://u:p@b?to=c,d"): ("ntfy://a", "mailto://u:p@b?to=c,d"),
    ("ALERT_URLS", "ntfy://a, json://b,xml://c"): ("ntfy://a", "json://b", "xml://c"),
    ("DEADMAN_URL", "https://u:p@hc.example/x?y=1"): "https://u:p@hc.example/x?y=1",
}


@pytest.mark.parametrize(("written", "expected"), GOOD.items(), ids=map("=".join, GOOD))
def test_accepted(tmp_path: Path, written: tuple[str, str], expected: object) -> None:
    """What a person may write, and what it becomes."""
    key, text = written

    settings = load(tmp_path, **{key: text})

    assert getattr(settings, BY_KEY[key].name) == expected


BAD = {
    ("DB_TYPE", "mysql"): "mysql is not supported by this version; expected sqlite",
    ("DB_TYPE", "postgres"): "expected sqlite, e.g. sqlite",
    ("JK_BMS_POLL_INTERVAL", "30s"): "expected seconds as a number from 1 to 86400, e.g. 30",
    ("JK_BMS_POLL_INTERVAL", "0.5"): "expected seconds as a number from 1",
    ("JK_BMS_POLL_INTERVAL", "-5"): "expected seconds",
    ("JK_BMS_POLL_INTERVAL", "nan"): "expected seconds",
    ("JK_BMS_POLL_INTERVAL", "inf"): "expected seconds",
    ("JK_BMS_POLL_INTERVAL", "1e3"): "expected seconds",
    ("JK_BMS_POLL_INTERVAL", "1_000"): "expected seconds",
    ("JK_BMS_POLL_INTERVAL", "3,5"): "expected seconds",
    ("JK_BMS_POLL_INTERVAL", "9" * 400): "expected seconds",
    ("JK_BMS_POLL_INTERVAL", "٣٠"): "expected seconds",
    ("MAX_CONSECUTIVE_ERRORS", "2.5"): "expected a whole number from 1 to 10000, e.g. 5",
    ("MAX_CONSECUTIVE_ERRORS", "9" * 10000): "expected a whole number",
    ("STANDALONE_KEEP_DAYS", "0"): "expected days as a whole number from 1",
    ("BMS_SOC_SOURCE", "voltage"): "expected one of auto, counted, bms, curve",
    ("BMS_SOC_CURVE", "3.3:50"): "a curve needs at least two points",
    ("BMS_SOC_CURVE", "3.3:50,3.2:60"): "the voltages of a curve must rise",
    ("BMS_SOC_CURVE", "3.2:50,3.3:40"): "the SoC of a curve must not fall",
    ("BMS_SOC_CURVE", "3.2:50,3.3"): "expected V:% points with rising voltage, e.g. 2.50:0",
    ("BMS_SOC_CURVE", "3.2:50,nan:60"): "expected V:% points",
    ("BMS_SOC_CURVE", "3.2:50,52.8:60"): "the point '52.8:60' lies outside 0.5 to 5 V",
    ("BMS_INVERT_CURRENT", "maybe"): "expected true or false, e.g. true",
    ("JK_BMS_ADDRESS", "JK-B2A24S"): "expected a Bluetooth address or 'simulated'",
    ("JK_BMS_ADDRESS", "AA:BB:CC:DD:EE"): "expected a Bluetooth address",
    ("BLE_CONNECTIONS", "0"): "expected a whole number from 1 to 16, e.g. 3",
    ("JK_BMS_ADAPTER", "usb0"): "expected an adapter's name or address, e.g. hci0",
    ("LOG_LEVEL", "chatty"): "expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
    ("TIMEZONE", "Europe/Kyev"): "(did you mean 'Europe/Kyiv'?)",
    ("TIMEZONE", "kyiv"): "(did you mean 'Europe/Kyiv'?)",
    ("TIMEZONE", "../../etc/passwd"): "expected a time zone of the tz database, e.g. Europe/Kyiv",
    ("TIMEZONE", "Europe"): "expected a time zone",
    ("DB_PATH", "~nobody-of-that-name/x.db"): "expected a path",
    (
        "TELEGRAM_CHAT_ID",
        "@our_house",
    ): "'@our_house' is a name; expected its number, which the bot's command",
    ("TELEGRAM_CHAT_ID", "12x"): "expected numbers of chats, separated by commas",
    ("TELEGRAM_CHAT_ID", "0"): "expected numbers of chats",
    ("TELEGRAM_CHAT_ID", "9" * 17): "expected numbers of chats",
    ("TELEGRAM_CHAT_ID", ","): "expected numbers of chats",
    ("TELEGRAM_ALLOWED_USERS", "-5"): "expected numbers of users",
    ("BOT_LANGUAGE", "ua"): "expected one of en, uk",
    ("DASHBOARD_URL", "house.example"): "expected an address that begins with http:// or https://, e.g.",
    ("DASHBOARD_URL", "ftp://house.example"): "expected an address that begins with http",
    ("DASHBOARD_URL", "http://a b"): "expected an address that begins with http",
    ("DASHBOARD_URL", "http://"): "expected an address that begins with http",
    ("SUMMARY_TIME", "24:00"): "expected a time of day HH:MM or HH:MM:SS, e.g. 23:59",
    ("SUMMARY_TIME", "noon"): "expected a time of day",
    ("ALERT_QUIET_HOURS", "22:00"): "expected two times of day HH:MM-HH:MM, e.g. 22:00-07:00",
    ("ALERT_QUIET_HOURS", "22-7"): "expected two times of day",
    ("ALERT_QUIET_HOURS", "22:00-22:00"): "begins and ends at the same time; expected two times",
    (
        "ALERTS_OFF",
        "1005,105",
    ): "no alert has the code '105'; expected codes of alerts, separated by commas, e.g. 1005",
    ("ALERTS_OFF", "cell_high"): "docs/alerts.md lists all codes",
    ("ALERTS_OFF", ","): "no alert has the code ''",
    ("ALERT_REPEAT_HOURS", "12h"): "expected hours as a number from 0 to 8760, e.g. 12",
    ("ALERT_MIN_LEVEL", "bad"): "expected one of info, warning, error, critical",
    ("MIN_VOLTAGE", "20V"): "expected volts as a number",
    ("TELEGRAM_CHANGE_STEP", "0"): "expected percentage points as a number from 0.1 to 100, e.g. 10",
}


@pytest.mark.parametrize(("written", "expected"), BAD.items(), ids=[f"{k}={v[:20]}" for k, v in BAD])
def test_refused(tmp_path: Path, written: tuple[str, str], expected: str) -> None:
    """One line that names key, value and what was expected."""
    key, text = written

    (fault,) = faults(tmp_path, **{key: text})

    assert fault.startswith(f"settings: {key}='{text[:80]}")
    assert expected in fault
    assert "\n" not in fault
    assert len(fault) < 300


SECRETS = {
    "TELEGRAM_BOT_TOKEN": "hunter2-is-no-token",
    "OPENAI_API_KEY": "hunter2 with blanks",
    "ALERT_URLS": "mailto://me:hunter2@mail.example hunter2",
    "DEADMAN_URL": "ftp://me:hunter2@check.example",
    "DASHBOARD_URL": "http://me:hunter2@house.example",
    "OPENAI_BASE_URL": "me:hunter2@house.example",
}


@pytest.mark.parametrize(("key", "text"), SECRETS.items(), ids=SECRETS)
def test_secret_that_is_wrong(tmp_path: Path, key: str, text: str) -> None:
    """The error does not tell it, and neither does the warning where it is forgiven."""
    (fault,) = faults(tmp_path, **{key: text})

    assert fault.startswith(f"settings: {key}='***': ")
    assert "expected" in fault
    assert "hunter2" not in fault
    if BY_KEY[key].shared:
        settings = load_settings({key: text}, top=tmp_path, forgiving=True)
        assert settings.warnings == (f"{fault}: ignored here, but the bot will not start with it",)
        assert "hunter2" not in str(describe(settings))


@pytest.mark.parametrize("key", ["TELEGRAM_CHAT_ID", "OPENAI_BASE_URL", "BMS_SOC_CURVE"])
@pytest.mark.parametrize(
    "secret", ["123456789:AAExampleExampleExampleExample00001", "sk-proj-Example_Example-Example0001"]
)
def test_a_token_behind_the_wrong_key_is_not_shown(tmp_path: Path, key: str, secret: str) -> None:
    (fault,) = faults(tmp_path, f"{key}={secret}\n")

    assert key in fault
    assert "Example" not in fault


def test_secrets_are_known_as_such() -> None:
    """Whatever opens something is in the list of what is masked."""
    assert {setting.key for setting in SETTINGS if setting.secret} == {
        "TELEGRAM_BOT_TOKEN",
        "OPENAI_API_KEY",
        "ALERT_URLS",
        "DEADMAN_URL",
        "HTTPS_PROXY",
        "WEB_PASSWORD",
        "INFLUXDB_PASSWORD",
        "INFLUXDB_TOKEN",
        "MQTT_PASSWORD",
        "METRICS_TOKEN",
    }


@pytest.mark.parametrize(
    ("given", "shown"),
    [("influx.lan", "influx.lan:8086"), ("[::1]:99", "[::1]:99"), ("10.0.0.1:1", "10.0.0.1:1")],
)
def test_a_server_is_shown_as_one_writes_it(given: str, shown: str, tmp_path: Path) -> None:
    rows = {row.key: row.value for row in describe(load_settings({"INFLUXDB_HOST": given}, top=tmp_path))}

    assert rows["INFLUXDB_HOST"] == shown


@pytest.mark.parametrize(
    "given", ["http://influx", "influx:0", "influx:65536", "influx:", "influx/path", "[::1", ":80"]
)
def test_a_wrong_server_of_a_part_stops_no_program(given: str, tmp_path: Path) -> None:
    """Neither the poller nor bot and page, which do not need it."""
    for forgiving in (True, False):
        settings = load_settings({"INFLUXDB_HOST": given}, top=tmp_path, forgiving=forgiving)

        assert settings.influxdb_host is None
        assert [
            warning
            for warning in settings.warnings
            if "INFLUXDB_HOST" in warning and warning.endswith(": ignored")
        ]


def test_the_batteries_are_read_whatever_the_bot_is_told(tmp_path: Path) -> None:
    """Another program's values under the bot's names are warnings for the poller, faults for the bot."""
    env = "SUMMARY_TIME=never\nTELEGRAM_CHAT_ID=your-id\nDEVICE_MAC=tbd\nMIN_VOLTAGE=60\nMAX_VOLTAGE=50\n"
    poller_fault = env + "JK_BMS_TIMEOUT=long\n"

    for_bot = faults(tmp_path, env)
    settings = load_settings({}, top=tmp_path, forgiving=True)

    assert [fault.split("=")[0] for fault in for_bot] == [
        "settings: TELEGRAM_CHAT_ID",
        "settings: SUMMARY_TIME",
        "settings: DEVICE_MAC",
    ]
    assert settings.warnings == tuple(
        f"{fault}: ignored here, but the bot will not start with it" for fault in for_bot
    )
    assert (settings.summary_time, settings.chat_ids, settings.address) == (time(23, 59), (), None)
    assert settings.sources["SUMMARY_TIME"] == "default"
    (tmp_path / ".env").write_text(poller_fault)
    with pytest.raises(ConfigError, match=r"^settings: JK_BMS_TIMEOUT='long': [^\n]*$"):
        load_settings({}, top=tmp_path, forgiving=True)


def test_limits_of_the_voltage_contradict(tmp_path: Path) -> None:
    """An empty pack must have less voltage than a full one."""
    assert faults(tmp_path, "MIN_VOLTAGE=48\n") == (
        f"settings: MIN_VOLTAGE=48: expected less than MAX_VOLTAGE, which is 25 ({tmp_path}/.env line 1)",
    )


MACS = {
    # environment, registry: address read, from where
    "alone": ({"DEVICE_MAC": "aa:bb:cc:dd:ee:ff"}, "", "AA:BB:CC:DD:EE:FF", "DEVICE_MAC, environment"),
    "beside the name": (
        {"DEVICE_MAC": "AA:BB:CC:DD:EE:FF", "JK_BMS_ADDRESS": "simulated"},
        "",
        "simulated",
        "environment",
    ),
    "beside a registry": ({"DEVICE_MAC": "AA:BB:CC:DD:EE:FF"}, "AA:BB:CC:DD:EE:00:\n", None, "default"),
}


@pytest.mark.parametrize(("environ", "registry", "address", "source"), MACS.values(), ids=MACS)
def test_battery_of_an_older_installation(
    tmp_path: Path, environ: dict[str, str], registry: str, address: str | None, source: str
) -> None:
    """DEVICE_MAC is the battery where nothing of ours names one; a registry keeps all of its own."""
    (tmp_path / "jk_devices.yaml").write_text(registry)

    settings = load(tmp_path, **environ, DEVICE_NAME="Main", DEVICE_PROTOCOL="JK02")

    assert (settings.address, settings.sources["JK_BMS_ADDRESS"]) == (address, source)
    assert settings.device_name == "Main"
    assert settings.warnings == ()


def test_battery_of_another_kind(tmp_path: Path) -> None:
    """A protocol that is not JK's is told, once the battery is the one that is read."""
    unused = load(tmp_path, DEVICE_PROTOCOL="PI30")
    used = load(tmp_path, DEVICE_PROTOCOL="PI30", DEVICE_MAC="AA:BB:CC:DD:EE:FF")

    assert unused.warnings == ()
    assert used.warnings == (
        "settings: DEVICE_PROTOCOL='PI30': the battery is read as a JK BMS all the same; no other kind is known",
    )


SAME: dict[str, str] = {
    "by name": "inverter.db",
    "by another way": "house/../inverter.db",
    "by a link": "link.db",
    "by a second name": "second.db",
    "by a link to nothing yet": "dangling.db",
}


@pytest.mark.parametrize("name", SAME.values(), ids=SAME)
def test_two_settings_do_not_name_one_file(tmp_path: Path, name: str) -> None:
    """What one program writes, another would destroy."""
    (tmp_path / "house").mkdir()
    theirs = tmp_path / "inverter.db"
    (tmp_path / "dangling.db").symlink_to(theirs)
    if name != "dangling.db":
        theirs.touch()
        (tmp_path / "link.db").symlink_to(theirs)
        (tmp_path / "second.db").hardlink_to(theirs)

    [fault] = faults(tmp_path, BMS_DB_PATH=name)
    assert fault.startswith("settings: BMS_DB_PATH=")
    assert f"is the same file as DB_PATH, {theirs}" in fault
    assert not load(tmp_path, BMS_DB_PATH="other.db").warnings


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal", ".lock"])
@pytest.mark.parametrize(
    ("key", "of"), [("BMS_DB_PATH", "DB_PATH"), ("DB_PATH", "BMS_DB_PATH"), ("LOG_FILE_PATH", "DB_PATH")]
)
def test_a_file_that_belongs_to_a_database_is_no_place(
    tmp_path: Path, suffix: str, key: str, of: str
) -> None:
    """SQLite would take it for what the database last wrote, and delete it."""
    (tmp_path / "link.db").symlink_to(tmp_path / "house.db")

    for name in ("house.db", "link.db"):
        [fault] = faults(tmp_path, **{of: name, key: f"house.db{suffix}"})
        assert fault.startswith(f"settings: {key}={tmp_path / 'house.db'}{suffix}: belongs to {of}, ")
    assert not load(tmp_path, **{of: "house.db", key: "house.db-other"}).warnings


def test_a_database_of_the_bot_that_is_not_its_own(tmp_path: Path) -> None:
    """The batteries are read all the same."""
    environ = {"BOT_DB_PATH": "bms.db"}

    [fault] = faults(tmp_path, **environ)
    assert "BOT_DB_PATH" in fault
    [warning] = load_settings(environ, top=tmp_path, forgiving=True).warnings
    assert "is the same file as BMS_DB_PATH" in warning


@pytest.mark.parametrize(
    "key", ["DB_PATH", "BMS_DB_PATH", "BOT_DB_PATH", "JK_DEVICES_FILE", "BMS_SOCKET", "JK_ENV_FILE"]
)
def test_a_log_that_is_not_its_own_file(tmp_path: Path, key: str) -> None:
    """Nor does it stop the batteries."""
    (tmp_path / "one file").touch()
    environ = {key: str(tmp_path / "one file"), "LOG_FILE_PATH": "one file"}

    [fault] = faults(tmp_path, **environ)
    assert fault.startswith("settings: LOG_FILE_PATH=")
    assert f"is the same file as {key}" in fault
    [warning] = load_settings(environ, top=tmp_path, forgiving=True).warnings
    assert "LOG_FILE_PATH" in warning


def test_all_faults_at_once(tmp_path: Path) -> None:
    """A person mends everything in one go; each line says where its value stands."""
    env = "JK_BMS_POLL_INTERVAL=30s\n# comment\nLOG_LEVEL=chatty # why not\n"

    got = faults(tmp_path, env, BMS_SOC_SOURCE="moon")

    assert [fault.split(": ")[1] for fault in got] == [
        "JK_BMS_POLL_INTERVAL='30s'",
        "BMS_SOC_SOURCE='moon'",
        "LOG_LEVEL='chatty'",
    ]
    assert f"({tmp_path}/.env line 1)" in got[0]
    assert "(environment)" in got[1]
    assert f"({tmp_path}/.env line 3)" in got[2]


def test_environment_beats_the_file(tmp_path: Path) -> None:
    """Also when the environment empties a value."""
    env = "JK_BMS_TIMEOUT=30\nLOG_LEVEL=DEBUG\nJK_BMS_ADDRESS=simulated\n"

    settings = load(tmp_path, env, JK_BMS_TIMEOUT="40", JK_BMS_ADDRESS="")

    assert (settings.timeout, settings.log_level, settings.address) == (40.0, "DEBUG", None)
    assert settings.sources["JK_BMS_TIMEOUT"] == "environment"
    assert settings.sources["LOG_LEVEL"] == f"{tmp_path}/.env line 2"
    assert settings.sources["JK_BMS_ADDRESS"] == "default"


def test_which_file(tmp_path: Path) -> None:
    """The argument beats JK_ENV_FILE, which beats .env in the top folder."""
    for name, timeout in ((".env", 1), ("named", 2), ("argued", 3)):
        (tmp_path / name).write_text(f"JK_BMS_TIMEOUT={timeout}\n")
    named = {"JK_ENV_FILE": str(tmp_path / "named")}

    assert load_settings({}, top=tmp_path).timeout == 1
    assert load_settings(named, top=tmp_path).timeout == 2
    assert load_settings(named, tmp_path / "argued", top=tmp_path).timeout == 3
    assert load_settings(named, tmp_path / "argued", top=tmp_path).env_file == tmp_path / "argued"


def test_paths_count_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whichever place the value is; never from where one happens to stand."""
    elsewhere = tmp_path / "etc"
    elsewhere.mkdir()
    (elsewhere / ".env").write_text("DB_PATH=data/inverter.db\nBMS_SOCKET=/run/x.sock\n")
    monkeypatch.chdir("/")

    settings = load_settings(
        {"DEVICES_FILE": "mine.yaml", "BMS_DB_PATH": "~/bms.db", "HOME": "/ignored"},
        elsewhere / ".env",
        top=tmp_path,
    )

    assert settings.db_path == elsewhere / "data/inverter.db"
    assert settings.devices_file == elsewhere / "mine.yaml"
    assert settings.bms_db_path == Path.home() / "bms.db"
    assert settings.socket_path == Path("/run/x.sock")


def test_alias_loses_to_the_name(tmp_path: Path) -> None:
    """JK_DEVICES_FILE is the name, DEVICES_FILE what older installations have."""
    both = load(tmp_path, JK_DEVICES_FILE="a.yaml", DEVICES_FILE="b.yaml")
    mixed = load(tmp_path, "JK_DEVICES_FILE=file.yaml\n", DEVICES_FILE="env.yaml")

    assert both.devices_file.name == "a.yaml"
    assert mixed.devices_file.name == "env.yaml"
    assert load(tmp_path, n_hours="6").alert_repeat_hours == 6
    assert load(tmp_path, DATA_LOG_FILE="/logs/stat.log").log_file == Path("/logs/stat.log")


def test_worked_out_defaults(tmp_path: Path) -> None:
    """Those that follow other settings."""
    settings = load(
        tmp_path, JK_BMS_POLL_INTERVAL="60", RUNTIME_DIRECTORY="/run/easun-jkbms", BMS_DB_PATH="/data/bms.db"
    )
    beside = load(tmp_path, BMS_DB_PATH="/data/bms.db")

    assert settings.merge_max_age == 180.0
    assert settings.socket_path == Path("/run/easun-jkbms/poller.sock")
    assert beside.socket_path == Path("/data/poller.sock")


REGISTRIES = {
    # top-level file, file in jk_bms/: whether the old one is read
    "none": (None, None, False),
    "only the old": (None, "AA:BB:CC:DD:EE:FF:\n", True),
    "both": ("AA:BB:CC:DD:EE:00:\n", "AA:BB:CC:DD:EE:FF:\n", False),
    "as shipped": ("# how an entry looks\n", "AA:BB:CC:DD:EE:FF:\n", True),
    "all switched off": ("# AA:BB:CC:DD:EE:00:\n", "AA:BB:CC:DD:EE:FF:\n", False),
}


@pytest.mark.parametrize(("new", "old", "uses_old"), REGISTRIES.values(), ids=REGISTRIES)
def test_registry_of_earlier_versions(
    tmp_path: Path, new: str | None, old: str | None, uses_old: bool
) -> None:
    """It is read, with a hint, until the top folder's names a device."""
    (tmp_path / "jk_bms").mkdir()
    if new is not None:
        (tmp_path / "jk_devices.yaml").write_text(new)
    if old is not None:
        (tmp_path / "jk_bms" / "jk_devices.yaml").write_text(old)

    settings = load(tmp_path)
    explicit = load(tmp_path, JK_DEVICES_FILE="jk_devices.yaml")

    folder = tmp_path / "jk_bms" if uses_old else tmp_path
    assert settings.devices_file == folder / "jk_devices.yaml"
    assert len(settings.warnings) == uses_old
    assert explicit.devices_file == tmp_path / "jk_devices.yaml"


FILES = {
    # content of .env: DB_PATH's file name
    "plain": ("DB_PATH=a.db", "a.db"),
    "spaces": ("  DB_PATH = a.db  \n", "a.db"),
    "comment behind": ("DB_PATH=a.db # mine", "a.db"),
    "quotes": ("DB_PATH='a #1.db'\n", "a #1.db"),
    "double quotes": ('DB_PATH="a.db"\n', "a.db"),
    "export": ("export DB_PATH=a.db\n", "a.db"),
    "windows": ("LOG_LEVEL=INFO\r\nDB_PATH=a.db\r\n", "a.db"),
    "byte order mark": ("\ufeffDB_PATH=a.db\n", "a.db"),
    "no interpolation": ("X=1\nDB_PATH=${X}.db\n", "${X}.db"),
    "empty": ("DB_PATH=\n", "inverter.db"),
    "key alone": ("DB_PATH\n", "inverter.db"),
}


@pytest.mark.parametrize(("text", "expected"), FILES.values(), ids=FILES)
def test_file_forms(tmp_path: Path, text: str, expected: str) -> None:
    """What people have in their .env."""
    settings = load(tmp_path, text)

    assert settings.db_path.name == expected
    assert settings.warnings == ()


def test_doubled_key(tmp_path: Path) -> None:
    """The last wins, as it always did, with a warning; other programs' keys are their affair."""
    settings = load(tmp_path, "LOG_LEVEL=INFO\nMYSQL_HOST=a\nMYSQL_HOST=b\nLOG_LEVEL=DEBUG\n")

    assert settings.log_level == "DEBUG"
    (warning,) = settings.warnings
    assert "line 4: LOG_LEVEL was set in line 1" in warning


def test_line_that_cannot_be_read(tmp_path: Path) -> None:
    """With one of our keys it is a fault, else a warning; neither shows the line, which may be secret."""
    fault = faults(tmp_path, "A=1\nJK_BMS_TIMEOUT 30\n")
    token = faults(tmp_path, "A=1\nTELEGRAM_BOT_TOKEN hush\nJK_BMS_TIMEOUT=30\n")
    settings = load_settings({}, top=tmp_path, forgiving=True)

    assert fault == (f"settings: {tmp_path}/.env line 2: expected KEY=value for JK_BMS_TIMEOUT",)
    assert token == (f"settings: {tmp_path}/.env line 2: expected KEY=value for TELEGRAM_BOT_TOKEN",)
    assert settings.timeout == 30
    assert settings.warnings == (
        f"settings: {tmp_path}/.env line 2: expected KEY=value; the line is ignored",
    )


def test_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear error each: missing, a folder, not text, no permission."""
    with pytest.raises(ConfigError, match=r"x\.env does not exist; create it or correct --env-file"):
        load_settings({}, tmp_path / "x.env", top=tmp_path)
    with pytest.raises(ConfigError, match="does not exist"):
        load_settings({"JK_ENV_FILE": str(tmp_path / "x.env")}, top=tmp_path)
    with pytest.raises(ConfigError, match="is a folder; expected a file"):
        load_settings({}, tmp_path, top=tmp_path)
    assert faults(tmp_path, b"A=1\nB=\xff\n") == (
        f"settings: {tmp_path}/.env line 2: not UTF-8 text; save the file as UTF-8",
    )

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("jk_bms.config.settings.load.read_text_file", refuse)  # root may read everything
    (fault,) = faults(tmp_path, "A=1\n")
    assert (
        fault
        == f"settings: {tmp_path}/.env cannot be read: permission denied; give this user the right to read it"
    )


MISSPELT = {
    "JK_BMS_ADRESS": "JK_BMS_ADDRESS",
    "JK_BMS_POOL_INTERVAL": "JK_BMS_POLL_INTERVAL",
    "JKBMS_ADDRESS": "JK_BMS_ADDRESS",
    "jk_bms_address": "JK_BMS_ADDRESS",
    "BMS_ADDRESS": "JK_BMS_ADDRESS",
    "BMS_SOC_SORCE": "BMS_SOC_SOURCE",
    "BMS_STANDALONE_ROW": "BMS_STANDALONE_ROWS",
    "DBPATH": "DB_PATH",
    "DB_PAHT": "DB_PATH",
    "LOGLEVEL": "LOG_LEVEL",
    "TIME_ZONE": "TIMEZONE",
    "MAX_CONSECUTIVE_ERROR": "MAX_CONSECUTIVE_ERRORS",
}


@pytest.mark.parametrize(("key", "meant"), MISSPELT.items())
def test_misspelling_is_told(tmp_path: Path, key: str, meant: str) -> None:
    """A key of .env that is nearly ours is a warning with what was meant, not an error."""
    settings = load(tmp_path, f"{key}=1\n")

    assert settings.warnings == (f"settings: {key} is not known and ignored; did you mean {meant}?",)


# fmt: off
FOREIGN = (
    "MYSQL_HOST", "MYSQL_PORT", "MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_DATABASE",
    "DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "SUMMARY_ENABLED",
    "INVERTER_IP", "LOCAL_IP", "INVERTER_MODEL", "POLL_INTERVAL",
    "LOG_FILE", "MQTT_HOST", "MQTT_TIMEOUT", "TZ", "PATH", "HOME", "SOCKET", "ADAPTER", "TIMEOUT",
)
# fmt: on


def test_other_programs_keys_are_left_alone(tmp_path: Path) -> None:
    """Existing .env files hold much that is not ours."""
    settings = load(tmp_path, "".join(f"{key}=x\n" for key in FOREIGN))

    assert settings.warnings == ()


def test_environment_is_judged_by_clear_prefixes_only(tmp_path: Path) -> None:
    """A shell is full of other people's variables."""
    settings = load(tmp_path, LOGLEVEL="1", JK_BMS_ADRESS="x", BMS_SOMETHING_ELSE="1")

    assert settings.warnings == (
        "settings: JK_BMS_ADRESS is not known and ignored; did you mean JK_BMS_ADDRESS?",
    )


def test_describe(tmp_path: Path) -> None:
    """Every setting, in words that could be written back, with its origin."""
    settings = load(
        tmp_path,
        "BMS_MERGE_WATCH=2\n",
        TIMEZONE="Europe/Kyiv",
        TELEGRAM_CHAT_ID="1, -2",
        TELEGRAM_BOT_TOKEN="1:abc",
        ALERT_QUIET_HOURS="22:00-7:00",
    )

    rows = {row.key: row for row in describe(settings)}

    assert list(rows) == [setting.key for setting in SETTINGS]
    assert (rows["BMS_MERGE_WATCH"].value, rows["BMS_MERGE_WATCH"].source) == ("2", f"{tmp_path}/.env line 1")
    assert (rows["TIMEZONE"].value, rows["TIMEZONE"].source) == ("Europe/Kyiv", "environment")
    assert (rows["DB_PATH"].value, rows["DB_PATH"].source) == (str(tmp_path / "inverter.db"), "default")
    assert rows["BMS_MERGE_CELLS"].value == "false"
    assert rows["BMS_SOC_CURVE"].value == "2.5:0,3.3:50,3.65:100"
    assert rows["JK_BMS_ADDRESS"].value == "the enabled devices of the registry"
    assert rows["JK_ENV_FILE"].value == str(tmp_path / ".env")
    assert rows["TELEGRAM_CHAT_ID"].value == "1,-2"
    assert rows["TELEGRAM_BOT_TOKEN"].value == "***"
    assert rows["OPENAI_API_KEY"].value == "none, the digest is written here"  # nothing to hide
    assert (rows["SUMMARY_TIME"].value, rows["ALERT_QUIET_HOURS"].value) == ("23:59", "22:00-07:00")
    assert all(row.meaning and row.value for row in rows.values())


@given(st.dictionaries(st.sampled_from(sorted(KEYS - {"JK_ENV_FILE"})), st.text(max_size=20)))
def test_any_text(environ: dict[str, str]) -> None:
    """Whatever is written, it becomes a setting or one line of our own error."""
    found = outcome(environ, top=Path("/nowhere"))

    if isinstance(found, Settings):
        assert len(describe(found)) == len(SETTINGS)
    else:
        # What two settings have in common is of no one place.
        assert all(
            re.match(r"settings: [A-Z_]+=.*: (.+ \(environment\)|is the same file as |belongs to )", fault)
            for fault in found
        )


@given(st.binary(max_size=200))
def test_any_file(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    """Whatever bytes a .env has, only our own error comes out."""
    path = tmp_path_factory.getbasetemp() / "any.env"
    path.write_bytes(raw)

    found = outcome({}, path)

    if isinstance(found, Settings):
        assert found.env_file == path
    else:
        assert all(fault.startswith("settings: ") for fault in found)


def test_types_are_as_declared(tmp_path: Path) -> None:
    """Each attribute has the type that its annotation promises."""
    hints: dict[str, Any] = typing.get_type_hints(Settings)
    for environ in (
        {},
        {
            # Two settings may not name one file.
            setting.key: example.replace("inverter.db", setting.key.lower())
            for setting in SETTINGS
            if setting.key != "JK_ENV_FILE" and (example := setting.kind.example) is not None
        },
    ):
        settings = load_settings(environ, top=tmp_path)
        for name in Settings.__struct_fields__:
            value = getattr(settings, name)
            if name not in {"warnings", "sources"}:
                assert fits(value, hints[name]), (name, value)


def fits(value: object, hint: Any) -> bool:
    """Whether ``value`` is what the annotation says."""
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is not tuple:
        return (
            any(fits(value, each) for each in inner)
            if inner
            else type(value) is hint or (isinstance(value, hint) and not isinstance(value, bool))
        )
    if not isinstance(value, tuple):
        return False
    kinds = inner[:1] * len(value) if inner[1:] == (...,) else inner
    return len(kinds) == len(value) and all(map(fits, value, kinds))


# The documents


def table_rows(path: Path) -> dict[str, list[str]]:
    """The rows of a page's tables by the key in the first column."""
    rows: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            rows.setdefault(cells[0].strip("`"), cells[1:])
    return rows


DOCUMENTED = table_rows(TOP / "docs" / "settings.md")


@pytest.mark.parametrize("setting", SETTINGS, ids=[setting.key for setting in SETTINGS])
def test_documented(setting: Setting) -> None:
    """docs/settings.md has the setting with the same default and unit, and its other names."""
    default, unit, meaning = DOCUMENTED[setting.key]

    assert default == (f"`{setting.default}`" if setting.default else setting.worked_out)
    assert unit == setting.unit
    assert len(meaning) > 10
    assert all(f"`{alias}`" in meaning for alias in setting.aliases)


def test_only_settings_are_documented() -> None:
    """Upper-case names in the page's tables are settings that exist."""
    assert {key for key in DOCUMENTED if key.isupper()} <= KEYS


def test_example_file_is_valid(tmp_path: Path) -> None:
    """.env.example has only keys that exist, commented ones included, with good values."""
    text = (TOP / ".env.example").read_text(encoding="utf-8")
    written = re.sub(r"^# ?(?=[A-Z_]+=)", "", text, flags=re.MULTILINE)

    settings = load(tmp_path, written)

    keys = re.findall(r"^(\w+)=", written, re.MULTILINE)
    assert set(keys) <= KEYS
    assert len(keys) == len(set(keys)) >= 4
    assert settings.warnings == ()
