"""What a state that came some time ago says now."""

import pytest

from jk_bms.model.snapshot import BatteryNow, GridNow, InverterShown, LinkNow, OneInverter, Snapshot
from jk_bms.view.aging import aged, aged_inverter, aged_link, without_poller

LINK = LinkNow(state="streaming", lasts=50.0, last_frame=1.0, released_for=8.0)
INVERTER = OneInverter(id="one", age=3.0, grid=GridNow(state="lost", lasts=60.0))
STATE = Snapshot(
    devices=(BatteryNow(address="A", age=2.0, link=LINK), BatteryNow(address="B")),
    inverter=InverterShown(age=3.0, grid=GridNow(state="lost")),
    inverters=(INVERTER,),
    alerts=(),
)


def test_ages_and_spans_go_on_and_what_is_unknown_stays_so() -> None:
    later = aged(STATE, 10.0)
    first, second = later.devices

    assert (first.age, second.age, second.link) == (12.0, None, None)
    assert first.link == LinkNow(state="streaming", lasts=60.0, last_frame=11.0, released_for=0.0)
    assert later.inverter == InverterShown(age=13.0, grid=GridNow(state="lost"))
    assert later.inverters == (OneInverter(id="one", age=13.0, grid=GridNow(state="lost", lasts=70.0)),)


@pytest.mark.parametrize("passed", [0.0, 0.1, 7.3, 1e6])
def test_what_comes_later_may_be_kept_as_of_an_earlier_moment(passed: float) -> None:
    link = aged_link(aged_link(LINK, -passed), passed + 2.0)
    inverter = aged_inverter(aged_inverter(INVERTER, -passed), passed + 2.0)

    assert (link.lasts, link.last_frame, link.released_for) == pytest.approx((52.0, 3.0, 6.0))
    assert (inverter.age, inverter.grid.lasts) == pytest.approx((5.0, 62.0))


def test_with_the_poller_away_nothing_is_said_of_links_grid_and_open_alerts() -> None:
    left = without_poller(STATE)

    assert left.poller_down
    assert [(one.age, one.link) for one in left.devices] == [(2.0, None), (None, None)]
    assert left.inverter is not None
    assert {one.grid.state for one in (left.inverter, *left.inverters)} == {"unknown"}
    assert (left.alerts, left.alerts_before) == (None, ())
