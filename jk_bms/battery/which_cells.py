"""Of which kind the cells of a pack are: what the owner says, the BMS is set to, and the cells show.

No single one decides. Owners leave a setting as it came, sellers write LFP on everything, and settings
arrive after the first frame. Each witness names the kinds that it allows, with a weight; the heaviest
kind is taken. A witness of some weight against it is a contradiction: then nothing is counted until it
is resolved, for a count along the wrong curve is worse than none.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from jk_bms.battery.chemistry import CHEMISTRIES, Chemistry
from jk_bms.battery.limits import PackLimits
from jk_bms.model import Sample

OWNER, VOLTAGE, PROTECTION, TOLD = 3.0, 4.0, 2.0, 1.0  # weights of the witnesses
SERIOUS = PROTECTION  # a witness of this weight against the kind taken is a contradiction
TELLS = {"lfp": "lfp", "li-ion": "nmc", "lto": "lto"}  # by ``Sample.battery_type``

CALM = 0.1  # C: beyond, voltages are also of the current
ABOVE_LFP = 3.75, 120.0  # V of the mean cell, for as many s: beyond what any charger gives LFP ...
ABOVE_CALM = 0.3  # ... C: even with so much current, for its protection ends at 3.65 V
BELOW_LFP = 2.65, 0.05  # V, and share of the capacity moved below it: LFP has nothing left there
HIGH_LFP = 3.42, 0.05  # V, and share given above it: a full LFP leaves that voltage within a hundredth
PLATEAU = 3.15, 3.40, 0.25  # V from and to, and share moved between them: NMC is empty there, LTO bursts
FLOWS = 0.02  # C: less may be the offset of a sensor, which adds up ...
OFFSET = 0.006  # ... C, and so much is taken off
RESTS = 3.22, 3.38  # V at which LFP stands nearly always, NMC only when it is empty, LTO never
WITHIN = 2.0, 3.70  # V: cells of unknown kind beyond are not taken for LFP ...
LIKE_LFP = 2.80, 3.60  # ... and within are
FORGOTTEN = 14 * 86_400.0  # s without that voltage: the cells may be others now

# Which kinds an over-voltage protection allows, by its lower end in V; sets may overlap at the seams.
ONLY_LTO = 1.95  # V: an under-voltage protection that would ruin any other kind
PROTECTIONS = ((3.80, {"nmc"}), (3.70, {"lfp", "nmc"}), (3.10, {"lfp"}), (2.0, {"lto"}))


class Witness(NamedTuple):
    """One thing that speaks of the kind of the cells."""

    weight: float
    allows: frozenset[str]
    says: str  # in words, for the owner


class _Signs(NamedTuple):
    """Which voltages were seen for long enough."""

    above: bool
    below: bool
    high: bool
    plateau: bool


class _Span:
    """How far a charge moved between its two ends: what comes and goes does not add up."""

    def __init__(self, at: float = 0.0, least: float = 0.0, most: float = 0.0) -> None:
        self.at, self.least, self.most = at, least, most

    def move(self, share: float) -> None:
        self.at += share
        self.least, self.most = min(self.least, self.at), max(self.most, self.at)

    @property
    def wide(self) -> float:
        return self.most - self.least


class WhichCells:
    """Decide of which kind the cells of one pack are.

    ``owner``: what the registry says. ``kind`` is the present verdict, None while nothing speaks of it;
    ``contradiction`` says in words what does not fit, empty: everything does.
    """

    def __init__(self, owner: Chemistry | None) -> None:
        self.kind: Chemistry | None = owner
        self.contradiction = ""
        self._owner = owner
        self._limits = PackLimits()
        self._told: str | None = None
        self._volts: float | None = None
        self._above = 0.0  # s with a mean cell above ABOVE_LFP
        self._below = 0.0  # share of the capacity moved with a mean cell below BELOW_LFP
        self._high = 0.0  # share given with a mean cell above HIGH_LFP
        self._since = 0.0  # s since one of the first two was last seen
        self._plateau = _Span()  # of the charge that moved with a mean cell on the plateau of LFP
        self._rests = False  # at such a voltage, and none was seen since that LFP never has

    def limits(self, limits: PackLimits) -> bool:
        """Take over what the BMS's settings say; return whether the verdict changed."""
        self._limits = limits
        return self._judge()

    def feed(self, sample: Sample, elapsed: float | None, nominal_ah: float | None) -> bool:
        """Take in a sample, ``elapsed`` s after the one before; return whether the verdict changed."""
        mean, amps = sample.cell_average, sample.current
        news = sample.battery_type != self._told or (self._volts is None and mean is not None)
        self._told = sample.battery_type
        if mean is None:
            return news and self._judge()
        self._volts = mean
        rests = self._rests
        if RESTS[0] <= mean <= RESTS[1] and amps is not None and nominal_ah:
            signs = self._signs()
            self._rests |= abs(amps) <= CALM * nominal_ah and not (signs.above or signs.high)
        if amps is not None and nominal_ah and elapsed is not None and 0.0 < elapsed < 600.0:
            news |= self._watch(mean, amps / nominal_ah, elapsed)
        return (news or rests != self._rests or self.kind is None) and self._judge()

    def _watch(self, mean: float, rate: float, elapsed: float) -> bool:
        """Watch for voltages that only one kind has; return whether that is news."""
        self._since += elapsed
        before = self._signs()
        share = rate * elapsed / 3600.0 if abs(rate) >= FLOWS else 0.0
        if mean > ABOVE_LFP[0] and abs(rate) <= ABOVE_CALM:
            self._above, self._since = min(2 * ABOVE_LFP[1], self._above + elapsed), 0.0
        elif mean < BELOW_LFP[0]:
            self._below += abs(rate) * elapsed / 3600.0
            self._since = 0.0
        elif self._below < BELOW_LFP[1]:
            self._below = 0.0  # an LFP that was drained once, and charged since
        if self._high < HIGH_LFP[1]:
            given = self._high - share - OFFSET * elapsed / 3600.0
            self._high = max(0.0, given) if mean > HIGH_LFP[0] else 0.0
        if PLATEAU[0] <= mean <= PLATEAU[1]:
            self._plateau.move(share)
        elif not self._signs().plateau:
            self._plateau = _Span()
        if self._since > FORGOTTEN:
            self._above = self._below = 0.0
        after = self._signs()
        # What was seen last is true of the cells that are there now.
        if after.plateau and not before.plateau:
            self._above = self._below = self._high = 0.0
        elif (after.above and mean > ABOVE_LFP[0]) or (after.high and not before.high):
            self._plateau, self._rests = _Span(), False
        return before != self._signs()

    def _signs(self) -> _Signs:
        return _Signs(
            self._above >= ABOVE_LFP[1],
            self._below >= BELOW_LFP[1],
            self._high >= HIGH_LFP[1],
            self._plateau.wide >= PLATEAU[2],
        )

    def _witnesses(self) -> Iterator[Witness]:
        if self._owner is not None:
            yield Witness(OWNER, frozenset({self._owner.name}), f"the registry says {self._owner.name}")
        ovp = self._limits.cell_ovp
        if ovp is not None:
            allowed = next((kinds for least, kinds in PROTECTIONS if ovp >= least), set())
            if allowed:
                yield Witness(PROTECTION, frozenset(allowed), f"the BMS protects its cells at {ovp:.2f} V")
        if (told := TELLS.get(self._told or "")) is not None:
            yield Witness(TOLD, frozenset({told}), f"the BMS is set to {self._told}")
        uvp = self._limits.cell_uvp
        if uvp is not None and 0.0 < uvp < ONLY_LTO:
            yield Witness(TOLD, frozenset({"lto"}), f"the BMS protects its cells down to {uvp:.2f} V")
        signs = self._signs()
        if signs.above:
            yield Witness(VOLTAGE, frozenset({"nmc"}), f"the cells stood above {ABOVE_LFP[0]:.2f} V")
        elif signs.high:
            yield Witness(VOLTAGE, frozenset({"nmc"}), f"the cells give charge above {HIGH_LFP[0]:.2f} V")
        if signs.below:
            yield Witness(VOLTAGE, frozenset({"lto"}), f"the cells work below {BELOW_LFP[0]:.2f} V")
        if signs.plateau:
            low, upper, _ = PLATEAU
            yield Witness(VOLTAGE, frozenset({"lfp"}), f"the cells work between {low:.2f} and {upper:.2f} V")
        elif self._rests and self._owner is None:
            low, upper = RESTS
            yield Witness(SERIOUS, frozenset({"lfp"}), f"the cells rest between {low:.2f} and {upper:.2f} V")

    def _judge(self) -> bool:
        before = self.kind, self.contradiction
        witnesses = list(self._witnesses())
        if not witnesses:
            self.kind = CHEMISTRIES["lfp"] if self._looks_like_lfp() else None
            self.contradiction = ""
            return before != (self.kind, "")
        weights = {name: sum(w.weight for w in witnesses if name in w.allows) for name in CHEMISTRIES}
        taken = max(weights, key=weights.__getitem__)  # of equals the first, LFP
        against = [w for w in witnesses if taken not in w.allows and w.weight >= SERIOUS]
        self.contradiction = ""
        if against:
            fits = [w for w in witnesses if taken in w.allows]
            self.contradiction = "; ".join(w.says for w in (*against, *fits))
        owner = self._owner
        self.kind = owner if owner is not None and owner.name == taken else CHEMISTRIES[taken]
        return before != (self.kind, self.contradiction)

    def _looks_like_lfp(self) -> bool:
        """What nothing speaks of is taken for LFP, the usual kind in houses, where its voltage allows that."""
        if self._volts is None:
            return False
        low, high = WITHIN if self.kind is not None else LIKE_LFP
        return low <= self._volts <= high

    def state(self) -> dict[str, Any]:
        """Return what was learnt from voltages, in plain JSON values."""
        span = self._plateau
        return {
            "above": self._above,
            "below": self._below,
            "high": self._high,
            "since": self._since,
            "told": self._told,
            "plateau": [span.at, span.least, span.most],
            "rests": self._rests,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from ``state``, also one that did not watch all.

        KeyError, TypeError or ValueError when it is none of ours.
        """
        above, below, since = (float(state[name]) for name in ("above", "below", "since"))
        at, least, most = map(float, state.get("plateau", (0.0, 0.0, 0.0)))
        high, rests, told = float(state.get("high", 0.0)), bool(state.get("rests", False)), state["told"]
        if told is not None and not isinstance(told, str):
            raise ValueError(f"told is {told!r}; expected a name")
        self._above, self._below, self._high, self._since = above, below, high, since
        self._plateau, self._rests, self._told = _Span(at, least, most), rests, told
        self._judge()


def foreseen(owner: Chemistry | None, limits: PackLimits) -> Chemistry:
    """Return of which kind the cells of a pack are that has not spoken yet; LFP where nothing says it."""
    which = WhichCells(owner)
    which.limits(limits)
    return which.kind or CHEMISTRIES["lfp"]
