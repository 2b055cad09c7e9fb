"""Settings for every test."""

import signal

# A script's background jobs ignore SIGINT, and programs inherit that. What is handled here, they get as the default.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
