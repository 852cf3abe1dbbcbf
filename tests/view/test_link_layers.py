"""At which layer there is no way on to a battery, as it follows from what the service says of it."""

from typing import Any

import pytest

from jk_bms.errors import Verdict
from jk_bms.model.link import LinkState
from jk_bms.model.snapshot import BatteryNow
from jk_bms.view.link_layers import (
    LAYERS,
    OF_THE_BATTERY,
    OK,
    UNTRIED,
    layers_of,
    reads,
)
from tests.told import house

ALL = tuple(LAYERS)


def battery(kind: str = "jk", **link: Any) -> BatteryNow:
    told = {"state": "searching", "for": 40.0, "verdict": None, "last_frame": None} | link
    [one] = house({"devices": [{"address": "A", "type": kind, "link": told}], "poll_interval": 2.0}).devices
    return one


CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    # name: (the link, the layer at which it ends, what became of that)
    "no adapter":       ({"verdict": "no_adapter"}, "adapter", "fault"),
    "no permission":    ({"verdict": "no_permission"}, "permission", "fault"),
    "service is down":  ({"verdict": "service_down"}, "Bluetooth service", "fault"),
    "hears nothing":    ({"verdict": "adapter_wedged"}, "scan", "fault"),
    "not heard":        ({"verdict": "not_seen"}, "battery is heard", "fault"),
    "breaks":           ({"state": "repairing", "verdict": "dropped"}, "connection", "fault"),
    "mute":             ({"state": "silent", "verdict": "mute"}, "frames", "fault"),
    "frozen":           ({"state": "streaming", "verdict": "frozen", "last_frame": 1.0}, "readings", "fault"),
    "just started":     ({}, "battery is heard", "under way"),
    "asks who it is":   ({"state": "identifying"}, "frames", "under way"),
    "nothing new":      ({"state": "streaming", "last_frame": 900.0}, "readings", "fault"),
    "lent":             ({"state": "released", "verdict": "released"}, "battery is heard", "under way"),
    "newer service":    ({"state": "dreaming"}, "battery is heard", "under way"),
}  # fmt: skip


@pytest.mark.parametrize(("link", "ends", "result"), CASES.values(), ids=CASES)
def test_all_is_well_below_the_layer_where_it_ends_and_untried_above(
    link: dict[str, Any], ends: str, result: str
) -> None:
    at = ALL.index(ends)

    steps = layers_of(battery(**link), 2.0)

    assert tuple(step.layer for step in steps) == ALL
    assert [step.result for step in steps] == [OK] * at + [result] + [UNTRIED] * (len(ALL) - at - 1)


@pytest.mark.parametrize("state", LinkState)
@pytest.mark.parametrize("verdict", [None, *Verdict])
def test_every_verdict_in_every_state_ends_somewhere_or_is_well(
    state: LinkState, verdict: Verdict | None
) -> None:
    one = battery(state=str(state), verdict=verdict and str(verdict), last_frame=1.0)

    results = {step.result for step in layers_of(one, 2.0)}

    assert (results == {OK}) == reads(one, 2.0)


def test_what_is_read_is_well_and_what_needs_no_radio_has_none() -> None:
    assert {step.result for step in layers_of(battery(state="streaming", last_frame=0.4), 2.0)} == {OK}
    made_up = layers_of(battery("simulated", state="streaming", last_frame=900.0), 2.0)
    assert [(step.layer, step.result) for step in made_up] == [(layer, OK) for layer in OF_THE_BATTERY]
    assert {step.layer for step in layers_of(battery("simulated"), 2.0)} == set(OF_THE_BATTERY)
