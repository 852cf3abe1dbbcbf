"""Does what was decided: tells people, asks a watcher outside to stay calm."""

from jk_bms.hub import PartRow

ACTIONS = (
    PartRow(
        "alerts by Apprise", "jk_bms.actions.notify:messenger", lambda settings: settings.alert_urls, "bot"
    ),
    PartRow("deadman", "jk_bms.actions.deadman:deadman", lambda settings: settings.deadman_url),
)
