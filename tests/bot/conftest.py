"""A Bot API server and the parts of the bot that speak to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from jk_bms.bot.light_aiogram import AiohttpSession, DefaultBotProperties, TelegramAPIServer, TelegramBot
from jk_bms.bot.sender import Pace
from jk_bms.bot.service import Bot
from jk_bms.bot.store import BotStore, open_store
from jk_bms.bot.updates import Patience
from jk_bms.config.settings import Settings, load_settings
from jk_bms.errors import LiveError
from jk_bms.live.server import LiveServer
from tests.bot.house_snapshot import snapshot
from tests.bot.telegram_server import OWNER, TOKEN, TelegramServer
from tests.scale import PATIENCE
from tests.told import house

# A second for a minute and less: what a test waits for is a rule, not a duration.
QUICK = Pace(minute=1.0, first_pause=0.02, longest_pause=0.1, patience=3.0, timeout=3.0, late=0.3)
CODE, INVITATION = "ABCDE23456", "NVTED23456"
QUICK_PATIENCE = Patience(first=0.02, longest=0.1, confirmed_after=0.3, rare=0.2, calm=0.3)


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BotStore]:
    with open_store(tmp_path / "bot.db") as opened:
        yield opened


@pytest.fixture
async def bot(telegram: TelegramServer) -> AsyncIterator[TelegramBot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(telegram.url))
    made = TelegramBot(TOKEN, session=session, default=DefaultBotProperties(parse_mode="HTML"))
    yield made
    await session.close()


async def soon(what: object, limit: float = PATIENCE) -> None:
    """Wait in the event loop until ``what()`` is true."""
    assert callable(what)
    async with asyncio.timeout(limit):
        while not what():
            await asyncio.sleep(0.005)


class Poller:
    """The poller as the bot sees it: a real socket, and a state that the test sets."""

    def __init__(self, path: Path) -> None:
        self.snapshot: dict[str, Any] = snapshot()
        self.requests: list[dict[str, Any]] = []
        self.codes: dict[str, str] = {}  # that are good once, with the role that they give
        self.first = True  # nobody has claimed it yet
        self.holds = asyncio.Event()  # until it is set, a release takes
        self.holds.set()
        self.fails: dict[str, Exception] = {}  # what a request of that action meets
        self.server = LiveServer(path, snapshot=lambda: house(self.snapshot), handle=self._handle)

    async def _handle(self, request: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(request)
        if request["action"] == "release":
            await self.holds.wait()
        if request["action"] in self.fails:
            raise self.fails[request["action"]]
        if request["action"] in ("claim", "void"):
            if request["code"] not in self.codes:
                raise LiveError("claim: that code is not, or no longer, good")
            role = self.codes.pop(request["code"])
            first, self.first = self.first, self.first and request["action"] == "void"
            return {"role": role, "first": first}
        if request["action"] == "invite":
            self.codes[INVITATION] = request["role"]
            return {"code": INVITATION, "link": None, "expires": "2026-12-01T13:00:00+00:00"}
        return {}

    def asked(self, action: str) -> list[dict[str, Any]]:
        """The requests of that kind."""
        return [request for request in self.requests if request["action"] == action]


@pytest.fixture
async def poller(tmp_path: Path) -> AsyncIterator[Poller]:
    made = Poller(tmp_path / "s")
    async with made.server.serve():
        yield made


Configure = Callable[..., Settings]


@pytest.fixture
def configure(tmp_path: Path, telegram: TelegramServer) -> Configure:
    """Make settings: what is given, the owner's chat, and paths of this test."""

    def make(**env: str) -> Settings:
        known = {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": telegram.url,
            "TELEGRAM_CHAT_ID": str(OWNER),
            "BMS_SOCKET": str(tmp_path / "s"),
            "BMS_DB_PATH": str(tmp_path / "bms.db"),
            "BOT_DB_PATH": str(tmp_path / "bot.db"),
            "JK_DEVICES_FILE": str(tmp_path / "jk_devices.yaml"),
            "BOT_POLL_INTERVAL": "0.1",
            "CHECK_INTERVAL": "3600",
            "TIMEZONE": "Europe/Kyiv",
        }
        return load_settings(known | env, top=tmp_path)

    return make


Running = Callable[..., AbstractAsyncContextManager[Bot]]


@pytest.fixture
def running(store: BotStore, bot: TelegramBot, configure: Configure) -> Running:
    """Run the whole bot within this event loop."""

    @contextlib.asynccontextmanager
    async def run(**env: str) -> AsyncIterator[Bot]:
        whole = Bot(configure(**env), store, bot, QUICK, QUICK_PATIENCE)
        task = asyncio.create_task(whole.run())
        try:
            yield whole
        finally:
            whole.stop.set()
            await asyncio.wait_for(task, PATIENCE)

    return run
