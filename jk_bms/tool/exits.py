"""The exit codes of jk-util.py. They are promised: scripts depend on them."""

from jk_bms.errors import ConfigError, JkBmsError, LiveError, SourceError, StoreError, Verdict

EXIT_OK = 0
EXIT_UNEXPECTED = 1
EXIT_ARGUMENTS = 2
EXIT_NOTHING = 3  # nothing found, or no battery in the registry
EXIT_CONNECTION = 4
EXIT_NO_RECORD = 5  # connected, but no valid record
EXIT_ADAPTER = 6  # no Bluetooth adapter, or no permission
EXIT_WARNINGS = 7  # check: something to look at
EXIT_FAULTS = 8  # check: something does not work
EXIT_INTERRUPTED = 130

_BY_VERDICT = {
    Verdict.NO_ADAPTER: EXIT_ADAPTER,
    Verdict.ADAPTER_OFF: EXIT_ADAPTER,
    Verdict.ADAPTER_BLOCKED: EXIT_ADAPTER,
    Verdict.ADAPTER_WEDGED: EXIT_ADAPTER,
    Verdict.NO_PERMISSION: EXIT_ADAPTER,
    Verdict.SERVICE_DOWN: EXIT_ADAPTER,
    Verdict.MUTE: EXIT_NO_RECORD,
    Verdict.FROZEN: EXIT_NO_RECORD,
    Verdict.FRAMES_REFUSED: EXIT_NO_RECORD,
}


def exit_code(error: JkBmsError) -> int:
    """Return the exit code that tells what went wrong."""
    match error:
        case SourceError():
            return _BY_VERDICT.get(error.verdict, EXIT_CONNECTION)
        case ConfigError():
            return EXIT_ARGUMENTS
        case LiveError():
            return EXIT_CONNECTION
        case StoreError():
            return EXIT_UNEXPECTED
    return EXIT_NO_RECORD
