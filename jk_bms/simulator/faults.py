"""What can go wrong with a radio, to be switched on and off while it runs."""

from dataclasses import dataclass


@dataclass(slots=True)
class Faults:
    """Everything off by default. Those that count down are 0 or None again afterwards."""

    mute: bool = False  # connected, but neither commands nor frames get through
    ignore_commands: int = 0  # the next so many commands are not answered
    drop_every: int = 0  # every n-th chunk is lost
    drop_chance: float = 0.0  # a chunk is lost with this probability
    corrupt_every: int = 0  # every n-th frame has one wrong byte
    twice: bool = False  # each notification comes twice
    wild_every: int = 0  # every n-th cell info tells of 2,000,000 A, with a good check byte
    frozen: bool = False  # the same cell info again and again
    stop_after: int | None = None  # so many cell infos are still sent, then silence
    cut_after: int | None = None  # so many cell infos are still sent, the link drops within the next
    flood: bool = False  # AT\r\n without end, also inside frames
    wrong_layout: bool = False  # cell voltages where they belong, the rest shifted
    no_cells: bool = False  # the board has power but no battery
