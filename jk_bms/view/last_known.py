"""What was last known of the batteries, from ``bms.db``, while the poller does not answer."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import msgspec

from jk_bms.model import Device, Sample
from jk_bms.model.reading import reading_of
from jk_bms.model.snapshot import BatteryNow, Snapshot
from jk_bms.store.bms_db import BmsDbReader, open_reader
from jk_bms.store.history_query import samples, tracks

_PLAIN = (  # columns that are attributes of a sample
    "voltage",
    "current",
    "battery_soc",
    "soc",
    "soc_curve",
    "soc_counted",
    "soc_low",
    "soc_high",
    "soh",
    "remaining_ah",
    "full_ah",
    "mosfet_temperature",
    "balance_current",
    "charged_kwh",
    "discharged_kwh",
    "charged_ah",
    "discharged_ah",
    "equivalent_cycles",
    "learned_ah",
)
_FLAGS = ("balancing", "charge_enabled", "discharge_enabled", "heating")


def last_known(path: Path, addresses: Collection[str], zone: tzinfo | None) -> Snapshot:
    """Return a snapshot as the poller would give it, of what stands in ``bms.db``. Blocks.

    ``addresses``: the batteries that are read today; empty: all that were ever met. Raises StoreError.
    """
    now = datetime.now(UTC)
    with open_reader(path) as reader:
        ends = {track.name: track.last for track in tracks(reader)}
        devices = tuple(
            _battery(reader, stored.device, ends.get(stored.device.address), now, zone)
            for stored in reader.devices()
            if not addresses or stored.device.address in addresses
        )
    return Snapshot(devices=devices)


def _battery(
    reader: BmsDbReader, device: Device, last: datetime | None, now: datetime, zone: tzinfo | None
) -> BatteryNow:
    battery = BatteryNow(number=device.number, address=device.address, name=device.name, kind=device.kind)
    if last is None:
        return battery
    rows = list(samples(reader, device.address, last, last + timedelta(seconds=1)))
    if not rows:
        return battery
    row = rows[-1]
    sample = _sample(device, row.taken_at, row.values, trusted=row.clock_trusted)
    age = max(0.0, (now - row.taken_at).total_seconds())
    return msgspec.structs.replace(battery, age=age, reading=reading_of(sample, zone))


def _sample(device: Device, taken_at: datetime, values: dict[str, float], *, trusted: bool) -> Sample:
    cells, probes = _numbered(values, "cell_"), _numbered(values, "temperature_")
    fields: dict[str, Any] = {name: values[name] for name in _PLAIN if name in values}
    fields |= {name: values[name] >= 0.5 for name in _FLAGS if name in values}
    if (cycles := values.get("cycles")) is not None:
        fields["cycles"] = round(cycles)
    return Sample(
        device=device,
        taken_at=taken_at,
        monotonic=0.0,
        clock_trusted=trusted,
        cell_voltages=tuple(cells.values()),
        cell_numbers=tuple(cells),
        temperatures=tuple(probes.values()),
        probe_numbers=tuple(probes),
        **fields,
    )


def _numbered(values: dict[str, float], prefix: str) -> dict[int, float]:
    """``cell_3`` as 3, in order; ``cell_min`` and the like are none."""
    found = {
        int(number): value
        for name, value in values.items()
        if name.startswith(prefix) and (number := name.removeprefix(prefix)).isdigit()
    }
    return dict(sorted(found.items()))
