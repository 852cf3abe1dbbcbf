"""What is told of a battery and its link."""

from datetime import UTC, datetime

from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.limits import PackLimits
from jk_bms.model import Device, Sample
from jk_bms.model.link import LinkState, LinkStatus
from jk_bms.model.outage import OutageNow, PastOutage
from jk_bms.poller.device_state import battery_now, link_now, status_line
from jk_bms.repair.ladder import Rung
from jk_bms.rules.cells import cell_limits

MAIN = Device(address="C8:47:80:00:00:01", name="main")
SHED = Device(address="C8:47:80:00:00:02", number=2)
NOW = 1000.0


def sample(device: Device) -> Sample:
    taken = datetime(2026, 12, 1, tzinfo=UTC)
    return Sample(device=device, taken_at=taken, monotonic=NOW - 3.0, battery_soc=84.4)


def test_a_line_for_the_service_manager() -> None:
    """State and charge while all is well, what was counted; verdict, since when and the last repair while it is not."""
    well = LinkStatus(
        state=LinkState.STREAMING,
        since=100.0,
        last_sample=NOW - 0.4,
        rssi=-61,
        connects=3,
        commands_day=1,
        last_outage=PastOutage(cure="forget"),
    )
    ill = LinkStatus(state=LinkState.SEARCHING, since=NOW - 360.0, verdict="mute", rung=Rung.RECONNECT)

    line = status_line([(MAIN, well, sample(MAIN)), (SHED, ill, None)], NOW)

    assert line == (
        "main: streaming, 84 %, heard just now, -61 dBm, 3 connections, 1 command in 24 h, "
        "last time had the Bluetooth service forget the device; "
        "C8:47:80:00:00:02: searching, mute for 6 min, connected anew"
    )


def test_a_released_battery_is_nothing_to_worry_about() -> None:
    away = LinkStatus(state=LinkState.RELEASED, since=NOW, verdict="released", released_until=NOW + 60.0)

    assert status_line([(MAIN, away, None)], NOW) == "main: released, 60 s left"
    assert link_now(away, NOW).released_for == 60.0


def test_a_battery_that_only_an_earlier_run_heard() -> None:
    searching = LinkStatus(since=NOW - 40.0, outage=OutageNow(lasted=38.0, attempts=2), outage_before=600.0)

    link = link_now(searching, NOW, NOW - 640.0)

    assert (link.last_frame, link.outage and link.outage.lasted) == (640.0, 638.0)


def test_ages_are_those_of_frames() -> None:
    status = LinkStatus(state=LinkState.SILENT, since=NOW - 1.0, last_sample=NOW - 3.0)

    state = battery_now(MAIN, status, sample(MAIN), {}, now=NOW, zone=UTC)

    assert state.link is not None
    assert (state.age, state.link.last_frame, state.link.lasts) == (3.0, 3.0, 1.0)
    assert battery_now(MAIN, status, None, {}, now=NOW, zone=UTC).reading is None


def test_limits_of_cells_are_told() -> None:
    limits = cell_limits(CHEMISTRIES["lfp"], PackLimits(cell_uvp=2.9))
    state = battery_now(MAIN, LinkStatus(), None, {}, now=NOW, zone=UTC, cell_limits=limits)

    assert 2.9 < limits[0] < 3.3 < limits[1] < 3.65
    assert state.cell_limits == limits
    assert battery_now(MAIN, LinkStatus(), None, {}, now=NOW, zone=UTC).cell_limits is None


def test_why_a_charge_is_not_counted_is_told() -> None:
    state = battery_now(MAIN, LinkStatus(), None, {}, now=NOW, zone=UTC, uncounted="the cells are in doubt")

    assert state.uncounted == "the cells are in doubt"
    assert not battery_now(MAIN, LinkStatus(), None, {}, now=NOW, zone=UTC).uncounted
