"""The table of all settings: the body of one class."""

from collections.abc import Mapping
from datetime import time, tzinfo
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

from jk_bms.battery.curves import Curve
from jk_bms.config.settings import kinds
from jk_bms.config.settings.kinds import ChatId, Kind

__all__ = ["KEYS", "SETTINGS", "Kind", "Setting", "Settings", "at_once"]

OWN_TOKEN = "BMS_BOT_TOKEN"  # noqa: S105  # where TELEGRAM_BOT_TOKEN is another program's


class Setting(NamedTuple):
    """One row of the table; ``default`` is what one would write, "" where it is worked out."""

    key: str
    kind: Kind
    default: str
    unit: str
    meaning: str
    worked_out: str = ""  # how a default that is no fixed value comes about
    aliases: tuple[str, ...] = ()
    secret: bool = False
    shared: bool = False  # other programs of the house use the same name, not always with our values
    at_once: bool = (
        False  # takes effect while the programs run, so that it can be changed through the service
    )
    inherited: bool = False  # often set for the whole machine: there it is not ours to judge
    optional: bool = False  # of a part that nothing depends on: a wrong value is only warned of
    name: str = ""  # the attribute of Settings


# fmt: off
class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, checked; paths are absolute. ``None``: what the setting's default says."""

    db_type: Annotated[str, Setting(
        "DB_TYPE", kinds.DB_TYPE, "sqlite", "", "kind of the inverter program's database")]
    db_path: Annotated[Path, Setting(
        "DB_PATH", kinds.PATH, "inverter.db", "path",
        "database file of the inverter program; with `BMS_STANDALONE_ROWS` the default lies beside `BMS_DB_PATH`")]
    address: Annotated[str | None, Setting(
        "JK_BMS_ADDRESS", kinds.DEVICE, "", "",
        "read only this device: its address, or `simulated` for a made-up battery",
        worked_out="the enabled devices of the registry")]
    poll_interval: Annotated[float, Setting(
        "JK_BMS_POLL_INTERVAL", kinds.number(1, 86400, "30"), "30", "s",
        "how often a new reading goes into the newest record")]
    devices_file: Annotated[Path, Setting(
        "JK_DEVICES_FILE", kinds.PATH, "", "path", "the device registry",
        worked_out="`jk_devices.yaml` in the project's top folder", aliases=("DEVICES_FILE",))]
    max_consecutive_errors: Annotated[int, Setting(
        "MAX_CONSECUTIVE_ERRORS", kinds.whole(1, 10000, "a whole number", "5"), "5", "count",
        "failed reconnects of a device before its Bluetooth adapter is switched off and on; one that hears "
        "nothing at all is repaired sooner")]
    allow_bluetooth_restart: Annotated[bool, Setting(
        "ALLOW_BLUETOOTH_RESTART", kinds.FLAG, "false", "",
        "restart the Bluetooth service when nothing milder helps, at most once an hour; needs the rule of "
        "`install.sh --allow-repairs`")]
    allow_reboot: Annotated[bool, Setting(
        "ALLOW_REBOOT", kinds.FLAG, "false", "",
        "reboot this machine when its Bluetooth fails and a fresh start of the service did not help, at most "
        "once an hour; needs the same rule")]
    merge_watch: Annotated[float, Setting(
        "BMS_MERGE_WATCH", kinds.number(0, 3600, "1.0"), "1.0", "s",
        "how often new records of the inverter program are looked for; 0 = only when a reading is due")]
    merge_max_age: Annotated[float, Setting(
        "BMS_MERGE_MAX_AGE", kinds.number(1, 86400, "90"), "", "s",
        "older readings are never written into a record",
        worked_out="3 x `JK_BMS_POLL_INTERVAL`, at least 90", at_once=True)]
    soc_source: Annotated[str, Setting(
        "BMS_SOC_SOURCE", kinds.choice("auto", "counted", "bms", "curve"), "auto", "",
        "what `battery_soc` carries: `counted` (our own counter), `bms` (the BMS's value), "
        "`curve` (from the cell voltage), `auto` (the first of these that is there)", at_once=True)]
    soc_curve: Annotated[Curve, Setting(
        "BMS_SOC_CURVE", kinds.CURVE, "2.50:0,3.30:50,3.65:100", "V:%",
        "state of charge over the mean cell voltage, linear between the points", at_once=True)]
    invert_current: Annotated[bool, Setting(
        "BMS_INVERT_CURRENT", kinds.FLAG, "false", "", "turn the sign of the merged current and power", at_once=True)]
    merge_error_rows: Annotated[bool, Setting(
        "BMS_MERGE_ERROR_ROWS", kinds.FLAG, "false", "",
        "give battery values to records in which the inverter program noted an error", at_once=True)]
    merge_cells: Annotated[bool, Setting(
        "BMS_MERGE_CELLS", kinds.FLAG, "false", "",
        "write the voltages of all cells into the records (`bms_cells`)", at_once=True)]
    merge_fields: Annotated[str, Setting(
        "BMS_MERGE_FIELDS", kinds.choice("page", "all"), "page", "",
        "what goes into records of the inverter program: `page` (what its page and bot show) or `all`", at_once=True)]
    standalone_rows: Annotated[bool, Setting(
        "BMS_STANDALONE_ROWS", kinds.FLAG, "false", "",
        "no inverter program here: create the database and insert records ourselves")]
    standalone_keep_days: Annotated[int, Setting(
        "STANDALONE_KEEP_DAYS", kinds.whole(1, 36500, "days as a whole number", "30"), "30", "days",
        "how long records that we inserted ourselves are kept")]
    simulated_merge: Annotated[bool, Setting(
        "BMS_SIMULATED_MERGE", kinds.FLAG, "false", "",
        "trials only: let a made-up battery write into the inverter program's records")]
    bms_db_path: Annotated[Path, Setting(
        "BMS_DB_PATH", kinds.PATH, "bms.db", "path", "our own database")]
    history_period: Annotated[float, Setting(
        "HISTORY_PERIOD", kinds.number(1, 3600, "5"), "5", "s",
        "one row of history for so many seconds of frames")]
    history_commit: Annotated[float, Setting(
        "HISTORY_COMMIT", kinds.number(0, 3600, "60"), "60", "s",
        "how often history is written to the disk; 0 = each row at once, which wears an SD card")]
    block_keep_days: Annotated[int, Setting(
        "BLOCK_KEEP_DAYS", kinds.whole(1, 36500, "days", "400"), "400", "days",
        "how long the rows of `HISTORY_PERIOD` are kept")]
    min_keep_days: Annotated[int, Setting(
        "MIN_KEEP_DAYS", kinds.whole(1, 36500, "days", "90"), "90", "days",
        "how long the means of one minute are kept; quarter hours are kept two years, hours and days for ever")]
    backup_dir: Annotated[Path | None, Setting(
        "BACKUP_DIR", kinds.PATH, "", "path", "folder for a copy of `bms.db` each night, the last seven are kept",
        worked_out="none, no copies")]
    socket_path: Annotated[Path, Setting(
        "BMS_SOCKET", kinds.PATH, "", "path",
        "socket on which the service answers the tool and other programs of the house",
        worked_out="`poller.sock` in `RUNTIME_DIRECTORY`, without one beside `BMS_DB_PATH`")]
    keep_alive: Annotated[bool, Setting(
        "JK_BMS_KEEP_ALIVE", kinds.FLAG, "true", "",
        "stay connected; `false`: connect, read, leave, so that the phone app finds the BMS in between")]
    adapter: Annotated[str | None, Setting(
        "JK_BMS_ADAPTER", kinds.ADAPTER, "", "", "Bluetooth adapter, by name or address",
        worked_out="the one with the fewest batteries; each stays with its own")]
    ble_connections: Annotated[int | None, Setting(
        "BLE_CONNECTIONS", kinds.whole(1, 16, "a whole number", "3"), "", "count",
        "how many batteries an adapter stays connected to; with more of them the last connection goes round",
        worked_out="3 on a USB dongle, 1 on the on-board radio of a Raspberry Pi")]
    timeout: Annotated[float, Setting(
        "JK_BMS_TIMEOUT", kinds.number(1, 600, "20"), "20", "s",
        "patience for a connection, and then for the first complete reading")]
    bot_token: Annotated[str | None, Setting(
        "TELEGRAM_BOT_TOKEN", kinds.TOKEN, "", "", "the bot's token, from @BotFather; without one there is no bot",
        worked_out="none, no bot", aliases=(OWN_TOKEN,), secret=True, shared=True)]
    chat_ids: Annotated[tuple[ChatId, ...], Setting(
        "TELEGRAM_CHAT_ID", kinds.CHATS, "", "",
        "chats that get alerts and may ask, separated by commas; `-100123:45` is topic 45 of a forum; the command "
        "/chatid tells the number of a chat and its topic",
        worked_out="the chat that was claimed with the one-time code", shared=True)]
    allowed_users: Annotated[tuple[int, ...], Setting(
        "TELEGRAM_ALLOWED_USERS", kinds.USERS, "", "", "users who may ask, separated by commas",
        worked_out="everyone who writes in an allowed chat", shared=True)]
    bot_language: Annotated[str | None, Setting(
        "BOT_LANGUAGE", kinds.choice("en", "uk"), "", "", "language of the bot, of alerts and of the digest: `en` or `uk`",
        worked_out="that of the user's Telegram, else `en`", shared=True, at_once=True)]
    bot_db_path: Annotated[Path, Setting(
        "BOT_DB_PATH", kinds.PATH, "", "path", "the bot's own database: chats, what was sent",
        worked_out="`bot.db` beside `BMS_DB_PATH`", shared=True)]
    change_step: Annotated[float, Setting(
        "TELEGRAM_CHANGE_STEP", kinds.number(0.1, 100, "10", "percentage points"), "10", "%",
        "change of the level that is worth a message, in percentage points; at night it comes without a sound",
        shared=True, at_once=True)]
    level_source: Annotated[str | None, Setting(
        "LEVEL_SOURCE", kinds.choice("soc", "voltage"), "", "",
        "what the level in those messages and in the log file is: `soc`, or `voltage` between the two limits",
        worked_out="`voltage` where both limits are set and fit the pack, else `soc`", shared=True, at_once=True)]
    min_voltage: Annotated[float, Setting(
        "MIN_VOLTAGE", kinds.number(1, 1000, "20", "volts"), "20", "V",
        "pack voltage that counts as 0 % with `LEVEL_SOURCE=voltage`", shared=True)]
    max_voltage: Annotated[float, Setting(
        "MAX_VOLTAGE", kinds.number(1, 1000, "25", "volts"), "25", "V",
        "pack voltage that counts as 100 % with `LEVEL_SOURCE=voltage`", shared=True)]
    check_interval: Annotated[float, Setting(
        "CHECK_INTERVAL", kinds.number(1, 86400, "600"), "600", "s",
        "how often the level is checked and noted in the log file", shared=True, at_once=True)]
    bot_poll_interval: Annotated[float, Setting(
        "BOT_POLL_INTERVAL", kinds.number(0.1, 3600, "10"), "10", "s",
        "how often the bot looks whether the battery monitor answers", shared=True)]
    polling_interval: Annotated[float, Setting(
        "POLLING_INTERVAL", kinds.number(0.1, 3600, "10"), "10", "s",
        "pause between two questions to Telegram where it does not hold a question open", shared=True)]
    log_file: Annotated[Path | None, Setting(
        "LOG_FILE_PATH", kinds.PATH, "", "path", "file with a line for each check of the level, renewed each day",
        worked_out="none, no log file", aliases=("DATA_LOG_FILE",), shared=True)]
    log_keep_days: Annotated[int, Setting(
        "LOG_KEEP_DAYS", kinds.whole(1, 36500, "days", "90"), "90", "days",
        "how long the log files of past days are kept", shared=True)]
    log_http_requests: Annotated[bool, Setting(
        "LOG_HTTP_REQUESTS", kinds.FLAG, "false", "",
        "log each request to Telegram, without the token", shared=True)]
    dashboard_url: Annotated[str | None, Setting(
        "DASHBOARD_URL", kinds.WEB, "", "", "address behind the button under /status",
        worked_out="none, no button", shared=True, at_once=True)]
    telegram_api: Annotated[str, Setting(
        "TELEGRAM_API_URL", kinds.WEB, "https://api.telegram.org", "",
        "another server of the Bot API, such as one of your own", shared=True)]
    proxy: Annotated[str | None, Setting(
        "HTTPS_PROXY", kinds.PROXY, "", "",
        "proxy, by HTTP or SOCKS5, through which Telegram, the language model, ALERT_URLS and DEADMAN_URL are asked; "
        "it looks names up, too",
        worked_out="none", aliases=("https_proxy", "ALL_PROXY", "all_proxy"), secret=True, shared=True, inherited=True)]
    no_proxy: Annotated[str | None, Setting(
        "NO_PROXY", kinds.TEXT, "", "", "hosts, and domains with all below them, that are asked without the proxy, "
        "separated by commas", worked_out="none", aliases=("no_proxy",), shared=True, inherited=True)]
    alert_min_level: Annotated[str, Setting(
        "ALERT_MIN_LEVEL", kinds.choice("info", "warning", "error", "critical"), "warning", "",
        "the least severity that is sent: `info`, `warning`, `error` or `critical`", at_once=True)]
    alert_repeat_hours: Annotated[float, Setting(
        "ALERT_REPEAT_HOURS", kinds.number(0, 8760, "12", "hours"), "12", "h",
        "an alert that is still open is sent again after so many hours; 0 = never", aliases=("n_hours",), at_once=True)]
    alert_startup_delay: Annotated[float, Setting(
        "ALERT_STARTUP_DELAY", kinds.number(0, 86400, "180"), "180", "s",
        "after its start the service sends no alerts for so long", at_once=True)]
    alert_confirm: Annotated[int, Setting(
        "ALERT_CONFIRM", kinds.whole(1, 1000, "samples", "3"), "3", "count",
        "samples in a row that must be bad before an alert is raised", at_once=True)]
    alert_clear: Annotated[int, Setting(
        "ALERT_CLEAR", kinds.whole(1, 1000, "samples", "5"), "5", "count",
        "samples in a row that must be good before an alert is over", at_once=True)]
    alert_cleared_notify: Annotated[bool, Setting(
        "ALERT_CLEARED_NOTIFY", kinds.FLAG, "true", "", "send a message when an alert is over", at_once=True)]
    alert_quiet_hours: Annotated[tuple[time, time] | None, Setting(
        "ALERT_QUIET_HOURS", kinds.SPAN, "", "", "hours in which only critical alerts are sent, such as 22:00-07:00",
        worked_out="none", at_once=True)]
    alerts_off: Annotated[tuple[int, ...], Setting(
        "ALERTS_OFF", kinds.CODES, "", "",
        "codes of alerts that are never raised, separated by commas, such as `1005,1016`, even where life and death "
        "of a battery depend on them", worked_out="none", at_once=True)]
    alert_urls: Annotated[tuple[str, ...], Setting(
        "ALERT_URLS", kinds.SERVICES, "", "",
        "where else alerts go: addresses of Apprise (mail, ntfy, Signal, ...), separated by blanks",
        worked_out="none", secret=True)]
    deadman_url: Annotated[str | None, Setting(
        "DEADMAN_URL", kinds.PRIVATE_WEB, "", "",
        "address that is asked for every 5 minutes while all is well, so that others notice when this machine dies",
        worked_out="none", secret=True)]
    summary_time: Annotated[time, Setting(
        "SUMMARY_TIME", kinds.TIME, "23:59", "", "when the digest of the day is sent, in `TIMEZONE`",
        shared=True, at_once=True)]
    digest_period: Annotated[str, Setting(
        "DIGEST_PERIOD", kinds.choice("day", "24h"), "day", "",
        "what it tells of: `day` (since midnight) or `24h` (the last 24 hours)", shared=True, at_once=True)]
    digest_chats: Annotated[tuple[ChatId, ...], Setting(
        "DIGEST_CHAT_ID", kinds.CHATS, "", "", "chats that get the digest, separated by commas",
        worked_out="all registered chats and `TELEGRAM_CHAT_ID`", shared=True)]
    openai_key: Annotated[str | None, Setting(
        "OPENAI_API_KEY", kinds.SECRET, "", "",
        "with a key a language model chooses what the digest tells, and in which order",
        worked_out="none, the digest is written here", secret=True, shared=True)]
    openai_url: Annotated[str | None, Setting(
        "OPENAI_BASE_URL", kinds.WEB, "", "",
        "another chat endpoint that speaks the same language, also one in the house, which may need no key",
        worked_out="that of OpenAI", shared=True)]
    openai_model: Annotated[str, Setting(
        "OPENAI_MODEL", kinds.TEXT, "gpt-4o-mini", "", "the language model", shared=True)]
    openai_prompt: Annotated[str | None, Setting(
        "OPENAI_PROMPT", kinds.TEXT, "", "",
        "what the model is asked to write instead, word for word; only what the facts say is sent",
        worked_out="it writes nothing, and chooses of our sentences", shared=True)]
    digest_timeout: Annotated[float, Setting(
        "DIGEST_TIMEOUT", kinds.number(1, 600, "60"), "60", "s", "patience for one answer of the model", shared=True)]
    digest_max_chars: Annotated[int, Setting(
        "DIGEST_MAX_CHARS", kinds.whole(1000, 10_000_000, "characters", "100000"), "100000", "count",
        "the series given to the model is thinned above so many characters", shared=True)]
    web_bind: Annotated[str | None, Setting(
        "WEB_BIND", kinds.BIND, "", "", "address of this machine on which the page answers; `127.0.0.1`: only this machine",
        worked_out="all addresses, IPv4 and IPv6", shared=True)]
    web_port: Annotated[int, Setting(
        "WEB_PORT", kinds.whole(0, 65535, "a port", "8080"), "8080", "",
        "port of the page; 0 = one that is free, for trials", shared=True)]
    web_password: Annotated[str | None, Setting(
        "WEB_PASSWORD", kinds.PASSWORD, "", "",
        "password of the page; set here it cannot be changed on the page",
        worked_out="chosen on the page with the one-time code", secret=True, shared=True)]
    web_read_public: Annotated[bool, Setting(
        "WEB_READ_PUBLIC", kinds.FLAG, "false", "",
        "whoever reaches the page may look at the values without signing in; for programs that cannot", shared=True)]
    web_hosts: Annotated[tuple[str, ...], Setting(
        "WEB_HOSTS", kinds.HOSTS, "", "",
        "further names under which the page is opened, separated by commas; addresses, `localhost` and the names of "
        "this machine are always good", worked_out="none", shared=True)]
    web_trusted_proxies: Annotated[tuple[kinds.Network, ...], Setting(
        "WEB_TRUSTED_PROXIES", kinds.NETWORKS, "127.0.0.1,::1", "",
        "addresses of proxies that are believed when they say who asks and whether by https (`X-Forwarded-For`, "
        "`-Proto`, `-Host`)", shared=True)]
    web_ingress_bind: Annotated[kinds.HostPort | None, Setting(
        "WEB_INGRESS_BIND", kinds.LISTEN, "", "",
        "address and port on which the page also answers Home Assistant, whose sign-in counts there; only what "
        "`WEB_TRUSTED_PROXIES` names is let in", worked_out="none", shared=True)]
    web_db_path: Annotated[Path, Setting(
        "WEB_DB_PATH", kinds.PATH, "", "path", "the page's own database: who is signed in",
        worked_out="`web.db` beside `BMS_DB_PATH`", shared=True)]
    web_url: Annotated[str | None, Setting(
        "WEB_URL", kinds.WEB, "", "", "address of the page as people are told it",
        worked_out="`http://NAME.local:PORT` of this machine", shared=True)]
    push_contact: Annotated[str | None, Setting(
        "PUSH_CONTACT", kinds.CONTACT, "", "",
        "how the push services of Apple, Google and Mozilla reach who sends: your mail address, or an address that "
        "begins with https://", worked_out="given on the page, where push is switched on")]
    push_hosts: Annotated[tuple[str, ...], Setting(
        "PUSH_HOSTS", kinds.HOSTS, "", "",
        "further push services, by the ends of their names, separated by commas", worked_out="none")]
    push_min_level: Annotated[str, Setting(
        "PUSH_MIN_LEVEL", kinds.choice("info", "warning", "error", "critical"), "error", "",
        "the least severity that is pushed: `info`, `warning`, `error` or `critical`")]
    house: Annotated[str | None, Setting(
        "HOUSE", kinds.WORD, "", "",
        "name of this house: a tag, or label `house`, on all that goes to databases of time series",
        worked_out="none", optional=True)]
    influxdb_host: Annotated[kinds.HostPort | None, Setting(
        "INFLUXDB_HOST", kinds.HOST_PORT, "", "",
        "InfluxDB or VictoriaMetrics that gets all values; its port is 8086 where none is named",
        worked_out="none, nothing is sent", optional=True)]
    influxdb_path: Annotated[str | None, Setting(
        "INFLUXDB_PATH", kinds.TEXT, "", "",
        "path before `/write`, such as `/insert/0/influx` of a VictoriaMetrics cluster", worked_out="none", optional=True)]
    influxdb_username: Annotated[str | None, Setting(
        "INFLUXDB_USERNAME", kinds.TEXT, "", "", "user, of InfluxDB 1", worked_out="none", optional=True)]
    influxdb_password: Annotated[str | None, Setting(
        "INFLUXDB_PASSWORD", kinds.TEXT, "", "", "and password", worked_out="none", secret=True, optional=True)]
    influxdb_token: Annotated[str | None, Setting(
        "INFLUXDB_TOKEN", kinds.SECRET, "", "",
        "token, of InfluxDB 2 with `INFLUXDB_ORG`, else of a server that lets in by `Bearer`, such as vmauth",
        worked_out="none", secret=True, optional=True)]
    influxdb_database: Annotated[str | None, Setting(
        "INFLUXDB_DATABASE", kinds.TEXT, "", "",
        "database of InfluxDB 1, bucket of InfluxDB 2; leave it empty with VictoriaMetrics", worked_out="none",
        optional=True)]
    influxdb_org: Annotated[str | None, Setting(
        "INFLUXDB_ORG", kinds.TEXT, "", "", "organisation: set, it is InfluxDB 2", worked_out="none", optional=True)]
    influxdb_ssl: Annotated[bool, Setting(
        "INFLUXDB_SSL", kinds.FLAG, "false", "", "reach it by https", optional=True)]
    influxdb_verify_ssl: Annotated[bool, Setting(
        "INFLUXDB_VERIFY_SSL", kinds.FLAG, "true", "", "whether its certificate must be a good one", optional=True)]
    influxdb_ca_file: Annotated[Path | None, Setting(
        "INFLUXDB_CA_FILE", kinds.PATH, "", "path", "certificates of who may have signed it",
        worked_out="those of the system", optional=True)]
    influxdb_server: Annotated[str, Setting(
        "INFLUXDB_SERVER", kinds.choice("auto", "influxdb", "victoriametrics"), "auto", "",
        "which of the two it is; `auto`: as its answers say", optional=True)]
    influxdb_names: Annotated[str, Setting(
        "INFLUXDB_NAMES", kinds.choice("batmon", "metrics"), "batmon", "",
        "how values are called: as BatMON does, or as `/metrics`", optional=True)]
    influxdb_period: Annotated[float, Setting(
        "INFLUXDB_PERIOD", kinds.number(1, 3600, "1"), "1", "s", "how often values of a battery are sent",
        optional=True)]
    influxdb_timeout: Annotated[float, Setting(
        "INFLUXDB_TIMEOUT", kinds.number(1, 300, "10"), "10", "s", "patience for an answer", optional=True)]
    mqtt_broker: Annotated[kinds.HostPort | None, Setting(
        "MQTT_BROKER", kinds.BROKER, "", "",
        "MQTT broker that gets all values, for Home Assistant and others; its port is 1883, with `MQTT_TLS` 8883, "
        "where none is named", worked_out="none, nothing is sent", aliases=("MQTT_HOST",), optional=True)]
    mqtt_user: Annotated[str | None, Setting(
        "MQTT_USER", kinds.TEXT, "", "", "user there", worked_out="none", optional=True)]
    mqtt_password: Annotated[str | None, Setting(
        "MQTT_PASSWORD", kinds.TEXT, "", "", "and password", worked_out="none", secret=True, optional=True)]
    mqtt_tls: Annotated[bool, Setting(
        "MQTT_TLS", kinds.FLAG, "false", "", "reach it by TLS; its certificate must be a good one", optional=True)]
    mqtt_ca_file: Annotated[Path | None, Setting(
        "MQTT_CA_FILE", kinds.PATH, "", "path", "certificates of who may have signed it",
        worked_out="those of the system", optional=True)]
    mqtt_discovery: Annotated[str, Setting(
        "MQTT_DISCOVERY", kinds.choice("device", "single", "off"), "device", "",
        "how Home Assistant is told of the entities: one message for each device, one for each entity (`single`, before "
        "2024.11), or not at all, which removes them", optional=True)]
    mqtt_discovery_prefix: Annotated[str, Setting(
        "MQTT_DISCOVERY_PREFIX", kinds.TOPIC, "homeassistant", "", "topic under which it listens for that", optional=True)]
    mqtt_topic_prefix: Annotated[str | None, Setting(
        "MQTT_TOPIC_PREFIX", kinds.TOPIC, "", "",
        "put before all topics and ids, for several houses on one broker", worked_out="none", optional=True)]
    mqtt_anonymous_control: Annotated[bool, Setting(
        "MQTT_ANONYMOUS_CONTROL", kinds.FLAG, "false", "",
        "have buttons and take commands also without `MQTT_USER`", optional=True)]
    mqtt_inverter: Annotated[bool, Setting(
        "MQTT_INVERTER", kinds.FLAG, "true", "", "send what the inverter tells, too", optional=True)]
    mqtt_invert_current: Annotated[bool, Setting(
        "MQTT_INVERT_CURRENT", kinds.FLAG, "true", "",
        "whether current and power are positive while charging; `false`: while discharging", optional=True)]
    mqtt_period: Annotated[float, Setting(
        "PUBLISH_PERIOD", kinds.number(0.1, 3600, "1"), "1", "s",
        "how often values of a battery are sent; current, voltage and power are means", aliases=("SAMPLE_PERIOD",),
        optional=True)]
    mqtt_expiry: Annotated[float, Setting(
        "EXPIRE_VALUES_AFTER", kinds.number(2, 86400, "20"), "20", "s",
        "age of the newest reading at which a battery is unavailable", optional=True)]
    pico_topic: Annotated[str | None, Setting(
        "MQTT_TOPIC", kinds.TOPIC, "", "",
        "topic below which batteries are also told as JSON, as the Herak/Pico monitor does", worked_out="none",
        optional=True)]
    pico_discovery: Annotated[bool | None, Setting(
        "PICO_DISCOVERY", kinds.FLAG, "", "", "tell Home Assistant of that JSON",
        worked_out="`true` where `MQTT_DISCOVERY` is `off`", optional=True)]
    pico_client_id: Annotated[str | None, Setting(
        "PICO_CLIENT_ID", kinds.WORD, "", "", "name before the ids there: that of the old device keeps its entities",
        worked_out="that of this machine", optional=True)]
    metrics_bind: Annotated[kinds.HostPort | None, Setting(
        "METRICS_BIND", kinds.LISTEN, "", "",
        "address and port on which `/metrics` answers for Prometheus and the like; port 0 = one that is free, for trials",
        worked_out="none, nothing answers", optional=True)]
    metrics_token: Annotated[str | None, Setting(
        "METRICS_TOKEN", kinds.SECRET, "", "", "token that who asks there must know (`Authorization: Bearer`)",
        worked_out="none", secret=True, optional=True)]
    metrics_public: Annotated[bool, Setting(
        "METRICS_PUBLIC", kinds.FLAG, "false", "",
        "let `/metrics` answer other machines without a token", optional=True)]
    device_mac: Annotated[str | None, Setting(
        "DEVICE_MAC", kinds.DEVICE, "", "",
        "address of the battery as older installations name it; counts while neither `JK_BMS_ADDRESS` nor the "
        "registry names one",
        worked_out="none", shared=True)]
    device_name: Annotated[str | None, Setting(
        "DEVICE_NAME", kinds.TEXT, "", "",
        "name of the battery at `DEVICE_MAC` or `JK_BMS_ADDRESS` where the registry has no entry for it",
        worked_out="none", shared=True)]
    device_protocol: Annotated[str | None, Setting(
        "DEVICE_PROTOCOL", kinds.TEXT, "", "",
        "protocol of the battery at `DEVICE_MAC`, such as JK02; read for older installations, as a JK BMS tells it itself",
        worked_out="found out by itself", shared=True)]
    log_level: Annotated[str, Setting(
        "LOG_LEVEL", kinds.LEVEL, "INFO", "", "how much is logged, from DEBUG to CRITICAL", at_once=True)]
    timezone: Annotated[tzinfo | None, Setting(
        "TIMEZONE", kinds.TIMEZONE, "", "", "time zone of shown times",
        worked_out="the system's time zone")]
    runtime_directory: Annotated[Path | None, Setting(
        "RUNTIME_DIRECTORY", kinds.RUNTIME, "", "path",
        "folder for what a reboot may forget; set by systemd",
        worked_out="none")]
    env_file: Annotated[Path | None, Setting(
        "JK_ENV_FILE", kinds.PATH, "", "path",
        "file that holds these settings (this one: environment or `--env-file` only)",
        worked_out="`.env` in the project's top folder, if it exists")]
    settings_file: Annotated[Path, Setting(
        "SETTINGS_FILE", kinds.PATH, "", "path",
        "file in which the service keeps what is changed through it by page or tool; `.env` wins",
        worked_out="`settings.env` beside `BMS_DB_PATH`")]
    house_file: Annotated[Path, Setting(
        "HOUSE_FILE", kinds.PATH, "house.yaml", "path",
        "file that says what is not a battery: which alerts are judged otherwise, for which battery")]
    env_shared: Annotated[bool, Setting(
        "JK_ENV_SHARED", kinds.FLAG, "", "",
        "another program reads that file as well: `TELEGRAM_BOT_TOKEN` in it is of that program's bot, ours is "
        f"`{OWN_TOKEN}`",
        worked_out="`true` where the file lies beside another program")]
    warnings: tuple[str, ...] = ()  # for the log: likely misspellings, hints
    sources: Mapping[str, str] = msgspec.field(default_factory=dict)  # key -> origin of its value
# fmt: on


def at_once(settings: Settings) -> dict[str, object]:
    """Return the values of the settings that may change while the programs run, by key."""
    return {setting.key: getattr(settings, setting.name) for setting in SETTINGS if setting.at_once}


SETTINGS: tuple[Setting, ...] = tuple(
    setting._replace(name=name)
    for name, hint in Settings.__annotations__.items()
    for setting in getattr(hint, "__metadata__", ())
)
KEYS = frozenset(key for setting in SETTINGS for key in (setting.key, *setting.aliases))
