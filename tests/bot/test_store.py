"""What the bot remembers: whole or not at all, through damage, updates and moves of chats."""

import sqlite3
from pathlib import Path

import pytest

from jk_bms.bot import store as module
from jk_bms.bot.choices import Choices
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.store import BOT_DB, VERSION, BotStore, Chat, open_store
from jk_bms.errors import StoreError
from tests.bot.telegram_server import OWNER
from tests.store.newer_schema import use_what_is_more, what_is_more, with_more


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    chat = Chat(
        id=OWNER,
        kind="private",
        title="Ann <&>",
        language="uk",
        allowed=True,
        monitoring=True,
        role="owner",
        topic=45,
        choices=Choices(step=0.0, quiet="22:00-07:00", pictures="dark"),
    )
    with open_store(path) as store:
        store.remember(chat)
        store.queue([Outgoing(chat=OWNER, text="one", photo=b"\x89PNG")], {"cursor": 7})

    with open_store(path) as store:
        assert store.chats() == [chat]
        assert store.note("cursor") == 7
        (waiting,) = store.oldest(OWNER)
        assert (waiting.message.text, waiting.message.photo, waiting.doubtful) == ("one", b"\x89PNG", False)


def test_what_was_being_sent_is_doubtful_after_a_crash(store: BotStore, tmp_path: Path) -> None:
    store.queue([Outgoing(chat=OWNER, text=str(number)) for number in range(2)])
    store.trying([store.oldest(OWNER)[0].number])

    assert [one.doubtful for one in store.oldest(OWNER)] == [True, False]


def test_messages_and_cursor_are_written_together_or_not_at_all(store: BotStore) -> None:
    with pytest.raises(TypeError):
        store.queue([Outgoing(chat=OWNER, text="one")], {"cursor": object()})

    assert store.waiting() == []
    assert store.note("cursor") is None


def test_a_long_message_is_queued_in_parts(store: BotStore) -> None:
    store.queue([Outgoing(chat=OWNER, text="\n".join(["line"] * 2000), photo=b"\x89PNG")])

    parts = [one.message for one in store.oldest(OWNER)]
    assert parts[0].photo
    assert parts[0].text == ""
    assert "\n".join(part.text for part in parts[1:]) == "\n".join(["line"] * 2000)


def test_a_moved_group_takes_everything_along(store: BotStore) -> None:
    store.remember(Chat(id=-5, kind="group", title="House", monitoring=True))
    store.queue([Outgoing(chat=-5, text="before")])
    store.move_chat(-5, -1005)
    store.queue([Outgoing(chat=-5, text="after")])

    assert [one.message.text for one in store.oldest(-1005)] == ["before", "after"]
    assert store.chats() == [Chat(id=-1005, kind="supergroup", title="House", allowed=True, monitoring=True)]
    assert store.present_id(-5) == -1005


def test_two_bots_cannot_open_it(store: BotStore) -> None:
    with pytest.raises(StoreError, match="another bot"):
        open_store(store.path)


def test_a_damaged_file_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    open_store(path).close()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 5000)
    content = path.read_bytes()

    with open_store(path) as store:
        store.set_notes({"cursor": 1})

    (aside,) = tmp_path.glob("bot.db.damaged-*")
    assert aside.read_bytes() == content


def test_what_was_known_goes_into_a_file_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    with open_store(path) as store:
        store.set_notes({"cursor": 7})
        store.remember(Chat(id=5, title="me", allowed=True))
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            file.write(b"\xff" * path.stat().st_size)
        store._connection.execute("PRAGMA cache_size = 0")

        store.set_notes({"date": "2026-12-01"})

    with open_store(path) as store:
        assert (store.note("cursor"), store.note("date")) == (7, "2026-12-01")
        assert store.chat(5).allowed


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    open_store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
        connection.execute(f"INSERT INTO migrations VALUES ({VERSION + 1}, 'bigger', {VERSION + 1})")
    connection.close()

    with pytest.raises(StoreError, match="update the program"):
        open_store(path)


def test_a_newer_file_that_only_has_more_is_read_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that an update can be taken back: what only the newer bot knows stays."""
    path = tmp_path / "bot.db"
    with monkeypatch.context() as patched:
        patched.setattr(module, "BOT_DB", with_more(BOT_DB))
        with open_store(path) as store:
            store.remember(Chat(id=7, title="me"))
            store.remember(Chat(id=-5, kind="group", title="House"))
            store.queue([Outgoing(chat=-5, text="before")], {"offset": 1})
    use_what_is_more(BOT_DB, path)

    with open_store(path) as store:
        store.change_chat(7, title="I")
        store.move_chat(-5, -1005)
        store.trying([one.number for one in store.oldest(-1005)])
        store.set_notes({"offset": 2})

        assert {chat.id: chat.title for chat in store.chats()} == {7: "I", -1005: "House"}
        assert store._rows("PRAGMA user_version") == [(VERSION + 1,)]
    assert what_is_more(path, "chats") == ["kept", "kept"]
    assert what_is_more(path, "outbox") == ["kept"]
    assert what_is_more(path, "notes") == ["kept", "new"]


def test_who_was_let_in_before_there_were_roles_keeps_his_rights(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    with sqlite3.connect(path) as old:
        old.executescript(BOT_DB.steps[0].script)
        old.execute("PRAGMA user_version = 1")
        old.execute("INSERT INTO chats VALUES (77, 'private', 'Ann', 'uk', 1, 1)")
        old.execute("INSERT INTO chats VALUES (88, 'private', 'Bob', NULL, 0, 1)")
        old.execute("INSERT INTO chats VALUES (-5, 'group', 'House', NULL, 1, 0)")
        old.execute("INSERT INTO notes VALUES ('offset', '7')")
    old.close()

    with open_store(path) as store:
        assert store.chat(77) == Chat(
            id=77, title="Ann", language="uk", allowed=True, monitoring=True, role="owner"
        )
        assert store.chat(88) == Chat(id=88, title="Bob", monitoring=True)
        assert store.chat(-5) == Chat(id=-5, kind="group", title="House", allowed=True)
        assert store.note("offset") == 7


def test_choices_of_a_newer_version_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    with open_store(path) as store:
        store.remember(Chat(id=77, choices=Choices(pictures="dark")))
    with sqlite3.connect(path) as later:
        later.execute("""UPDATE chats SET choices = '{"pictures": 5}'""")
    later.close()

    with open_store(path) as store:
        assert store.chat(77).choices == Choices()


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="BOT_DB_PATH"):
        open_store(tmp_path / "missing" / "bot.db")
