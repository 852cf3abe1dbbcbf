"""What a guest keeps quiet in his own chat; in all others it is told as before.

Noted in ``bot.db`` for each chat: by ``alert_key`` how bad the alert was then, and until when (null: until it is
over). Something worse is told all the same. Pure, but for the clock that the caller gives.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from jk_bms.bot.pages.callbacks import alert_key
from jk_bms.model.alert import AlertTold
from jk_bms.texts.alerts import severity_of

Hushed = Mapping[str, Any]


def hushed_note(chat: int) -> str:
    """Return the name under which it is noted in ``bot.db``."""
    return f"hushed:{chat}"


def is_hushed(hushed: Hushed, alert: AlertTold, now: datetime) -> bool:
    """Whether ``alert`` is kept quiet in the chat that noted ``hushed``."""
    known = hushed.get(alert_key(alert))
    if not isinstance(known, Mapping) or severity_of(alert.severity) > severity_of(
        str(known.get("severity"))
    ):
        return False
    until = known.get("until")
    return until is None or now < datetime.fromisoformat(str(until))


def hush(
    hushed: Hushed, alert: AlertTold, how: str, now: datetime, open_keys: Collection[str]
) -> dict[str, Any]:
    """Return ``hushed`` with ``alert`` kept quiet ``how``: seconds, ``clear`` (until it is over) or ``off``.

    What is over by then (not in ``open_keys``) is forgotten.
    """
    key = alert_key(alert)
    kept = {name: known for name, known in hushed.items() if name in open_keys and name != key}
    if how == "off":
        return kept
    until = (now + timedelta(seconds=int(how))).isoformat() if how.isdigit() else None
    return {**kept, key: {"severity": alert.severity, "until": until}}
