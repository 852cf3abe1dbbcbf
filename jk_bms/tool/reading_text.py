"""One reading as a page for a person. What is unknown is not printed.

The first lines, up to the temperature, are those of the guide and a promise: scripts look for
them. What we know besides stands after them.
"""

from collections.abc import Iterator
from datetime import tzinfo

from jk_bms.model import Sample
from jk_bms.texts.durations import age, span, span_between

WIDTH = 60
RULE = "=" * WIDTH


def reading_text(sample: Sample, *, remark: str = "") -> str:
    """Return ``sample`` as text; ``remark`` stands under the title."""
    return "\n".join(_lines(sample, remark))


def one_line(sample: Sample, tz: tzinfo | None = None) -> str:
    """Return ``sample`` in one line of at most 80 characters, alarms not counted; for watching."""
    parts = [f"{sample.taken_at.astimezone(tz):%H:%M:%S}"]
    if sample.voltage is not None:
        parts.append(f"{sample.voltage:6.2f} V")
    if sample.current is not None:
        parts.append(f"{sample.current:+7.2f} A")
    if sample.power is not None:
        parts.append(f"{sample.power:+6.0f} W")
    if sample.battery_soc is not None:
        parts.append(f"{sample.battery_soc:3.0f} %")
    if (low := sample.cell_min) and (high := sample.cell_max):
        spread = (high.voltage - low.voltage) * 1000
        parts.append(f"{low.voltage:.3f}..{high.voltage:.3f} V Δ{spread:3.0f} mV")
    if sample.temperature is not None:
        parts.append(f"{sample.temperature:.1f} °C")
    if sample.alarms:
        parts.append("! " + ", ".join(sample.alarms))
    return "  ".join(parts)


def _lines(sample: Sample, remark: str) -> Iterator[str]:
    device = sample.device
    yield RULE
    yield "BATTERY STATUS"
    if device.name:
        yield device.name
    if device.balancer:
        yield "Active balancer: it measures neither current nor charge"
    if remark:
        yield remark
    yield RULE
    if sample.cell_voltages:
        yield "--- Cell Information (Real-time Data) ---"
        yield f"Cell Count: {len(sample.cell_voltages)}"
        yield "Cell Voltages:"
        numbers = sample.cell_numbers or range(1, len(sample.cell_voltages) + 1)
        for number, voltage in zip(numbers, sample.cell_voltages, strict=True):
            yield f"  Cell {number:2d}: {voltage:.3f}V"
        yield ""
        for label, cell in (("Min Cell", sample.cell_min), ("Max Cell", sample.cell_max)):
            if cell is not None:
                yield f"{label}: {cell.voltage:.3f}V"
        yield f"Delta: {sample.cell_delta:.3f}V"
        yield f"Average: {sample.cell_average:.3f}V"
        yield ""
    facts = {
        "Total Voltage (from BMS)": (sample.voltage, ".2f", "V"),
        "Current": (sample.current, ".3f", "A"),
        "Temperature": (sample.temperature, ".1f", "°C"),
        "Lowest Cell": (sample.cell_min and sample.cell_min.number, "d", ""),
        "Highest Cell": (sample.cell_max and sample.cell_max.number, "d", ""),
        "Power": (sample.power, ".0f", "W"),
        "SOC": (sample.soc, ".0f", "%"),
        "SOC by voltage": (sample.soc_curve, ".1f", "%"),
        "SOC counted": (sample.soc_counted, ".1f", "%"),
        "SOH": (sample.soh, ".0f", "%"),
        "Capacity Left": (sample.remaining_ah, ".1f", "Ah"),
        "Capacity Total": (sample.full_ah, ".1f", "Ah"),
        "Cycles": (sample.cycles, "d", ""),
        "MOS Temperature": (sample.mosfet_temperature, ".1f", "°C"),
        "Balance Current": (sample.balance_current, ".3f", "A"),
    }
    for label, (value, form, unit) in facts.items():
        if value is not None:
            yield f"{label}: {format(value, form)}{unit}"
    if sample.soc_low is not None and sample.soc_high is not None:
        since = f", {sample.soc_anchor} {age(sample.soc_anchor_age)}" if sample.soc_anchor_age else ""
        yield f"SOC between: {sample.soc_low:.0f}% and {sample.soc_high:.0f}%{since}"
    for what, forecast in (("Empty in", sample.empty_in), ("Full in", sample.full_in)):
        if forecast is not None:
            yield f"{what}: {span_between(*forecast)}"
    if sample.charged_kwh is not None and sample.discharged_kwh is not None:
        yield f"Energy: {sample.charged_kwh:.1f}kWh in, {sample.discharged_kwh:.1f}kWh out"
    if len(sample.temperatures) > 1:
        yield "Temperatures: " + ", ".join(
            f"T{probe.number} {probe.temperature:.1f}°C" for probe in sample.probes
        )
    switches = {
        "charge": sample.charge_enabled,
        "discharge": sample.discharge_enabled,
        "balance": sample.balancing,
        "heating": sample.heating,
    }
    known = [f"{name} {'on' if on else 'off'}" for name, on in switches.items() if on is not None]
    if known:
        yield "Switches: " + ", ".join(known)
    if sample.alarms:
        yield "Warnings: " + ", ".join(sample.alarms)
    if sample.uptime is not None:
        yield f"Uptime: {span(sample.uptime)}"
    identity = {
        "Device": device.model,
        "Hardware": device.hw_version,
        "Software": device.sw_version,
        "Serial": device.serial,
    }
    if any(identity.values()):
        yield ""
        for label, text in identity.items():
            if text:
                yield f"{label}: {text}"
    yield RULE
