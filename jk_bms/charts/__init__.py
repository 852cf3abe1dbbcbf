"""Pictures of history and cells, as PNG."""
