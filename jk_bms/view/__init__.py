"""What every face shows alike: figures that are worked out once, from the poller's snapshot."""
