"""An LFP pack by somebody else's physics: cell voltage and true charge, as CSV.

    bench/.pybamm/bin/python bench/soc_physics.py house 10 trace.csv [SEED]

Runs in an environment of its own with PyBaMM (bench/pybamm-requirements.txt; bench/soc.py makes it)
and knows nothing of our simulator: electrolyte and particles of the parameter set Prada2013, one
cell, scaled to a pack afterwards. Columns: seconds, current in C, cell voltage, true charge in %.
"""

import csv
import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pybamm  # type: ignore[import-not-found]

STEP = 60.0  # s
DAY = 86_400.0
TARGET, HOLD = 3.45, 3.37  # V: charging, then kept
EMPTY = 2.7  # V: nothing is taken below
TAIL = 0.03  # C
CURVE_AT = (0, 1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 35, 40, 50, 60, 65, 70, 75, 80, 85, 90, 95, 97, 98, 99, 100)


class Charger:
    """Constant current, then constant voltage, then hold: what current comes next."""

    def __init__(self) -> None:
        self.full = False
        self.tail = 0.0  # s

    def limit(self, amps: float, last: float, volts: float) -> float:
        """At most ``amps`` (in C), after ``last`` led to ``volts``."""
        target = HOLD if self.full else TARGET
        allowed = last + (target - volts) / 0.25  # about the resistance, in V for each C
        if allowed > amps:
            self.tail = 0.0
            return amps
        allowed = max(0.0, allowed)
        self.tail = self.tail + STEP if allowed < TAIL else 0.0
        self.full = self.full or self.tail > 600.0
        return allowed


def house(days: int, rng: random.Random) -> Iterator[tuple[float, float, float]]:
    """Yield (wanted current in C, cap in %, floor in %) for days of sun, load and cuts."""
    for day in range(days):
        sunny = rng.uniform(0.12, 0.32)
        cap = 101.0 if day == 0 or rng.random() < 0.4 else rng.uniform(70.0, 92.0)
        floor = rng.uniform(6.0, 12.0) if rng.random() < 0.3 else rng.uniform(18.0, 40.0)
        load, until = 0.04, 0.0
        for i in range(int(DAY / STEP)):
            t = i * STEP
            if t >= until:
                load = rng.choice((0.02, 0.03, 0.05, 0.08, 0.15, 0.3))
                until = t + rng.uniform(120.0, 2400.0 if load < 0.1 else 900.0)
            sun = sunny * max(0.0, math.sin((t / DAY - 0.25) * 2.0 * math.pi)) * (0.8 + 0.2 * rng.random())
            yield sun - load, cap, floor


def drive(days: int, rng: random.Random) -> Iterator[tuple[float, float, float]]:
    """Yield the same for driving until nearly empty and charging over night."""
    for _ in range(days):
        speed, until = 0.0, 0.0
        for i in range(int(DAY / STEP)):
            t = i * STEP
            if t < 0.35 * DAY:
                if t >= until:
                    speed = rng.choice((0.0, 0.1, 0.3, 0.6, 1.0, -0.3))
                    until = t + rng.uniform(30.0, 240.0)
                yield -speed, 101.0, 8.0
            else:
                yield (0.3 if t > 0.5 * DAY else 0.0), 101.0, 8.0


KINDS = {"house": house, "drive": drive}


def rested(values: pybamm.ParameterValues, electrode: str, filled: float) -> float:
    """Return the voltage of a rested electrode, in V."""
    return float(values.evaluate(values[f"{electrode} electrode OCP [V]"](pybamm.Scalar(filled))))


def main() -> None:
    kind, days, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    rng = random.Random(f"{kind}:{days}:{seed}" if seed else f"{kind}:{days}")
    values = pybamm.ParameterValues("Prada2013")
    capacity = float(values["Nominal cell capacity [A.h]"])
    values["Current function [A]"] = "[input]"
    values["Lower voltage cut-off [V]"] = 0.5
    values["Upper voltage cut-off [V]"] = 3.75
    start = 60.0
    model = pybamm.lithium_ion.SPMe()
    values.set_initial_state(start / 100.0)
    simulation = pybamm.Simulation(model, parameter_values=values, solver=pybamm.IDAKLUSolver())
    # Empty and full by the set's own open-circuit voltages, 2.0 and 3.6 V.
    lowest, highest, positive_full, positive_empty = pybamm.lithium_ion.get_min_max_stoichiometries(values)
    charger, charge, last, volts = Charger(), start, 0.0, 3.3
    solution = None
    with Path(path).open("w", newline="") as out:
        out.write(
            f"# PyBaMM {pybamm.__version__}, SPMe, Prada2013, {kind}, {days} days, by bench/soc_physics.py\n"
        )
        for percent in CURVE_AT:
            share = percent / 100.0
            negative = lowest + share * (highest - lowest)
            positive = positive_empty + share * (positive_full - positive_empty)
            ocv = rested(values, "Positive", positive) - rested(values, "Negative", negative)
            out.write(f"# curve {ocv:.4f} {percent}\n")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("seconds", "rate", "volts", "charge"))
        for i, (wanted, cap, floor) in enumerate(KINDS[kind](days, rng)):
            if wanted > 0.0:
                rate = 0.0 if charge >= cap else charger.limit(wanted, last, volts)
            else:
                rate = wanted if charge > floor and volts > EMPTY else 0.0
                if charge < 95.0:
                    charger.full = False
            solution = simulation.step(
                STEP,
                save=False,
                starting_solution=solution,
                inputs={"Current function [A]": -rate * capacity},
            )
            volts = float(solution["Terminal voltage [V]"].entries[-1])
            filled = float(solution["Negative electrode stoichiometry"].entries[-1])
            charge = 100.0 * (filled - lowest) / (highest - lowest)
            last = rate
            writer.writerow((f"{i * STEP:.0f}", f"{rate:.4f}", f"{volts:.4f}", f"{charge:.2f}"))


if __name__ == "__main__":
    main()
