"""Environment and .env -> one frozen Settings.

``table`` lists every setting, ``kinds`` says what values may look like, ``load`` reads and
checks. docs/settings.md tells the same to the owner.
"""

from jk_bms.called import TOP
from jk_bms.config.settings.load import load_settings
from jk_bms.config.settings.show import Row, describe
from jk_bms.config.settings.table import KEYS, OWN_TOKEN, SETTINGS, Kind, Setting, Settings, at_once

__all__ = [
    "KEYS",
    "OWN_TOKEN",
    "SETTINGS",
    "TOP",
    "Kind",
    "Row",
    "Setting",
    "Settings",
    "at_once",
    "describe",
    "load_settings",
]
