"""What holds for every test, whoever starts the run."""

import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.own_folder import OwnFolder, temporary_root
from tests.scale import soaking

# A run started in the background has SIGINT ignored, and so have all the programs it starts:
# Ctrl-C could not be tested. A handler here is the default again in what we start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is no matter of tests: beside other programs it says nothing (bench/ measures).
settings.register_profile(
    "no deadline", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("no deadline")

OWN_FOLDER = pytest.StashKey[OwnFolder]()

# These talk with other processes in real time. On a machine that stands still for seconds one of them may fail
# for no fault of ours: it is tried once more, and named at the end. A soak tries nothing twice.
REAL_TIME = ("e2e", "links", "bot", "actions", "live", "page", "sinks", "tool", "web", "test_children.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests that live in real time a second attempt, and begin with them: who waits leaves room for others."""
    here = Path(__file__).parent

    def waits(item: pytest.Item) -> bool:
        return item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in REAL_TIME

    items.sort(key=lambda item: not waits(item))
    if not soaking():
        for item in filter(waits, items):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give each run a folder of its own: pytest's usual one is shared with all runs, which tidy it up."""
    if not config.option.basetemp and not hasattr(config, "workerinput"):
        folder = config.stash[OWN_FOLDER] = OwnFolder(temporary_root())
        folder.use()
        config.option.basetemp = str(folder.tests)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Leave nothing behind but what failed."""
    if folder := session.config.stash.get(OWN_FOLDER, None):
        folder.end(keep=exitstatus != 0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Have the next test hear all: a program that a test runs in this process sets the levels of our loggers."""
    loggers = [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    levels = {each: each.level for each in (*loggers, logging.getLogger("jk_bms"))}
    result = yield
    for each, level in levels.items():
        each.setLevel(level)
    return result
