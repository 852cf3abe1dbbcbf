"""The present state of everything, as the poller tells it at its socket and every face shows it.

Fields are called as on the wire. What is missing there (the poller is older than who asks) has its default
here, and what is not known here (it is newer) is ignored. ``None``: not known. Ages and spans are in s.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from jk_bms.model.alert import AlertTold
from jk_bms.model.freshness import PERIOD, is_old
from jk_bms.model.kinds import USUAL
from jk_bms.model.link import Cause, LinkState
from jk_bms.model.outage import OutageNow, PastOutage
from jk_bms.model.reading import Reading

Span = tuple[float, float]  # s, from .. to
NOTHING = Reading()


def always(value: Any, name: str | None = None) -> Any:
    """Return a field that is told also when it is ``value``, in a struct that leaves out what is not known.

    ``name``: on the wire. A program that reads the socket may count on it.
    """
    return msgspec.field(default_factory=lambda: value, name=name)


class LinkNow(msgspec.Struct, frozen=True, kw_only=True):
    """The way to one battery."""

    state: str = ""  # one of model.link.LinkState
    lasts: float = msgspec.field(default=0.0, name="for")  # s, in that state
    verdict: str | None = None  # one of errors.Verdict while there is no data
    message: str = ""  # the verdict in one sentence
    rssi: int | None = None  # dBm
    causes: tuple[Cause, ...] = ()  # of the verdict, the likeliest first
    adapter: str = ""  # address of the one that it was last reached by
    last_frame: float | None = None  # s ago
    connects: int = 0
    failures: int = 0  # consecutive
    frames: int = 0
    refused: int = 0
    implausible: int = 0  # readings that cannot be true, of the last while
    implausible_reason: str = ""
    discarded: int = 0  # bytes
    commands: int = 0
    commands_day: int | None = None  # of the last 24 h
    rung: str = "none"  # code of a repair.ladder.Rung
    outage: OutageNow | None = None  # that goes on
    last_outage: PastOutage | None = None  # that is over
    released_for: float | None = None  # s more


class Energy(msgspec.Struct, frozen=True, kw_only=True):
    """What went in and out of a battery on one day."""

    charged_kwh: float | None = None
    discharged_kwh: float | None = None
    charged_ah: float | None = None
    discharged_ah: float | None = None


class BatteryNow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One battery and its newest reading."""

    number: int = always(0)
    address: str = always("")
    name: str | None = always(None)
    kind: str = always(USUAL, name="type")
    link: LinkNow | None = None  # None: how the radio does is not known, for the poller is down
    cell_limits: tuple[float, float] | None = None  # V: a cell below or above is told of
    uncounted: str = ""  # why its charge is not counted; "": it is
    age: float | None = None  # s, of the reading; None: it gave none yet
    reading: Reading | None = None
    days: dict[str, Energy] = msgspec.field(default_factory=dict)  # by local date, today is the last

    @property
    def told(self) -> Reading:
        """The newest reading; one without any value when there is none."""
        return self.reading or NOTHING

    @property
    def label(self) -> str:
        """What a person calls it: the name, else the address."""
        return self.name or self.address

    @property
    def link_state(self) -> str | None:
        """How the way to it is; None: not known."""
        return (self.link and self.link.state) or None

    @property
    def released(self) -> bool:
        """Whether it is left alone on request."""
        return self.link_state == LinkState.RELEASED


class GridNow(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the house has power from outside."""

    state: str = "unknown"  # present, lost or unknown
    lasts: float | None = msgspec.field(default=None, name="for")  # s, so


class InverterShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the inverters of a house, or one, last told, and the grid as far as that is confirmed."""

    grid_voltage: float | None = None  # V
    grid_power: float | None = None  # W, from the grid
    grid_current: float | None = None  # A
    load_voltage: float | None = None  # V
    load_frequency: float | None = None  # Hz
    load_power: float | None = None  # W
    load_current: float | None = None  # A
    pv_voltage: float | None = None  # V
    pv_power: float | None = None  # W
    charge_power: float | None = None  # W, into the battery
    status: str | None = None  # in its own words
    time: str | None = always(None)  # ISO 8601, of these values
    age: float | None = always(None)  # s
    grid: GridNow = always(GridNow())
    error: str | None = always(None)  # why it cannot be read now
    of: int | None = None  # how many there are, where that is several ...
    fresh: int | None = None  # ... and how many of them are heard


class OneInverter(InverterShown, frozen=True, kw_only=True, omit_defaults=True):
    """One of the inverters."""

    id: str = always("")
    kind: str = always("")
    name: str | None = always(None)
    made_up: bool = always(False)

    @property
    def label(self) -> str:
        """What a person calls it: the name, else the id."""
        return self.name or self.id


class InvertersTold(msgspec.Struct, frozen=True, kw_only=True):
    """An inverter said something: all together, and each."""

    inverter: InverterShown | None = None
    inverters: tuple[OneInverter, ...] = ()


class Lasting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How long the house and each pack last, as the alerts judge it. What is not known is left out."""

    packs: dict[str, Span] = msgspec.field(default_factory=lambda: {})  # by address
    empty_in: Span | None = None


class ProgramNow(msgspec.Struct, frozen=True, kw_only=True):
    """The poller itself."""

    version: str = ""
    pid: int = 0
    uptime: float = 0.0  # s


class AdapterNow(msgspec.Struct, frozen=True):
    """How full a Bluetooth adapter is."""

    adapter: str = ""  # its address
    connections: int = 0  # that it keeps side by side
    devices: int = 0  # that are read by it


class TelegramNow(msgspec.Struct, frozen=True, kw_only=True):
    """The bot, as the poller knows it."""

    code: str | None = None  # by which it can be claimed; None: it has an owner
    username: str | None = None
    state: str | None = None  # None: not heard of yet
    heard: float | None = None  # s ago
    trouble: str = ""


class WebNow(msgspec.Struct, frozen=True, kw_only=True):
    """The page, as the poller knows it."""

    url: str | None = None  # as people are told it
    code: str | None = None  # with which it gets its password; None: it has one
    link: str | None = None  # opens it, with the code where there is one


class ChannelNow(msgspec.Struct, frozen=True, kw_only=True):
    """A way on which alerts go to people."""

    name: str = ""
    trouble: str = ""  # why nothing goes there; "": nothing is known to be wrong
    sure: bool = True  # tried until it is delivered; False: handed over, and may come late or not at all


class SinkNow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that values are passed on to."""

    age: float | None = None  # s since it last took something
    failure: str | None = None  # what keeps it from taking more


class OutboxNow(SinkNow, frozen=True, kw_only=True, omit_defaults=True):
    """A sink that sends later what it could not send: how far it is behind, and what nobody will get."""

    behind: float | None = None  # s; None: it is not
    dropped: dict[str, int] = msgspec.field(default_factory=dict)  # lines, by the reason


class RecordsNow(SinkNow, frozen=True, kw_only=True):
    """The merge into the inverter program's database."""

    path: str = ""
    merged: int = 0
    inserted: int = 0


class EventTold(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened. ``kind``, ``monotonic`` and ``text`` together are its own."""

    kind: str = ""
    time: str = ""  # ISO 8601
    monotonic: float = 0.0  # s since boot
    device: str | None = None  # address
    text: str = ""
    facts: dict[str, Any] = msgspec.field(default_factory=dict)
    unsaved: bool = False  # bms.db does not have it yet


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of program, batteries, adapters, sinks, inverter, alerts and bot."""

    program: ProgramNow = always(ProgramNow())
    clock_trusted: bool = always(True)
    poll_interval: float = always(PERIOD)  # s
    devices: tuple[BatteryNow, ...] = always(())  # in the order of their numbers
    adapters: tuple[AdapterNow, ...] = always(())
    inverter: InverterShown | None = always(None)  # all of them together; None: there is none
    inverters: tuple[OneInverter, ...] = always(())  # each of them
    house: Lasting | None = always(None)
    alerts: tuple[AlertTold, ...] | None = always(None)  # open ones, the worst first; None: not known
    unsaved: tuple[EventTold, ...] = always(())  # events that bms.db does not have yet
    telegram: TelegramNow | None = always(None)  # None: there is no bot
    channels: tuple[ChannelNow, ...] = always(())  # where alerts go
    web: WebNow | None = always(None)  # None: the page was not heard of
    records: RecordsNow | None = None
    sinks: dict[str, SinkNow] = msgspec.field(default_factory=dict)  # the others, by name

    # What a face adds that cannot reach the poller and shows what was last known.
    poller_down: bool = False
    alerts_before: tuple[AlertTold, ...] = ()  # open when the poller was last heard

    def is_old(self, age: float | None) -> bool:
        """Whether something of ``age`` s is too old to speak of now: the same on every face."""
        return is_old(age, self.poll_interval)

    def of(self, devices: Sequence[BatteryNow]) -> "Snapshot":
        """Return the same house with no other batteries than ``devices``."""
        return msgspec.structs.replace(self, devices=tuple(devices))

    @property
    def names(self) -> dict[str, str]:
        """What people call the batteries, by address."""
        return {battery.address: battery.label for battery in self.devices}
