"""Does what was decided: tells people, asks a watcher outside to stay calm."""
