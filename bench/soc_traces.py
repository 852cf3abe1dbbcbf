"""Traces of another's physics (bench/soc_physics.py), as a BMS would tell them: noisy and a little wrong."""

import csv
import random
from collections.abc import Iterator
from pathlib import Path

from bench.soc_packs import AWARE, DEVICE, Drawn, Seen
from jk_bms.battery.curves import Curve
from jk_bms.model import Sample
from jk_bms.simulator.sensor import CurrentSensor

CELLS = 16
NOISE = 0.0007  # V, besides the rounding to mV
UNLIKE = 0.002  # V between cells
TEMPERATURE = 25.0


def traced_pack(seed: int, wrong: float, *, start: float = 60.0, capacity_ah: float = 200.0) -> Drawn:
    """Return a pack whose BMS is ``wrong`` points off at first."""
    rng = random.Random(f"{seed}:traced")
    sensor = CurrentSensor(rng.uniform(0.97, 1.03), rng.uniform(-0.3, 0.3), 0.2)
    return Drawn(seed, "lfp", capacity_ah, sensor, start, start + wrong, TEMPERATURE, (), (), True)


def traced(pack: Drawn, path: Path) -> Iterator[Seen]:
    """Tell the trace in ``path`` as the BMS of ``pack`` sees it."""
    rng = random.Random(f"{pack.seed}:noise")
    apart = [rng.gauss(0.0, UNLIKE) for _ in range(CELLS)]
    remaining, last = pack.capacity_ah * pack.told / 100.0, None
    with path.open(newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            at, volts = float(row["seconds"]), float(row["volts"])
            current = pack.sensor.read(float(row["rate"]) * pack.capacity_ah)
            elapsed = None if last is None else at - last
            remaining += current * (elapsed or 0.0) / 3600.0
            remaining = min(pack.capacity_ah, max(0.0, remaining))
            cells = tuple(round(volts + a + rng.gauss(0.0, NOISE), 3) for a in apart)
            sample = Sample(
                device=DEVICE,
                taken_at=AWARE,
                monotonic=at,
                current=current,
                voltage=round(sum(cells), 3),
                cell_voltages=cells,
                soc=int(100.0 * remaining / pack.capacity_ah),
                remaining_ah=round(remaining, 3),
                full_ah=pack.capacity_ah,
                temperatures=(TEMPERATURE,),
                charge_enabled=True,
            )
            yield Seen(at, elapsed, sample, float(row["charge"]))
            last = at


def own_curve(path: Path) -> Curve:
    """Return the curve of the cell in ``path``, as its owner would have measured it."""
    rows = (line.split()[2:] for line in path.read_text().splitlines() if line.startswith("# curve "))
    return Curve((float(v), float(soc)) for v, soc in rows)
