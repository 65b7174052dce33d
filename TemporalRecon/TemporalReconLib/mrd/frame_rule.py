"""Which lines of a stream make a frame."""

from __future__ import annotations

import re
from dataclasses import dataclass

from TemporalReconLib.errors import InputError

MAX_LINES = 65_536


@dataclass(frozen=True)
class FrameRule:
    """``n_lines`` lines make a frame, and the next begins ``step`` lines later; by repetition where both are 0.

    Lines of all slices count. With ``step`` < ``n_lines`` the frames overlap (sliding).
    """

    n_lines: int = 0
    step: int = 0

    @property
    def is_by_repetition(self) -> bool:
        return self.n_lines == 0

    @classmethod
    def parsed(cls, text: str) -> FrameRule:
        """``repetition``, ``lines:N`` or ``sliding:N/STEP``; raises InputError for anything else."""
        if text == "repetition":
            return cls()
        match = re.fullmatch(r"lines:(\d{1,6})|sliding:(\d{1,6})/(\d{1,6})", text)
        if match is not None:
            n_lines = int(match[1] or match[2])
            step = int(match[3] or n_lines)
            if 1 <= step <= n_lines <= MAX_LINES:
                return cls(n_lines, step)
        raise InputError(
            f"--mrd-frames {text}: expected repetition, lines:N or sliding:N/STEP with 1 <= STEP <= N <= {MAX_LINES}"
        )


BY_REPETITION = FrameRule()
