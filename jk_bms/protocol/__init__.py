"""JK bytes to meaning and back. No I/O, no clock, no logging."""

from jk_bms.protocol.frame import Frame, FrameAssembler, FrameKind
from jk_bms.protocol.values import CellInfo, DeviceInfo, Logbook, LogEntry, Settings, Variant

__all__ = [
    "CellInfo",
    "DeviceInfo",
    "Frame",
    "FrameAssembler",
    "FrameKind",
    "LogEntry",
    "Logbook",
    "Settings",
    "Variant",
]
