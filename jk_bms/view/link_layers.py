"""What lies between this machine and a battery's numbers, layer by layer, and at which one there is no way on."""

from collections.abc import Mapping
from typing import NamedTuple

from jk_bms.errors import Verdict
from jk_bms.model.freshness import ANSWERS, HELD, oldest
from jk_bms.model.kinds import kind_of
from jk_bms.model.link import LinkState
from jk_bms.model.snapshot import BatteryNow, LinkNow

# From below: the name of each layer, and the verdicts that mean that it is this that fails.
# fmt: off
LAYERS: Mapping[str, tuple[Verdict, ...]] = {
    "D-Bus":             (),
    "permission":        (Verdict.NO_PERMISSION,),
    "Bluetooth service": (Verdict.SERVICE_DOWN,),
    "adapter":           (Verdict.NO_ADAPTER,),
    "adapter is on":     (Verdict.ADAPTER_OFF, Verdict.ADAPTER_BLOCKED),
    "adapter is free":   (Verdict.BUSY,),
    "scan":              (Verdict.ADAPTER_WEDGED,),
    "battery is heard":  (Verdict.NOT_SEEN, Verdict.RELEASED),
    "connection":        (Verdict.CONNECT_FAILED, Verdict.WEAK_SIGNAL, Verdict.DROPPED),
    "pairing":           (Verdict.PAIRING_NEEDED, Verdict.PAIRING_REFUSED),
    "services":          (Verdict.STALE_CACHE, Verdict.NOT_A_BMS),
    "frames":            (Verdict.MUTE,),
    "readings":          (Verdict.FRAMES_REFUSED, Verdict.FROZEN, Verdict.INTERNAL_ERROR),
}

# Which layer a link is at that the service has no verdict on.
AT: Mapping[str, str] = {
    LinkState.SEARCHING:   "battery is heard",
    LinkState.CONNECTING:  "battery is heard",
    LinkState.IDENTIFYING: "frames",
    LinkState.STREAMING:   "readings",
    LinkState.SILENT:      "readings",
    LinkState.REPAIRING:   "battery is heard",
    LinkState.WAITING:     "battery is heard",
}
# fmt: on
AT_NEWER = "battery is heard"  # in a state that only a newer service knows
_ALL = tuple(LAYERS)
OF_THE_MACHINE = _ALL[: _ALL.index("adapter")]
OF_THE_ADAPTER = _ALL[len(OF_THE_MACHINE) : _ALL.index("battery is heard")]
OF_THE_BATTERY = _ALL[_ALL.index("battery is heard") :]
OK, FAULT, UNTRIED, PENDING = "ok", "fault", "not tried", "under way"


class LayerResult(NamedTuple):
    """What became of one layer."""

    layer: str
    result: str  # OK, FAULT, UNTRIED, PENDING
    text: str = ""


def layer_of(verdict: Verdict, layers: tuple[str, ...]) -> str:
    """Return the one of ``layers`` that fails with ``verdict``, the first of them for what lies below."""
    return next((layer for layer in layers if verdict in LAYERS[layer]), layers[0])


def reads(battery: BatteryNow, period: float) -> bool:
    """Whether the service, which polls every ``period`` s, has the numbers of that battery, and they are new."""
    link = battery.link
    if link is None or link.verdict is not None or link.last_frame is None:
        return False
    if not kind_of(battery.kind).needs_radio:  # time may run faster in a made-up one
        return True
    return link.last_frame <= oldest(HELD if link.state == LinkState.STREAMING else ANSWERS, period)


def layers_of_battery(link: LinkNow) -> list[LayerResult]:
    """Return what became of the layers of a battery that is not read, as the service knows it."""
    if link.verdict is None:
        failed = AT.get(link.state, AT_NEWER)
        result = FAULT if failed == "readings" else PENDING
    else:
        failed, result = layer_of(Verdict(link.verdict), OF_THE_BATTERY), FAULT
    return _up_to(OF_THE_BATTERY, failed, result)


def layers_of(battery: BatteryNow, period: float) -> list[LayerResult]:
    """Return what became of every layer, as far as that follows from what the service says of one battery.

    The radio is well where the verdict is about something above it. One that is lent is waited for.
    """
    link = battery.link or LinkNow()
    layers = _ALL if kind_of(battery.kind).needs_radio else OF_THE_BATTERY
    if reads(battery, period):
        return [LayerResult(layer, OK) for layer in layers]
    of_battery = layers_of_battery(link)
    if battery.released:
        of_battery = _up_to(OF_THE_BATTERY, OF_THE_BATTERY[0], PENDING)
    if layers is OF_THE_BATTERY:
        return of_battery
    below = layers[: -len(OF_THE_BATTERY)]
    if link.verdict is not None:
        failed = next((layer for layer in below if link.verdict in LAYERS[layer]), None)
        if failed is not None:
            return _up_to(layers, failed, FAULT)
    return [LayerResult(layer, OK) for layer in below] + of_battery


def _up_to(layers: tuple[str, ...], failed: str, result: str) -> list[LayerResult]:
    """Return that all is well below ``failed``, which is ``result``, and nothing above it tried."""
    at = layers.index(failed)
    return [
        LayerResult(layer, OK if place < at else result if place == at else UNTRIED)
        for place, layer in enumerate(layers)
    ]
