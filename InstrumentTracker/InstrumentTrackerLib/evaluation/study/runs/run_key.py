"""What is computed: a method on a case at an acceleration, with masks of its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import product

from InstrumentTrackerLib.evaluation.study.cases.study_case import StudyCase
from InstrumentTrackerLib.evaluation.study.cases.study_config import REFERENCE, StudyConfig


@dataclass(frozen=True, order=True)
class RunKey:
    """One result row of a case; :data:`REFERENCE` has acceleration 1, no mask and seed 0."""

    method: str
    acceleration: float
    mask: str
    seed: int

    @property
    def is_reference(self) -> bool:
        return self.method == REFERENCE

    def mask_seed(self, case: StudyCase) -> int:
        """Drawn from names alone: no schedule and no other case changes it, and all methods see the same lines."""
        text = f"{case.key}|{self.acceleration:g}|{self.mask}|{self.seed}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def runs_of(config: StudyConfig) -> list[RunKey]:
    """All runs of every case, the reference first."""
    return [
        RunKey(REFERENCE, 1.0, "", 0),
        *(
            RunKey(method, acceleration, mask, seed)
            for mask, method, acceleration, seed in product(
                config.masks, config.methods, config.accelerations, config.seeds
            )
        ),
    ]
