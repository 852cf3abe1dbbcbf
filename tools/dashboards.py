#!/usr/bin/env python3
"""Write the dashboards of Grafana, and the rules of Prometheus, from one description: ``make dashboards``.

A panel has its query in PromQL (names of ``/metrics``) and, where InfluxDB can tell it, in InfluxQL (names of BatMON).
A test runs every query against real servers, and holds the files to this description.
"""

# ruff: noqa: E501, S608  # a table is read by its columns, and these queries take nothing from outside
import json
from pathlib import Path
from typing import Any, NamedTuple

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
VERSION = 39  # schemaVersion of Grafana 10.4; later ones read it
WIDTH = 24  # of a page, in Grafana's units
HERE = '{house=~"$house",device=~"$device"}'
OF_HOUSE = '{house=~"$house"}'


class Query(NamedTuple):
    """One line of a panel."""

    text: str
    legend: str = "{{device}}"


class Panel(NamedTuple):
    """One picture. ``influxql``: empty where InfluxDB cannot tell it."""

    title: str
    kind: str  # stat, timeseries, table, bargauge, state-timeline
    unit: str  # as Grafana calls it
    promql: tuple[Query, ...]
    influxql: tuple[Query, ...] = ()
    width: int = 12
    height: int = 8
    note: str = ""
    instant: bool = False
    interval: str = ""  # the least step
    bars: bool = False
    band: bool = False  # the second and third line are its edges


def prom(name: str, legend: str = "{{device}}", by: str = "", where: str = HERE) -> Query:
    """The newest of a name, whatever wrote it: two writers of one series are one line."""
    return Query(f"max by (house, device{by}) ({name}{where})", legend)


def influx(
    field: str,
    legend: str = "$tag_device",
    table: str = "batmon",
    by: str = '"device"',
    how: str = "last",
    step: str = "$__interval",
) -> Query:
    """A field over time."""
    where = '"device" =~ /^$device$/ AND ' if '"device"' in by else ""
    return Query(
        f'SELECT {how}("{field}") FROM "{table}" WHERE {where}$timeFilter GROUP BY time({step}), {by} fill(none)',
        legend,
    )


def per_day(name: str, legend: str, by: str = "house, device", where: str = HERE) -> Query:
    """What a counter rose by in a day; the point of a day stands at its end."""
    return Query(f"sum by ({by}) (increase({name}{where}[1d]))", legend)


B, INV = "easun_battery_", "easun_inverter_"
VOLTS = f"{B}cell_voltage_volts{HERE}"
ALERTS = f"max by (house, device, code, level) (easun_alert_active{OF_HOUSE}) > 0"

HOUSE: dict[str, tuple[Panel, ...]] = {
    "Battery": (
        Panel("Charge", "stat", "percentunit", (prom(f"{B}soc_ratio"),), (influx("soc"),), 4, 5),
        Panel("Power", "stat", "watt", (prom(f"{B}power_watts"),), (influx("power"),), 4, 5, "Charging is positive."),
        Panel("Voltage", "stat", "volt", (prom(f"{B}voltage_volts"),), (influx("voltage"),), 4, 5),
        Panel("Age of the reading", "stat", "s", (prom("easun_reading_age_seconds"),),
              (influx("age_seconds", table="easun_reading"),), 4, 5),
        Panel("Empty in, at the earliest", "stat", "s", (prom(f"{B}empty_seconds", where=HERE[:-1] + ',edge="low"}'),), (), 4, 5),
        Panel("Stored energy", "stat", "kwatth", (prom(f"{B}stored_energy_kilowatthours"),), (influx("stored_energy"),), 4, 5),
        Panel("Charge and its band", "timeseries", "percentunit",
              (prom(f"{B}soc_ratio"), prom(f"{B}soc_low_ratio", "{{device}} at least"),
               prom(f"{B}soc_high_ratio", "{{device}} at most")),
              (influx("soc"), influx("soc_low", "$tag_device at least"), influx("soc_high", "$tag_device at most")), band=True),
        Panel("Power of the battery", "timeseries", "watt", (prom(f"{B}power_watts"),), (influx("power", how="mean"),)),
        Panel("Energy in and out per day", "timeseries", "kwatth",
              (per_day(f"{B}energy_charged_kilowatthours_total", "{{device}} in"),
               per_day(f"{B}energy_discharged_kilowatthours_total", "{{device}} out")),
              (influx("meter_total_energy_charge", "$tag_device in", how="spread", step="1d"),
               influx("meter_total_energy_discharge", "$tag_device out", how="spread", step="1d")), interval="1d", bars=True),
        Panel("Temperatures", "timeseries", "celsius", (prom(f"{B}temperature_celsius", "{{device}} {{sensor}}", ", sensor"),),
              (influx("temperatures_0", "$tag_device 1"), influx("mos_temperature", "$tag_device mosfet"))),
        Panel("Health", "stat", "percentunit", (prom(f"{B}soh_ratio"),), (influx("soh"),), 6, 5),
        Panel("Equivalent cycles", "stat", "none", (prom(f"{B}equivalent_cycles_total"),), (influx("meter_total_cycles"),), 6, 5),
        Panel("Capacity as measured", "stat", "amphour", (prom(f"{B}learned_amperehours"),), (influx("aged_capacity"),), 6, 5),
        Panel("Switches", "stat", "bool_on_off", (prom(f"{B}switch_on", "{{device}} {{name}}", ", name"),),
              (influx("switches_charge", "$tag_device charge"), influx("switches_discharge", "$tag_device discharge")), 6, 5),
    ),
    "Cells": (
        Panel("Distance from the mean", "state-timeline", "volt",
              (Query(f"max by (house, device, cell) ({VOLTS}) - on (house, device) group_left () "
                     f"avg by (house, device) ({VOLTS})", "{{device}} {{cell}}"),), (), 24, 12,
              "A cell that runs away from the others stands out before its voltage does."),
        Panel("Lowest and highest cell", "timeseries", "volt",
              (prom(f"{B}cell_min_volts", "{{device}} lowest"), prom(f"{B}cell_max_volts", "{{device}} highest")),
              (influx("voltage_cell_min", "$tag_device lowest mV"), influx("voltage_cell_max", "$tag_device highest mV"))),
        Panel("Delta", "timeseries", "volt", (prom(f"{B}cell_delta_volts"),), ()),
        Panel("Cells", "bargauge", "volt", (prom(f"{B}cell_voltage_volts", "{{device}} {{cell}}", ", cell"),),
              (Query('SELECT last(/^voltage_cell\\d/) FROM "batmon" WHERE "device" =~ /^$device$/ AND $timeFilter '
                     'GROUP BY "device"', "$tag_device $col"),), instant=True),
        Panel("Wire resistance", "bargauge", "ohm",
              (prom(f"{B}cell_wire_resistance_ohms", "{{device}} {{cell}}", ", cell"),), (),
              note="Of the balance wires: loose ones show here.", instant=True),
    ),
    "House": (
        Panel("Load, sun, grid", "timeseries", "watt",
              (prom(f"{INV}load_power_watts", "load", where=OF_HOUSE), prom(f"{INV}pv_power_watts", "sun", where=OF_HOUSE),
               prom(f"{INV}grid_power_watts", "grid", where=OF_HOUSE)),
              (influx("ac_output_power", "load", "inverter", '"house"', "mean"),
               influx("pv_input_power", "sun", "inverter", '"house"', "mean"),
               influx("grid_power", "grid", "inverter", '"house"', "mean")), 16),
        Panel("Grid", "state-timeline", "bool_yes_no", (prom("easun_grid_present", "grid", where=OF_HOUSE),),
              (influx("present", "grid", "easun_grid", '"house"'),), 8),
        Panel("Voltage of the grid", "timeseries", "volt", (prom(f"{INV}grid_voltage_volts", "grid", where=OF_HOUSE),),
              (influx("grid_voltage", "grid", "inverter", '"house"', "mean"),)),
        Panel("Age of the inverter's word", "timeseries", "s",
              (prom(f"{INV}record_age_seconds", where=OF_HOUSE),),
              (influx("record_age_seconds", "$tag_device", "easun_inverter", '"house"'),)),
    ),
    "Link and alerts": (
        Panel("Open alerts", "table", "none", (Query(ALERTS, ""),),
              (influx("active", "$tag_code $tag_level", "easun_alert", '"code", "level"'),), instant=True),
        Panel("Events", "table", "none", (),
              (Query('SELECT "kind", "text" FROM "easun_event" WHERE $timeFilter ORDER BY time DESC LIMIT 50', ""),)),
        Panel("Link", "state-timeline", "bool_yes_no", (prom("easun_link_up"),), (influx("up", table="easun_link"),)),
        Panel("Signal", "timeseries", "dBm", (prom("easun_link_rssi_dbm"),), (influx("rssi_dbm", table="easun_link"),)),
        Panel("Repairs per day", "timeseries", "none",
              (per_day("easun_link_repairs_total", "{{device}} {{step}}", "house, device, step"),),
              (influx("repairs_total", "$tag_device $tag_step", "easun_link", '"device", "step"', "spread", "1d"),),
              interval="1d", bars=True),
        Panel("Frames refused per day", "timeseries", "none", (per_day("easun_link_frames_refused_total", "{{device}}"),),
              (influx("frames_refused_total", table="easun_link", how="spread", step="1d"),), interval="1d", bars=True),
        Panel("What is still to be sent", "timeseries", "s",
              (Query(f"max by (house, sink) (easun_outbox_behind_seconds{OF_HOUSE})", "{{sink}}"),),
              (influx("behind_seconds", "$tag_sink", "easun_outbox", '"sink"'),), 8),
        Panel("Memory", "timeseries", "bytes", (Query("max by (house) (process_resident_memory_bytes"
              '{house=~"$house"} and on (instance, house) easun_build_info)', "{{house}}"),),
              (influx("resident_memory_bytes", "memory", "process", '"house"'),), 8),
        Panel("Processor", "timeseries", "percentunit", (Query("max by (house) (rate(process_cpu_seconds_total"
              '{house=~"$house"}[5m]) and on (instance, house) easun_build_info)', "{{house}}"),),
              (Query('SELECT non_negative_derivative(last("cpu_seconds_total"), 1s) FROM "process" WHERE $timeFilter '
                     'GROUP BY time($__interval), "house" fill(none)', "processor"),), 8),
    ),
}  # fmt: skip

FLEET: dict[str, tuple[Panel, ...]] = {
    "Houses": (
        Panel("Charge", "bargauge", "percentunit",
              (Query(f"min by (house) ({B}soc_ratio{OF_HOUSE})", "{{house}}"),), note="The emptiest pack of each.", instant=True),
        Panel("Surely at least", "bargauge", "percentunit",
              (Query(f"min by (house) ({B}soc_low_ratio{OF_HOUSE})", "{{house}}"),), instant=True),
        Panel("Power", "timeseries", "watt", (Query(f"sum by (house) (max by (house, device) ({B}power_watts{OF_HOUSE}))",
              "{{house}}"),)),
        Panel("Age of the oldest reading", "timeseries", "s",
              (Query(f"max by (house) (easun_reading_age_seconds{OF_HOUSE})", "{{house}}"),)),
        Panel("Open alerts", "table", "none", (Query(ALERTS, ""),), instant=True),
        Panel("Houses whose box is silent", "table", "none",
              (Query(f"max by (house) (max_over_time(easun_build_info{OF_HOUSE}[1d])) unless on (house) "
                     f"max by (house) (easun_build_info{OF_HOUSE})", ""),), instant=True),
        Panel("Energy out per day", "timeseries", "kwatth",
              (per_day(f"{B}energy_discharged_kilowatthours_total", "{{house}}", "house", OF_HOUSE),), interval="1d", bars=True),
        Panel("What is still to be sent", "timeseries", "s",
              (Query(f"max by (house) (easun_outbox_behind_seconds{OF_HOUSE})", "{{house}}"),)),
        Panel("Weakest packs by health", "bargauge", "percentunit",
              (Query(f"bottomk(10, max by (house, device) ({B}soh_ratio{OF_HOUSE}))", "{{house}} {{device}}"),), instant=True),
        Panel("Weakest packs by delta", "bargauge", "volt",
              (Query(f"topk(10, max by (house, device) ({B}cell_delta_volts{OF_HOUSE}))", "{{house}} {{device}}"),), instant=True),
    ),
}  # fmt: skip

# name: (expression, for, what it says)
RULES = {
    "BoxSilent": ("max by (house) (max_over_time(easun_build_info[1d])) unless on (house) max by (house) (easun_build_info)",
                  "5m", "the box of {{ $labels.house }} is silent"),
    "NoReading": ("max by (house, device) (easun_reading_age_seconds) > 600", "1m", "{{ $labels.device }} gives no reading"),
    "OutboxBehind": ("max by (house, sink) (easun_outbox_behind_seconds) > 3600", "5m", "{{ $labels.sink }} is behind"),
    "BatteryLow": (f"max by (house, device) ({B}soc_low_ratio) < 0.2", "5m", "{{ $labels.device }} may be below 20 %"),
    "CriticalAlert": ('max by (house, device, code) (easun_alert_active{level="critical"}) > 0', "0m",
                      "alert {{ $labels.code }} of {{ $labels.device }}"),
}  # fmt: skip

ANNOTATIONS = {  # promql, influxql
    "grid away": ('max by (house) (easun_grid_present{house=~"$house"}) == 0', "grid.lost"),
    "alert begins": (ALERTS, "alert.raised"),
}


def dashboard(title: str, uid: str, rows: dict[str, tuple[Panel, ...]], language: str) -> dict[str, Any]:
    """Return a dashboard; ``language`` is ``promql`` or ``influxql``."""
    promql = language == "promql"
    source = {"type": "prometheus" if promql else "influxdb", "uid": "${datasource}"}
    panels: list[dict[str, Any]] = []
    y = 0
    for row, members in rows.items():
        panels.append({"id": len(panels) + 1, "type": "row", "title": row, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})  # fmt: skip
        x, y, deepest = 0, y + 1, 0
        for panel in members:
            queries = panel.promql if promql else panel.influxql
            if not queries:
                continue
            if x + panel.width > WIDTH:
                x, y, deepest = 0, y + deepest, 0
            place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            panels.append(_panel(panel, queries, len(panels) + 1, source, place, promql=promql))
            x, deepest = x + panel.width, max(deepest, panel.height)
        y += deepest
    return {
        "uid": uid,
        "title": title,
        "tags": ["easun-jkbms"],
        "schemaVersion": VERSION,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables(source, promql=promql, fleet=rows is FLEET)},
        "annotations": {
            "list": [_annotation(name, *each, source, promql=promql) for name, each in ANNOTATIONS.items()]
        },
        "panels": panels,
    }


def _panel(
    panel: Panel,
    queries: tuple[Query, ...],
    number: int,
    source: dict[str, str],
    place: dict[str, int],
    *,
    promql: bool,
) -> dict[str, Any]:
    targets: list[dict[str, Any]] = []
    table = panel.kind == "table"
    for letter, query in zip("ABCDEF", queries, strict=False):
        target: dict[str, Any] = {"refId": letter, "datasource": source}
        if promql:
            target |= {"expr": query.text, "legendFormat": query.legend, "editorMode": "code"}
            target |= {
                "instant": panel.instant,
                "range": not panel.instant,
                "format": "table" if table else "time_series",
            }
        else:
            target |= {"query": query.text, "rawQuery": True, "alias": query.legend}
            target |= {"resultFormat": "table" if table else "time_series"}
        targets.append(target)
    # BatMON's charge and health are in percent, its cells in mV; names of /metrics have base units.
    unit = panel.unit
    if not promql:
        unit = "percent" if unit == "percentunit" and "soc" in queries[0].text + panel.title.lower() else unit
        unit = "percent" if unit == "percentunit" and '"soh"' in queries[0].text else unit
        unit = "mvolt" if "voltage_cell" in queries[0].text else unit
    custom: dict[str, Any] = {}
    if panel.kind == "timeseries":
        custom = {
            "drawStyle": "bars" if panel.bars else "line",
            "fillOpacity": 60 if panel.bars else 8,
            "spanNulls": 300_000,
        }
    overrides: list[dict[str, Any]] = []
    if panel.band:
        edges = {"id": "byRegexp", "options": "/ at (least|most)$/"}
        overrides = [{"matcher": edges, "properties": [{"id": "custom.lineWidth", "value": 0}]}]
        most = {"id": "byRegexp", "options": "/ at most$/"}
        low = queries[1].legend.replace("{{device}}", "$device").replace("$tag_device", "$device")
        overrides.append({"matcher": most, "properties": [{"id": "custom.fillBelowTo", "value": low}]})
    color = {"mode": "continuous-BlYlRd" if panel.title.startswith("Distance") else "palette-classic"}
    made: dict[str, Any] = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": source,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": unit, "custom": custom, "color": color}, "overrides": overrides},
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}}
        if panel.kind in ("stat", "bargauge")
        else {},
    }
    return (
        made
        | ({"description": panel.note} if panel.note else {})
        | ({"interval": panel.interval} if panel.interval else {})
    )


def _variables(source: dict[str, str], *, promql: bool, fleet: bool) -> list[dict[str, Any]]:
    choice = {
        "type": "query",
        "datasource": source,
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "sort": 1,
    }
    chosen = {"current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    made: list[dict[str, Any]] = [
        {
            "name": "datasource",
            "type": "datasource",
            "query": source["type"],
            "label": "Data source",
            "refresh": 1,
        }
    ]
    if promql:
        made.append(
            choice
            | chosen
            | {"name": "house", "label": "House", "query": "label_values(easun_build_info, house)"}
        )
        if not fleet:
            query = 'label_values(easun_reading_age_seconds{house=~"$house"}, device)'
            made.append(choice | chosen | {"name": "device", "label": "Battery", "query": query})
    else:
        query = 'SHOW TAG VALUES FROM "batmon" WITH KEY = "device"'
        made.append(choice | chosen | {"name": "device", "label": "Battery", "query": query})
    return made


def _annotation(name: str, expr: str, kind: str, source: dict[str, str], *, promql: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "datasource": source, "enable": True, "iconColor": "red"}
    if promql:
        return made | {"expr": expr, "step": "60s", "titleFormat": name}
    query = f'SELECT "text" FROM "easun_event" WHERE "kind" = \'{kind}\' AND $timeFilter'
    return made | {"query": query, "textColumn": "text", "rawQuery": True}


def files() -> dict[Path, str]:
    """Return every file that follows from the description, with its text."""
    boards = {
        "house-promql": dashboard("Battery and house", "easun-house", HOUSE, "promql"),
        "house-influxql": dashboard(
            "Battery and house (InfluxDB)", "easun-house-influxql", HOUSE, "influxql"
        ),
        "fleet-promql": dashboard("Many houses", "easun-fleet", FLEET, "promql"),
    }
    made = {
        DEPLOY / "grafana" / "dashboards" / f"{name}.json": json.dumps(board, indent=1, ensure_ascii=False)
        + "\n"
        for name, board in boards.items()
    }
    rules = [
        {"alert": name, "expr": expr, "for": lasts, "annotations": {"summary": said}}
        for name, (expr, lasts, said) in RULES.items()
    ]
    # JSON is YAML.
    text = json.dumps({"groups": [{"name": "easun", "rules": rules}]}, indent=1)
    made[DEPLOY / "prometheus" / "easun.rules.yml"] = f"# Made by tools/dashboards.py.\n{text}\n"
    return made


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
