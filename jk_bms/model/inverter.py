"""What inverters say of grid, load and sun, whatever brought it here, and what they are together."""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

from jk_bms.model.foreign_text import harmless, harmless_name

INVERTER = "inverter"  # the only inverter, or all of them together: its history, its alerts
_OF_ONE = f"{INVERTER}:"


class Rank(IntEnum):
    """Whose word counts where several sorts of inverters speak: the highest that answers."""

    MADE_UP = 0  # that of a simulated house
    SECOND_HAND = 1  # another program reads it, and we hear what it says
    OWN = 2  # we read it ourselves


class Inverter(msgspec.Struct, frozen=True, kw_only=True):
    """One inverter as the house knows it: who it is, and what its word counts for."""

    id: str = INVERTER  # for ever: its history and its alerts are known by it
    kind: str = ""  # its row in INVERTERS
    name: str | None = None  # what its owner calls it
    rank: Rank = Rank.OWN

    def __post_init__(self) -> None:
        """See to it that the name is harmless, wherever it comes from."""
        if self.name is not None and (harmless := harmless_name(self.name)) != self.name:
            msgspec.structs.force_setattr(self, "name", harmless)

    @property
    def label(self) -> str:
        """What a person calls it: the name, else the id."""
        return self.name or self.id

    @property
    def made_up(self) -> bool:
        """Whether it is that of a simulated house, which counts only where there is no real one."""
        return self.rank is Rank.MADE_UP

    @property
    def subject(self) -> str:
        """What its history and its alerts stand under where it is one of several."""
        return f"{_OF_ONE}{self.id}"


def is_inverter(track: str) -> bool:
    """Whether ``track`` of the history is that of an inverter, or of all together, and no battery's."""
    return track == INVERTER or track.startswith(_OF_ONE)


def id_of(subject: str) -> str | None:
    """Return the id of the inverter that ``subject`` stands for where it is one of several; None: it is not."""
    return subject.removeprefix(_OF_ONE) if subject.startswith(_OF_ONE) else None


class InverterSample(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of an inverter. ``None``: it did not say.

    ``error``: it could not be read; then all values are None. A record of another program in
    which every value is "N/A" has no values either: the inverter does not answer.
    """

    device: Inverter = Inverter()
    taken_at: datetime  # aware, UTC
    monotonic: float  # s since boot, when we learned of it
    clock_trusted: bool = True
    error: str | None = None

    grid_voltage: float | None = None  # V
    grid_power: float | None = None  # W, from the grid
    grid_current: float | None = None  # A
    load_voltage: float | None = None  # V, at the inverter's output
    load_frequency: float | None = None  # Hz
    load_power: float | None = None  # W, what the house draws
    load_current: float | None = None  # A
    pv_voltage: float | None = None  # V
    pv_power: float | None = None  # W, from the panels
    charge_power: float | None = None  # W, into the battery
    battery_voltage: float | None = None  # V, as the inverter measures it
    battery_current: float | None = None  # A, positive while charging
    battery_soc: float | None = None  # %, as the inverter believes
    temperature: float | None = None  # °C
    status: str | None = None  # in the inverter's own words

    def __post_init__(self) -> None:
        """See to it that no text of the inverter is harmful, wherever it comes from."""
        for text, made in (("error", harmless), ("status", harmless_name)):
            given = getattr(self, text)
            if given is not None and (clean := made(given)) != given:
                msgspec.structs.force_setattr(self, text, clean)

    @property
    def answered(self) -> bool:
        """Whether the inverter told anything at all of grid or load."""
        return any(
            value is not None
            for value in (self.grid_voltage, self.grid_power, self.load_voltage, self.load_power)
        )


class InverterQuantity(NamedTuple):
    """One number that an inverter tells."""

    attribute: str  # of InverterSample
    key: str  # in a record of the inverter program
    column: str  # in history: ``store.columns``
    digits: int = 0  # decimals in a record
    adds_up: bool = False  # of several inverters; else that of the first that is heard
    of_battery: bool = False  # a record tells the battery's own once we merged it, and people see the BMS's


Q = InverterQuantity  # short, so that a row is a line
# fmt: off
INVERTER_QUANTITIES = (
    # attribute          key in a record         column in history       decimals
    Q("grid_voltage",    "grid_voltage",         "grid_voltage",         1),
    Q("grid_power",      "grid_power",           "grid_power",           0, adds_up=True),
    Q("grid_current",    "grid_current",         "grid_current",         2, adds_up=True),
    Q("load_voltage",    "ac_output_voltage",    "ac_output_voltage",    1),
    Q("load_frequency",  "ac_output_freq",       "ac_output_freq",       2),
    Q("load_power",      "ac_output_power",      "ac_output_power",      0, adds_up=True),
    Q("load_current",    "ac_output_current",    "ac_output_current",    1, adds_up=True),
    Q("pv_voltage",      "pv_input_voltage",     "pv_input_voltage",     1),
    Q("pv_power",        "pv_input_power",       "pv_input_power",       0, adds_up=True),
    Q("charge_power",    "battery_charge_power", "battery_charge_power", 0, adds_up=True),
    Q("battery_voltage", "battery_voltage",      "battery_voltage",      of_battery=True),
    Q("battery_current", "battery_current",      "battery_current",      adds_up=True, of_battery=True),
    Q("battery_soc",     "battery_soc",          "battery_soc",          of_battery=True),
    Q("temperature",     "temperature",          "temperature_1",        of_battery=True),
)
# fmt: on


def together(samples: Sequence[InverterSample], *, of: int) -> InverterSample:
    """Return what ``of`` inverters say as one; ``samples`` are of those that are heard, at least one.

    What adds up is known only where all of them tell it: the sum of a part would be taken for the whole.
    It is as old as the oldest of them.
    """
    if len(samples) == of == 1:
        return samples[0]
    values: dict[str, Any] = {}
    for quantity in INVERTER_QUANTITIES:
        told = [getattr(sample, quantity.attribute) for sample in samples]
        known = [value for value in told if value is not None]
        if quantity.adds_up:
            values[quantity.attribute] = sum(known) if len(known) == of else None
        else:
            values[quantity.attribute] = known[0] if known else None
    return InverterSample(
        taken_at=min(sample.taken_at for sample in samples),
        monotonic=min(sample.monotonic for sample in samples),
        clock_trusted=all(sample.clock_trusted for sample in samples),
        **values,
    )
