"""Every rule with a hand on what it measures: views in which its value is just so."""

from collections.abc import Callable
from typing import Any, NamedTuple

from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.limits import PackLimits
from jk_bms.model.link import LinkState
from jk_bms.rules import example
from jk_bms.rules.base import Batteries, HouseView, Link, Other, PackView
from jk_bms.rules.grid import LOST, PRESENT

MakeView = Callable[[float], Any]


class Row(NamedTuple):
    """One grade of one rule. The four values lie around its two limits."""

    rule: str
    code: int
    view: MakeView
    quiet: float  # one step before the limit
    fires: float  # at the limit
    holds: float  # one step before it is over
    clears: float  # over


def cell(others: float, **changes: Any) -> MakeView:
    """Return views in which cell 7 has the value and the others stand at ``others`` V."""

    def view(value: float) -> PackView:
        values: dict[str, Any] = example.with_cell(7, value, others) | changes
        return example.pack(**values)

    return view


def spread(mean: float, current: float = 2.0) -> MakeView:
    """Return views in which two cells differ by the value around ``mean`` V."""

    def view(value: float) -> PackView:
        cells = (mean - value / 2, mean + value / 2) + (mean,) * 14
        return example.pack(cell_voltages=cells, current=current)

    return view


def changed(name: str, **changes: Any) -> MakeView:
    """Return views in which one field of the sample is the value."""

    def view(value: float) -> PackView:
        values: dict[str, Any] = {name: value} | changes
        return example.pack(**values)

    return view


def of(chemistry: str, view: MakeView, **known: Any) -> MakeView:
    """Return ``view`` for another chemistry, with only these settings of the BMS known, and its capacity."""

    def other(value: float) -> PackView:
        pack: PackView = view(value)
        return pack._replace(chemistry=CHEMISTRIES[chemistry], limits=PackLimits(nominal_ah=280.0, **known))

    return other


def warm(value: float) -> PackView:
    """A pack of which one probe is as warm as the value."""
    return example.pack(temperatures=(value - 1.0, value))


def cold(value: float) -> PackView:
    """A pack being charged, of which one probe is as cold as the value."""
    return example.pack(current=20.0, temperatures=(value, value + 1.0))


def uneven(value: float) -> PackView:
    """Two probes that differ by the value."""
    return example.pack(temperatures=(20.0, 20.0 + value))


def silent(value: float) -> PackView:
    """A BMS that said nothing for so long; a good frame when that is no time."""
    view = example.pack(link=Link(LinkState.SEARCHING, silent=value, interval=30.0))
    return view._replace(sample=None) if value else view


def frozen(value: float) -> PackView:
    """A BMS that repeats itself for so long."""
    frames = 3 if value else 0
    view = example.pack(link=Link(LinkState.STREAMING, silent=value, frozen=value, frozen_frames=frames))
    return view._replace(sample=None) if value else view


def implausible(value: float) -> PackView:
    """A BMS of which so many readings in ten minutes cannot be true."""
    return example.pack(link=Link(LinkState.STREAMING, silent=0.4, implausible=int(value)))


def minutes(value: float) -> PackView:
    """A pack on battery that lasts at least so many minutes."""
    return example.pack(
        current=-60.0, battery_soc=40.0, soc_low=40.0, soc_high=60.0, empty_in=(60.0 * value, 90.0 * value)
    )


def house_minutes(value: float) -> HouseView:
    """A house whose only pack lasts so long."""
    return example.packs(minutes(value))


def ending(value: float) -> PackView:
    """A pack that lasts so long beside one that goes on."""
    return minutes(value)._replace(others=(Other("Garage", 80.0),))


def band(value: float) -> PackView:
    """A counted SoC whose lower end is the value."""
    return example.pack(
        battery_soc=value + 2.0,
        soc_counted=value + 2.0,
        soc_low=value,
        soc_high=value + 4.0,
        soc_anchor="full",
    )


def uncharged(value: float) -> PackView:
    """A pack that is so full while the grid is there, and gets nothing."""
    return example.pack(battery_soc=value, current=0.0)._replace(on_battery=False, could_be_charged=True)


def dark(value: float) -> Any:
    """A house without grid whose inverter gives nothing, or its usual voltage."""
    volts = 0.0 if value else 230.0
    packs = Batteries(power=-4.0 if value else -620.0, off=False, fed=10.0, soc=7.0)
    return example.house(grid=LOST, load_voltage=volts, load_power=0.0, batteries=packs)


def alarm(value: float) -> PackView:
    """An alarm of the BMS: 2 a critical one, 1 a warning, 0 none."""
    return example.pack(alarms={2.0: ("cell_undervoltage",), 1.0: ("current_sensor_fault",), 0.0: ()}[value])


def switch(value: float) -> PackView:
    """A switch: 2 off while on battery, 1 off, 0 on."""
    return example.pack(discharge_enabled=value == 0.0)._replace(on_battery=value == 2.0)


def fault(value: float) -> PackView:
    """A cell with a verdict, or none."""
    return example.pack(faults=((7, "leaking"),) if value else ())


def wire(value: float) -> PackView:
    """The wire of cell 7."""
    return example.pack(cell_resistances=(0.06,) * 6 + (value,) + (0.06,) * 9)


def cut(value: float) -> PackView:
    """An empty pack beside another one that has cut itself off, or has not."""
    changes: dict[str, Any] = {"discharge_enabled": False, "current": 0.0} if value else {}
    view = example.pack(**(example.with_cell(7, 2.49, 2.81) | changes))
    return view._replace(others=(Other("Garage", 80.0),))


def grid(value: float) -> Any:
    """A grid that is gone, or there."""
    return example.inverter(grid=LOST if value else PRESENT)


def adapter(value: float) -> Any:
    """An adapter on a rung of the ladder; 5: wedged."""
    return example.host(rung=int(value), adapter_wedged=value == 5.0)


# fmt: off
ROWS = (
    #   rule                 code  views                                      quiet   fires   holds   clears
    # The BMS trips at 3.65 and 2.50 V, the pack at 60 °C, the MOSFETs at 95 °C.
    Row("cell_high",         1009, cell(3.38),                                3.599,  3.600,  3.551,  3.550),
    Row("cell_high",         1008, cell(3.38),                                3.619,  3.620,  3.551,  3.550),
    Row("cell_low",          1007, cell(3.17),                                3.051,  3.050,  3.149,  3.150),
    Row("cell_low",          1006, cell(3.17),                                2.851,  2.850,  2.999,  3.000),
    Row("cell_spread",       1005, spread(3.30),                              0.029,  0.030,  0.021,  0.020),
    Row("cell_spread",       1004, spread(3.30),                              0.059,  0.060,  0.041,  0.040),
    Row("cell_spread",       1005, spread(3.45),                              0.119,  0.120,  0.081,  0.080),
    Row("cell_spread",       1004, spread(3.45, 90.0),                        0.199,  0.200,  0.151,  0.150),
    Row("cell_spread",       1005, spread(3.10),                              0.119,  0.120,  0.081,  0.080),
    Row("cell_spread",       1004, spread(3.10, -90.0),                       0.199,  0.200,  0.151,  0.150),
    # Between flat and steep the limits run in a line: 3.37 V is half the way, 3.175 V likewise.
    Row("cell_spread",       1005, spread(3.37),                              0.074,  0.075,  0.051,  0.050),
    Row("cell_spread",       1004, spread(3.37),                              0.129,  0.130,  0.096,  0.095),
    Row("cell_spread",       1005, spread(3.175),                             0.074,  0.075,  0.051,  0.050),
    Row("cell_spread",       1004, spread(3.175),                             0.129,  0.130,  0.096,  0.095),
    # Under load only what would be too much anywhere.
    Row("cell_spread",       1005, spread(3.28, -90.0),                       0.119,  0.120,  0.081,  0.080),
    Row("cell_spread",       1004, spread(3.37, 90.0),                        0.199,  0.200,  0.151,  0.150),
    Row("pack_high",         1021, changed("voltage"),                        57.59,  57.60,  57.03,  57.02),
    Row("pack_high",         1020, changed("voltage"),                        58.39,  58.40,  57.83,  57.82),
    Row("pack_low",          1023, changed("voltage"),                        48.01,  48.00,  48.47,  48.48),
    Row("pack_low",          1022, changed("voltage"),                        44.81,  44.80,  45.24,  45.25),
    Row("cell_hot",          1011, warm, 44.9, 45.0, 42.1, 42.0),
    Row("cell_hot",          1010, warm, 52.9, 53.0, 48.1, 48.0),
    Row("charge_cold",       1029, cold, 5.1, 5.0, 7.9, 8.0),
    Row("charge_cold",       1044, cold, 1.1, 1.0, 3.9, 4.0),
    Row("temperature_spread", 1036, uneven, 7.9, 8.0, 5.1, 5.0),
    Row("temperature_spread", 1037, uneven, 14.9, 15.0, 10.1, 10.0),
    Row("mosfet_hot",        1034, changed("mosfet_temperature"),             74.9,   75.0,   68.1,   68.0),
    Row("mosfet_hot",        1035, changed("mosfet_temperature"),             87.9,   88.0,   80.1,   80.0),
    Row("soc_low",           1002, band,                                      25.1,   25.0,   29.9,   30.0),
    Row("soc_low",           1001, band,                                      12.1,   12.0,   17.9,   18.0),
    Row("not_charged",       1003, uncharged,                                 30.0,   29.9,   31.9,   32.0),
    Row("runtime",           1038, house_minutes,                             120.1,  120.0,  179.9,  180.0),
    Row("runtime",           1039, house_minutes,                             30.1,   30.0,   59.9,   60.0),
    Row("going_dark",        1042, house_minutes,                             15.1,   15.0,   29.9,   30.0),
    Row("pack_ending",       1050, ending,                                    15.1,   15.0,   29.9,   30.0),
    Row("pack_cut",          1051, cut,                                       0.0,    1.0,    1.0,    0.0),
    Row("charge_current",    1013, changed("current"),                        125.9,  126.0,  119.1,  119.0),
    Row("charge_current",    1012, changed("current"),                        139.9,  140.0,  133.1,  133.0),
    Row("discharge_current", 1015, changed("current"),                        -179.9, -180.0, -170.1, -170.0),
    Row("discharge_current", 1014, changed("current"),                        -199.9, -200.0, -190.1, -190.0),
    Row("switch_off",        1032, switch,                                    0.0,    1.0,    1.0,    0.0),
    Row("switch_off",        1045, switch,                                    1.0,    2.0,    2.0,    1.0),
    Row("bms_alarm",         1030, alarm,                                     0.0,    1.0,    1.0,    0.0),
    Row("bms_alarm",         1030, alarm,                                     0.0,    2.0,    2.0,    0.0),
    Row("emergency",         1025, changed("emergency_time"),                 600.0,  599.0,  599.0,  600.0),
    Row("emergency",         1024, changed("emergency_time"),                 300.0,  299.0,  299.0,  300.0),
    Row("wire",              1019, wire,                                      0.299,  0.300,  0.271,  0.270),
    Row("wire",              1018, wire,                                      0.499,  0.500,  0.451,  0.450),
    Row("soh_low",           1016, changed("soh"),                            90.0,   89.0,   90.0,   91.0),
    Row("soh_low",           1017, changed("soh"),                            80.0,   79.0,   80.0,   81.0),
    Row("cell_fault",        1041, fault,                                     0.0,    1.0,    1.0,    0.0),
    Row("bms_silent",        1031, silent,                                    119.0,  120.0,  61.0,   0.0),
    Row("bms_silent",        1043, silent,                                    899.0,  900.0,  61.0,   0.0),
    Row("bms_frozen",        1040, frozen,                                    4.9,    5.0,    1.0,    0.0),
    Row("bms_frozen",        1046, frozen,                                    599.0,  600.0,  1.0,    0.0),
    Row("bms_implausible",   1047, implausible,                               4.0,    5.0,    1.0,    0.0),
    Row("grid_lost",         2001, grid,                                      0.0,    1.0,    1.0,    0.0),
    Row("inverter_stale",    2002, lambda v: example.inverter(age=v),         120.0,  121.0,  61.0,   60.0),
    Row("house_dark",        2012, dark,                                      0.0,    1.0,    1.0,    0.0),
    Row("disk_full",         3002, lambda v: example.host(disk_free=v),       0.100,  0.099,  0.119,  0.120),
    Row("clock_jump",        3003, lambda v: example.host(clock_step=-v),     59.0,   60.0,   31.0,   30.0),
    Row("database_failing",  3004, lambda v: example.host(database_failing=v), 59.0,  60.0,   1.0,    0.0),
    Row("adapter_stuck",     3005, adapter,                                   3.0,    4.0,    4.0,    3.0),
    Row("adapter_stuck",     3006, adapter,                                   4.0,    5.0,    5.0,    4.0),
    Row("started_after_crash", 3001, lambda v: example.host(started_after_crash=bool(v)), 0.0, 1.0, 1.0, 0.0),
    Row("bad_configuration", 3009, lambda v: example.host(configuration="bad" * int(v)), 0.0, 1.0, 1.0, 0.0),
    # Where the BMS tells nothing, the kind of cell decides; where it trips earlier, it does.
    Row("cell_high",         1009, of("lfp", cell(3.38)),                     3.549,  3.550,  3.501,  3.500),
    Row("cell_high",         1009, of("lfp", cell(3.38), cell_ovp=3.55),      3.499,  3.500,  3.451,  3.450),
    Row("cell_high",         1008, of("lfp", cell(3.38), cell_ovp=3.55),      3.519,  3.520,  3.451,  3.450),
    Row("cell_high",         1009, of("lfp", cell(3.38), cell_ovp=4.20),      3.599,  3.600,  3.551,  3.550),
    Row("cell_high",         1009, of("nmc", cell(4.02)),                     4.219,  4.220,  4.171,  4.170),
    Row("cell_high",         1009, of("nmc", cell(4.02), cell_ovp=4.22),      4.189,  4.190,  4.141,  4.140),
    Row("cell_high",         1008, of("lto", cell(2.50)),                     2.799,  2.800,  2.741,  2.740),
    Row("cell_low",          1007, of("lfp", cell(3.25), cell_uvp=3.05),      3.101,  3.100,  3.199,  3.200),
    Row("cell_low",          1007, of("nmc", cell(3.45)),                     3.201,  3.200,  3.299,  3.300),
    Row("cell_low",          1006, of("lto", cell(2.15)),                     1.851,  1.850,  1.949,  1.950),
    Row("cell_spread",       1005, of("nmc", spread(3.70)),                   0.049,  0.050,  0.036,  0.035),
    Row("cell_spread",       1005, of("lto", spread(2.30)),                   0.039,  0.040,  0.026,  0.025),
    Row("pack_high",         1021, of("nmc", changed("voltage")),             67.19,  67.20,  66.54,  66.53),
    Row("cell_hot",          1011, of("lto", warm), 54.9, 55.0, 52.1, 52.0),
    Row("cell_hot",          1011, of("lfp", warm, charge_otp=45.0), 39.9, 40.0, 37.1, 37.0),
    Row("mosfet_hot",        1034, of("lfp", changed("mosfet_temperature"), mosfet_otp=70.0), 64.9, 65.0, 58.1, 58.0),
    Row("charge_current",    1012, of("lfp", changed("current"), charge_current=50.0), 49.9, 50.0, 47.6, 47.5),
    Row("soc_low",           1002, changed("battery_soc", soc_low=3.0),       25.1,   25.0,   29.9,   30.0),
)
# fmt: on
