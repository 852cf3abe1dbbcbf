"""Error replies of the fake services."""


class BluezError(Exception):
    """An error reply: name and text."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(text)
        self.name = name


def failed(text: str) -> BluezError:
    """BlueZ's answer to what it has no better name for."""
    return BluezError("org.bluez.Error.Failed", text)
