"""A database of ours that an event loop writes, in a thread of its own."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import ParamSpec, TypeVar

from jk_bms.errors import StoreError
from jk_bms.store.database import Opened, Writer

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LOOK_PERIOD = 10.0  # s between two looks whether the file is still in its place


class AsideWriter(Writer):
    """A writer whose methods an event loop calls through ``aside``."""

    def __init__(self, opened: Opened, now: Callable[[], datetime]) -> None:
        super().__init__(opened, now)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=opened.schema.name)

    def close(self) -> None:
        """Close the database and let another process use it."""
        self._thread.shutdown()
        super().close()

    async def aside(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of this store in its own thread, in order, while the event loop goes on."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(*args, **kwargs))

    async def look_after(self) -> None:
        """Have the file made anew where it was taken away in use; runs until cancelled."""
        said = ""
        while True:
            await asyncio.sleep(LOOK_PERIOD)
            try:
                await self.aside(self.look)
                said = ""
            except StoreError as error:
                if str(error) != said:
                    said = str(error)
                    log.error("%s", said)
