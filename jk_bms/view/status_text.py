"""The state of the house in words: one page for ``jk-util.py status`` and the live view."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo

from jk_bms.called import no_battery
from jk_bms.model.kinds import kind_of
from jk_bms.model.reading import Reading
from jk_bms.model.snapshot import (
    BatteryNow,
    Energy,
    InverterShown,
    LinkNow,
    RecordsNow,
    Snapshot,
    Span,
    TelegramNow,
    WebNow,
)
from jk_bms.repair.ladder import Rung
from jk_bms.texts import language
from jk_bms.texts.alerts import alert_line
from jk_bms.texts.durations import age as said_age
from jk_bms.texts.durations import span, span_between
from jk_bms.view.flow import flow_of_power
from jk_bms.view.house import WholeHouse, house_of

BAR = 24  # characters of the SoC bar
WIDTH = 80  # characters of a line
INDENT = 11  # of what stands behind a title
Paint = Callable[[str, str], str]  # text and the code of its colour
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WORTH_SAYING = 0.15  # how sure a cause must be to be named

LEFT_OUT = {  # why a battery is not counted
    "never": "no data yet",
    "silent": "no data now",
    "lent": "lent to the phone app",
    "off": "discharging is switched off",
    "no_charge": "charge not known",
}
STATES = {  # what a person would say of a link
    "searching": "searching",
    "connecting": "connecting",
    "identifying": "connected, asking who it is",
    "streaming": "connected",
    "silent": "connected, but silent",
    "repairing": "repairing",
    "waiting": "waiting for the next visit",
    "released": "released",
}


SAY_WHICH = (
    "Write `chemistry:` (lfp, nmc or lto) beside this battery in jk_devices.yaml, or mend the setting."
)


def status_lines(snapshot: Snapshot, *, color: bool = False, zone: tzinfo | None = None) -> list[str]:
    """Return the snapshot of the poller as lines of text, at most WIDTH wide where words allow, times in ``zone``."""
    paint = _paint if color else _plain
    lines: list[str] = []
    if snapshot.clock_trusted is False:
        lines += [paint("The clock of this machine is wrong; nothing is merged until it is right.", "33"), ""]
    if snapshot.alerts:
        lines += [*_alert_lines(snapshot, paint, zone), ""]
    if not snapshot.devices:
        lines += [paint(no_battery(), "33"), ""]
    if len(snapshot.devices) > 1:
        lines += [*_batteries_lines(house_of(snapshot), paint), ""]
    for device in snapshot.devices:
        lines += _device_lines(device, snapshot, paint, zone)
        lines.append("")
    if (inverter := snapshot.inverter) is not None:
        lines += [*_inverter_lines("House", inverter, snapshot, paint), ""]
    if len(snapshot.inverters) > 1:
        for one in snapshot.inverters:
            lines += [*_inverter_lines(f"Inverter {one.label}", one, snapshot, paint), ""]
    if (telegram := snapshot.telegram) is not None:
        lines += _telegram_lines(telegram, paint)
    if (web := snapshot.web) is not None and web.link:
        lines += [paint("Page", "1"), *_page_lines(web), ""]
    if (records := snapshot.records) is not None:
        lines += _record_lines(records, paint)
    for name, sink in snapshot.sinks.items():
        lines += (
            [paint(f"Sink {name}", "1"), paint(f"  Trouble  {sink.failure}", "33")] if sink.failure else []
        )
    return [part for line in lines for part in _folded(line)]


def soc_bar(soc: float, width: int = BAR) -> str:
    """Return ``soc`` % as a bar of ``width`` characters."""
    full = round(min(max(soc, 0.0), 100.0) / 100 * width)
    return "█" * full + "░" * (width - full)


def cell_bars(cells: Sequence[float]) -> str:
    """Return one small column for each cell between the lowest and the highest."""
    low, high = min(cells), max(cells)
    steps = "▁▂▃▄▅▆▇█"
    reach = max(high - low, 0.004)  # below 4 mV differences are noise: keep the picture calm
    return "".join(steps[min(7, int((cell - low) / reach * 7.999))] for cell in cells)


def _alert_lines(snapshot: Snapshot, paint: Paint, zone: tzinfo | None) -> Iterator[str]:
    texts, now = language("en"), datetime.now(UTC)
    names = snapshot.names
    yield paint("Alerts", "1")
    for alert in snapshot.alerts or ():
        tone = "31" if alert.severity in ("error", "critical") else "33"
        muted = " (muted)" if alert.muted else ""
        line = alert_line(alert, names.get(alert.subject), texts, zone, now)
        yield f"  {paint(alert.severity.ljust(8), tone)} {line}{muted}"


def _batteries_lines(house: WholeHouse, paint: Paint) -> Iterator[str]:
    """What all batteries have together, and which of them are not counted."""
    yield paint("All batteries", "1")
    if house.soc is None:
        yield "  Charge   not known"
    else:
        left = f", {house.left_kwh:.1f} kWh left" if house.left_kwh is not None else ""
        yield f"  Charge   {paint(soc_bar(house.soc), _tone(house.soc))} {house.soc:.0f} %{left}"
    power = [f"{house.current:+.2f} A"] if house.current is not None else []
    if house.power is not None:
        power.append(f"{house.power:+.0f} W {flow_of_power(house.power)}")
    if power:
        yield f"  Power    {'   '.join(power)}"
    yield from _ends(house.empty_in, house.full_in)
    for one in house.left_out:
        yield paint(f"  Without  {one.device.label}: {LEFT_OUT[one.why]}", "33")


def _ends(empty_in: Span | None, full_in: Span | None) -> Iterator[str]:
    if empty_in is not None:
        yield f"  Empty in {span_between(*empty_in)} at the usual load"
    if full_in is not None:
        yield f"  Full in  {span_between(*full_in)} at this current"


def _tone(soc: float) -> str:
    return "31" if soc < 20 else "33" if soc < 40 else "32"


def _inverter_lines(title: str, inverter: InverterShown, snapshot: Snapshot, paint: Paint) -> Iterator[str]:
    """What all inverters say together, or one of several."""
    yield paint(title, "1")
    if inverter.age is None:
        yield f"  Reading  {paint('none yet', '33')}"
        return
    grid = inverter.grid
    tone = {"present": "32", "lost": "31"}.get(grid.state, "33")
    state = paint(grid.state, tone)
    facts = [f"for {span(grid.lasts)}"] if grid.lasts is not None else []
    if grid.state == "present":
        facts += [
            f"{value:.0f} {unit}"
            for value, unit in ((inverter.grid_voltage, "V"), (inverter.grid_power, "W"))
            if value is not None
        ]
    yield f"  Grid     {', '.join([state, *facts])}"
    powers = [
        f"{name} {value:.0f} W"
        for name, value in (("load", inverter.load_power), ("sun", inverter.pv_power))
        if value is not None
    ]
    if powers:
        yield f"  Power    {', '.join(powers)}"
    if inverter.of is not None and inverter.fresh != inverter.of:
        yield paint(f"  Heard    {inverter.fresh} of {inverter.of} inverters; nothing is added up", "33")
    if snapshot.is_old(inverter.age):
        yield f"  Taken    {paint(said_age(inverter.age), '33')} (old)"
    if inverter.error:
        yield paint(f"  Trouble  {inverter.error}", "33")


def _page_lines(web: WebNow) -> Iterator[str]:
    """Where the page is; with its one-time code as long as it has no password."""
    yield f"  {web.link}"
    if web.code:
        yield f"  It has no password yet; its one-time code is {web.code}"


def _telegram_lines(telegram: TelegramNow, paint: Paint) -> list[str]:
    """What a person must know or do; nothing when the bot has an owner and does well."""
    lines = []
    if code := telegram.code:
        lines.append(f"  It has no owner yet. Send it: /start {code}")
    if trouble := telegram.trouble:
        lines.append(paint(f"  Trouble  {trouble}", "31"))
    return [paint("Telegram bot", "1"), *lines, ""] if lines else []


def _device_lines(device: BatteryNow, snapshot: Snapshot, paint: Paint, zone: tzinfo | None) -> Iterator[str]:
    link = device.link or LinkNow()
    title = f"Battery {device.number}: {device.label}"
    if (kind := kind_of(device.kind)).made_up:
        title += f" ({kind.name})"
    state = STATES.get(link.state, link.state)
    good = link.state in ("streaming", "waiting")
    facts = [f"for {span(link.lasts)}"]
    if link.rssi is not None:
        facts.append(f"{link.rssi} dBm")
    if (left := link.released_for) is not None:
        facts.append(f"taken up again in {span(max(left, 0.0))}")
    yield paint(title, "1")
    yield f"  Link     {paint(state, '32' if good else '33')}, {', '.join(facts)}"
    yield from _link_lines(link, zone)
    reading = device.reading
    if reading is None:
        last = link.last_frame
        told = "none yet" if last is None else f"none since the start, the last {said_age(last)}"
        yield f"  Reading  {told}"
        return
    age = device.age or 0.0
    yield from _reading_lines(reading, age, snapshot.is_old(age), device.days, paint)
    if uncounted := device.uncounted:
        yield from _wrapped(
            "Cells", f"the charge is that of the BMS and not counted: {uncounted}. {SAY_WHICH}"
        )


def _link_lines(link: LinkNow, zone: tzinfo | None) -> Iterator[str]:
    """Why there is no data and what is done about it; what became of the last outage; the counters."""
    if link.message:
        yield from _wrapped("", link.message)
    if link.state not in ("streaming", "waiting", "released"):
        for word, cause in zip(("Probably:", "Or:"), link.causes, strict=False):
            if cause.sure >= WORTH_SAYING:
                yield from _wrapped("", f"{word} {cause.meaning} {cause.action}")
    if (outage := link.outage) is not None and link.verdict:
        tries = outage.attempts
        done = _rung("; ", outage.rung) if outage.rung not in ("none", "reconnect") else ""
        yield f"  Outage   for {span(outage.lasted)}, {tries} failed attempt{'' if tries == 1 else 's'}{done}"
    if (last := link.last_outage) is not None and last.began is not None:
        began = last.began.astimezone(zone)
        verdict = last.verdict.replace("_", " ")
        yield f"  Last gap {began:%-d %b %H:%M} for {span(last.lasted)}: {verdict}{_rung(', ', last.cure)}"
    if lately := link.implausible:
        left = f"{lately} reading{'' if lately == 1 else 's'} left out in the last 10 min"
        yield from _wrapped("Doubt", f"{left}, as they cannot be true: {link.implausible_reason}")
    counters = [
        f"{count} {one if count == 1 else many}"
        for count, one, many in (
            (link.connects, "connection", "connections"),
            (link.refused, "frame refused", "frames refused"),
            (link.discarded, "byte dropped", "bytes dropped"),
            (link.commands, "command", "commands"),
        )
        if count
    ]
    if counters:
        today = f" ({link.commands_day} in the last 24 h)" if link.commands_day else ""
        yield f"  Radio    {', '.join(counters)}{today}"


def _rung(before: str, code: str | None) -> str:
    """What a repair did, behind ``before``; "" for none, and for one of a service that is newer than we are."""
    rung = Rung.__members__.get((code or "").upper())
    return "" if rung is None else f"{before}{rung.words}"


def _wrapped(title: str, text: str) -> Iterator[str]:
    yield from _folded(f"  {title:<9}{' '.join(text.split())}")


def _beside(line: str, more: str) -> Iterator[str]:
    """Yield ``line`` with ``more`` behind it, or below it where there is no room."""
    if _width(line) + 1 + len(more) <= WIDTH or not more:
        yield f"{line} {more}".rstrip()
    else:
        yield line.rstrip()
        yield " " * INDENT + more


def _width(text: str) -> int:
    """How many characters of ``text`` are seen: colours take no room."""
    return len(_COLOUR.sub("", text))


def _folded(line: str) -> Iterator[str]:
    """Yield ``line`` in parts that fit, each further one below what stands behind the title."""
    part, wide = "", 0
    for word in re.findall(r"\s*\S+", line):
        room = _width(word)
        if wide + room > WIDTH and wide > INDENT:
            yield part
            part, wide, word = " " * INDENT, INDENT, word.lstrip()
            room = _width(word)
        part, wide = part + word, wide + room
    yield part


def _band(reading: Reading) -> str:
    """How sure the count is, and what it started from; nothing for a value of the BMS."""
    if reading.soc_low is None or reading.soc_high is None:
        return ""
    band = f"{reading.soc_low:.0f} to {reading.soc_high:.0f} %"
    anchor = reading.soc_anchor
    if reading.battery_soc_source != "counted":
        return f"(our count: {band})" if anchor else f"(our count: {band}, not anchored yet)"
    age = reading.soc_anchor_age
    since = f", {anchor} {said_age(age)}" if anchor and age is not None else ""
    return f"({band}{since})"


def _reading_lines(
    reading: Reading, age: float, old: bool, days: Mapping[str, Energy], paint: Paint
) -> Iterator[str]:
    if (soc := reading.battery_soc) is not None:
        source = {"bms": "by the BMS", "curve": "by voltage", "counted": "counted"}.get(
            reading.battery_soc_source or "", ""
        )
        yield from _beside(
            f"  Charge   {paint(soc_bar(soc), _tone(soc))} {soc:.0f} % {source}", _band(reading)
        )
    elif reading.device.balancer:
        yield "  Charge   not measured: this is an active balancer, without a current sensor"
    power = []
    if (voltage := reading.voltage) is not None:
        power.append(f"{voltage:.2f} V")
    if (current := reading.current) is not None:
        power.append(f"{current:+.2f} A")
    if (watts := reading.power) is not None:
        power.append(f"{watts:+.0f} W {flow_of_power(watts)}")
    if power:
        yield f"  Power    {'   '.join(power)}"
    yield from _ends(reading.empty_in, reading.full_in)
    if (cells := reading.cells) and (low := reading.cell_min) and (high := reading.cell_max):
        delta = reading.cell_delta if reading.cell_delta is not None else high.v - low.v
        yield from _beside(
            f"  Cells    {cell_bars(cells)} ",
            f"{low.v:.3f} V (cell {low.index}) to {high.v:.3f} V (cell {high.index}), "
            f"delta {delta * 1000:.0f} mV",
        )
    warm = []
    if probes := reading.probes:
        warm.append("battery " + ", ".join(f"T{number} {value:.1f}" for number, value in probes) + " °C")
    if (mosfet := reading.mos_temperature) is not None:
        warm.append(f"MOSFETs {mosfet:.1f} °C")
    if warm:
        yield f"  Temp.    {', '.join(warm)}"
    meters, today = reading.meters, days[max(days)] if days else Energy()
    if meters.charged_kwh is not None and meters.discharged_kwh is not None:
        energy = f"{meters.charged_kwh:.1f} kWh in, {meters.discharged_kwh:.1f} kWh out"
        if today.charged_kwh is not None and today.discharged_kwh is not None:
            energy += f"; today {today.charged_kwh:.1f} in, {today.discharged_kwh:.1f} out"
        yield f"  Energy   {energy}"
    if alarms := reading.alarms:
        yield f"  Alarms   {paint(', '.join(alarms), '31')}"
    yield f"  Taken    {paint(said_age(age), '33' if old else '0')}" + (" (old)" if old else "")


def _record_lines(records: RecordsNow, paint: Paint) -> Iterator[str]:
    yield paint("Inverter's database", "1")
    yield f"  File     {records.path}"
    counts = ((records.merged, "merged"), (records.inserted, "inserted"))
    done = [f"{count} {what}" for count, what in counts if count]
    if records.age is not None:
        yield f"  Records  {', '.join(done)}, the last {said_age(records.age)}"
    else:
        yield "  Records  none merged yet"
    if records.failure:
        yield paint(f"  Trouble  {records.failure}", "33")


def _paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _plain(text: str, _: str) -> str:
    return text
