"""One word for what a battery does, whether the face knows its current or its power."""

import pytest

from jk_bms.view.flow import flow_of_current, flow_of_power

# fmt: off
FLOWS = {
    "charging":          (12.0, 640.0, "charging"),
    "discharging":       (-12.0, -640.0, "discharging"),
    "nothing":           (0.0, 0.0, "idle"),
    "the noise of a shunt": (-0.09, -4.9, "idle"),
    "the least charge":  (0.1, 5.0, "charging"),
    "the least load":    (-0.1, -5.0, "discharging"),
}
# fmt: on


@pytest.mark.parametrize(("amps", "watts", "flow"), FLOWS.values(), ids=FLOWS)
def test_current_and_power_say_the_same(amps: float, watts: float, flow: str) -> None:
    assert flow_of_current(amps) == flow_of_power(watts) == flow
