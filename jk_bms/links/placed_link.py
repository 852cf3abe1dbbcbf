"""A Bluetooth link that connects through the adapter with a free slot."""

import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from jk_bms.links.base import Connection, Link
from jk_bms.radio.bluez import Adapter, adapters, choose_adapter
from jk_bms.radio.placement import Placement
from jk_bms.radio.slots import Turn


class RadioLink(Link, Protocol):
    """A link over the air, which goes by an adapter."""

    address: str
    adapter: str | None  # name or address; None: the first that is switched on


class PlacedLink:
    """``link`` by its own adapter, if the owner chose one, else by the one that ``placement`` gives it."""

    def __init__(self, link: RadioLink, placement: Placement) -> None:
        self._link = link
        self._wanted = link.adapter
        self._placement = placement

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn | None]:
        """Wait for a slot and have it while in here. Raises LinkError when there is no adapter."""
        if sys.platform != "linux":  # there is no D-Bus there
            yield None
            return
        adapter = await self._place()
        self._link.adapter = adapter.address
        async with self._placement.slots(self._link.address, adapter).turn(self._link.address) as turn:
            yield turn

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """Open the link; see ``Link``."""
        return self._link.connect()

    async def _place(self) -> Adapter:
        device = self._link.address
        if self._wanted is not None:
            return await choose_adapter(self._wanted)
        there = [adapter for adapter in await adapters() if adapter.powered]
        if holding := [adapter for adapter in there if device in adapter.held]:
            return holding[0]  # of a program that was killed: only this one can speak with it
        if not there:
            return await choose_adapter()  # says what is wrong
        bonded = [adapter for adapter in there if adapter.paired(device)]  # no other can speak for it
        address = self._placement.choose(device, bonded or there)
        return next(adapter for adapter in there if adapter.address == address)
