"""What a scan hears and finds, without anything of the radio in it: it travels over the socket."""

from collections.abc import Collection, Mapping
from enum import IntEnum
from typing import NamedTuple

from jk_bms.model.kinds import USUAL


class Certainty(IntEnum):
    """How sure we are of a make; only SURE and LIKELY devices are worth using unasked."""

    POSSIBLE = 1  # might be: must be asked to be known
    LIKELY = 2
    SURE = 3


class Match(NamedTuple):
    """The judgement of one advertisement, with the reasons a person can check."""

    level: Certainty
    evidence: str
    kind: str  # its row in model.kinds


class Advertisement(NamedTuple):
    """What a device says of itself to everybody."""

    name: str | None
    service_uuids: Collection[str]  # in the long form
    manufacturer_data: Mapping[int, bytes]  # by company id, without the id
    address: str


class Found(NamedTuple):
    """One device that advertised."""

    address: str
    name: str | None
    rssi: int | None  # dBm
    level: int  # 0: nothing speaks for a BMS, 1: possible, 2: likely, 3: sure
    evidence: str = ""
    kind: str = USUAL

    def __str__(self) -> str:
        rssi = "" if self.rssi is None else f" - {self.rssi} dBm"
        return f"{self.name or '(no name)'} - {self.address}{rssi}"
