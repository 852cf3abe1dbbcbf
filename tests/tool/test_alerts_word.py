"""``jk-util.py alerts`` while the service does not run: what it says must not sound like now."""

from jk_bms.clock import Clock
from jk_bms.store.bms_db import open_writer
from jk_bms.store.states import write_states
from tests.tool.stored_house import StoredHouse


def test_without_the_service_nobody_knows_what_is_wrong_now(house: StoredHouse) -> None:
    done = house.tool("alerts")

    assert done.returncode == 0, done.stderr
    assert "Nothing was wrong when the service last ran." in done.stdout
    assert "now" not in done.stdout
    assert "the service is not running" in done.stderr


def test_a_state_that_cannot_be_read_is_not_called_calm(house: StoredHouse) -> None:
    """It may be that of a newer version."""
    with open_writer(house.bms_db, Clock()) as own:
        write_states(own, {"alerts": {"version": 99}})

    done = house.tool("alerts")

    assert (done.returncode, done.stdout) == (1, "")
    assert "the state of the alerts cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_switched_off_is_said(house: StoredHouse) -> None:
    with house.env.open("a") as env:
        env.write("ALERTS_OFF=1005,2001\n")

    assert "Switched off (ALERTS_OFF): 1005, 2001" in house.tool("alerts").stdout
    assert "Switched off in this house (ALERTS_OFF)" in house.tool("alerts", "--explain", "2001").stdout
    assert "ALERTS_OFF" not in house.tool("alerts", "--explain", "2002").stdout
