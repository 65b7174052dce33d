"""What a user is told of a recording."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RecordingState:
    """A moment of a recording.

    Attributes
    ----------
    is_on
        False while it is switched off.
    written, lost
        Frames on disk since it was switched on, and frames lost because the disk did not keep up.
    failure, warning
        Why it stopped, and what threatens to stop it; empty where all is well.
    n_bytes
        Size of its files.
    free_bytes
        Free space on its disk; None where that is not known.
    """

    is_on: bool = True
    written: int = 0
    lost: int = 0
    failure: str = ""
    warning: str = ""
    n_bytes: int = 0
    free_bytes: int | None = None

    @property
    def text(self) -> str:
        """One phrase for a user, which begins with ``on``, ``off`` or ``stopped``.

        ``on, 42 frames, 12.3 MB, 120.4 GB free``; ``off, 120.4 GB free``; ``stopped: No space left on device,
        0.3 GB free``.
        """
        free = "" if self.free_bytes is None else f"{self.free_bytes / 1e9:.1f} GB free"
        if self.failure:
            return ", ".join(filter(None, [f"stopped: {self.failure}", free]))
        if not self.is_on:
            return ", ".join(filter(None, ["off", free]))
        lost = f"{self.lost} lost (slow disk)" if self.lost else ""
        size = f"{self.n_bytes / 1e6:.1f} MB"
        return ", ".join(filter(None, ["on", f"{self.written} frames", lost, size, free, self.warning]))
