"""easun-jkbms: the battery monitor an off-grid house can trust."""

__version__ = "0.1.0"
