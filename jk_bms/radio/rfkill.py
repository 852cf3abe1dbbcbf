"""Whether the system keeps a radio off: a switch of the case, flight mode, a setting."""

from pathlib import Path

SWITCHES = Path("/sys/class/rfkill")  # not there in most containers


def blocked(adapter: str | None = None, folder: Path | None = None) -> str:
    """Return how the Bluetooth adapter is blocked: ``soft`` or ``hard``; empty: it is not.

    ``adapter``: its name, hci0; None: any Bluetooth switch, also of an adapter that is not there
    because it is blocked. What cannot be read blocks nothing.
    """
    try:
        switches = sorted((folder or SWITCHES).iterdir())
    except OSError:
        return ""
    for switch in switches:
        if _text(switch / "type") != "bluetooth" or adapter not in (None, _text(switch / "name")):
            continue
        for kind in ("hard", "soft"):
            if _text(switch / kind) == "1":
                return kind
    return ""


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
