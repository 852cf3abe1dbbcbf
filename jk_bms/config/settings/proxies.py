"""Which proxy leads to an address. Pure."""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from jk_bms.config.settings.table import Settings

OPENAI = "https://api.openai.com/v1"  # asked where OPENAI_BASE_URL names no other


def proxy_for(settings: Settings, url: str) -> str | None:
    """Return the proxy through which ``url`` is asked, password and all; None: it is asked directly.

    NO_PROXY names hosts; a domain stands for all below it, ``*`` for everything.
    """
    return None if is_direct(urlsplit(url).hostname or "", settings.no_proxy) else settings.proxy


def asks_model(settings: Settings) -> bool:
    """Whether a language model phrases the digest: with a key, or where an endpoint is named that may need none."""
    return bool(settings.openai_key or settings.openai_url)


def is_direct(host: str, no_proxy: str | None) -> bool:
    """Whether ``host`` is asked without a proxy, as ``no_proxy`` (NO_PROXY) says."""
    host = host.lower()
    for part in (no_proxy or "").lower().replace(" ", ",").split(","):
        name = part.strip().removeprefix("*.").lstrip(".")
        if name and (name == "*" or host == name or host.endswith(f".{name}")):
            return True
    return False


def is_socks(proxy: str) -> bool:
    """Whether ``proxy`` speaks SOCKS, not HTTP."""
    return proxy.lower().startswith("socks")


def environment(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child that asks others: ``inherited``, with the proxy of the settings.

    There no other user sees it, as arguments would be seen.
    """
    kept = {
        name: value
        for name, value in inherited.items()
        if name.lower() not in ("https_proxy", "no_proxy")
        and not (name.lower() == "all_proxy" and (settings.proxy or is_socks(value)))
    }
    if settings.proxy:
        kept["HTTPS_PROXY"] = settings.proxy
    if settings.no_proxy:
        kept["NO_PROXY"] = settings.no_proxy
    return kept


def proxy_secrets(settings: Settings) -> tuple[str, ...]:
    """Return what must never stand in a log: the password of the proxy, as written and as meant."""
    try:
        password = urlsplit(settings.proxy or "").password
    except ValueError:
        return ()
    return tuple({password, unquote(password)}) if password else ()
