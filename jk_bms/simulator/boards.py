"""The boards we pretend to be: what is printed on them and how they come set."""

from typing import NamedTuple

from msgspec.structs import replace

from jk_bms.protocol import DeviceInfo, Settings, Variant
from jk_bms.simulator.chemistry import Chemistry


class Board(NamedTuple):
    """One model with its firmware."""

    model: str
    hardware: str
    software: str
    cells: int  # most that it can connect
    probes: tuple[int, ...]  # numbers of the battery temperature probes it has
    sensor_mask: int = 0  # which sensors it claims to have, not always rightly


BOARDS = {
    Variant.JK04: Board("JK-B2A24S", "3.0", "3.3.0", 24, ()),
    Variant.JK02_24S: Board("JK-B2A24S20P", "8.X", "9.08", 24, (1, 2), 0x07),
    Variant.JK02_32S: Board("JK_PB2A16S20P", "15A", "15.38", 32, (1, 2, 4, 5), 0xFF),
}


# An active balancer: neither a shunt nor switches, one probe. It claims to have all sensors.
BALANCER = Board("JK_DZ11-B2A24S", "11U", "11.55", 24, (1,), 0xFF)


def without_protections(settings: Settings) -> Settings:
    """The settings of a balancer, which sends zeros for what it cannot do."""
    zeros = {
        name: 0
        for name in settings.__struct_fields__
        if name.startswith(
            ("cell_u", "cell_o", "cell_r", "soc_", "max_ch", "max_d", "charge_", "discharge_", "mos_")
        )
    }
    off = {
        "charge_switch": False,
        "discharge_switch": False,
        "discharge_utp": None,
        "discharge_utp_recovery": None,
    }
    return replace(settings, **(zeros | off))


def device_info(board: Board, variant: Variant, uptime: int) -> DeviceInfo:
    """What ``board`` says of itself; no passcode is set."""
    info = DeviceInfo(
        variant=variant,
        model=board.model,
        hw_version=board.hardware,
        sw_version=board.software,
        uptime=uptime,
        power_on_count=7,
        name="Simulated",
    )
    if variant is Variant.JK04:
        return info
    info = replace(info, manufacturing_date="250314", serial="00000000001", user_data="simulated")
    if variant is Variant.JK02_24S:
        return info
    return replace(info, absorption_time=2.0, float_time=6.0, log_period=10, uart1_protocol=1)


def factory_settings(variant: Variant, chemistry: Chemistry, cells: int, capacity_ah: float) -> Settings:
    """The settings of a careful owner of such a pack; a JK04 sends few of them."""
    c = chemistry
    return Settings(
        variant=variant,
        smart_sleep_voltage=round(c.cut_off - 0.05, 3),
        cell_uvp=c.uvp,
        cell_uvpr=c.uvpr,
        cell_ovp=c.ovp,
        cell_ovpr=c.ovpr,
        balance_trigger_voltage=0.005,
        soc_100_voltage=c.full,
        soc_0_voltage=c.empty,
        cell_request_charge_voltage=c.charge,
        cell_request_float_voltage=c.hold,
        power_off_voltage=round(c.uvp - 0.1, 3),
        max_charge_current=round(0.5 * capacity_ah, 1),
        charge_ocp_delay=10,
        charge_ocp_recovery=60,
        max_discharge_current=round(0.8 * capacity_ah, 1),
        discharge_ocp_delay=20,
        discharge_ocp_recovery=60,
        short_circuit_protection_recovery=5,
        max_balance_current=2.0,
        charge_otp=55.0,
        charge_otp_recovery=50.0,
        discharge_otp=65.0,
        discharge_otp_recovery=60.0,
        charge_utp=0.0,
        charge_utp_recovery=3.0,
        mos_otp=90.0,
        mos_otp_recovery=75.0,
        cell_count=cells,
        charge_switch=True,
        discharge_switch=True,
        balancer_switch=True,
        nominal_battery_capacity=round(capacity_ah, 3),
        short_circuit_protection_delay=1500,
        start_balance_voltage=c.balance_start,
        device_address=0,
        precharge_time=5,
        controls_bitmask=1 << 3 | 1 << 9,  # RS485, float charge mode
        heating_start=0,
        heating_stop=5,
        smart_sleep_hours=24,
        discharge_utp=-20,
        discharge_utp_recovery=-10,
        adc_reference=3.157,
    )
