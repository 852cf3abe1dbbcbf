"""What the numbers mean. Pure: no I/O, no clock."""
