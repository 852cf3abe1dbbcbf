"""A whole ``Sample`` in bytes and back, exactly; for the journal and for what is begun."""

from collections.abc import Sequence
from typing import Any

import msgspec

from jk_bms.model import Device, Sample

FIELDS = Sample.__struct_fields__[1:]  # all but the device
_REST = msgspec.msgpack.Encoder()
_HINTS = {field.name: field.type for field in msgspec.structs.fields(Sample)}
_decode: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder()


def pack_sample(sample: Sample) -> bytes:
    """Return all of ``sample`` but its device."""
    return _REST.encode(msgspec.structs.astuple(sample)[1:])


def unpack_sample(packed: bytes, device: Device, fields: tuple[str, ...] = FIELDS) -> Sample:
    """Return the sample that an encoder with these ``fields`` packed; unknown ones are left out."""
    return sample_of(_decode.decode(packed), device, fields)


def sample_of(values: Sequence[Any], device: Device, fields: tuple[str, ...] = FIELDS) -> Sample:
    """Return the sample of these values in the order of ``fields``; unknown ones are left out."""
    given = {name: value for name, value in zip(fields, values, strict=True) if name in _HINTS}
    return msgspec.convert({"device": device, **given}, Sample, strict=False)
