"""The poller's socket: live values, events and requests for the other processes."""
