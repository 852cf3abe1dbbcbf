"""What holds for every test, whoever starts the run."""

import signal

# A run started in the background has SIGINT ignored, and so have all the programs it starts:
# Ctrl-C could not be tested. A handler here is the default again in what we start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
