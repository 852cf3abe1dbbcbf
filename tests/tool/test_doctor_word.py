"""What doctor makes of a service's word on a link, and of several batteries; its walks are in e2e."""

from typing import Any

import pytest

from jk_bms.config.devices import Entry
from jk_bms.config.settings import load_settings
from jk_bms.errors import Verdict
from jk_bms.live.client import LiveClient
from jk_bms.model.link import LinkState
from jk_bms.model.snapshot import Snapshot
from jk_bms.tool import doctor
from jk_bms.tool.doctor import DOES, UNKNOWN, Doctor, Fault, Patient, worst
from jk_bms.view.link_layers import AT, LAYERS, LayerResult
from tests.told import battery, house

ADDRESS = "C8:47:80:12:34:56"


class Service(LiveClient):
    """A running one with one battery, whose link says this."""

    def __init__(self, period: float, **link: Any) -> None:
        self.link = {"state": "streaming", "verdict": None, "message": "", "causes": [], "adapter": "",
                     "rssi": -60, "for": 100.0, "frames": 5, "refused": 0, **link}  # fmt: skip
        self.period = period

    def snapshot(self) -> Snapshot:
        device = {"address": ADDRESS, "name": None, "number": 1, "type": "jk", "link": self.link}
        return house({"poll_interval": self.period, "devices": [device]})


# state, age of the newest frame (s), period (s) -> verdict, exit code of its own
WORDS = {
    "read now":                  ("streaming",   0.4,   2.0,  None),
    "slow period":               ("streaming",   80.0,  30.0, None),
    "a crash nobody noted":      ("streaming",   80.0,  2.0,  UNKNOWN),
    "never read":                ("streaming",   None,  2.0,  UNKNOWN),
    "just started":              ("searching",   None,  2.0,  UNKNOWN),
    "its turn in a round":       ("connecting",  40.0,  2.0,  None),
    "between two visits":        ("waiting",     90.0,  2.0,  None),
    "a visit that never comes":  ("waiting",     500.0, 2.0,  UNKNOWN),
    "resumed a moment ago":      ("searching",   600.0, 2.0,  UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize(("state", "age", "period", "verdict"), WORDS.values(), ids=WORDS)
async def test_no_verdict_is_well_only_with_numbers(
    state: str, age: float | None, period: float, verdict: str | None
) -> None:
    service = Service(period, state=state, last_frame=age)
    settings = load_settings({})
    doctor = Doctor(settings, service, 1.0)

    patient = await doctor._see_battery(Entry(address=ADDRESS), [], None)

    assert (patient.fault and patient.fault.verdict) == verdict
    if verdict:
        assert patient.fault is not None
        assert patient.fault.message.startswith("the running service has ")
        assert [step.result for step in patient.steps] != ["ok"] * len(patient.steps)


def test_there_are_words_for_every_state_and_a_layer_for_every_verdict() -> None:
    assert DOES.keys() == set(LinkState) - {LinkState.RELEASED}
    assert AT.keys() == DOES.keys()
    assert set(AT.values()) <= LAYERS.keys()
    assert {verdict for verdicts in LAYERS.values() for verdict in verdicts} == set(Verdict)


# verdicts of the batteries in the order of the registry -> that of all
SEVERAL: dict[str, tuple[list[str | None], str | None]] = {
    "all well":              ([None, None],                         None),
    "one is not":            ([None, "mute"],                       "mute"),
    "the lowest counts":     (["mute", "adapter_off", "not_seen"],  "adapter_off"),
    "released comes last":   (["released", UNKNOWN, "mute"],        "mute"),
    "unknown is not well":   (["released", UNKNOWN],                UNKNOWN),
    "released is all":       ([None, "released"],                   "released"),
}  # fmt: skip


@pytest.mark.parametrize(("verdicts", "of_all"), SEVERAL.values(), ids=SEVERAL)
def test_the_worst(verdicts: list[str | None], of_all: str | None) -> None:
    def patient(verdict: str | None) -> Patient:
        at_fault = [layer for layer, verdicts in LAYERS.items() if verdict in verdicts]
        steps = [LayerResult(layer, "fault" if layer in at_fault else "ok") for layer in LAYERS]
        return Patient("a", "", steps, Fault(verdict, "", ()) if verdict else None)

    fault = worst([patient(verdict) for verdict in verdicts])

    assert (fault and fault.verdict) == of_all


def test_frames_that_cannot_be_true_are_named() -> None:
    """How many lately, and what was wrong with the last."""
    link = {"state": "streaming", "rssi": -60, "for": 100.0, "frames": 50, "refused": 9}
    doubt = {"implausible": 7, "implausible_reason": "soc is 101 %; expected 0 to 100 %"}

    said = [doctor._texts(battery({"link": link | more}))["frames"] for more in ({}, doubt)]

    assert said[0] == "50 so far, 9 refused"
    assert said[1] == f"{said[0]}, 7 lately that cannot be true: soc is 101 %; expected 0 to 100 %"
