"""What the inverter says of grid, load and sun, whatever brought it here."""

from datetime import datetime

import msgspec


class InverterSample(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of an inverter. ``None``: it did not say.

    ``error``: the inverter program could not read it; then all values are None. A record in
    which every value is "N/A" has no values either: the inverter does not answer.
    """

    taken_at: datetime  # aware, UTC
    monotonic: float  # s since boot, when we learned of it
    error: str | None = None
    made_up: bool = False  # that of a simulated house, which counts only where there is no real one

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

    @property
    def answered(self) -> bool:
        """Whether the inverter told anything at all of grid or load."""
        return any(
            value is not None
            for value in (self.grid_voltage, self.grid_power, self.load_voltage, self.load_power)
        )
