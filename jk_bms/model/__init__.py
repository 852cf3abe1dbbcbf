"""What is known: values that travel through the house. Imports nothing of ours."""

from jk_bms.model.device import Device
from jk_bms.model.event import Event
from jk_bms.model.inverter import Inverter, InverterSample
from jk_bms.model.sample import CellExtreme, Probe, Sample

__all__ = ["CellExtreme", "Device", "Event", "Inverter", "InverterSample", "Probe", "Sample"]
