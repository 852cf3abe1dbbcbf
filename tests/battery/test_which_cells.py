"""Of which kind cells are: every witness alone, against each other, and revised while it runs."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.curves import DOCUMENTED
from jk_bms.battery.limits import PackLimits
from jk_bms.battery.pack_state import PackState
from jk_bms.battery.which_cells import WhichCells, foreseen
from jk_bms.model import Device, Sample

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIRST = Sample(
    device=Device(address="AA"),
    taken_at=NOON,
    monotonic=0.0,
    current=0.0,
    soc=50.0,
    remaining_ah=50.0,
    full_ah=100.0,
)


def seen(volts: float | None, amps: float = 0.0, told: str | None = None) -> Sample:
    cells = () if volts is None else (volts,) * 4
    return msgspec.structs.replace(
        FIRST, cell_voltages=cells, voltage=sum(cells) or None, current=amps, battery_type=told
    )


def judged(
    owner: str | None,
    ovp: float | None,
    told: str | None,
    volts: float,
    amps: float = 0.0,
    hours: float = 2.0,
) -> WhichCells:
    which = WhichCells(CHEMISTRIES[owner] if owner else None)
    which.limits(PackLimits(cell_ovp=ovp))
    for _ in range(round(hours * 60)):
        which.feed(seen(volts, amps, told), 60.0, 100.0)
    return which


@pytest.mark.parametrize(
    ("owner", "ovp", "told", "volts", "amps", "kind", "doubted"),
    [
        (None, None, None, 3.30, 0.0, "lfp", False),
        (None, 3.65, "lfp", 3.45, 0.0, "lfp", False),
        (None, 3.90, None, 3.70, 0.0, "nmc", False),  # guarded with care: far from any usual limit
        (None, 4.20, "lfp", 3.70, 0.0, "nmc", False),  # a setting as it came from the factory
        (None, 2.80, "lfp", 2.28, 0.0, "lto", False),
        (None, 2.85, None, 2.28, -10.0, "lto", False),
        (None, None, "lto", 2.28, 0.0, "lto", False),
        (None, None, "li-ion", 3.60, 0.0, "nmc", False),
        (None, None, None, 2.28, 0.0, None, True),  # nothing says it, and LFP it hardly is
        (None, None, None, 3.95, 0.0, "nmc", False),
        (None, None, None, 2.30, -10.0, "lto", False),
        ("lfp", 3.65, "lfp", 3.30, 0.0, "lfp", False),
        ("nmc", None, "lfp", 3.70, 0.0, "nmc", False),
        ("nmc", 4.20, "lfp", 3.70, 0.0, "nmc", False),
        ("lfp", 4.20, None, 3.60, 0.0, "lfp", True),
        ("lfp", None, None, 3.95, 0.0, "nmc", True),
        ("lfp", 3.65, None, 3.95, 0.0, "lfp", True),
        ("nmc", 3.65, None, 3.30, 0.0, "nmc", True),
        (None, 3.65, None, 3.95, 0.0, "nmc", True),
        (None, 3.65, "lfp", 3.95, 40.0, "lfp", False),  # under a large current a voltage says little
        (None, 4.20, "li-ion", 3.30, 0.0, "nmc", True),  # a BMS as it came, on LFP
        (None, 4.20, "lfp", 3.30, 0.0, "lfp", True),
        (None, 4.20, None, 3.30, 0.0, "lfp", True),
        (None, 3.00, None, 3.30, 0.0, "lfp", True),
    ],
)
def test_the_kind_is_decided_from_all_that_is_known(
    owner: str | None,
    ovp: float | None,
    told: str | None,
    volts: float,
    amps: float,
    kind: str | None,
    doubted: bool,
) -> None:
    which = judged(owner, ovp, told, volts, amps)

    assert (which.kind and which.kind.name) == kind
    if kind is not None:
        assert bool(which.contradiction) is doubted


def moved(which: WhichCells, volts: float, amps: float, hours: float) -> None:
    for _ in range(round(hours * 60)):
        which.feed(seen(volts, amps, None), 60.0, 100.0)


def test_cells_that_give_much_at_a_voltage_that_lfp_leaves_at_once_are_nmc() -> None:
    which = WhichCells(None)
    which.limits(PackLimits(cell_ovp=3.65))
    moved(which, 3.45, 0.0, 48.0)  # a charger that holds them there
    for _ in range(40):  # and some load that it covers
        moved(which, 3.44, -5.0, 0.2)
        moved(which, 3.46, 5.0, 0.2)
    held = which.kind, which.contradiction

    moved(which, 3.50, -10.0, 1.0)

    assert held == (CHEMISTRIES["lfp"], "")
    assert which.kind is CHEMISTRIES["nmc"]
    assert which.contradiction == "the BMS protects its cells at 3.65 V; the cells give charge above 3.42 V"


def test_cells_that_work_on_the_plateau_of_lfp_are_none_other_whatever_all_say() -> None:
    which = WhichCells(CHEMISTRIES["nmc"])
    which.limits(PackLimits(cell_ovp=4.2))
    for _ in range(20):
        moved(which, 3.25, -10.0, 0.5)  # NMC that lives between 2 and 7 %
        moved(which, 3.30, 10.0, 0.5)
    little = which.contradiction

    moved(which, 3.28, -10.0, 3.0)

    assert little == ""
    assert "the cells work between 3.15 and 3.40 V" in which.contradiction


def test_nmc_that_was_seen_high_is_not_doubted_when_it_is_empty() -> None:
    which = judged(None, 4.2, "li-ion", 3.95)
    moved(which, 3.30, -2.0, 1.0)

    assert which.kind is CHEMISTRIES["nmc"]
    assert which.contradiction == ""


def test_a_lower_limit_that_only_lto_endures_speaks_of_it() -> None:
    assert foreseen(None, PackLimits(cell_uvp=1.8)).name == "lto"
    assert foreseen(None, PackLimits(cell_uvp=2.5)).name == "lfp"


def test_a_state_of_fewer_voltages_is_taken_over() -> None:
    before = judged(None, 4.2, None, 3.95)
    again = WhichCells(None)
    again.limits(PackLimits(cell_ovp=4.2))

    again.restore({name: before.state()[name] for name in ("above", "below", "since", "told")})

    assert again.kind is before.kind


def test_a_contradiction_names_what_does_not_fit() -> None:
    assert judged("lfp", 4.2, None, 3.6).contradiction == (
        "the BMS protects its cells at 4.20 V; the registry says lfp"
    )


def test_an_lfp_pack_that_was_drained_once_is_not_taken_for_lto() -> None:
    which = judged(None, 3.65, "lfp", 2.4, -2.0, hours=1.0)
    for _ in range(60):
        which.feed(seen(3.2, 10.0, "lfp"), 60.0, 100.0)

    assert which.kind is CHEMISTRIES["lfp"]
    assert which.contradiction == ""


def test_what_voltages_showed_is_forgotten_when_the_cells_are_others() -> None:
    which = judged(None, 4.2, None, 3.95)
    which.limits(PackLimits(cell_ovp=3.65))
    assert which.contradiction

    for _ in range(15 * 24 * 6):
        which.feed(seen(3.3, told="lfp"), 599.0, 100.0)

    assert which.kind is CHEMISTRIES["lfp"]
    assert which.contradiction == ""


def pack(owner: str | None = None) -> PackState:
    return PackState(
        CHEMISTRIES[owner] if owner else None, nominal_ah=100.0, boot="b", zone=UTC, curve=DOCUMENTED
    )


def fed(
    to: PackState, volts: float, *, begin: float = 0.0, count: int = 60, told: str | None = None
) -> Sample:
    for n in range(count):
        got = to.feed(msgspec.structs.replace(seen(volts, told=told), monotonic=begin + 10.0 * n))
    return got


def test_settings_that_come_after_the_first_frame_count_at_once() -> None:
    """A pack of NMC, guarded at 3.90 V, was shown full at 40 %."""
    state = pack()
    before = fed(state, 3.58)
    state.limits(PackLimits(cell_ovp=3.90))

    after = fed(state, 3.58, begin=600.0)

    assert before.soc_counted is not None
    assert before.soc_counted > 60.0
    assert state.chemistry.name == "nmc"
    assert after.soc_counted == pytest.approx(20.0, abs=15.0)
    assert after.soc_low is not None
    assert after.soc_high is not None
    assert after.soc_low < 17.0 < after.soc_high


def test_while_something_contradicts_the_bms_is_shown_and_nothing_counted() -> None:
    state = pack("lfp")
    state.limits(PackLimits(cell_ovp=4.2))

    doubted = fed(state, 3.60)
    state.limits(PackLimits(cell_ovp=3.65))
    mended = fed(state, 3.30, begin=600.0)

    assert (doubted.soc_counted, doubted.soc_anchor, doubted.soc_low) == (None, None, None)
    assert (doubted.battery_soc, doubted.battery_soc_source) == (50.0, "bms")
    assert mended.soc_counted is not None
    assert state.doubt == ""


def test_a_restart_keeps_what_the_voltages_showed() -> None:
    before = pack()
    fed(before, 3.95)

    again = pack()
    again.restore(*json.loads(json.dumps([before.state(), before.learnt()])))

    assert again.chemistry.name == before.chemistry.name == "nmc"
    assert again.state() == before.state()


def test_a_state_of_other_cells_is_not_gone_on_with() -> None:
    """The owner has written `chemistry: lto` since: what was counted as LFP is of no use."""
    before = pack()
    fed(before, 3.3)

    again = pack("lto")
    again.restore(*json.loads(json.dumps([before.state(), before.learnt()])))

    assert again.chemistry.name == "lto"
    assert again.learnt()["charge"]["hypotheses"] == []


def test_a_pack_that_has_not_spoken_is_foreseen_by_its_settings() -> None:
    assert foreseen(None, PackLimits(cell_ovp=4.2)).name == "nmc"
    assert foreseen(CHEMISTRIES["lto"], PackLimits()).name == "lto"
    assert foreseen(None, PackLimits()).name == "lfp"


@pytest.mark.parametrize("damage", [{}, {"above": "x"}, {"told": 3}], ids=str)
def test_a_damaged_state_is_refused(damage: dict[str, Any]) -> None:
    state = WhichCells(None).state() | damage if damage else {}

    with pytest.raises((KeyError, ValueError, TypeError)):
        WhichCells(None).restore(state)
