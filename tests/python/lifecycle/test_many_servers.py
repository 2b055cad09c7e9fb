"""Runs many_servers.py as a process of its own: it counts threads, and other tests leave servers behind."""

import subprocess
import sys
from pathlib import Path

SECONDS = 120


def test_many_servers():
    file = Path(__file__).with_name("many_servers.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    done = subprocess.run(command, timeout=SECONDS, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
