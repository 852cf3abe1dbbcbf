"""How the cells of a battery are."""

from collections.abc import Mapping
from typing import Any

from jk_bms.poller.poller import Poller


async def health(poller: Poller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report of each chosen device that has one, by address."""
    addresses = [source.device.address for source in poller.devices.chosen(request.get("device"))]
    reports = {address: poller.memory.health(address) for address in addresses}
    return {address: report.as_dict() for address, report in reports.items() if report}
