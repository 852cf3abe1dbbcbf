"""What a scan found, without anything of the radio in it: it travels over the socket."""

from typing import NamedTuple


class Found(NamedTuple):
    """One device that advertised."""

    address: str
    name: str | None
    rssi: int | None  # dBm
    level: int  # 0: nothing speaks for a BMS, 1: possible, 2: likely, 3: sure
    evidence: str = ""
    kind: str = "jk"

    def __str__(self) -> str:
        rssi = "" if self.rssi is None else f" - {self.rssi} dBm"
        return f"{self.name or '(no name)'} - {self.address}{rssi}"
