"""Captured frames and streams, where this checkout stands beside them: every value is right."""

import hashlib
import random
from typing import Any

import pytest

from jk_bms.protocol import FrameAssembler, as_dict, decode, identify
from tests.beside import vectors

VECTORS = vectors()  # empty elsewhere: then our own frames must do
NUMBERS = 1.1e-3
TEMPERATURES = 0.06

SAME = {
    "cell_count", "cell_resistances", "voltage", "current", "balance_current", "balance_action", "soc",
    "cycles", "soh", "precharge", "user_alarm", "user_alarm2", "heating", "heating_current",
    "charger_plugged", "model", "name", "serial", "user_data", "user_data2", "power_on_count",
    "uart1_protocol", "can_protocol", "uart2_protocol", "dry1_trigger", "dry2_trigger", "cell_uvp",
    "cell_uvpr", "cell_ovp", "cell_ovpr", "charge_otp", "discharge_otp", "charge_utp", "mos_otp",
    "device_address", "entries",
}  # fmt: skip
# their name: ours
RENAMED = {
    "cell_voltages": "cells",
    "cell_voltage_avg": "cell_average_bms",
    "cell_voltage_delta": "cell_delta_bms",
    "cell_max_no": "cell_max_number_bms",
    "cell_min_no": "cell_min_number_bms",
    "cell_mask": "cell_mask",
    "wire_resistance_warning_mask": "wire_warning_mask",
    "power_raw_abs_w": "power_bms",
    "mos_temp": "mos_temperature",
    "alarm_mask": "problem_code",
    "remaining_ah": "charge",
    "full_ah": "capacity",
    "cycle_ah": "cycle_charge",
    "runtime_s": "uptime",
    "pack_voltage_sum_of_cells": "voltage",
    "temp_sensor_present_mask": "sensor_mask",
    "emergency_s": "emergency_time",
    "voltage_10mv": "voltage_check",
    "sys_run_ticks_0_1s": "ticks",
    "detail_log_count": "log_count",
    "pcl_state": "parallel_limiter",
    "charge_status_time_s": "charge_stage_time",
    "hw": "hw_version",
    "sw": "sw_version",
    "uptime_s": "uptime",
    "mfg_date": "manufacturing_date",
    "lcd_buzzer_trigger": "buzzer_trigger",
    "data_stored_period_s": "log_period",
    "rcv_time_h": "absorption_time",
    "rfv_time_h": "float_time",
    "smart_sleep_v": "smart_sleep_voltage",
    "balance_trigger_v": "balance_trigger_voltage",
    "soc100_v": "soc_100_voltage",
    "soc0_v": "soc_0_voltage",
    "cell_rcv": "cell_request_charge_voltage",
    "cell_rfv": "cell_request_float_voltage",
    "power_off_v": "power_off_voltage",
    "max_charge_a": "max_charge_current",
    "charge_ocp_delay_s": "charge_ocp_delay",
    "charge_ocp_release_s": "charge_ocp_recovery",
    "max_discharge_a": "max_discharge_current",
    "discharge_ocp_delay_s": "discharge_ocp_delay",
    "discharge_ocp_release_s": "discharge_ocp_recovery",
    "scp_release_s": "short_circuit_protection_recovery",
    "max_balance_a": "max_balance_current",
    "charge_otpr": "charge_otp_recovery",
    "discharge_otpr": "discharge_otp_recovery",
    "charge_utpr": "charge_utp_recovery",
    "mos_otpr": "mos_otp_recovery",
    "charge_enable": "charge_switch",
    "discharge_enable": "discharge_switch",
    "balance_enable": "balancer_switch",
    "design_capacity_ah": "nominal_battery_capacity",
    "scp_delay_us": "short_circuit_protection_delay",
    "balance_start_v": "start_balance_voltage",
    "precharge_time_s": "precharge_time",
    "controls_mask": "controls_bitmask",
    "heating_start_c": "heating_start",
    "heating_stop_c": "heating_stop",
    "smart_sleep_h": "smart_sleep_hours",
    "data_field_enable0": "field_enable",
    "discharge_utp_c": "discharge_utp",
    "discharge_utpr_c": "discharge_utp_recovery",
    "adc_vref": "adc_reference",
}
# their name: (our attribute, what it makes of it)
DERIVED: dict[str, Any] = {
    "temp1": lambda d: d.temperature_1,
    "temp2": lambda d: d.temperature_2,
    "temp3": lambda d: d.temperature_3,
    "temp4": lambda d: d.temperature_4,
    "temp5": lambda d: d.temperature_5,
    "charge_mos": lambda d: d.charge_on,
    "discharge_mos": lambda d: d.discharge_on,
    "release_timer_dc_ocp_s": lambda d: d.release_timers.discharge_overcurrent,
    "release_timer_dc_scp_s": lambda d: d.release_timers.discharge_short_circuit,
    "release_timer_c_ocp_s": lambda d: d.release_timers.charge_overcurrent,
    "release_timer_c_scp_s": lambda d: d.release_timers.charge_short_circuit,
    "release_timer_uvp_s": lambda d: d.release_timers.undervoltage,
    "release_timer_ovp_s": lambda d: d.release_timers.overvoltage,
    "rtc_s_since_2020": lambda d: d.clock_seconds,
    "sleep_countdown_s": lambda d: d.time_to_sleep,
    "battery_type": lambda d: d.battery_type_code,
    "charge_status": lambda d: d.charge_stage_code,
    "dry_contacts": lambda d: d.dry_contact_bits,
    "wire_res_raw": lambda d: _all_zero(d.connection_wire_resistances),
    "wire_res_uohm": lambda d: _all_zero(d.connection_wire_resistances),
}
UNPROVEN = {"unknown102_f"}  # nobody knows what it is
# What a firmware sends without knowing it: absent with us.
ABSENT = {
    "temp1", "temp2", "temp3", "temp4", "temp5", "mos_temp", "heating_current", "soh", "sleep_countdown_s",
    "rtc_s_since_2020", "battery_type", "charge_status", "charge_status_time_s", "heating_start_c",
    "heating_stop_c", "soc100_v", "soc0_v", "cell_rcv", "cell_rfv",
    "discharge_utp_c", "discharge_utpr_c", "cell_max_no", "cell_min_no", "cell_voltage_avg",
    "cell_voltage_delta",
}  # fmt: skip
ABSENT_INFO = {
    "mfg_date", "serial", "user_data", "user_data2", "uart1_protocol", "can_protocol", "uart2_protocol",
    "lcd_buzzer_trigger", "dry1_trigger", "dry2_trigger", "data_stored_period_s", "rcv_time_h", "rfv_time_h",
}  # fmt: skip


def _all_zero(ohms: tuple[float, ...]) -> object:
    return ohms if any(ohms) else "all zero"


def _is(ours: Any, theirs: Any, name: str) -> bool:
    if isinstance(theirs, str) and theirs.startswith("0x"):
        return bool(ours == int(theirs, 16))
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(_is(a, b, name) for a, b in zip(ours, theirs, strict=True))
    if isinstance(theirs, dict):
        return all(_is(ours["time" if key == "t_s" else key], value, key) for key, value in theirs.items())
    if isinstance(theirs, (int, float)) and ours is not None:
        return bool(abs(ours - theirs) <= (TEMPERATURES if "temp" in name else NUMBERS))
    return bool(ours == theirs)


def test_every_expected_value() -> None:
    """Each value of each captured frame is decoded, or is absent for a reason that we know."""
    checked = 0
    for vector in VECTORS:
        for number, captured in enumerate(vector.get("frames", [])):
            software = vector["sw"] if vector["sw"][0].isdigit() else None
            (frame,) = FrameAssembler().feed(bytes.fromhex(captured["hex"])[:300])
            decoded = decode(frame, software=software)
            shown = as_dict(decoded)
            where = f"{vector['file']} frame {number}"
            assert shown["variant"] == vector["variant"], where
            for name, theirs in captured["expected"].items():
                if name in UNPROVEN:
                    continue
                if name.endswith("passcode"):
                    assert shown[f"{name}_set"] is bool(theirs), f"{where}: {name}"  # without the value
                    continue
                if name == "log_count":
                    ours = shown["count"]
                elif name in DERIVED:
                    ours = DERIVED[name](decoded)
                else:
                    ours = shown.get(name if name in SAME else RENAMED[name])
                checked += 1
                if name == "cell_resistances" and not any(theirs):
                    theirs = []  # a board that does not measure them sends zeros
                if ours is None and (
                    name in ABSENT or (name in ABSENT_INFO and theirs in ("", 0)) or theirs == "absent"
                ):
                    continue
                assert _is(ours, theirs, name), f"{where}: {name} is {ours!r}; expected {theirs!r}"
    assert checked > 2000 or not VECTORS


def test_version_and_content_agree() -> None:
    """No captured frame makes us warn of a conflict, save the balancer that broke the version rule."""
    for vector in VECTORS:
        for captured in vector.get("frames", []):
            (frame,) = FrameAssembler().feed(bytes.fromhex(captured["hex"])[:300])
            found = identify(frame, vector["sw"])
            assert (found.variant, found.conflict) == (vector["variant"], None), vector["file"]


@pytest.mark.parametrize("seed", [None, *range(40)])
def test_recorded_streams(seed: int | None) -> None:
    """Recorded notifications give the frames that were sent, as recorded or cut at random."""
    for vector in VECTORS:
        if vector.get("kind") != "notification_stream":
            continue
        chunks = [bytes.fromhex(event["hex"]) for event in vector["events"] if event["dir"] == "notify"]
        if seed is not None:
            rnd, stream, chunks = random.Random(seed), b"".join(chunks), []
            longest = rnd.choice((5, 40, 400))
            while stream:
                size = rnd.randint(1, longest)
                chunks.append(stream[:size])
                stream = stream[size:]
        assembler = FrameAssembler()

        frames = [frame for chunk in chunks for frame in assembler.feed(chunk)]

        got = [(f.kind, f.counter, hashlib.sha256(f.data).hexdigest()[:12]) for f in frames]
        expected = [(e["type"], e["counter"], e["sha256_12"]) for e in vector["expected_frames"]]
        assert got == expected, vector["file"]
