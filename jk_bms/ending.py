"""How a service ends: at a signal, for a fault, or because a person must help first."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable

from jk_bms.errors import ConfigError, JkBmsError
from jk_bms.start import EXIT_BUG, EXIT_CONFIG, EXIT_LATER, EXIT_OK, is_shortage

log = logging.getLogger(__name__)

ENDS = (signal.SIGTERM, signal.SIGINT)
STOP_PATIENCE = 4.5  # s to end cleanly


def end_on_signals(stop: Callable[[], None]) -> Callable[[], None]:
    """Have ``stop`` called at SIGTERM and SIGINT; return what does the same for another signal.

    Whatever hangs then (a D-Bus call, a card): after STOP_PATIENCE s the process ends, for the service manager
    waits no longer than that.
    """
    loop = asyncio.get_running_loop()

    def end() -> None:
        stop()
        loop.call_later(STOP_PATIENCE, _give_up)

    for name in ENDS:
        loop.add_signal_handler(name, end)
    return end


def _give_up() -> None:
    log.error("could not end cleanly within %g s: ending now", STOP_PATIENCE)
    logging.shutdown()
    os._exit(EXIT_OK)


def stay(what: str) -> None:
    """Wait for SIGTERM or SIGINT: in a container, which is started anew whatever the exit code says."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    log.error("waiting: correct it, then start %s anew", what)
    signal.sigwait(ENDS)


def log_end(error: Exception, *lasting: type[Exception]) -> int:
    """Say in one line for each fault why a service ends; return the exit code that fits.

    A ConfigError, and what else is ``lasting``, stays so until a person changes something.
    """
    if isinstance(error, ExceptionGroup):
        ours, bugs = error.split(JkBmsError)
        if bugs is not None:
            log.error("unexpected error", exc_info=bugs)
            return EXIT_BUG
        assert ours is not None
        return max(log_end(one, *lasting) for one in ours.exceptions)
    for line in str(error).splitlines():
        log.error("%s", line)
    if is_shortage(error.__cause__):  # that passes, whatever could not be read for it
        return EXIT_LATER
    return EXIT_CONFIG if isinstance(error, (ConfigError, *lasting)) else EXIT_LATER
