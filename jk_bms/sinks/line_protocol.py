"""Values as lines for InfluxDB and VictoriaMetrics: names, tags, fields that never change their type."""

import math
from collections.abc import Iterable, Mapping

from jk_bms.model import Event
from jk_bms.sinks.series import BATTERY, INVERTER, Labels, Metric, Series

Fields = dict[str, str]
Points = dict[str, Fields]  # by what stands before the fields: measurement and tags

_TAG = str.maketrans({"\\": "\\\\", " ": "\\ ", ",": "\\,", "=": "\\=", "\n": "\\ ", "\r": None})
_TEXT = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": " ", "\r": None})
_LONGEST = 1000  # characters of a text
_DIGITS = 5  # decimals of a meter and in units of /metrics; BatMON has 3 elsewhere


def text(value: str) -> str:
    """Return ``value`` as a field."""
    return f'"{value[:_LONGEST].translate(_TEXT)}"'


def number(value: float, digits: int) -> str | None:
    """Return ``value`` as a float field; None: it is none, and the server would drop it without a word."""
    return f"{round(value, digits) + 0.0!r}" if math.isfinite(value) else None


def lines(points: Mapping[str, Fields], time: int) -> list[str]:
    """Return ``points`` of one moment, in ms, as lines."""
    return [
        f"{head} {','.join(f'{key}={value}' for key, value in fields.items())} {time}"
        for head, fields in points.items()
        if fields
    ]


class Names:
    """Puts values under the names that the owner asked for: ``batmon``, or those of ``/metrics``."""

    def __init__(self, names: str, house: str | None, *, invert: bool) -> None:
        """``invert``: turn current and power, as BatMON's own setting does; never under names of ``/metrics``."""
        self._batmon = names == "batmon"
        self._house = (("house", house),) if house else ()
        self._turned = {"current", "power"} if invert and self._batmon else set()
        self._known: dict[tuple[str, str, str], tuple[str, str, Metric]] = {}

    def head(self, measurement: str, labels: Iterable[tuple[str, str]]) -> str:
        """Return measurement and tags; an empty tag would be an error."""
        tags = (f"{key}={value[:120].translate(_TAG)}" for key, value in (*labels, *self._house) if value)
        return ",".join((measurement, *tags))

    def battery(self, device: str, values: Mapping[str, float]) -> Points:
        """Return the numbers of a battery called ``device``."""
        return self._points("easun_battery", "batmon", BATTERY, device, values)

    def inverter(self, device: str, values: Mapping[str, float]) -> Points:
        """Return the numbers of an inverter called ``device``."""
        return self._points("easun_inverter", "inverter", INVERTER, device, values)

    def series(self, one: Series) -> tuple[str, Fields]:
        """Return a value of the program: it has no name with BatMON."""
        parts = one.name.split("_", 2 if one.name.startswith("easun_") else 1)
        return self.head("_".join(parts[:-1]), one.labels), {parts[-1]: number(one.value, _DIGITS) or "0.0"}

    def event(self, event: Event, device: str | None) -> list[str]:
        """Return an event as a line."""
        code = event.facts.get("code")
        fields = {"code": f"{code if isinstance(code, int) else 0}i", "text": text(event.text)}
        head = self.head("easun_event", (("device", device or ""), ("kind", event.kind)))
        return lines({head: fields}, round(event.taken_at.timestamp() * 1000))

    def _points(
        self, ours: str, batmon: str, table: Mapping[str, Metric], device: str, values: Mapping[str, float]
    ) -> Points:
        points: Points = {}
        for column, value in values.items():
            known = self._known.get((ours, device, column))
            if known is None:
                metric = table.get(column)
                if metric is None:
                    continue
                labels: Labels = (("device", device), *(() if self._batmon else metric.labels))
                head = self.head(batmon if self._batmon else ours, labels)
                field = metric.field if self._batmon else metric.name
                known = self._known[ours, device, column] = head, field, metric
            head, field, metric = known
            if not field:
                continue
            if not self._batmon:
                told = number(value * metric.factor, _DIGITS)
            elif metric.whole:
                told = f"{round(value * metric.whole)}i" if math.isfinite(value) else None
            else:
                turned = -value if column in self._turned else value
                told = number(turned, _DIGITS if field.startswith("meter_") else 3)
            if told is not None:
                points.setdefault(head, {})[field] = told
        return points
