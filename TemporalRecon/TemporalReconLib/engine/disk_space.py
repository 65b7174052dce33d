"""How long the disk will last at the pace of a recording."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from TemporalReconLib.errors import InputError

# Left free for the rest of the computer: the log, Slicer's scene, the operating system.
RESERVE_BYTES = 500 << 20
WARNING_S = 15 * 60.0
_CHECK_PERIOD_S = 1.0


class DiskSpace:
    """Asked before every write; looks at the disk once a second.

    Parameters
    ----------
    folder
        On the disk in question.
    reserve_bytes
        What must stay free.
    """

    def __init__(self, folder: Path, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._folder = folder
        self._reserve_bytes = reserve_bytes
        self.begin()

    def begin(self) -> None:
        """Learn the pace anew: what was written so far tells nothing of what comes."""
        self._begin_s: float | None = None
        self._checked_s = 0.0
        self._n_bytes = 0
        self.warning = ""

    @property
    def free_bytes(self) -> int:
        """Free space now; raises OSError if the folder is gone."""
        return shutil.disk_usage(self._folder).free

    def require(self, n_bytes: int) -> None:
        """Raises InputError where writing so much would leave less than the reserve; may set :attr:`warning`."""
        now = time.monotonic()
        self._begin_s = now if self._begin_s is None else self._begin_s
        self._n_bytes += n_bytes
        if self._checked_s and now - self._checked_s < _CHECK_PERIOD_S:
            return
        self._checked_s = now
        free = self.free_bytes
        left = free - self._reserve_bytes - n_bytes
        if left < 0:
            raise InputError(f"the disk is nearly full, {free / 1e9:.1f} GB left; free some and start again")
        seconds = left * (now - self._begin_s) / self._n_bytes
        # The first seconds tell no pace.
        is_short = now - self._begin_s > 5.0 and seconds < WARNING_S
        self.warning = f"disk full in about {max(1.0, seconds / 60):.0f} min" if is_short else ""
