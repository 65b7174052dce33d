"""Runs a command line as a child that never outlives its parent, as ``-m TemporalReconLib.engine_client.child MODULE``.

An engine left behind by a crashed Slicer would hold its port and the GPU. The parent keeps the child's standard
input open; when it closes, on purpose or because the parent died, the child ends. This works alike on Windows,
where there is no SIGTERM, and through the launcher that starts Slicer's Python.

It steps behind its parent for the processor: an engine that computes on all cores must not make a panel wait.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import sys
import threading
from pathlib import Path

GRACE_S = 1.5
# How far behind (man 2 nice). On Linux a session is scheduled as a group with a niceness of its own (man 7 sched).
NICENESS = 5
AUTOGROUP = Path("/proc/self/autogroup")


def main() -> None:
    """Run ``MODULE`` as ``python -m MODULE`` would, with the arguments that follow it."""
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    _step_behind()
    module = sys.argv[1]
    sys.argv = [module, *sys.argv[2:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _step_behind() -> None:
    """On Windows the parent does it, when it starts the process."""
    if sys.platform == "win32":
        return
    os.nice(NICENESS)
    # Not ours to change, or not there: then the scheduler's own choice stays.
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(NICENESS), encoding="ascii")


def _end_with_parent() -> None:
    while os.read(0, 4096):  # not sys.stdin: its lock would be held at interpreter shutdown
        pass
    # The engine may clean up on SIGTERM; one that is stuck in a long computation is ended without.
    threading.Timer(GRACE_S, os._exit, [1]).start()
    signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    main()
