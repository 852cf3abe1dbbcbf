"""Limits hold against work that ignores its cancellation."""

import asyncio

import pytest

from jk_bms.radio import deadlines
from jk_bms.radio.deadlines import finish, within
from tests.scale import PATIENCE


async def stubborn(release: asyncio.Event) -> None:
    """Ends only when released, as clean-up that waits for a dead service."""
    while not release.is_set():
        try:
            await release.wait()
        except asyncio.CancelledError:
            continue


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "CLEAN_UP", 0.05)
    monkeypatch.setattr(deadlines, "LAST_WORD", 0.05)


async def value() -> int:
    return 7


async def test_within_returns_the_result() -> None:
    assert await within(1, value(), "work") == 7


async def test_within_raises_what_the_work_raises() -> None:
    async def fail() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await within(1, fail(), "work")


@pytest.mark.usefixtures("hurry")
async def test_within_comes_back_from_stubborn_work() -> None:
    release = asyncio.Event()

    async with asyncio.timeout(PATIENCE):
        with pytest.raises(TimeoutError, match="digging took longer than"):
            await within(0.02, stubborn(release), "digging")

    release.set()


@pytest.mark.usefixtures("hurry")
async def test_cancellation_comes_back_from_stubborn_work() -> None:
    release = asyncio.Event()
    task = asyncio.create_task(within(60, stubborn(release), "digging"))
    await asyncio.sleep(0)

    task.cancel()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(asyncio.CancelledError):
            await task

    release.set()


async def test_within_awaits_the_tidying_of_cancelled_work() -> None:
    tidied = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.02)
            tidied.append(True)

    with pytest.raises(TimeoutError):
        await within(0.01, work(), "work")

    assert tidied == [True]


async def test_finish_ends_its_step_before_it_is_cancelled() -> None:
    done = []

    async def step() -> None:
        await asyncio.sleep(0.02)
        done.append(True)

    task = asyncio.create_task(finish(1, step(), "closing"))
    await asyncio.sleep(0)
    task.cancel()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [True]


async def test_finish_says_whether_it_succeeded() -> None:
    async def fail() -> None:
        raise OSError("no")

    assert await finish(1, value(), "closing")
    assert not await finish(1, fail(), "closing")


@pytest.mark.usefixtures("hurry")
async def test_finish_gives_up_in_time() -> None:
    release = asyncio.Event()

    async with asyncio.timeout(PATIENCE):
        assert not await finish(0.02, stubborn(release), "closing")

    release.set()
