"""However the service ends, the battery is free soon after, and the next start finds it."""

import signal
import sqlite3
import time
from contextlib import closing

import pytest

from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import JK
from tests.e2e.house import House, until
from tests.scale import in_time

SOON = 5.0  # s


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_end_closes_the_link(real: House, bed: BluezBed, number: signal.Signals) -> None:
    with real.service(JK_BMS_ADDRESS=JK) as service:
        service.streaming()

        code, seconds = service.end(number)

    assert (code, in_time(seconds, SOON)) == (0, True), service.log
    assert (bed.connected(), bed.discovering()) == ([], [])


@pytest.mark.parametrize(
    "stage",
    [{"connect": "silent"}, {"services": "never"}, {"notify": "silent"}, {"hidden": True}],
)
def test_an_end_in_the_middle_of_an_attempt(real: House, bed: BluezBed, stage: dict[str, object]) -> None:
    bed.device(JK, **stage)
    with real.service(JK_BMS_ADDRESS=JK) as service:
        bed.wait_for("discovery_started" if "hidden" in stage else "connect_asked", timeout=20.0)
        time.sleep(0.2)  # into the silence

        code, seconds = service.end()

    assert (code, in_time(seconds, SOON)) == (0, True), service.log
    assert (bed.connected(), bed.discovering()) == ([], [])


def test_a_frozen_bluetoothd_does_not_hold_the_end(real: House, bed: BluezBed) -> None:
    """Nobody answers the disconnect; it is carried out as soon as somebody does."""
    with real.service(JK_BMS_ADDRESS=JK) as service:
        service.streaming()
        bed.freeze()

        code, seconds = service.end()

    assert (code, in_time(seconds, 2 * SOON)) == (0, True), (seconds, service.log)
    bed.thaw()
    until(lambda: not bed.connected())


def test_an_end_during_an_outage(real: House, bed: BluezBed) -> None:
    """The last values are kept all the same."""
    with real.service(JK_BMS_ADDRESS=JK) as service:
        service.streaming()
        bed.adapter(powered=False)
        until(lambda: (s := service.snapshot()) and s["devices"][0]["link"]["verdict"] is not None)

        code, seconds = service.end()

    assert (code, in_time(seconds, SOON)) == (0, True), service.log
    with closing(sqlite3.connect(real.bms_db)) as history:
        assert history.execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_killed_and_started_again(real: House, bed: BluezBed) -> None:
    """BlueZ goes on holding the link of the dead: it is taken over, without waiting for the battery."""
    with real.service(JK_BMS_ADDRESS=JK) as service:
        service.streaming()
        service.kill()
    assert bed.connected() == [JK]
    searches = len(bed.log("discovery_started"))

    with real.service(JK_BMS_ADDRESS=JK) as service:
        began = time.monotonic()
        service.streaming()
        seconds = time.monotonic() - began
        code, _ = service.end()

    assert (code, in_time(seconds, 2 * SOON)) == (0, True), (seconds, service.log)
    assert len(bed.log("discovery_started")) == searches
    assert bed.connected() == []
