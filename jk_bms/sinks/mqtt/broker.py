"""How to reach the broker, and why that fails."""

import hashlib
import ssl
from pathlib import Path
from typing import Any

from jk_bms.config.settings import Settings
from jk_bms.model.foreign_text import harmless

KEEPALIVE = 20  # s: a half-open socket is noticed after twice that
PATIENCE = 5.0  # s for the broker to confirm something
PLAIN, SECURE = 1883, 8883  # ports
_REFUSED = (4, 5, 134, 135)  # user or password are wrong, or may not: of MQTT 3.1.1, and of 5


def arguments(settings: Settings) -> dict[str, Any]:
    """Return those of the client. Blocks. Raises OSError for the certificates."""
    broker = settings.mqtt_broker
    assert broker is not None
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii")
    except OSError:
        machine = ""
    own = hashlib.sha256(f"{machine}{settings.bms_db_path}".encode()).hexdigest()[:8]
    tls = ssl.create_default_context(cafile=settings.mqtt_ca_file) if settings.mqtt_tls else None
    return {
        "hostname": broker.host,
        "port": SECURE if tls and broker.port == PLAIN else broker.port,
        "username": settings.mqtt_user,
        "password": settings.mqtt_password if settings.mqtt_user else None,
        "identifier": f"easun-jkbms-{own}",
        "clean_session": True,
        "keepalive": KEEPALIVE,
        "timeout": PATIENCE,
        "tls_context": tls,
        "max_queued_incoming_messages": 1000,
    }


def why(settings: Settings, error: Exception, *, connected: bool) -> tuple[str, bool]:
    """Return what is wrong, and whether a person must do something first. ``connected``: until now."""
    if connected:
        return f"the connection to {settings.mqtt_broker} was lost", False
    code = getattr(error, "rc", None)
    text = harmless(str(error)) or type(error).__name__
    if getattr(code, "value", code) in _REFUSED:
        return f"{text}: look at MQTT_USER and MQTT_PASSWORD", True
    if "CERTIFICATE" in text.upper() or isinstance(error, OSError | ValueError):
        return f"{text}: look at MQTT_CA_FILE, and at the name in MQTT_BROKER", True
    return f"no broker at {settings.mqtt_broker}: {text}", False
