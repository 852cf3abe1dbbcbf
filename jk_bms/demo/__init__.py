"""What stands in while nothing is configured: a made-up battery, every file under ``demo/``."""

import os

from jk_bms.model.kinds import SIMULATED
from jk_bms.config.devices import read_registry
from jk_bms.config.settings import TOP, Settings, load_settings

FOLDER = TOP / "demo"


def configured(settings: Settings) -> bool:
    """Whether the owner has set up anything: a settings file, a device, or a registry with one."""
    return bool(settings.env_file or settings.address or read_registry(settings.devices_file).entries)


def demo_settings() -> Settings:
    """Return the settings of the demonstration."""
    environ = {
        "JK_BMS_ADDRESS": SIMULATED,
        "DB_PATH": str(FOLDER / "inverter.db"),
        "BMS_DB_PATH": str(FOLDER / "bms.db"),
        "BMS_STANDALONE_ROWS": "true",
        "JK_BMS_POLL_INTERVAL": "5",
        "HISTORY_COMMIT": "10",  # so that the newcomer's first jk-util.py history shows something
    }
    kept = {
        key: text
        for key, text in os.environ.items()
        if key in ("LOG_LEVEL", "TIMEZONE") or (key.startswith("WEB_") and key != "WEB_DB_PATH")
    }
    return load_settings(environ | kept, top=FOLDER, forgiving=True)


def is_demo(settings: Settings) -> bool:
    """Whether these are the settings of the demonstration, which the owner did not write."""
    return settings.env_file is None and settings.bms_db_path == FOLDER / "bms.db"


def running_demo() -> Settings | None:
    """Return the settings of a demonstration that runs at the moment, for the tool to find it."""
    settings = demo_settings()
    return settings if settings.socket_path.is_socket() else None


def in_use(settings: Settings) -> Settings:
    """Return ``settings``; with nothing configured, those of a demonstration that runs or has left the only data."""
    if configured(settings):
        return settings
    demo = demo_settings()
    left = demo.bms_db_path.exists() and not settings.bms_db_path.exists()
    return demo if left or demo.socket_path.is_socket() else settings
