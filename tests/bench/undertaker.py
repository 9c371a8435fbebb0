"""The process that outlives the bench by a moment: it ends what the bench started, whatever ended the bench.

It reads the ids of process groups until its input closes, which it does even when the bench is killed;
then it ends the groups and removes the folder that it was given. It knows the standard library alone.
"""

import os
import shutil
import signal
import sys
import time

PATIENCE = 5.0  # seconds between the friendly signal and the other one


def is_there(group: int) -> bool:
    """Tell whether a process of this group lives."""
    return told(group, 0)


def told(group: int, number: int) -> bool:
    """Send a group this signal; tell whether there was somebody to get it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def end(groups: list[int]) -> None:
    """End these groups."""
    for group in groups:
        told(group, signal.SIGTERM)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and any(is_there(group) for group in groups):
        time.sleep(0.02)
    for group in groups:
        told(group, signal.SIGKILL)


if __name__ == "__main__":
    end([int(line) for line in sys.stdin])
    shutil.rmtree(sys.argv[1], ignore_errors=True)
