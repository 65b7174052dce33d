"""What is measured: every contender on every series and acceleration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from TemporalReconLib.acquisition.masks import MASK_KINDS
from TemporalReconLib.acquisition.series import check_input
from TemporalReconLib.benchmark.runs import Condition, Run
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.registry import check_method

from InstrumentTrackerLib.benchmark.test_set import TrackingTestSet
from InstrumentTrackerLib.segmentation.registry import check_segmenter

# Fully sampled frames need no reconstruction but the combination of the coils, which this method does with them.
DIRECT_METHOD = "sliding-window"


@dataclass(frozen=True)
class Plan:
    """All runs that were asked for.

    Attributes
    ----------
    method, weights
        Reconstruction that makes the pictures at R > 1, and its weights; None for those of the product.
    mask
        Order of the lines.
    planning
        Whether the reconstruction is given the planning scan.
    segmenter, segmenter_weights
        As ``--segmenter`` and ``--segmenter-weights`` say.
    contenders
        Names of the registry.
    """

    test_set: TrackingTestSet
    method: str
    weights: Path | None
    accelerations: tuple[float, ...]
    mask: str
    planning: bool
    segmenter: str
    segmenter_weights: Path | None
    contenders: tuple[str, ...]
    device: str = "auto"

    def check(self) -> None:
        """Refuse at once what would fail after hours.

        Raises
        ------
        InputError
            If there is no such method, segmenter or mask, a series cannot be simulated as asked, or a background is
            missing or of an unknown kind.
        """
        check_method(self.method, self.weights)
        check_segmenter(self.segmenter, self.segmenter_weights)
        if self.mask not in MASK_KINDS:
            raise InputError(f"--mask {self.mask}: expected one of {', '.join(MASK_KINDS)}")
        for background in self.test_set.backgrounds:
            check_input(background)
        for acceleration in self.accelerations:
            self.test_set.config(0, acceleration, self.mask)

    def conditions(self) -> list[Condition]:
        return [Condition(acceleration, self.mask) for acceleration in self.accelerations]

    def runs(self, series: int, condition: Condition) -> list[Run]:
        """All runs on the same pictures."""
        return [Run(name, series, condition, self.planning) for name in self.contenders]

    @property
    def n_frames(self) -> int:
        """Frames of the longest series."""
        return max(map(self.test_set.frames_at, self.accelerations))

    def method_at(self, acceleration: float) -> str:
        """The reconstruction that makes the pictures."""
        return DIRECT_METHOD if acceleration == 1 else self.method
