"""What the owner wrote: settings, the registry of his batteries, and the text files that both are."""
