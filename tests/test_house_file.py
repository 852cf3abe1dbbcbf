"""house.yaml: faults with their lines, who may write what, and what happens to a bad one."""

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jk_bms.clock import Clock
from jk_bms.config.devices import Entry
from jk_bms.config.house import AUTO, COPY, House, names_of, parse_house, read_text, write_auto
from jk_bms.config.settings import load_settings
from jk_bms.errors import ConfigError, LiveError
from jk_bms.model.alarms import Severity
from jk_bms.poller import configuration, service
from jk_bms.poller.poller import Poller
from jk_bms.poller.requests import answer
from jk_bms.rules.overrides import Override
from tests.scale import scaled
from tests.test_poller import QUICK, events, running, until

SHED = "C8:47:80:00:00:01"
NAMES = names_of([Entry(address=SHED, alias="shed", name="JK-B2A8S20P"), Entry(address="two")], ["deye"])
PATH = Path("house.yaml")


def parsed(text: str, auto: str = "") -> House:
    return parse_house([(PATH, text), (Path(AUTO), auto)], NAMES)


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    return list(caught.value.faults)


# Reading

SPEC = """\
alerts:
  all:
    1016: {on: false}
  shed:
    1005: {set: 45, clear: 30, for_s: 1200}     # mV
    1001: {severity: error, repeat_h: 0.5}
  deye:
    2001: {on: no}
  host:
    3002: {set: 20}
"""


def test_what_it_says() -> None:
    assert parsed(SPEC).overrides == {
        "all": {1016: Override(on=False)},
        SHED: {
            1005: Override(set=0.045, clear=0.03, for_s=1200.0),
            1001: Override(severity=Severity.ERROR, repeat_h=0.5),
        },
        "deye": {2001: Override(on=False)},
        "host": {3002: Override(set=20.0)},
    }


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "alerts:\n", "alerts:\n  shed:\n", "alerts: {shed: {1005: }}\n"]
)
def test_nothing_is_said(text: str) -> None:
    assert not any(parsed(text).overrides.get(SHED, {}).values())


@pytest.mark.parametrize("name", ["shed", "SHED", "JK-B2A8S20P", SHED, SHED.lower(), "'shed '"])
def test_a_battery_by_any_of_its_names(name: str) -> None:
    assert set(parsed(f"alerts:\n  '{name.strip(chr(39))}':\n    1005: {{on: off}}\n").overrides) == {SHED}


def test_an_unknown_section_is_only_warned_of() -> None:
    found = parsed("plugs:\n  boiler: {host: 1.2.3.4}\nalert:\n  all: {}\nalerts: {all: {1005: {on: no}}}\n")

    assert found.overrides == {"all": {1005: Override(on=False)}}
    assert found.warnings == (
        "house.yaml line 1: 'plugs' is not known here and passed over",
        "house.yaml line 3: 'alert' is not known here and passed over; did you mean 'alerts'?",
    )


FAULTY = """\
alerts:
  shde:
    1005: {on: no}
  shed:
    1005: {set: high}
    1005: {set: 45}
    9999: {on: no}
    1001: {sett: 5}
    1002: {set: 130}
    1003: [on, no]
    1006: {on: [no]}
    1030: {set: 5}
    1031: {for_s: -1, repeat_h: 9000, severity: loud, on: perhaps}
  SHED:
    1005: {on: no}
"""


def test_every_fault_with_its_line_in_one_answer() -> None:
    assert faults(FAULTY) == [
        "house.yaml line 2: alerts: no battery or inverter is called 'shde'; there are shed, two, deye, all, inverter, "
        "house, host",
        "house.yaml line 5: alerts shed 1005: set is 'high'; expected a number from 1 to 2000 mV",
        "house.yaml line 6: '1005' is doubled; it stands in line 5 too",
        "house.yaml line 7: alerts shed: no alert has the code '9999'; docs/alerts.md lists all codes",
        "house.yaml line 8: alerts shed 1001: sett is not known; expected one of on, set, clear, for_s, severity, "
        "repeat_h (did you mean 'set'?)",
        "house.yaml line 9: alerts shed 1002: set is '130'; expected a number from 0 to 100 %",
        "house.yaml line 10: alerts shed 1003: expected keys with values below it",
        "house.yaml line 11: alerts shed 1006: on is a list or mapping; expected true or false",
        "house.yaml line 12: alerts shed 1030: set is '5'; alert 1030 has no limit that could be another one; "
        "expected no such key",
        "house.yaml line 13: alerts shed 1031: for_s is '-1'; expected a number from 0 to 86400 s",
        "house.yaml line 13: alerts shed 1031: repeat_h is '9000'; expected a number from 0 to 8760 h",
        "house.yaml line 13: alerts shed 1031: severity is 'loud'; expected one of info, warning, error, critical",
        "house.yaml line 13: alerts shed 1031: on is 'perhaps'; expected true or false",
        "house.yaml line 14: alerts: 'SHED' stands in line 4 already, perhaps under another name",
    ]


@pytest.mark.parametrize("limits", ["{set: 30, clear: 45}", "{set: 30, clear: 30.5}"])
def test_an_end_that_is_worse_than_the_beginning(limits: str) -> None:
    (fault,) = faults(f"alerts:\n  shed:\n    1005: {limits}\n")
    assert fault.startswith("house.yaml line 3: alerts shed 1005: clear is '")
    assert fault.endswith("'; expected at most what set is")
    assert parsed("alerts: {shed: {1006: {set: 2.9, clear: 3.1}}}\n").overrides  # a falling one


HOSTILE = {
    "no mapping": "- a\n- b\n",
    "a word": "alerts\n",
    "a tab": "alerts:\n\tall:\n",
    "deep": "[" * 5000,
    "gigabytes of a few lines": "a: &a [x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 8)}]\n" for n in range(12))
    + "alerts: {all: {1005: *m}}\n",
    "an endless alias": "alerts: &a\n  all: *a\n",
    "zeros of a power cut": "\0" * 5000,
    "a secret for a key": "alerts:\n  'hunter2\x1b[31m!!secret!!':\n    1005: {on: no}\n",
    "a value to steer the terminal": 'alerts: {all: {1005: {on: "\\e[31mred"}}}\n',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files(text: str) -> None:
    said = "\n".join(faults(text))

    assert said.isprintable() or "\n" in said
    assert "hunter2" not in said
    assert "\x1b" not in said


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text(text: str) -> None:
    """Nothing but our own errors comes out."""
    for whole in (text, f"alerts:\n  all:\n    1005: {{on: {text}}}\n"):
        with contextlib.suppress(ConfigError):
            parsed(whole)


# Two files


def test_the_owners_value_wins_key_by_key() -> None:
    auto = "alerts:\n  JK-B2A8S20P:\n    1005: {set: 99, for_s: 7}\n"
    found = parsed("alerts: {shed: {1005: {set: 45}}}\n", auto)

    assert found.overrides == {SHED: {1005: Override(set=0.045, for_s=7.0)}}


# In the poller


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "LOOK_PERIOD", 0.05)
    monkeypatch.setattr(configuration, "SETTLED", 0.01)
    monkeypatch.setenv("WATCHDOG_USEC", "150000")


def house_in(folder: Path) -> Poller:
    settings = load_settings({"BMS_STANDALONE_ROWS": "true"}, top=folder)
    return Poller(
        settings,
        [Entry(address="simulated", type="simulated", alias="attic", options=dict(QUICK))],
        clock=Clock(),
        files=lambda poller: [one for one in service.owners_files(poller) if one.name == "house"],
    )


def wanted(house: Poller, code: int, subject: str = "simulated") -> Override:
    return house.alerts._engine.options.override(subject, code)


def told(house: Poller, kind: str) -> list[str]:
    return [event.text for event in events(house) if event.kind == kind]


async def put(house: Poller, *path: object, value: object, by: str = "pi") -> dict[str, Any]:
    request = {"action": "house", "do": "set", "path": list(path), "value": value, "by": by}
    return await answer(house, request)


BAD = ["alerts:\n\tall:\n", "alerts: {nobody: {1005: {on: no}}}\n", "\0" * 100]


@pytest.mark.parametrize("bad", BAD)
async def test_a_bad_one_changes_nothing_at_run_time_and_at_a_start(bad: str, tmp_path: Path) -> None:
    file = tmp_path / "house.yaml"
    file.write_text("alerts: {attic: {1005: {on: no}}}\n")
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: wanted(house, 1005).on is False)
        await until(lambda: house.snapshot().devices[0].reading)
        connects = house.sources[0].status.connects

        file.write_text(bad)
        await until(lambda: told(house, "config.bad"))
        await until(lambda: any(one["code"] == 3009 for one in house.alerts.open_alerts()))
        assert wanted(house, 1005).on is False
        assert house.sources[0].status.connects == connects

    again = house_in(tmp_path)
    async with running(again):
        await until(lambda: len(told(again, "config.bad")) == 2)
        assert wanted(again, 1005).on is False
        await until(lambda: again.snapshot().devices[0].reading)

        file.write_text("alerts: {attic: {1004: {on: no}}}\n")
        await until(lambda: wanted(again, 1004).on is False)
        assert wanted(again, 1005).on is None
        file.unlink()
        await until(lambda: wanted(again, 1004).on is None)


async def test_a_bad_one_at_the_first_start_leaves_the_batteries_read(tmp_path: Path) -> None:
    (tmp_path / "house.yaml").write_text(BAD[0])
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: house.snapshot().devices[0].reading and told(house, "config.bad"))
        assert not house.alerts._engine.options.overrides


async def test_what_is_set_through_the_service(tmp_path: Path) -> None:
    """It is kept beside the owner's file, which stays as it is to the byte, and is told."""
    owners = b"# mine\r\nalerts: {attic: {1005: {set: 45}}}\r\n"
    (tmp_path / "house.yaml").write_bytes(owners)
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: wanted(house, 1005).set == 0.045)

        change = await put(house, "alerts", "ATTIC", 1006, "set", value=2.9)
        await put(house, "alerts", "attic", "1006", "on", value=True)
        assert (change["old"], change["new"], change["by"]) == ("", "2.9", "by pi")
        assert wanted(house, 1006) == Override(set=2.9, on=True)
        with pytest.raises(ConfigError, match=r"stands in house\.yaml line 2, which wins"):
            await put(house, "alerts", "simulated", "1005", "set", value=50)
        for wrong in (
            ("alerts", "attic", "1006", "sett"),
            ("alerts", "shed", "1006", "on"),
            ("alerts", "attic"),
        ):
            with pytest.raises(ConfigError):
                await put(house, *wrong, value="true")
        with pytest.raises(ConfigError, match="characters that cannot be seen"):
            await put(house, "alerts", "attic", "1006", "severity", value="error\nplugs: {}")

        listed = (await answer(house, {"action": "house"}))["values"]
        assert [(one["path"][2:], one["value"], one["locked"]) for one in listed] == [
            (["1005", "set"], "45", True),
            (["1006", "set"], "2.9", False),
            (["1006", "on"], "true", False),
        ]
        await put(house, "alerts", "attic", "1006", "set", value=None)
        assert wanted(house, 1006) == Override(on=True)
        assert "set: '2.9'" in (tmp_path / (AUTO + COPY)).read_text()
        assert told(house, "house.changed")[0] == (
            "house: alerts ATTIC 1006 set is 2.9 now, was not set (changed by pi)"
        )

    assert (tmp_path / "house.yaml").read_bytes() == owners
    later = house_in(tmp_path)
    async with running(later):
        await until(lambda: wanted(later, 1006) == Override(on=True))


async def test_an_alert_says_that_it_is_judged_otherwise(tmp_path: Path) -> None:
    """A disk that is nearly empty has one only by the owner's limit."""
    (tmp_path / "house.yaml").write_text("alerts: {host: {3002: {set: 99.9, clear: 100}}}\n")
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: wanted(house, 3002, "host").set == 99.9)
        await house.alerts.misconfigured("")  # looks at the host, as it does every minute
        (alert,) = (one for one in house.alerts.open_alerts() if one["code"] == 3002)
        assert (alert["set"], alert["overridden"]) == (99.9, True)


async def test_twenty_at_a_time_lose_none(tmp_path: Path) -> None:
    codes = [1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 1017, 1018,
             1019, 1020]  # fmt: skip
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: house.memory.is_open)
        await asyncio.gather(*(put(house, "alerts", "attic", code, "on", value=False) for code in codes))

        assert [code for code in codes if wanted(house, code).on is False] == codes
    assert len(told(house, "house.changed")) == 20


async def test_checking_a_text_changes_nothing(tmp_path: Path) -> None:
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: house.memory.is_open)
        check = partial(answer, house)
        good = await check(
            {"action": "house", "do": "check", "text": "plugs: {}\nalerts: {attic: {1005: {on: no}}}\n"}
        )
        bad = await check({"action": "house", "do": "check", "text": "alerts: {nobody: {}}\n"})

        assert (good["faults"], len(good["warnings"])) == ([], 1)
        assert (
            "line 1: alerts: no battery or inverter is called 'nobody'; there are attic" in bad["faults"][0]
        )
        assert wanted(house, 1005).on is None
        with pytest.raises(LiveError, match="expected get, set, or check"):
            await answer(house, {"action": "house", "do": "seal"})


WRITER = """
import sys
from pathlib import Path
from jk_bms.config.house import write_auto
number = 0
while True:
    number += 1
    write_auto(Path(sys.argv[1]), f"# {number}\\n" * 5000)
    if number == 2:
        print("begun", flush=True)
"""


def test_a_kill_in_the_middle_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / AUTO
    chance = random.Random(2)
    for _ in range(scaled(60)):
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            try:
                writer.wait(0.05 + 0.1 * chance.random())
            except subprocess.TimeoutExpired:
                writer.send_signal(signal.SIGKILL)
        for known in (path, path.with_name(AUTO + COPY)):
            lines = read_text(known).splitlines()
            assert (len(lines), len(set(lines))) == (5000, 1)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        write_auto(tmp_path / "missing" / AUTO, "x")
