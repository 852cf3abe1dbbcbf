"""Which proxy leads to an address. Pure."""

from urllib.parse import unquote, urlsplit

from jk_bms.settings.table import Settings

OPENAI = "https://api.openai.com/v1"  # asked where OPENAI_BASE_URL names no other


def proxy_for(settings: Settings, url: str) -> str | None:
    """Return the proxy through which ``url`` is asked, password and all; None: it is asked directly.

    NO_PROXY names hosts; a domain stands for all below it, ``*`` for everything.
    """
    host = (urlsplit(url).hostname or "").lower()
    for part in (settings.no_proxy or "").lower().replace(" ", ",").split(","):
        name = part.strip().removeprefix("*.").lstrip(".")
        if name and (name == "*" or host == name or host.endswith(f".{name}")):
            return None
    return settings.proxy


def proxy_secrets(settings: Settings) -> tuple[str, ...]:
    """Return what must never stand in a log: the password of the proxy, as written and as meant."""
    try:
        password = urlsplit(settings.proxy or "").password
    except ValueError:
        return ()
    return tuple({password, unquote(password)}) if password else ()
