"""The journal: every sample comes back exactly, whatever happened to the end of the file."""

import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from jk_bms.clock import boot_id
from jk_bms.model import Device, Sample
from jk_bms.store import journal as module
from jk_bms.store.journal import Journal
from jk_bms.store.sample_codec import FIELDS

AT = datetime(2026, 12, 1, 10, 0, 0, 123_456, UTC)
PACK = Device(address="AA:BB:CC:DD:EE:FF", name="shed")
OTHER = Device(address="11:22:33:44:55:66", number=2)


def sample(n: int, device: Device = PACK) -> Sample:
    return Sample(
        device=device,
        taken_at=AT + timedelta(microseconds=n * 500_001),
        monotonic=1000.1 + n / 3,
        clock_trusted=n % 2 == 0,
        voltage=52.0 + n / 7,
        current=-0.1 * n,
        cell_voltages=tuple(3.2 + (n + cell) / 1000 for cell in range(16)),
        cell_numbers=tuple(range(1, 17)),
        soc=n % 101,
        empty_in=(1.5, 2.5 + n),
        balancing=bool(n % 3),
        alarms=("cell_overvoltage",) if n % 5 == 0 else (),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "unsaved.journal"


def test_samples_come_back_exactly(path: Path) -> None:
    samples = [sample(n, OTHER if n % 3 else PACK) for n in range(50)]
    with Journal(path) as journal:
        numbers = [journal.append(one) for one in samples]

    with Journal(path) as again:
        assert numbers == list(range(1, 51))
        assert [(found.number, found.sample) for found in again.replay()] == list(
            zip(numbers, samples, strict=True)
        )
        assert {found.boot_id for found in again.replay()} == {boot_id()}
        assert [found.number for found in again.replay(after=48)] == [49, 50]
        assert again.append(sample(50)) == 51


def test_what_is_committed_is_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file stays small, and numbers go on even when nothing is left in it."""
    monkeypatch.setattr(module, "GROWN", 20_000)
    with Journal(path) as journal:
        for n in range(1000):
            number = journal.append(sample(n))
            if n % 20 == 19:
                journal.forget(number - 2)
                assert path.stat().st_size < 40_000
    with Journal(path) as again:
        assert [found.number for found in again.replay(after=998)] == [999, 1000]
        again.forget(1000)
        assert list(again.replay()) == []
    with Journal(path, floor=1000) as empty:
        assert empty.append(sample(1)) > 1000
    assert not path.with_name(path.name + ".new").exists()


def test_any_end_may_be_torn_off(path: Path) -> None:
    """A kill in mid-write, or noise behind it: what is whole comes back, and writing goes on."""
    with Journal(path) as journal:
        for n in range(20):
            journal.append(sample(n))
    whole = path.read_bytes()
    random.seed(4)
    for length in [*range(0, 60), *random.sample(range(len(whole)), 200)]:
        path.write_bytes(whole[:length] + (random.randbytes(30) if length % 3 == 0 and length >= 4 else b""))

        with Journal(path) as torn:
            found = list(torn.replay())
            assert [one.sample for one in found] == [sample(n) for n in range(len(found))]
            added = torn.append(sample(99))

        with Journal(path) as again:
            assert [one.number for one in again.replay()][-1] == added
            assert len(list(again.replay())) == len(found) + 1
            assert again.torn == 0


def test_a_flipped_bit_ends_it(path: Path) -> None:
    with Journal(path) as journal:
        for n in range(5):
            journal.append(sample(n))
        raw = bytearray(path.read_bytes())
    raw[-200] ^= 4
    path.write_bytes(raw)

    with Journal(path) as again:
        assert len(list(again.replay())) == 4
        assert again.torn > 0


def test_samples_of_an_earlier_boot_keep_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder is no tmpfs: their time since boot is of that boot, also after a second restart."""
    monkeypatch.setattr(module, "boot_id", lambda: "first")
    with Journal(path) as journal:
        journal.append(sample(1))
    monkeypatch.setattr(module, "boot_id", lambda: "second")
    for n in (2, 3):
        with Journal(path) as journal:
            journal.append(sample(n))

    with Journal(path) as again:
        assert [found.boot_id for found in again.replay()] == ["first", "second", "second"]


def test_a_newer_or_older_program_reads_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that one of them does not know is left out; the rest is there."""
    monkeypatch.setattr(module, "FIELDS", (*FIELDS, "colour"))
    monkeypatch.setattr(
        module,
        "pack_sample",
        lambda one: msgspec.msgpack.encode((*msgspec.structs.astuple(one)[1:], "red")),
    )
    with Journal(path) as journal:
        journal.append(sample(1))
    monkeypatch.undo()

    with Journal(path) as again:
        assert [found.sample for found in again.replay()] == [sample(1)]


def test_a_full_disk_costs_no_sample_in_memory(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once; when there is room again, what is not committed is written."""
    path.parent.mkdir()
    with Journal(path) as journal:
        first = journal.append(sample(1))
        room = os.write
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
            numbers = [journal.append(sample(n)) for n in (2, 3)]
        assert os.write is room
        journal.forget(first)

    with Journal(path) as again:
        assert [found.number for found in again.replay()] == numbers
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


def test_numbers_begin_above_what_the_database_knows(path: Path) -> None:
    """After a power cut the file is gone: a lower number would be taken for one that is committed already."""
    with Journal(path, floor=700) as journal:
        assert [journal.append(sample(n)) for n in range(2)] == [701, 702]

    with Journal(path, floor=700) as again:
        assert [found.number for found in again.replay(after=700)] == [701, 702]
        assert again.append(sample(2)) == 703
    with Journal(path, floor=900) as later:
        assert later.append(sample(3)) == 901


@pytest.mark.parametrize("name", ["unsaved.journal", "unsaved.journal.new"])
def test_a_file_of_others_stays(path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Samples are kept in memory all the same."""
    theirs = path.with_name(name)
    theirs.parent.mkdir()
    theirs.write_text("my notes")

    with Journal(path) as journal:
        journal.append(sample(1))
        assert journal.size
        assert "a file that is not ours is in the way" in caplog.text
        assert theirs.read_text() == "my notes"

        theirs.unlink()
        journal.forget(0)
    with Journal(path) as again:
        assert [found.number for found in again.replay()] == [1]


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("notes")
    path.parent.mkdir()
    path.with_name("unsaved.journal.new").symlink_to(precious)

    Journal(path).close()

    assert precious.read_text() == "notes"


@pytest.mark.parametrize("content", [b"", bytes(5000)], ids=["empty", "zeros"])
def test_what_a_power_cut_leaves_is_replaced(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    with Journal(path) as journal:
        journal.append(sample(1))
    assert path.read_bytes().startswith(module.FIRST_BYTES)


def test_a_file_that_was_taken_away_comes_back(path: Path) -> None:
    with Journal(path) as journal:
        for n in range(5):
            journal.append(sample(n))
        journal.forget(2)
        assert not journal.look()
        path.unlink()
        path.parent.rmdir()
        journal.append(sample(5))  # not noticed yet

        assert journal.look()
        journal.append(sample(6))

    with Journal(path) as again:
        assert [found.number for found in again.replay()] == [3, 4, 5, 6, 7]


def test_what_cannot_be_read_is_not_written_over(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(path) as journal:
        journal.append(sample(1))
    content = path.read_bytes()

    def refuse(_: Path) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", refuse)
        with Journal(path) as journal:
            journal.append(sample(2))

    assert path.with_name("unsaved.journal.unread").read_bytes() == content
    with Journal(path) as again:
        assert [found.sample for found in again.replay()] == [sample(2)]
