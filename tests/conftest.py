"""What holds for every test, whoever starts the run."""

import shutil
import signal
from pathlib import Path

import pytest

from tests.own_folder import make_own_folder, temporary_root

# A run started in the background has SIGINT ignored, and so have all the programs it starts:
# Ctrl-C could not be tested. A handler here is the default again in what we start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

OWN_FOLDER = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give each run a folder of its own: pytest's usual one is shared with all runs, which tidy it up."""
    if not config.option.basetemp and not hasattr(config, "workerinput"):
        config.stash[OWN_FOLDER] = make_own_folder(temporary_root())
        config.option.basetemp = str(config.stash[OWN_FOLDER])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Leave nothing behind but what failed."""
    if exitstatus == 0 and (folder := session.config.stash.get(OWN_FOLDER, None)):
        shutil.rmtree(folder, ignore_errors=True)
