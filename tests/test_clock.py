"""What time it is, and whether that can be believed."""

from datetime import UTC, datetime, timedelta

import pytest

from jk_bms import clock
from jk_bms.clock import NOT_BEFORE, Clock, boot_id


def test_wall_time_is_aware_and_utc() -> None:
    now = Clock().now()

    assert now.utcoffset() == timedelta(0)
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_faster_clock_runs_both_times_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    boot = 1000.0
    monkeypatch.setattr(Clock, "_since_boot", staticmethod(lambda: boot))
    fast = Clock(speed=60)
    wall, since = fast.now(), fast.monotonic()

    boot += 2

    assert fast.now() - wall == timedelta(seconds=120)
    assert fast.monotonic() - since == 120


def test_a_step_of_the_wall_clock_does_not_touch_the_time_since_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    steady = Clock()
    before = steady.monotonic()

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Stepped":
            return cls(1970, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(clock, "datetime", Stepped)

    assert steady.now().year == 1970
    assert not steady.trusted()
    assert 0 <= steady.monotonic() - before < 5


@pytest.mark.parametrize(("off", "trusted"), [(-1, False), (0, True), (1, True)])
def test_trusted_from_the_day_this_program_exists(
    off: int, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Clock, "now", lambda _: NOT_BEFORE + timedelta(seconds=off))

    assert Clock().trusted() is trusted


def test_boot_has_a_name_that_stays() -> None:
    assert boot_id() == boot_id()
    assert "\n" not in boot_id()
