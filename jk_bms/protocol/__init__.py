"""JK bytes to meaning and back. No I/O, no clock, no logging."""

from jk_bms.protocol.convert import as_dict, to_sample
from jk_bms.protocol.decoder import decode
from jk_bms.protocol.encoder import encode_cell_info, encode_device_info, encode_logbook, encode_settings
from jk_bms.protocol.frame import Frame, FrameAssembler, FrameKind
from jk_bms.protocol.probes import ThirdProbe
from jk_bms.protocol.values import CellInfo, DeviceInfo, Logbook, LogEntry, Settings, Variant
from jk_bms.protocol.variants import Identity, identify, is_balancer

__all__ = [
    "CellInfo",
    "DeviceInfo",
    "Frame",
    "FrameAssembler",
    "FrameKind",
    "Identity",
    "LogEntry",
    "Logbook",
    "Settings",
    "ThirdProbe",
    "Variant",
    "as_dict",
    "decode",
    "encode_cell_info",
    "encode_device_info",
    "encode_logbook",
    "encode_settings",
    "identify",
    "is_balancer",
    "to_sample",
]
