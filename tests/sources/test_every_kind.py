"""What every kind of battery must do, whatever its make. The rows of KINDS, and the example of docs/adding.md."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from jk_bms.config.devices import Entry, read_registry
from jk_bms.errors import ConfigError, SourceError, Verdict
from jk_bms.model import Sample, kinds
from jk_bms.model.kinds import KINDS
from jk_bms.model.link import LinkState
from jk_bms.repair.shared import SharedRepair
from jk_bms.sources import SourceContext, build
from tests.examples import asked_kind as asked
from tests.examples import kind as example
from tests.scale import PATIENCE

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROWS = (example.ROW, asked.ROW)
NAMES = [*KINDS, *(row.name for row in ROWS)]


@pytest.fixture(autouse=True)
def with_the_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    for row in ROWS:
        monkeypatch.setitem(kinds._BY_NAME, row.name, row)


def entry_of(kind: str, folder: Path) -> Entry:
    address = "AA:BB:CC:DD:EE:FF" if KINDS[kind].needs_radio else "pack"
    (folder / "dump").write_text("0.0 55aaeb90\n", encoding="ascii")
    return Entry(address=address, type=kind, options={"file": "dump"} if kind == "playback" else {})


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not what():
            await asyncio.sleep(0.005)


class Heard:
    """What a source tells."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.samples: list[Sample] = []
        self.events: list[str] = []
        self.house = SharedRepair(asyncio.get_running_loop().time())
        self.context = SourceContext(
            house=self.house,
            folder=folder,
            publish=self.samples.append,
            report=lambda kind, *_, **__: self.events.append(kind),
            **more,
        )

    @asynccontextmanager
    async def running(self, entry: Entry) -> AsyncIterator[Any]:
        source = build(entry, self.context)
        task = asyncio.create_task(source.run())
        try:
            yield source
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.mark.parametrize("name", NAMES)
async def test_it_is_one_of_the_house(name: str, tmp_path: Path) -> None:
    """The repairs of a house count all its batteries: one that did not join would have it restarted for nothing."""
    heard = Heard(tmp_path)

    source = build(entry_of(name, tmp_path), heard.context)

    assert heard.house.machine(source.device.address) is not None
    assert source.device.kind == name
    assert (source.repairs is not None) is (KINDS[name].needs_radio or KINDS[name].own_house)


@pytest.mark.parametrize("name", NAMES)
def test_its_address_is_judged_by_its_form(name: str, tmp_path: Path) -> None:
    form = KINDS[name].address_form
    for address in ("AA:BB:CC:DD:EE:FF", "192.168.1.9", "/dev/ttyUSB0", "bank"):
        registry = tmp_path / "jk_devices.yaml"
        registry.write_text(f'"{address}":\n  type: {name}\n', encoding="utf-8")
        try:
            form.parse(address)
        except ValueError:
            with pytest.raises(ConfigError, match="is not an address"):
                read_registry(registry)
        else:
            assert [entry.address for entry in read_registry(registry).entries] == [address]


# Read before the examples join them.
@pytest.mark.parametrize("name", list(KINDS))
@pytest.mark.parametrize(("page", "row"), [("settings.md", "| `type` |"), ("tool.md", "| `--type T` |")])
def test_the_owner_finds_it_in_the_documents(page: str, row: str, name: str) -> None:
    line = next(
        line for line in (DOCS / page).read_text(encoding="utf-8").splitlines() if line.startswith(row)
    )
    assert f"`{name}`" in line


@pytest.mark.parametrize(
    "module", sorted({kind.recognise.partition(":")[0] for kind in KINDS.values()} - {""})
)
def test_a_scan_needs_no_library_of_a_make(module: str) -> None:
    """Every scan asks every row, also in a house that has no such battery and not its library."""
    only = f"""
import importlib.abc, sys

class Ours(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names | {{"jk_bms", "msgspec", "yaml"}}:
            raise ImportError(name)

sys.meta_path.insert(0, Ours())
import {module}
"""
    done = subprocess.run([sys.executable, "-c", only], cwd=DOCS.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


async def test_one_that_is_asked_is_read_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "PERIOD", 0.01)
    heard = Heard(tmp_path)
    async with heard.running(entry_of("asked", tmp_path)) as source:
        await until(lambda: len(heard.samples) >= 3)
        assert source.status.commands >= 3
        assert source.status.connects == 1

    assert heard.samples[-1].current == 5.0


async def test_one_that_is_asked_seldom_tells_of_a_lost_link_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "PERIOD", 3600.0)
    heard = Heard(tmp_path)
    async with heard.running(entry_of("asked", tmp_path)) as source:
        await until(lambda: heard.samples)
        asked.AnsweringLink.last.drop()
        await until(lambda: source.status.verdict == Verdict.DROPPED)

    assert heard.events == ["link.up", "link.down"]


@pytest.mark.parametrize(("answer", "verdict"), [(None, Verdict.MUTE), (b"what?", Verdict.FRAMES_REFUSED)])
async def test_errors_of_a_library_are_verdicts(
    answer: bytes | None, verdict: Verdict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked.AnsweringLink, "answer", answer)
    monkeypatch.setattr(asked.Library, "patience", 0.05 if answer is None else PATIENCE)
    heard = Heard(tmp_path)
    async with heard.running(entry_of("asked", tmp_path)) as source:
        await until(lambda: source.status.verdict == verdict)

    assert heard.samples == []


async def test_current_is_positive_while_charging(tmp_path: Path) -> None:
    heard = Heard(tmp_path)
    async with heard.running(entry_of("line", tmp_path)):
        await until(lambda: len(heard.samples) == 2)

    assert [sample.current for sample in heard.samples] == [5.0, 5.1]


async def test_it_can_be_released_and_taken_up_again(tmp_path: Path) -> None:
    heard = Heard(tmp_path)
    async with heard.running(entry_of("line", tmp_path)) as source:
        await until(lambda: len(heard.samples) == 2)
        source.release(600.0)
        async with asyncio.timeout(PATIENCE):
            await source.released()
        assert source.status.state is LinkState.RELEASED
        with pytest.raises(SourceError) as refused:
            await source.read_now()
        assert refused.value.verdict is Verdict.RELEASED
        source.resume()
        await until(lambda: len(heard.samples) == 4)

    assert heard.events.count("link.up") >= 1
    assert "link.released" in heard.events


async def test_what_cannot_be_true_goes_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = b"V=53.20 I=2000000 SOC=80\n"
    monkeypatch.setattr(example, "READINGS", [wrong, *example.READINGS])
    heard = Heard(tmp_path)
    async with heard.running(entry_of("line", tmp_path)) as source:
        await until(lambda: len(heard.samples) == 2)

    assert [sample.current for sample in heard.samples] == [5.0, 5.1]
    assert (source.status.implausible, source.status.refused) == (1, 1)
    assert "frame.implausible" in heard.events


async def test_a_bug_of_a_make_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as a trouble of that battery; the source goes on."""

    def feed(*_: Any) -> Any:
        raise RuntimeError("no idea")

    monkeypatch.setattr(example.LineSession, "feed", feed)
    heard = Heard(tmp_path)
    async with heard.running(entry_of("line", tmp_path)) as source:
        await until(lambda: source.status.verdict == Verdict.INTERNAL_ERROR)
        assert source.status.outage is not None

    assert heard.samples == []
