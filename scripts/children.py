"""A command that is ended takes what it has started along.

Python ends at SIGTERM or SIGHUP without another word, and what it had started goes on: busy processes, chapters,
workers that wait for a task that never comes. SIGINT reaches all of them from a terminal, but not from elsewhere.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from types import FrameType

import psutil

SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


def end_with_this() -> None:
    """From here on, a signal that ends this process ends all that was started from it as well."""
    for number in SIGNALS:
        signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    # Until this process is gone: a thread of a pool may begin another task before it hears of the end.
    threading.Thread(target=_kill_all, daemon=True).start()
    sys.exit(128 + number)  # as a shell tells it; folders that are open in a "with" go


def _kill_all() -> None:
    while True:
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        time.sleep(0.05)
