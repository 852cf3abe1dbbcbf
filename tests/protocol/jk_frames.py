"""Frames of our own making, one of each kind and variant, for all protocol tests."""

from jk_bms.protocol import (
    CellInfo,
    DeviceInfo,
    Frame,
    FrameAssembler,
    Logbook,
    LogEntry,
    Settings,
    Variant,
    encode_cell_info,
    encode_device_info,
    encode_logbook,
    encode_settings,
)

CANARY, CANARY2, CANARY3 = "CANARY-1", "CANARY-2", "CNRY3"

VOLTS = (3.301, 3.302, 3.299, 3.3, 3.305, 3.298, 3.301, 3.3)

CELLS = {
    Variant.JK04: CellInfo(
        variant=Variant.JK04,
        cells=VOLTS,
        cell_resistances=(0.147, 0.121, 0.142, 0.138, 0.122, 0.127, 0.113, 0.11),
        balance_current=-0.75,
        balance_action=2,
        uptime=37_081_800,
    ),
    Variant.JK02_24S: CellInfo(
        variant=Variant.JK02_24S,
        cells=VOLTS,
        cell_numbers=(1, 2, 3, 5, 6, 7, 20, 24),  # with gaps
        cell_resistances=(0.07,) * 8,
        current=-2.4,
        soc=97,
        soh=100,
        charge=97.048,
        capacity=100.0,
        cycles=54,
        cycle_charge=5439.95,
        temperature_1=25.0,
        temperature_2=-3.6,
        mos_temperature=24.2,
        problem_code=0x8010,
        balance_current=0.512,
        balance_action=1,
        uptime=15_320_827,
        charge_on=True,
        discharge_on=False,
        user_alarm=1491,
        sensor_mask=7,
        voltage_correction=2.5,
    ),
    Variant.JK02_32S: CellInfo(
        variant=Variant.JK02_32S,
        cells=VOLTS * 4,  # above 65.5 V
        cell_resistances=(0.062,) * 32,
        current=87.654,
        soc=50,
        charge=140.0,
        capacity=280.5,
        cycles=3,
        cycle_charge=900.25,
        temperature_1=21.0,
        temperature_2=22.5,
        temperature_4=19.5,
        mos_temperature=31.0,
        problem_code=0x00080001,
        balance_current=0.0,
        balance_action=0,
        uptime=700,
        charge_on=True,
        discharge_on=True,
        release_overvoltage=17,
        sensor_mask=0xF7,
        heating=True,
        heating_current=0.512,
        voltage_check=105.6,
        clock_seconds=190_000_000,
        log_count=12,
        time_to_sleep=3600,
        battery_type_code=2,
        charge_stage_code=1,
        charge_stage_time=77,
        dry_contact_bits=4,
        charger_plugged=True,
        parallel_limiter=True,
        ticks=5040,
    ),
}

SETTINGS = {
    Variant.JK04: Settings(
        variant=Variant.JK04,
        cell_count=8,
        power_off_voltage=2.5,
        adc_reference=3.0,
        start_balance_voltage=3.25,
        balance_trigger_voltage=0.0078125,
        max_balance_current=1.0,
        balancer_switch=True,
    ),
    Variant.JK02_24S: Settings(
        variant=Variant.JK02_24S,
        cell_count=8,
        cell_uvp=2.6,
        cell_ovp=3.65,
        charge_utp=-20.0,
        charge_switch=True,
        nominal_battery_capacity=280.0,
        connection_wire_resistances=(0.000123,) * 24,
    ),
    Variant.JK02_32S: Settings(
        variant=Variant.JK02_32S,
        cell_count=32,
        cell_uvp=2.6,
        cell_ovp=3.65,
        charge_utp=-20.0,
        discharge_utp=-10,
        discharge_utp_recovery=-5,
        heating_start=-3,
        heating_stop=5,
        smart_sleep_hours=24,
        controls_bitmask=0b10_0000_1001,
        device_address=3,
        precharge_time=5,
        max_charge_current=150.0,
        discharge_switch=True,
        connection_wire_resistances=(0.000123,) * 32,
    ),
}

INFOS = {
    Variant.JK04: DeviceInfo(
        variant=Variant.JK04,
        model="JK-B2A16S",
        hw_version="3.0",
        sw_version="3.3.0",
        uptime=37_081_800,
        power_on_count=20,
        name="BMS",
    ),
    Variant.JK02_24S: DeviceInfo(
        variant=Variant.JK02_24S,
        model="JK-B2A24S20P",
        hw_version="10.XG",
        sw_version="10.07",
        name="Büro",
        manufacturing_date="220511",
        serial="2041803028",
        user_data="Input Userdata",
    ),
    Variant.JK02_32S: DeviceInfo(
        variant=Variant.JK02_32S,
        model="JK_PB2A16S20P",
        hw_version="19A",
        sw_version="19.27",
        uptime=5_000_000,
        power_on_count=7,
        name="garage",
        manufacturing_date="251101",
        serial="506177F49000674",
        user_data="JK-BMS",
        user_data2="JK-BMS",
        uart1_protocol=1,
        can_protocol=4,
        uart1_protocols=0x1FE9,
        buzzer_trigger=9,
        dry1_trigger=8,
        dry1_trigger_value=-20,
        log_period=3600,
        absorption_time=0.5,
        float_time=5.0,
        emergency_duration=30,
        rebulk_soc=95,
    ),
}

LOGBOOK = Logbook(variant=Variant.JK02_32S, count=2, entries=(LogEntry(0, 1), LogEntry(2_514_095, 0x1B)))


def cell_frame(variant: Variant = Variant.JK02_32S, counter: int = 1) -> bytes:
    """The cell-info frame of ``variant``."""
    return encode_cell_info(CELLS[variant], variant, counter)


def settings_frame(variant: Variant = Variant.JK02_32S, counter: int = 2) -> bytes:
    """The settings frame of ``variant``."""
    return encode_settings(SETTINGS[variant], variant, counter)


def info_frame(variant: Variant = Variant.JK02_32S, counter: int = 3) -> bytes:
    """The device-info frame of ``variant``, with canaries for passcodes."""
    return encode_device_info(INFOS[variant], variant, counter, passcode=CANARY, setup_passcode=CANARY2)


def logbook_frame(counter: int = 4) -> bytes:
    """A logbook frame."""
    return encode_logbook(LOGBOOK, counter)


def framed(data: bytes) -> Frame:
    """The one frame in ``data``."""
    (frame,) = FrameAssembler().feed(data)
    return frame


def repaired(data: bytes, changes: dict[int, bytes]) -> bytes:
    """``data`` with ``changes`` at their offsets and the check byte mended."""
    changed = bytearray(data)
    for at, new in changes.items():
        changed[at : at + len(new)] = new
    changed[299] = sum(changed[:299]) & 0xFF
    return bytes(changed)
