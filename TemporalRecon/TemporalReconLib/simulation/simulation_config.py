"""What to simulate."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from TemporalReconLib.acquisition.masks import MASK_KINDS, lines_per_frame
from TemporalReconLib.errors import InputError

ORIENTATIONS = ("coronal", "sagittal")
MAX_SIMULATED_COILS = 32
MAX_SLICES = 20
FIELD_OF_VIEW_MM = 280.0
SLICE_THICKNESS_MM = 3.0
# A shorter series shows the end of the story rather than all of it in a rush.
STORY_FRAMES = 20


@dataclass(frozen=True)
class SimulationConfig:
    """One simulated case; the same configuration always gives the same series.

    Attributes
    ----------
    frames
        Dynamic frames, without the planning frame.
    acceleration
        Full phase-encode lines / acquired lines of each dynamic frame.
    mask
        Order of the lines, one of ``paper`` and ``golden``.
    coils
        Receive coils, 1 (a volume coil) to 32 (loops around the pelvis).
    seed
        Draws anatomy, contrast, scenario, masks and noise.
    n_slices, matrix
        Slices of 3 mm; rows and columns over a field of view of 280 mm.
    orientation
        ``coronal`` (oblique, along the instrument) or ``sagittal``.
    background
        Volume whose anatomy replaces the procedural pelvis where it reaches.
    coil_maps
        ``.npy`` with complex sensitivities (coil, row, col) instead of computed loops.
    planning
        Whether a fully sampled stack is acquired before the instrument enters.
    instrument
        Whether there is an instrument at all.
    leaves_plane
        Whether guide and needle drift sideways out of the slices before the needle is fired, and stay out.
    motion
        Without motion everything rests in the last state of the scenario.
    noise
        Standard deviation of the real and of the imaginary part of each coil's noise, in the centred orthonormal
        FFT, as a fraction of the 99th percentile of the noise-free image.
    """

    frames: int = 20
    acceleration: float = 16.0
    mask: str = "paper"
    coils: int = 8
    seed: int = 0
    n_slices: int = 3
    matrix: int = 256
    orientation: str = "coronal"
    background: Path | None = None
    coil_maps: Path | None = None
    planning: bool = True
    instrument: bool = True
    leaves_plane: bool = False
    motion: bool = True
    noise: float = 0.015

    def __post_init__(self) -> None:
        _require_between("frames", self.frames, 1, 100_000)
        _require_between("coils", self.coils, 1, MAX_SIMULATED_COILS)
        _require_between("slices", self.n_slices, 1, MAX_SLICES)
        _require_between("matrix", self.matrix, 32, 512)
        if self.matrix % 2:
            raise InputError(f"matrix {self.matrix} is odd; expected an even number, for example 256")
        if self.seed < 0:
            raise InputError(f"seed {self.seed} is negative; expected 0 or more")
        if self.mask not in MASK_KINDS:
            raise InputError(f"unknown mask kind '{self.mask}', expected one of: {', '.join(MASK_KINDS)}")
        if self.orientation not in ORIENTATIONS:
            raise InputError(f"unknown orientation '{self.orientation}', expected one of: {', '.join(ORIENTATIONS)}")
        if not (math.isfinite(self.noise) and 0.0 <= self.noise <= 10.0):
            raise InputError(f"noise {self.noise} must lie between 0 and 10 (fraction of the image's 99th percentile)")
        lines_per_frame(self.matrix, self.acceleration)

    @property
    def pixel_mm(self) -> float:
        return FIELD_OF_VIEW_MM / self.matrix

    @property
    def lines_per_slice(self) -> int:
        return lines_per_frame(self.matrix, self.acceleration)

    def as_json(self) -> dict[str, Any]:
        """The configuration as JSON types."""
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}


def _require_between(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InputError(f"{name} {value} must lie between {low} and {high}")
