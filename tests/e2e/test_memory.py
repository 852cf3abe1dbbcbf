"""What the service remembers, through kills, restarts and ends: whole processes, real files."""

import itertools
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jk_bms.store.bms_db import open_reader
from jk_bms.store.history_query import query, samples
from tests.e2e.house import House, Service, until
from tests.scale import scaled


@pytest.fixture
def house(simulated: House) -> House:
    """A simulated house with a row of history each second and a commit every third."""
    simulated.env |= {"HISTORY_PERIOD": "1", "HISTORY_COMMIT": "3"}
    return simulated


def meters(service: Service) -> dict[str, Any]:
    """The meters as the socket tells them; the newest that anybody was shown."""
    snapshot = service.streaming()
    found: dict[str, Any] = snapshot["devices"][0]["reading"]["meters"]
    return found


def rows(house: House) -> list[datetime]:
    """Times of all rows of history."""
    now = datetime.now(UTC)
    with open_reader(house.bms_db) as reader:
        return [
            row.taken_at
            for row in samples(reader, "simulated", now - timedelta(hours=1), now + timedelta(hours=1))
        ]


def test_meters_never_go_back(house: House) -> None:
    """Killed at random moments: what was once shown is never taken back."""
    dice = random.Random(3)
    shown: dict[str, Any] = {}
    for _ in range(scaled(100)):
        with house.service() as service:
            time.sleep(dice.uniform(0.2, 1.5))
            now = meters(service)
            for name, value in shown.items():
                assert now[name] >= value, name
            time.sleep(dice.uniform(0, 1.0))
            shown = meters(service)
            service.kill()

    assert shown["discharged_ah"] + shown["charged_ah"] > 0


def test_kill_loses_no_row(house: House) -> None:
    """What was not committed comes back from the journal."""
    house.env["HISTORY_COMMIT"] = "3600"
    with house.service() as service:
        service.streaming()
        time.sleep(4)
        service.kill()
    with house.service() as service:
        service.streaming()
        assert "taken from the journal" in service.log
        service.end()

    times = rows(house)
    assert len(times) >= 4
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(times)]
    assert all(gap > 0 for gap in gaps)
    assert gaps[:3] == [1.0, 1.0, 1.0]


def test_end_commits_everything(house: House) -> None:
    house.env["HISTORY_COMMIT"] = "3600"
    with house.service() as service:
        service.streaming()
        time.sleep(2.5)
        service.end()

    with open_reader(house.bms_db) as reader:
        now = datetime.now(UTC)
        series = query(
            reader, "simulated", ["voltage", "soc_counted"], now - timedelta(minutes=5), now, points=600
        )
    known = [value for value in series.values["voltage"].mean if value is not None]
    assert len(known) >= 2
    assert all(40 < value < 60 for value in known)


def test_tool_shows_what_is_remembered(house: House) -> None:
    """History and health, while the service runs and after it ended."""
    with house.service() as service:
        service.streaming()
        time.sleep(4)
        history = house.tool("history", "--last", "5m")
        health = house.tool("health")
        service.end()
    later = house.tool("health")

    assert history.returncode == 0, history.stderr
    assert "voltage" in history.stdout.lower() or "soc" in history.stdout.lower()
    assert health.returncode == 0, health.stderr
    assert "cell" in health.stdout.lower()
    assert later.returncode == 0, later.stderr


def test_inverter_records_become_history(house: House) -> None:
    """The poller folds the foreign records into a track of their own."""
    with house.service() as service:
        until(lambda: len(house.merged()) >= 2)
        service.end()
    with house.service() as service:
        service.streaming()

        def folded() -> bool:
            now = datetime.now(UTC)
            with open_reader(house.bms_db) as reader:
                try:
                    return any(
                        True
                        for _ in samples(
                            reader, "inverter", now - timedelta(hours=1), now + timedelta(hours=1)
                        )
                    )
                except Exception:
                    return False

        until(folded)


def test_wrong_pack_facts_are_refused(house: House) -> None:
    house.registry.write_text(
        "simulated:\n  type: simulated\n  curve: '3.0:0'\n  period: 0.2\n", encoding="utf-8"
    )
    with house.service() as service:
        assert service.wait() == 78

    assert "curve is '3.0:0'" in service.log
