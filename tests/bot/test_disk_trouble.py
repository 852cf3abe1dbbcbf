"""A full disk and a card that has become read-only: what must be told goes out, and a repeat says so.

That a file takes nothing is SQLite's own refusal, or the limit of a process for the size of its files: both
are met by root as well, and leave the machine alone.
"""

import asyncio
import contextlib
import errno
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jk_bms.bot import alert_feed
from jk_bms.bot import store as store_module
from jk_bms.bot.alert_feed import NOTE, UNSAVED
from jk_bms.bot.light_aiogram import TelegramBot
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.sender import Sender
from jk_bms.bot.store import BOT_DB, BotStore, Chat, open_store
from jk_bms.errors import StoreError
from jk_bms.model.snapshot import EventTold, Snapshot
from jk_bms.store import schema
from jk_bms.texts import language
from tests.bot.conftest import QUICK, Poller, soon
from tests.bot.telegram_server import OWNER, TelegramServer
from tests.bot.test_alert_feed import Feeding, feeding, own, settings  # noqa: F401 - fixtures
from tests.store.newer_schema import use_what_is_more, what_is_more, with_more

REPEAT = "may be a repeat"


def fill(store: BotStore) -> None:
    """Let the file of ``store`` take nothing more, as on a full disk."""
    store._connection.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_DENY if action in WRITES else sqlite3.SQLITE_OK
    )


WRITES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}


def free(store: BotStore) -> None:
    """Let it be written again."""
    store._connection.set_authorizer(None)
    store._again_at = 0.0


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    return tmp_path / "run" / "witness"


@pytest.fixture
def full(tmp_path: Path, witness: Path) -> Iterator[BotStore]:
    witness.parent.mkdir()
    with open_store(tmp_path / "full.db", witness) as opened:
        opened.remember(Chat(id=OWNER, monitoring=True, title="at home"))
        opened.queue([Outgoing(chat=OWNER, text="before")], {"cursor": 7})
        fill(opened)
        yield opened


def texts(store: BotStore) -> list[str]:
    return [one.message.text for one in store.oldest(OWNER)]


def test_what_cannot_be_written_goes_on_in_memory(full: BotStore, witness: Path) -> None:
    full.queue([Outgoing(chat=OWNER, text="now")], {"cursor": 8})
    full.change_chat(OWNER, title="elsewhere")

    assert full.failure
    assert texts(full) == ["before", "now"]
    assert (full.note("cursor"), full.chat(OWNER).title) == (8, "elsewhere")
    full.trying([one.number for one in full.oldest(OWNER)])
    full.done([full.oldest(OWNER)[0].number])
    assert texts(full) == ["now"]
    assert [one.doubtful for one in full.oldest(OWNER)] == [True]
    assert witness.exists()


def test_all_of_it_comes_back_into_the_file(full: BotStore, tmp_path: Path, witness: Path) -> None:
    full.queue([Outgoing(chat=OWNER, text="now")], {"cursor": 8})
    full.done([full.oldest(OWNER)[0].number])
    free(full)
    full.queue([Outgoing(chat=OWNER, text="later")])
    full.close()

    assert not full.failure
    assert not witness.exists()
    with open_store(tmp_path / "full.db", witness) as again:
        assert texts(again) == ["now", "later"]
        assert (again.note("cursor"), again.chat(OWNER).title) == (8, "at home")
        assert [one.doubtful for one in again.oldest(OWNER)] == [False, False]
        assert again.doubt is None


def test_after_a_crash_meanwhile_what_waits_may_have_arrived(
    full: BotStore, tmp_path: Path, witness: Path
) -> None:
    """The file still has what was sent since, and knows nothing of it."""
    full.done([full.oldest(OWNER)[0].number])
    meanwhile = datetime.now(UTC)
    copy = tmp_path / "after the crash"
    copy.mkdir()
    for name in ("full.db", "full.db-wal"):
        (copy / name).write_bytes((tmp_path / name).read_bytes())

    with open_store(copy / "full.db", witness) as again:
        assert [(one.message.text, one.doubtful) for one in again.oldest(OWNER)] == [("before", True)]
        assert again.may_have_arrived(meanwhile)
        assert not again.may_have_arrived(meanwhile - timedelta(hours=1))
        assert not again.may_have_arrived(datetime.now(UTC) + timedelta(minutes=1))
    assert not witness.exists()


def test_memory_has_a_bound(full: BotStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MOST_HELD", 10)
    for number in range(30):
        full.queue([Outgoing(chat=OWNER, text=str(number))])

    assert texts(full) == [str(number) for number in range(20, 30)]


async def test_messages_go_out_although_nothing_can_be_noted(
    full: BotStore, bot: TelegramBot, telegram: TelegramServer
) -> None:
    sender = Sender(bot, full, lambda _: language("en"), QUICK)
    task = asyncio.create_task(sender.run())
    await soon(lambda: telegram.shown(OWNER))
    full.queue([Outgoing(chat=OWNER, text="the cell is empty")])
    await soon(lambda: len(telegram.shown(OWNER)) == 2)
    await soon(lambda: full.waiting() == [])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert telegram.shown(OWNER) == ["before", "the cell is empty"]


SMALL = """
import resource, sys, time
from pathlib import Path
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.store import open_store
path = Path(sys.argv[1])
with open_store(path) as store:
    store.queue([Outgoing(chat=1, text="before")], {"cursor": 1})
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open_store(path) as store:
    print(bool(store.failure), [one.message.text for one in store.oldest(1)], store.note("cursor"))
    store.queue([Outgoing(chat=1, text="x" * 3000)], {"cursor": 2})
    print(len(store.oldest(1)), store.note("cursor"), bool(store.failure))
"""


def test_it_starts_on_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    """No file may grow by a byte, not even those that SQLite keeps beside its own."""
    done = subprocess.run(
        [sys.executable, "-c", SMALL, str(tmp_path / "bot.db")],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines() == ["True ['before'] 1", "2 2 True"], done.stderr


# What cannot even be read


HOME = 42
GUEST = 43


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let SQLite open no file, as while a card has a hiccup."""
    connect = sqlite3.connect

    def refusing(name: Any, *args: Any, **options: Any) -> sqlite3.Connection:
        if name == ":memory:":
            opened: sqlite3.Connection = connect(name, *args, **options)
            return opened
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    monkeypatch.setattr(sqlite3, "connect", refusing)


@pytest.fixture
def lived_in(tmp_path: Path) -> Path:
    """A bot.db with an owner, a place in the events and two messages that wait."""
    path = tmp_path / "lived in.db"
    with open_store(path) as store:
        store.remember(Chat(id=HOME, title="at home", allowed=True, role="owner", monitoring=True))
        store.queue([Outgoing(chat=HOME, text="first"), Outgoing(chat=HOME, text="second")], {"cursor": 7})
    return path


def waiting(store: BotStore, chat: int = HOME) -> list[str]:
    return [one.message.text for one in store.oldest(chat)]


def test_a_file_that_cannot_be_read_at_the_start_loses_nothing(
    lived_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        refuse(patched)
        store = open_store(lived_in)
        assert (store.failure != "", store.chats()) == (True, [])
        store.remember(Chat(id=HOME, title="elsewhere"))  # as one that was never met
        store.remember(Chat(id=GUEST, title="a guest"))
        store.queue([Outgoing(chat=HOME, text="third")], {"offset": 5})
        in_hand = [one.number for one in store.oldest(HOME)]
        store._again_at = 0.0
        store.trying(in_hand)
        assert store.failure
    woken: list[bool] = []
    store.on_queued(lambda: woken.append(True))
    store._again_at = 0.0
    store.look()

    assert (store.failure, woken) == ("", [True])
    assert store.chat(HOME) == Chat(id=HOME, title="elsewhere", allowed=True, role="owner", monitoring=True)
    assert (store.note("cursor"), store.note("offset"), store.chat(GUEST).title) == (7, 5, "a guest")
    assert waiting(store) == ["first", "second", "third"]
    store.done(in_hand)  # by the number that it had in memory
    assert waiting(store) == ["first", "second"]
    store.close()
    with open_store(lived_in) as again:
        assert waiting(again) == ["first", "second"]
        assert again.chat(HOME).role == "owner"


def test_a_file_of_before_is_read_although_it_cannot_be_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first start after an update, on a full disk: there is no room for the copy."""
    path = tmp_path / "bot.db"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript(BOT_DB.steps[0].script + "; PRAGMA user_version = 1")
        old.execute("INSERT INTO chats VALUES (?, 'private', 'at home', 'en', 1, 1)", (HOME,))
        old.commit()

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(schema, "create_file", full)
        store = open_store(path)
        assert (store.failure != "", store.chat(HOME).role) == (True, "owner")
    store._again_at = 0.0
    store.set_notes({"offset": 5})

    assert not store.failure
    store.close()
    with open_store(path) as again:
        assert (again.chat(HOME).role, again.note("offset")) == ("owner", 5)


def test_a_newer_file_that_cannot_be_written_loses_nothing(
    lived_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update was taken back, and then the disk was full: what only the newer bot knows stays."""
    with monkeypatch.context() as patched:
        patched.setattr(store_module, "BOT_DB", with_more(BOT_DB))
        open_store(lived_in).close()
    use_what_is_more(BOT_DB, lived_in)

    def full(*_: object) -> None:
        raise StoreError("full") from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(store_module, "open_writing", full)
        store = open_store(lived_in)
    assert waiting(store) == ["first", "second"]
    store.change_chat(HOME, title="elsewhere")
    store._again_at = 0.0
    store.set_notes({"offset": 5})

    assert not store.failure
    store.close()
    assert what_is_more(lived_in, "chats") == ["kept"]
    assert what_is_more(lived_in, "outbox") == ["kept", "kept"]
    with open_store(lived_in) as again:
        assert (again.chat(HOME).title, waiting(again)) == ("elsewhere", ["first", "second"])


def test_a_file_that_can_be_opened_again_is_locked_as_any_other(
    lived_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing a file ends this process's locks on it: then another could change the journal mode in use."""

    def full(*_: object) -> None:
        raise StoreError("full") from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(store_module, "open_writing", full)
        store = open_store(lived_in)
    store._again_at = 0.0
    store.set_notes({"offset": 5})
    store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    code = (
        "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('PRAGMA journal_mode = DELETE')"
    )
    other = subprocess.run([sys.executable, "-c", code, lived_in], capture_output=True, text=True)
    store.close()

    assert "locked" in other.stderr


def test_a_file_that_can_no_longer_be_read_in_use_keeps_what_waits(
    lived_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(lived_in) as store:
        store.remember(Chat(id=GUEST, title="a group"))
        store.queue([Outgoing(chat=GUEST, text="to the group")])
        [first, _] = store.oldest(HOME)
        fill(store)
        with monkeypatch.context() as patched:
            patched.setattr(store_module, "copy_in_memory", unreadable)
            store.queue([Outgoing(chat=HOME, text="third")])
        assert waiting(store) == ["third"]
        store.done([first.number])
        store.move_chat(GUEST, -100)
        free(store)
        store.set_notes({"offset": 5})

        assert waiting(store) == ["second", "third"]
        assert waiting(store, -100) == ["to the group"]
        assert {chat.id for chat in store.chats()} == {HOME, -100}
        assert store.chat(HOME).role == "owner"


def unreadable(*_: object) -> sqlite3.Connection:
    raise sqlite3.OperationalError("disk I/O error")


def test_a_doubt_outlives_a_start_on_a_file_that_cannot_be_read(
    lived_in: Path, witness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness.parent.mkdir()
    since = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%S+00:00}\n"
    witness.write_text(since)
    with monkeypatch.context() as patched:
        refuse(patched)
        store = open_store(lived_in, witness)
    assert witness.read_text() == since

    store.close()
    assert not witness.exists()
    with open_store(lived_in) as again:
        assert [one.doubtful for one in again.oldest(HOME)] == [True, True]


def test_another_bot_is_still_refused(tmp_path: Path) -> None:
    with open_store(tmp_path / "bot.db"), pytest.raises(StoreError, match="another bot"):
        open_store(tmp_path / "bot.db")


# What the poller cannot write


def unsaved(code: int, value: float, **facts: Any) -> EventTold:
    """An event as the poller's socket tells it while bms.db cannot be written."""
    from tests.bot.test_alert_feed import open_alert

    told = open_alert(code) | {"what": "raised", "value": value} | facts
    return EventTold(
        unsaved=True,
        kind="alert.raised",
        time=datetime.now(UTC).isoformat(),
        monotonic=time.monotonic(),
        device=told["subject"],
        text=f"alert {code} {value}",
        facts=told,
    )


async def test_what_the_poller_cannot_write_is_told_once(feeding: Feeding, telegram: TelegramServer) -> None:  # noqa: F811
    told = unsaved(1006, 2.79)
    async with feeding.running():
        feeding.feed._hear(told)
        await soon(lambda: telegram.shown(OWNER))
        feeding.feed._hear(told)  # with each snapshot again, until it is written
        feeding.feed._hear(Snapshot(unsaved=(told, unsaved(1034, 91.0), EventTold(kind="1"))))
        await soon(lambda: len(telegram.shown(OWNER)) == 2)
        feeding.write(told)
        feeding.happen(1015)
        await soon(lambda: len(telegram.shown(OWNER)) == 3)
        await soon(lambda: feeding.store.note(NOTE) == feeding.own.newest_event())

    assert ["1006" in telegram.shown(OWNER)[0], "1034" in telegram.shown(OWNER)[1]] == [True, True]
    assert "1015" in telegram.shown(OWNER)[2]
    assert len(feeding.store.note(UNSAVED)) == 2


async def test_of_too_many_that_cannot_be_written_the_newest_are_told(
    feeding: Feeding,  # noqa: F811
    telegram: TelegramServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alert_feed, "MOST_UNSAVED", 2)
    async with feeding.running():
        feeding.feed._hear(Snapshot(unsaved=tuple(unsaved(code, 2.79) for code in (1006, 1034, 1015))))
        await soon(lambda: len(telegram.shown(OWNER)) == 2)

    assert ["1034" in telegram.shown(OWNER)[0], "1015" in telegram.shown(OWNER)[1]] == [True, True]
    assert len(feeding.store.note(UNSAVED)) == 2


async def test_quiet_ones_stay_quiet(feeding: Feeding, telegram: TelegramServer) -> None:  # noqa: F811
    async with feeding.running():
        feeding.feed._hear(unsaved(1006, 2.79, quiet="muted"))
        feeding.happen(1015)
        await soon(lambda: telegram.shown(OWNER))

    assert "1015" in telegram.shown(OWNER)[0]


async def test_three_open_alerts_and_a_full_disk_everywhere(
    feeding: Feeding,  # noqa: F811
    telegram: TelegramServer,
    poller: Poller,
) -> None:
    fill(feeding.store)
    poller.snapshot["unsaved"] = [unsaved(code, 1.0) for code in (1006, 1010, 3004)]
    tasks = [asyncio.create_task(part.run()) for part in (feeding.live, feeding.feed, feeding.sender)]
    await soon(lambda: len(telegram.shown(OWNER)) == 3)
    for task in tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)

    for code in ("1006", "1010", "3004"):
        assert sum(code in text for text in telegram.shown(OWNER)) == 1


async def test_what_a_run_that_could_note_nothing_may_have_told_is_marked(
    feeding: Feeding,  # noqa: F811
    telegram: TelegramServer,
) -> None:
    feeding.store.set_notes({NOTE: feeding.own.newest_event()})
    feeding.happen(1006, ago=timedelta(seconds=40))
    feeding.happen(1034, ago=timedelta(seconds=5))
    now = datetime.now(UTC)
    feeding.store.doubt = now - timedelta(minutes=1), now - timedelta(seconds=20)
    async with feeding.running():
        await soon(lambda: len(telegram.shown(OWNER)) == 2)

    assert [REPEAT in text for text in telegram.shown(OWNER)] == [True, False]
