"""What a command of the bot is: a question in, an answer out. Nothing here sends."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import Enum
from typing import NamedTuple

from jk_bms.bot import pages
from jk_bms.bot.asked import Asked
from jk_bms.bot.pages import Page
from jk_bms.bot.parts import Parts
from jk_bms.bot.people import People
from jk_bms.config.settings import Settings
from jk_bms.model.snapshot import BatteryNow, Snapshot


class Answer(NamedTuple):
    """What a person gets who wrote a command or pressed a button."""

    page: Page | None = None  # None: there is nothing to show
    photo: bytes | None = None  # PNG, above the page
    anew: bool = False  # as a message of its own, also where a button was pressed
    toast: str = ""  # a few words at the pressed button
    spent: str = ""  # the pressed message loses its buttons of that name
    then: Callable[[], Awaitable[None]] | None = None  # what is done once the page was sent


class Later(NamedTuple):
    """The answer takes long: other commands are answered meanwhile. None: the work sends it itself."""

    answer: Awaitable[Answer | None]


class Context(NamedTuple):
    """What the commands need of the bot."""

    parts: Parts
    people: People
    digest: Callable[[int, int], Awaitable[None]]  # makes today's digest for a chat and topic
    started: Callable[[int], None]  # told of each chat that begins to hear of the house

    @property
    def settings(self) -> Settings:
        """The settings of the house."""
        return self.parts.settings

    @property
    def zone(self) -> tzinfo | None:
        """The time zone of the house."""
        return self.parts.settings.timezone

    async def snapshot(self) -> Snapshot:
        """Return the present, or what was known last while the poller is away."""
        return await self.parts.live.snapshot()


Run = Callable[[Asked, Context], Awaitable[Answer | Later]]


class Who(Enum):
    """Who of those that are served may give a command."""

    ALL = "all"
    OWNERS_IN_GROUPS = "owners in groups"  # it changes what the group is sent
    OWNERS = "owners"  # it changes something for others than who asks


@dataclass(frozen=True)
class Command:
    """One row of COMMANDS: what is written after the slash, or stands at the front of a button's data."""

    name: str
    run: Run
    who: Who = Who.ALL
    written: bool = True  # also as /name, and listed in the menu; else a button alone gives it
    pressed: bool = True  # by buttons, too
    busy: str = ""  # text key: told at the pressed button while the answer is made
    toasts: bool = False  # the answer itself says what is told at the pressed button

    def may(self, asked: Asked) -> bool:
        """Whether who asks, who is served, may give it. A channel is written by its owners alone."""
        alone = asked.private or asked.kind == "channel"
        if self.who is Who.OWNERS or (self.who is Who.OWNERS_IN_GROUPS and not alone):
            return asked.owner
        return True


def plainly(asked: Asked, key: str, **values: object) -> Answer:
    """Return an answer of one text."""
    return Answer(pages.plain(asked.texts, key, **values))


def now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


# Which battery is meant


def named(snapshot: Snapshot, wanted: str) -> BatteryNow | None:
    """Return the battery of that number or name."""
    folded = wanted.casefold()
    for device in snapshot.devices:
        if folded in (str(device.number), (device.name or "").casefold()):
            return device
    return None


def whole_house(snapshot: Snapshot, wanted: str) -> bool:
    """Whether all batteries together are meant: no name was given, and there are several."""
    return len(snapshot.devices) > 1 and wanted.casefold() in ("", pages.ALL)


def which(
    asked: Asked, snapshot: Snapshot, name: str, wanted: str, *arguments: str, usage: str = ""
) -> BatteryNow | Page:
    """Return the battery that is meant, or the page that asks which, or says that there is none.

    ``name`` and ``arguments``: of the command, for the buttons; ``usage``: the text that tells how it is written.
    """
    devices = snapshot.devices
    if not devices:
        return pages.plain(asked.texts, "bot.nothing_known")
    if wanted:
        return named(snapshot, wanted) or pages.choice(
            devices, name, asked.texts, *arguments, unknown=wanted, usage=usage
        )
    return devices[0] if len(devices) == 1 else pages.choice(devices, name, asked.texts, *arguments)
