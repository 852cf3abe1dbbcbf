"""What the packs of a house give together, and whether they can."""

from typing import Any

import msgspec

from jk_bms.alerts.packs import Packs
from jk_bms.model import Sample
from jk_bms.rules import example


def sample(**values: Any) -> Sample:
    """A pack of 52.8 V as it was 10 s after the boot."""
    found = example.pack(voltage=52.8, **values).sample
    assert found is not None
    return msgspec.structs.replace(found, monotonic=10.0)


BALANCER = sample(current=None, discharge_enabled=None, charge_enabled=None, battery_soc=None)


def look(*samples: Sample | None) -> Any:
    known = {str(number): one for number, one in enumerate(samples)}
    return Packs(known, known.__getitem__, oldest=120.0).look(20.0)


def test_an_active_balancer_says_nothing_of_power_and_is_not_counted() -> None:
    cut = look(sample(current=0.0, discharge_enabled=False), BALANCER)

    assert (cut.power, cut.off) == (0.0, True)
    assert look(sample(current=-10.0, discharge_enabled=True), BALANCER).power == -528.0


def test_only_a_balancer_leaves_it_unknown() -> None:
    found = look(BALANCER)

    assert (found.power, found.off) == (None, None)


def test_a_pack_that_was_not_heard_or_does_not_tell_its_current_is_unknown() -> None:
    unheard = look(sample(current=0.0, discharge_enabled=False), None)
    half = look(sample(current=0.0, discharge_enabled=False), sample(current=None, discharge_enabled=True))

    assert (unheard.power, unheard.off) == (None, None)
    assert (half.power, half.off) == (None, False)
