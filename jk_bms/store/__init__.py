"""Database files: the inverter program's ``readings``, and our own."""
