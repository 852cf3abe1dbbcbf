"""The Bluetooth adapter and the air: who is there, who goes by which adapter, what repairs it. Knows no make."""
