"""The program that reads: it builds what stands in the lists, runs it side by side, and answers at the socket."""
