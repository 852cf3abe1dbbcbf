"""What jk-util.py does, a module for each thing; cli.py holds the grammar."""
