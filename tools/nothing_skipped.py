"""A pytest plugin: under ``CI=true`` a skipped test fails the run.

A suite that skips what it cannot start looks green while it proves nothing. On a person's machine a
missing tool costs the tests that need it, loudly (``-ra`` names them); in CI it costs the run.
"""

import os

import pytest

ALLOWED = "vectors"  # captures that are not part of this repository may be absent


def _refused(config: pytest.Config) -> list[str]:
    """Return ``where: why`` of every skip that CI does not allow."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("CI") != "true":
        return []
    found = []
    for report in reporter.stats.get("skipped", ()):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if ALLOWED not in reason.lower():
            found.append(f"{report.nodeid}: {reason.removeprefix('Skipped: ')}")
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a run with refused skips into a failed one."""
    if session.exitstatus == pytest.ExitCode.OK and _refused(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the refused skips above the closing line."""
    refused = _refused(config)
    if refused:
        terminalreporter.section("skipped, and CI=true allows no skips")
        for line in refused:
            terminalreporter.write_line(line)
