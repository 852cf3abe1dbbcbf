"""What reaches the rules and what comes of it, with the real rules, a real database and a turned clock."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from jk_bms.alerts import Alerts, Known
from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.limits import PackLimits
from jk_bms.config.settings import load_settings
from jk_bms.errors import LiveError, Verdict
from jk_bms.model import Device, Event, Inverter, InverterSample, Sample
from jk_bms.model.alert import alert_of
from jk_bms.model.link import LinkState, LinkStatus
from jk_bms.model.outage import OutageNow
from jk_bms.store.bms_db import open_reader, open_writer
from jk_bms.texts import language
from jk_bms.texts.alerts import alert_line
from tests.sources.scripted import StillClock

PACK = Device(address="AA:BB:CC:DD:EE:FF", name="shed")


class Pack:
    """A source that does what the test sets."""

    def __init__(self, clock: StillClock) -> None:
        self.device = PACK
        self.status = LinkStatus(state=LinkState.STREAMING, since=clock.monotonic())


class House:
    """Alerts in a house: ``see`` a sample, ``wait`` some seconds of its clock."""

    def __init__(self, folder: Path, *, inverters: Sequence[Inverter] = (), **environ: str) -> None:
        self.clock = StillClock()
        self.folder = folder
        self.inverters = inverters
        self.pack = Pack(self.clock)
        self.told: list[Event] = []
        self.settings = load_settings(
            {"ALERT_STARTUP_DELAY": "0", "BMS_DB_PATH": str(folder / "bms.db"), **environ}, top=folder
        )
        self.newest: dict[str, Sample] = {}
        self.heard: float | None = None  # as earlier runs know

    @contextmanager
    def running(self) -> Iterator[Alerts]:
        """A run of the program; the next one goes on from the same database."""
        writer = ThreadPoolExecutor(1)

        async def flush() -> None:
            pass

        with open_writer(self.settings.bms_db_path, self.clock) as own:
            self.alerts = Alerts(
                self.settings,
                self.clock,
                sources=[self.pack],  # type: ignore[list-item]
                known=Known(
                    about=lambda _: (CHEMISTRIES["lfp"], PackLimits()),
                    health=lambda _: None,
                    failure=str,
                    newest=self.newest.get,
                    silent_since=lambda _: self.heard,
                ),
                writer=writer,
                flush=flush,
                told=self.told.append,
                inverters=self.inverters,
            )
            self.alerts.open(own)
            yield self.alerts
            writer.shutdown()

    def see(self, low: float = 3.30, **values: Any) -> None:
        """Have a sample judged in which one cell is at ``low`` V."""
        self.pack.status.last_sample = self.clock.monotonic()
        sample = Sample(
            device=PACK,
            taken_at=self.clock.now(),
            monotonic=self.clock.monotonic(),
            cell_voltages=(3.30, 3.30, low, 3.30),
            **values,
        )
        self.newest[PACK.address] = sample
        self.alerts.take(sample)

    async def wait(self, seconds: float, **values: Any) -> None:
        """Let time pass, with a sample and a look around each 10 s."""
        for _ in range(round(seconds / 10)):
            self.clock.boot += 10
            self.clock.wall += timedelta(seconds=10)
            self.see(**values)
            await self.look()

    async def hear_nothing(self, seconds: float) -> None:
        """Let time pass without a sample."""
        for _ in range(round(seconds / 10)):
            self.clock.boot += 10
            self.clock.wall += timedelta(seconds=10)
            await self.look()

    def restart(self, away: float) -> None:
        """Let the program be away so long; the next run has heard nothing itself yet."""
        self.heard = self.pack.status.last_sample or self.heard
        self.clock.boot += away
        self.clock.wall += timedelta(seconds=away)
        self.pack = Pack(self.clock)

    async def look(self) -> None:
        await self.alerts._look_at_links()
        await self.alerts._look_at_inverter()
        await self.alerts._look_at_host()
        await self.alerts.close()

    def events(self) -> list[tuple[str, int]]:
        """Kind and code of every event that is to be told."""
        with open_reader(self.settings.bms_db_path) as reader:
            return [
                (event.kind, event.facts["code"])
                for _, event in reader.events_after(0)
                if "quiet" not in event.facts
            ]


async def test_an_alert_from_its_sample_to_the_log_and_back(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running() as alerts:
        await house.wait(60)
        assert alerts.open_alerts() == []

        await house.wait(60, low=2.80)
        (shown,) = alerts.open_alerts()
        assert (shown["rule"], shown["code"], shown["severity"]) == ("cell_low", 1006, "critical")
        assert shown["subject"] == PACK.address
        assert shown["muted"] is False

        await house.wait(300)
        assert alerts.open_alerts() == []

    assert [kind for kind, _ in house.events()] == ["alert.raised", "alert.cleared"]
    (event, over) = house.told
    assert event.device == PACK.address
    assert event.text.startswith("shed: cell_low")
    assert event.facts["what"] == "raised"
    assert event.facts["value"] == 2.80
    assert event.facts["unit"] == "V"
    assert over.facts["since"] == event.facts["since"]


async def test_what_the_owner_switched_off_is_no_alert(tmp_path: Path) -> None:
    house = House(tmp_path, ALERTS_OFF="1006,1007")
    with house.running() as alerts:
        await house.wait(60, low=2.80)
        assert alerts.open_alerts() == []

    assert house.told == []


async def test_from_the_confirming_sample_to_the_log_it_takes_less_than_a_second(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running() as alerts:
        task = asyncio.create_task(alerts.run())
        while not alerts.waiting:
            await asyncio.sleep(0)
            house.clock.boot += 2
            house.clock.wall += timedelta(seconds=2)
            house.see(low=2.80)
        confirmed = time.monotonic()
        while not house.told:
            await asyncio.sleep(0.001)
        took = time.monotonic() - confirmed
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert house.events() == [("alert.raised", 1006)]
    assert took < 1.0


async def test_a_restart_tells_nothing_twice_and_knows_what_is_open(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running():
        await house.wait(60, low=2.80)
    with house.running() as alerts:
        assert len(alerts.open_alerts()) == 1
        await house.wait(60, low=2.80)

    assert [kind for kind, _ in house.events()] == ["alert.raised"]


async def test_a_kill_right_after_the_event_tells_nothing_twice(tmp_path: Path) -> None:
    """Event and state are one transaction: there is nothing between them to be killed in."""
    house = House(tmp_path)
    with house.running():
        while not house.told:
            await house.wait(10, low=2.80)
    with house.running():
        await house.wait(500, low=2.80)

    assert [kind for kind, code in house.events() if code == 1006] == ["alert.raised"]


async def test_a_silent_pack(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running():
        await house.wait(60)
        await house.hear_nothing(300)

    assert [event.facts["rule"] for event in house.told] == ["bms_silent"]


async def test_silence_goes_on_over_our_own_fresh_starts(tmp_path: Path) -> None:
    """All packs are gone, so the program starts anew every ten minutes: still 15 min of silence are told."""
    house = House(tmp_path, ALERT_REPEAT_HOURS="0")
    with house.running():
        await house.wait(60)
        silent = house.clock.wall
        await house.hear_nothing(600)
    for _ in range(2):
        house.restart(away=10)
        with house.running():
            await house.hear_nothing(600)

    assert house.events() == [("alert.raised", 1031), ("alert.worse", 1043)]
    assert house.told[-1].facts["since"] == silent.isoformat(timespec="seconds")
    assert house.told[-1].facts["value"] == pytest.approx(900, abs=15)


async def test_a_pack_has_its_chance_to_speak_after_a_night_without_power(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running():
        await house.wait(60)
    house.restart(away=8 * 3600.0)
    with house.running():
        await house.hear_nothing(110)
        assert house.told == []
        await house.hear_nothing(20)

    assert house.events() == [("alert.raised", 1043)]
    house.restart(away=8 * 3600.0)
    with house.running() as alerts:
        await house.hear_nothing(60)
        await house.wait(60)
        assert alerts.open_alerts() == []


async def test_a_release_counts_from_its_end_also_where_nothing_was_heard(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running():
        await house.wait(60)
    house.restart(away=3600.0)
    with house.running():
        house.pack.status.state = LinkState.RELEASED
        await house.hear_nothing(600)
        house.pack.status.state = LinkState.SEARCHING
        await house.hear_nothing(110)

    assert house.told == []


async def test_a_released_pack_is_not_silent_and_has_its_time_again_afterwards(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running():
        await house.wait(60)
        house.pack.status.state = LinkState.RELEASED
        for step in range(400):
            if step == 390:
                house.pack.status.state = LinkState.CONNECTING
            house.clock.boot += 10
            house.clock.wall += timedelta(seconds=10)
            await house.look()

    assert house.told == []


async def test_a_power_cut(tmp_path: Path) -> None:
    house = House(tmp_path)

    def says(voltage: float) -> None:
        house.alerts.inverter_said(
            InverterSample(
                taken_at=house.clock.now(), monotonic=house.clock.monotonic(), grid_voltage=voltage
            )
        )

    with house.running() as alerts:
        for voltage in (230.0, 230.0, 230.0, 0.0, 0.0, 0.0, 230.0, 230.0, 230.0):
            await house.wait(10)
            says(voltage)
        await house.wait(10)
        assert alerts.inverters.house.on_battery is False

    assert house.events() == [("alert.raised", 2001), ("alert.cleared", 2001)]


async def test_two_inverters_lose_the_grid_once_and_are_missed_each(tmp_path: Path) -> None:
    """A cut of the house is told once; the one that falls silent is named."""
    left, right = Inverter(id="left", name="Shed"), Inverter(id="right", name="Garage")
    house = House(tmp_path, inverters=(left, right))

    async def pass_by(minutes: float, volts: float, *speaking: Inverter) -> None:
        for _ in range(round(minutes * 6)):
            await house.wait(10)
            for device in speaking:
                house.alerts.inverter_said(
                    InverterSample(
                        device=device,
                        taken_at=house.clock.now(),
                        monotonic=house.clock.monotonic(),
                        grid_voltage=volts,
                        load_power=200.0,
                    )
                )

    with house.running() as alerts:
        await pass_by(1, 230.0, left, right)
        await pass_by(1, 0.0, left, right)
        await pass_by(1, 230.0, left, right)
        assert house.events() == [("alert.raised", 2001), ("alert.cleared", 2001)]
        await pass_by(4, 230.0, left)
        await house.look()
        [missed] = alerts.open_alerts()
        assert (missed["code"], missed["subject"], missed["inverter"]) == (2002, "inverter:right", "Garage")
        line = alert_line(alert_of(missed), None, language("en"), UTC, house.clock.now())
        assert line.startswith("Inverter Garage: no data from the inverter")
        nameless = {
            key: value for key, value in missed.items() if key != "inverter"
        }  # as the engine keeps it
        line = alert_line(alert_of(nameless), None, language("uk"), UTC, house.clock.now())
        assert line.startswith("Інвертор right: від інвертора немає даних")
        await pass_by(1, 230.0, left, right)

    assert house.events()[2:] == [("alert.raised", 2002), ("alert.cleared", 2002)]


async def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jk_bms.alerts.host._free_share", lambda _: 0.02)
    house = House(tmp_path)
    with house.running():
        await house.wait(300)

    assert {event.facts["subject"] for event in house.told} == {"host"}
    assert [event.device for event in house.told] == [None]


async def test_an_adapter_that_had_to_be_switched_off_and_on(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running():
        house.pack.status.rung, house.pack.status.verdict = 4, Verdict.ADAPTER_OFF
        await house.wait(120)
        house.pack.status.verdict = Verdict.ADAPTER_WEDGED
        await house.hear_nothing(240)
        house.pack.status.rung, house.pack.status.verdict = 0, None
        await house.hear_nothing(600)
        assert [
            alert["code"] for alert in house.alerts.open_alerts() if alert["rule"] == "adapter_stuck"
        ] == [3006]
        await house.wait(300)

    assert [one for one in house.events() if one[1] > 3000] == [
        ("alert.raised", 3005),
        ("alert.worse", 3006),
        ("alert.cleared", 3006),
    ]


@pytest.mark.parametrize("verdict", [Verdict.MUTE, Verdict.NOT_SEEN, Verdict.DROPPED])
async def test_the_adapter_is_not_blamed_for_a_battery_that_says_nothing(
    tmp_path: Path, verdict: Verdict
) -> None:
    """It is switched off and on all the same, to leave nothing untried."""
    house = House(tmp_path)
    with house.running():
        await house.wait(60)
        house.pack.status.rung, house.pack.status.verdict = 4, verdict
        house.pack.status.outage = OutageNow(verdict=verdict.value)
        await house.hear_nothing(600)

    assert house.events() == [("alert.raised", 1031)]


async def test_what_helped_tells_whose_fault_it_was(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running():
        house.pack.status.rung = 4
        house.pack.status.outage = OutageNow(verdict="mute", cure="power_cycle")
        await house.wait(120)

    assert house.events() == [("alert.raised", 3005)]


async def test_a_rule_that_fails_is_told_once_and_costs_the_others_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(tmp_path)
    with house.running() as alerts:
        alerts._engine.faults["broken"] = "ZeroDivisionError: division by zero"
        await house.wait(60, low=2.80)

    assert caplog.text.count("rule broken") == 1
    assert len(house.told) == 1


async def test_a_look_that_fails_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    looks = 0

    async def look() -> None:
        nonlocal looks
        looks += 1
        raise ValueError("broken")

    house = House(tmp_path)
    with house.running() as alerts:
        task = asyncio.create_task(alerts._each(0.001, look))
        while looks < 5:
            await asyncio.sleep(0.001)
        task.cancel()

    assert caplog.text.count("ValueError: broken") == 1


async def test_mute_and_its_end(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running() as alerts:
        await house.wait(60, low=2.80)
        (shown,) = alerts.open_alerts()
        one = {key: shown[key] for key in ("subject", "rule", "part")}

        assert alerts.mute(one | {"seconds": 3600})["muted_until"] == "2026-12-01T13:01:00+00:00"
        await house.look()
    with house.running() as alerts:  # it survives a restart
        await house.look()
        assert alerts.open_alerts()[0]["muted"] is True
        assert (
            alerts.mute(one | {"until_cleared": True}) | {"muted": True, "muted_until": None}
            == (alerts.open_alerts()[0])
        )
        assert alerts.mute(one | {"off": True})["muted"] is False


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({}, "no alert '' of '' is open"),
        ({"subject": PACK.address, "rule": "cell_high"}, "no alert 'cell_high'"),
        ({"subject": PACK.address, "rule": "cell_low"}, "seconds is 0"),
        ({"subject": PACK.address, "rule": "cell_low", "seconds": 1e9}, "seconds is 1e"),
    ],
)
async def test_mutes_that_are_refused(request_: dict[str, Any], says: str, tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running() as alerts:
        await house.wait(60, low=2.80)
        with pytest.raises(LiveError, match=says):
            alerts.mute(request_)


async def test_a_test_of_every_code(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each is marked, in the log too, changes no state, and is written like an alert."""
    caplog.set_level("INFO")
    house = House(tmp_path)
    with house.running() as alerts:
        codes = [
            grade.code for rule in alerts._engine._rules.values() for grade in rule.grades(rule.example())
        ]
        for code in codes:
            assert alerts.test(str(code))["facts"]["test"] is True
        await alerts.close()
        assert alerts.open_alerts() == []

    assert house.events() == [("alert.test", code) for code in codes]
    told = [record for record in caplog.records if record.getMessage().startswith("alert: ")]
    assert len(told) == len(codes)
    assert all(record.getMessage().startswith("alert: TEST, nothing is wrong: ") for record in told)
    assert {record.levelname for record in told} == {"INFO"}


@pytest.mark.parametrize("code", ["9999", "abc", None, 1e99])
async def test_a_test_of_no_code(code: object, tmp_path: Path) -> None:
    with House(tmp_path).running() as alerts, pytest.raises(LiveError, match="such as 1006"):
        alerts.test(code)


@pytest.mark.parametrize("delay", ["0", "3600"], ids=["told", "not told so soon after the start"])
async def test_last_words_are_marked_to_wait_for_history(delay: str, tmp_path: Path) -> None:
    """The forecast says that the pack cuts off within minutes: history first, then the message."""
    house = House(tmp_path, ALERT_STARTUP_DELAY=delay)
    asked: list[Any] = []
    with house.running() as alerts:
        alerts._outbox._flush = lambda: _note(asked, [event.text for event in house.told])
        for _ in range(12):
            await house.wait(
                10,
                low=3.2,
                current=-50.0,
                soc_counted=3.0,
                soc_low=1.0,
                soc_high=5.0,
                battery_soc=3.0,
                empty_in=(300.0, 600.0),
                drain=(30.0, 36.0),
            )

    dark = [event for event in house.told if event.facts["rule"] == "going_dark"]
    assert len(dark) == 1
    assert len(asked) == 1


async def _note(into: list[Any], what: Any) -> None:
    into.append(what)


# Acknowledged


async def test_an_acknowledgement_is_an_event_and_stays_over_a_restart(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running() as alerts:
        await house.wait(60, low=2.80)
        (shown,) = [alert for alert in alerts.open_alerts() if alert["code"] == 1006]
        wanted = {key: shown[key] for key in ("subject", "rule", "part")}
        seen = alerts.acknowledge({**wanted, "by": "Olena"})
        assert alerts.acknowledge({**wanted, "by": "Petro"})["acknowledged_by"] == "Olena"
        await alerts.close()
    with house.running() as alerts:
        await house.wait(3600, low=2.80)
        (shown,) = [alert for alert in alerts.open_alerts() if alert["code"] == 1006]

    assert seen["acknowledged_by"] == shown["acknowledged_by"] == "Olena"
    assert [kind for kind, code in house.events() if code == 1006] == ["alert.raised", "alert.acknowledged"]
    (told,) = [event for event in house.told if event.kind == "alert.acknowledged"]
    assert (told.facts["acknowledged_by"], told.facts["silent"]) == ("Olena", True)


async def test_what_nobody_acknowledged_is_repeated(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.running():
        await house.wait(3600, low=2.80)

    repeats = [
        event.taken_at for event in house.told if (event.kind, event.facts["code"]) == ("alert.repeat", 1006)
    ]
    (begin,) = [
        event.taken_at for event in house.told if (event.kind, event.facts["code"]) == ("alert.raised", 1006)
    ]
    assert [round((at - begin).total_seconds(), -1) for at in repeats] == [600, 2400]


@pytest.mark.parametrize("by", ["", None, "\u200b", 7])
async def test_an_acknowledgement_has_a_name(tmp_path: Path, by: object) -> None:
    house = House(tmp_path)
    with house.running() as alerts:
        await house.wait(60, low=2.80)
        wanted = {key: alerts.open_alerts()[0][key] for key in ("subject", "rule", "part")}
        with pytest.raises(LiveError, match="names nobody"):
            alerts.acknowledge({**wanted, "by": by})
        with pytest.raises(LiveError, match="'soc_low'"):
            alerts.acknowledge({**wanted, "rule": "soc_low", "by": "Olena"})
