"""Where alerts go: one table for the test of an alert, for ``check`` and for the state of the house."""

from typing import TYPE_CHECKING

from jk_bms.model.snapshot import ChannelNow

if TYPE_CHECKING:
    from jk_bms.poller.poller import Poller


def channels(poller: "Poller") -> tuple[ChannelNow, ...]:
    """Return every channel that is configured, as far as it is known here."""
    found = []
    if poller.settings.bot_token:
        trouble = poller.bot.trouble(known=True)
        if not trouble and poller.invitations.code is not None:
            trouble = "the bot has no owner yet"
        elif not trouble and poller.bot.heard_ago is None:
            trouble = "the bot has not been heard of yet; is it running?"
        found.append(ChannelNow(name="Telegram", trouble=trouble))
    for position, _ in enumerate(poller.settings.alert_urls, 1):
        found.append(ChannelNow(name=f"ALERT_URLS, address {position}"))
    if browsers := poller.page.pushed:
        name = f"push to {browsers} browser{'s' if browsers > 1 else ''}"
        found.append(ChannelNow(name=name, trouble=poller.page.push_trouble, sure=False))
    if ended := poller.page.push_ended:
        found.append(ChannelNow(name="push that is no more", trouble=ended, sure=False))
    return tuple(found)
