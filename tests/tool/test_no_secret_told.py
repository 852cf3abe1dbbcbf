"""A file of another program in place of one of ours: nothing that is said shows what is in it."""

import io
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jk_bms.cli import main
from jk_bms.config.devices import read_registry, update_after_scan
from jk_bms.config.settings import load_settings
from jk_bms.errors import JkBmsError
from jk_bms.model.found import Found
from jk_bms.poller.poller import Poller
from jk_bms.poller.service import main as service
from jk_bms.tool import scan

C = "hunter2Canary"
A = "C8:47:80:00:00:01"

# fmt: off
SHAPES = {
    # As other programs keep their lists, passwords and keys; the canary stands where a secret may.
    "a list of devices":      f"devices:\n  - address: {A}\n    type: jk\n    pin: \"{C}\"\n",
    "a bare list":            f"- {A}\n- {C}\n- pin: {C}\n",
    "a list below an address": f"{A}:\n  - pin: {C}\n  - {C}\n",
    "flat secrets":           f"wifi_password: {C}\nmqtt_password: {C}\n",
    "secrets as keys":        f"{C}: x\n{C}: y\n? {C}\n: z\n",
    "nested":                 f"mqtt:\n  host: a\n  password: {C}\nbms:\n  {A}: {{password: {C}}}\n",
    "keys of others":         f"{A}:\n  alias: main\n  password: {C}\n  token: [{C}]\n  password: {C}\n",
    "a pin of another kind":  f"{A}:\n  pin: [{C}, 1]\n",
    "an address like a secret": f"{A}:\n  alias: x\n{C}:\n  alias: y\n",
    "a secret for keys":      f"{A}: {C}\n",
    "an undefined alias":     f"{A}:\n  password: *{C}\n",
    "a doubled anchor":       f"{A}:\n  a: &{C} x\n  b: &{C} y\n  password: *nothing\n",
    "an unknown tag":         f"{A}:\n  password: !{C}!x y\n",
    "a directive":            f"%{C} x\n---\n{A}: x\n",
    "an open quote":          f"{A}:\n  password: \"{C}\n  x: y\n",
    "an escape unknown":      f"{A}:\n  password: \"\\q{C}\"\n",
    "bad indentation":        f"{A}:\n  password: {C}\n alias: x\n",
    "a tab":                  f"{A}:\n\tpassword: {C}\n",
    "a colon too many":       f"{A}:\n  password: a: {C}: b\n",
    "a control character":    f"{A}:\n  password: {C}\x07\n",
    "two documents":          f"password: {C}\n---\npassword: {C}\n",
    "settings":               f"MQTT_PASSWORD={C}\nTELEGRAM_BOT_TOKEN={C}\nOPENAI_API_KEY={C} {C}\n",
    "settings of ours, wrong": f"JK_BMS_PIN={C}\nTELEGRAM_BOT_TOKEN=123456789:{C}{C}{C}\nDEADMAN_URL={C}\nALERT_URLS={C}\n",
    "no settings":            f"{C}\nexport {C}\nPASSWORD {C}\n=  {C}\nBMS_{C}\n\"{C}\n",
    "an open quote in settings": f"MQTT_PASSWORD='{C}\nX=1\n",
    "a URL with a password":  f"DASHBOARD_URL=https://me:{C}@house\nTELEGRAM_API_URL=https://me:{C}@house\nOPENAI_BASE_URL=x:{C}@y\n",
    "INI":                    f"[mqtt]\npassword = {C}\n[devices]\npin={C}\n",
    "JSON":                   json.dumps({"mqtt": {"password": C}, "devices": [{"address": A, "pin": C}]}),
    "JSON, cut short":        '{"password": "' + C,
    "meters":                 json.dumps({"mqtt": {"password": {"reading": C}}}),
    "a key":                  f"-----BEGIN OPENSSH PRIVATE KEY-----\n{C}\n-----END OPENSSH PRIVATE KEY-----\n",
    "netrc":                  f"machine broker login me password {C}\n",
    "Python":                 f"PASSWORD = '{C}'\nDEVICES = [{{'pin': '{C}'}}]\n",
    "a log":                  f"2026-09-15T12:00:00;password {C}\n{C};Voltage: 52 V, Battery Level: 5 %\n;{C}\n"
                              f"2026-09-15T12:00:00;Voltage: 9{C} V, Battery Level: 5 %\n",
    "one word":               f"{C}\n",
}
# fmt: on


def everything(path: Path, folder: Path) -> list[Callable[[], object]]:
    """All that reads such a file, in every place where one could be named."""
    good = folder / "good.env"
    good.write_text(f"BMS_DB_PATH={folder}/b.db\nDB_PATH={folder}/i.db\nBMS_SOCKET={folder}/s.sock\n")
    registry = ("--devices-file", str(path), "--env-file", str(good))
    with_registry = folder / "registry.env"
    with_registry.write_text(f"{good.read_text()}JK_DEVICES_FILE={path}\n")
    settings = ("--env-file", str(path))
    words = [
        ("check",),
        ("status",),
        ("config",),
        ("doctor",),
        ("history",),
        ("alerts",),
        ("backup", str(folder / "x")),
    ]
    return [
        lambda: read_registry(path),
        lambda: update_after_scan(path, [(A, "new")], datetime.now(UTC)),
        lambda: load_settings({}, path, top=folder),
        lambda: load_settings({}, path, top=folder, forgiving=True),
        lambda: main(registry),
        lambda: main(["--scan", *registry]),
        lambda: main(["--all", "--format", "json", *registry]),
        *(
            lambda word=word, place=place: main([word[0], "--env-file", str(place), *word[1:]])
            for word in words
            for place in (path, with_registry)
        ),
        lambda: main(settings),
        lambda: main(["--decode", str(path), "--env-file", str(good)]),
        lambda: main(["restore", str(path), "--env-file", str(good)]),
        lambda: main(["import", "--log", str(path), "--env-file", str(with_registry)]),
        lambda: main(["import", "--meters", str(path), "--env-file", str(good)]),
        lambda: main(["import", "--bms-monitor", str(path), "--env-file", str(good)]),
        lambda: service(["--env-file", str(path)]),
        lambda: service(["--env-file", str(with_registry)]),
    ]


_run = Poller.run


async def started_and_stopped(poller: Poller) -> int:
    """Run as long as it takes to start; without a battery it would wait for one."""
    poller.stop.set()
    return await _run(poller)


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_nothing_told_shows_a_secret(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    monkeypatch.setattr(scan, "_search", lambda *_: [Found(A, "JK-1", -60, 3)])
    monkeypatch.setattr(Poller, "run", started_and_stopped)
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logging.getLogger().addHandler(handler)
    told = []
    for work in everything(path, tmp_path):
        try:
            work()
        except JkBmsError as error:
            told.append(str(error))
        except SystemExit:
            pass
    logging.getLogger().removeHandler(handler)

    out, err = capsys.readouterr()
    print("\n".join([*told, out, err, said.getvalue()]))
    for line in (*told, *out.splitlines(), *err.splitlines(), *said.getvalue().splitlines()):
        assert C not in line
        assert "Traceback" not in line
