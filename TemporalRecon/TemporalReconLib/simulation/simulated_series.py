"""A simulated in-bore biopsy: k-space frames of a moving patient and instrument with exact truth."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.geometry import Matrix, transform_points
from TemporalReconLib.simulation.anatomy import FLIP_RANGE_DEG, pelvis_signal, read_background
from TemporalReconLib.simulation.anatomy_slab import AnatomySlab, slab_shape, slab_to_ras
from TemporalReconLib.simulation.biopsy_plan import BiopsyPlan
from TemporalReconLib.simulation.bssfp import REPETITION_TIME_S
from TemporalReconLib.simulation.coil_maps import measured_coil_maps, simulated_coil_maps
from TemporalReconLib.simulation.instrument import Instrument
from TemporalReconLib.simulation.instrument_renderer import InstrumentPatch, InstrumentRenderer
from TemporalReconLib.simulation.line_acquisition import SliceObject
from TemporalReconLib.simulation.object_phase import smooth_phase
from TemporalReconLib.simulation.scenario import Scenario
from TemporalReconLib.simulation.simulation_config import SLICE_THICKNESS_MM, SimulationConfig
from TemporalReconLib.simulation.tissue_motion import TissueMotion
from TemporalReconLib.simulation.truth import FrameTruth, SeriesTruth

# Time between the planning scan and the first dynamic frame.
PLANNING_PAUSE_S = 10.0
_ISOCENTER_SPREAD_MM = 12.0
# An instrument that left the slices is this far beyond their border: twice a guide's radius.
_LEAVES_BEYOND_MM = 12.0


def simulate_series(config: SimulationConfig) -> SimulatedSeries:
    """Prepare a series; frames are computed when they are asked for.

    Raises
    ------
    InputError
        If the background volume or the coil maps cannot be used.
    """
    return SimulatedSeries(config)


class SimulatedSeries:
    """One case. The same configuration gives the same numbers, in any order of access.

    Attributes
    ----------
    config
        What was asked for.
    plan
        Target, entry, path and slice geometry.
    instrument
        Dimensions and contrast of the guide and needle.
    flip_deg
        Flip angle that was drawn.
    """

    def __init__(self, config: SimulationConfig) -> None:
        self.config = config
        anatomy_seed, story_seed, contrast_seed = np.random.SeedSequence(config.seed).spawn(3)
        anatomy_generator, generator = np.random.default_rng(anatomy_seed), np.random.default_rng(story_seed)
        background = read_background(config.background)
        offset = generator.uniform(-_ISOCENTER_SPREAD_MM, _ISOCENTER_SPREAD_MM, 3)
        prostate = offset if background is None else background.center_ras
        self.plan = BiopsyPlan.random(
            generator, config.orientation, config.matrix, config.pixel_mm, config.n_slices, prostate
        )
        self.scenario = Scenario.random(
            generator,
            self.plan,
            start_time_s=0.0,
            frame_interval_s=self.frame_interval_s,
            frames=config.frames,
            present=config.instrument,
            moving=config.motion,
            leaves_by_mm=_LEAVES_BEYOND_MM + 0.5 * config.n_slices * SLICE_THICKNESS_MM if config.leaves_plane else 0.0,
        )
        self._motion = TissueMotion.random(generator, prostate, self.plan.axis, config.frames * self.frame_interval_s)
        instrument_generator = np.random.default_rng(contrast_seed)
        angle_to_b0 = float(np.rad2deg(np.arccos(np.clip(abs(self.plan.axis[2]), 0, 1))))
        self.instrument = Instrument.random(instrument_generator, angle_to_b0)
        self.flip_deg = float(instrument_generator.uniform(*FLIP_RANGE_DEG))
        shape = (config.n_slices, config.matrix, config.matrix)
        self.coil_maps = self._make_coil_maps(shape, prostate)
        grid = slab_to_ras(self.ijk_to_ras)
        signal = pelvis_signal(
            anatomy_generator,
            grid,
            slab_shape(self.ijk_to_ras, config.n_slices, config.matrix),
            prostate,
            background,
            self.flip_deg,
        )
        phase = smooth_phase(config.matrix, anatomy_generator)
        self._instrument_phase = phase
        self._slab = AnatomySlab(signal * phase, self.ijk_to_ras)
        self._renderer = InstrumentRenderer(self.instrument, self.ijk_to_ras, config.matrix)
        row, column = np.mgrid[: config.matrix, : config.matrix].astype(np.float64)
        self._fields = [
            self._motion.fields(
                transform_points(self.ijk_to_ras, np.stack([column, row, np.full_like(row, k)], axis=-1))
            )
            for k in range(config.n_slices)
        ]
        rest = np.stack([self._slab.image(k, None) for k in range(config.n_slices)])
        self._sensitivity = np.sqrt((np.abs(self.coil_maps) ** 2).sum(axis=0))
        self.level = float(np.percentile(np.abs(rest) * self._sensitivity, 99))
        self._object_level = float(np.percentile(np.abs(rest), 99))

    @property
    def ijk_to_ras(self) -> Matrix:
        return self.plan.ijk_to_ras

    @property
    def frame_interval_s(self) -> float:
        """Frames follow each other without a pause: slices x lines x TR."""
        return self.config.n_slices * self.config.lines_per_slice * REPETITION_TIME_S

    @property
    def noise_std(self) -> float:
        """Standard deviation of the real (and the imaginary) part of each k-space sample's noise."""
        return self.config.noise * self.level

    @cached_property
    def planning(self) -> KSpaceFrame | None:
        """Fully sampled stack acquired before the instrument enters, None if not configured."""
        if not self.config.planning:
            return None
        mask = np.ones((self.config.n_slices, self.config.matrix), dtype=bool)
        start = -PLANNING_PAUSE_S - self.config.n_slices * self.config.matrix * REPETITION_TIME_S
        return self._acquire(mask, start, 0, f"planning-{self.config.seed}", with_instrument=False)

    def frame(self, index: int) -> KSpaceFrame:
        """Dynamic frame number ``index``."""
        config = self.config
        mask = sampling_mask(config.mask, config.matrix, config.n_slices, config.acceleration, index, config.seed)
        return self._acquire(mask, self.start_time_s(index), index, f"simulated-{config.seed}", with_instrument=True)

    @property
    def frames(self) -> Iterator[KSpaceFrame]:
        """The dynamic frames, computed one by one."""
        return (self.frame(index) for index in range(self.config.frames))

    def start_time_s(self, index: int) -> float:
        """Start of a dynamic frame, seconds since the first one; the planning scan has negative times."""
        return self.scenario.start_time_s + index * self.frame_interval_s

    def mid_time_s(self, index: int) -> float:
        """Middle of the acquisition of a dynamic frame, the moment its truth holds for."""
        return self.start_time_s(index) + 0.5 * self.frame_interval_s

    def image(self, index: int) -> NDArray[np.float32]:
        """Fully sampled noise-free magnitude (slice, row, col) of a frame at its mid-acquisition.

        Root sum of squares over the coils: what a perfect reconstruction shows.
        """
        return self.image_at(self.mid_time_s(index))

    def image_at(self, time_s: float, with_instrument: bool = True) -> NDArray[np.float32]:
        """As :meth:`image`, at any time."""
        stack = np.abs(self.object_at(time_s, with_instrument))
        return np.asarray(stack * self._sensitivity, dtype=np.float32)

    def coil_images_at(self, time_s: float, with_instrument: bool = True) -> NDArray[np.complex64]:
        """Noise-free image of each coil at one moment: (coil, slice, row, col)."""
        return np.asarray(self.object_at(time_s, with_instrument) * self.coil_maps, dtype=np.complex64)

    @cached_property
    def truth(self) -> SeriesTruth:
        """Exact positions at each frame's mid-acquisition."""
        return SeriesTruth(
            target=self.plan.target,
            entry=self.plan.entry,
            frame_interval_s=self.frame_interval_s,
            config=self.config.as_json() | {"flip_deg": self.flip_deg},
            frames=[self._frame_truth(index) for index in range(self.config.frames)],
        )

    def _make_coil_maps(self, shape: tuple[int, int, int], prostate: NDArray[np.float64]) -> NDArray[np.complex64]:
        if self.config.coil_maps is not None:
            return measured_coil_maps(self.config.coil_maps, self.config.coils, shape)
        return simulated_coil_maps(self.config.coils, self.ijk_to_ras, shape, prostate)

    def _frame_truth(self, index: int) -> FrameTruth:
        time = self.mid_time_s(index)
        return FrameTruth.of(
            index, time, self.scenario.state(time), self.instrument.width, self.ijk_to_ras, self._image_shape
        )

    @property
    def _image_shape(self) -> tuple[int, int, int]:
        return (self.config.n_slices, self.config.matrix, self.config.matrix)

    def object_at(self, time_s: float, with_instrument: bool = True) -> NDArray[np.complex64]:
        """What the coils look at, without their sensitivities: (slice, row, col)."""
        objects = [self._slice_object(k, with_instrument) for k in range(self.config.n_slices)]
        return np.stack([item.image(time_s) for item in objects])

    def _slice_object(self, slice_index: int, with_instrument: bool) -> SliceObject:
        def anatomy(time_s: float) -> NDArray[np.complex64]:
            if not self.config.motion:
                return self._slab.image(slice_index, None)
            push = self.scenario.push_mm(time_s) if with_instrument else 0.0
            amplitudes = self._motion.amplitudes(time_s, push)
            return self._slab.image(slice_index, np.tensordot(amplitudes, self._fields[slice_index], 1))

        def patch(time_s: float) -> InstrumentPatch | None:
            state = self.scenario.state(time_s) if with_instrument else None
            return None if state is None else self._renderer.patch(state, slice_index)

        return SliceObject(anatomy, patch, self._instrument_phase, self._object_level, self.coil_maps[:, slice_index])

    def _acquire(
        self, mask: NDArray[np.bool_], start_s: float, index: int, stream_id: str, with_instrument: bool
    ) -> KSpaceFrame:
        n_slices, matrix = mask.shape
        data = np.zeros((self.config.coils, n_slices, matrix, matrix), dtype=np.complex64)
        generator = np.random.default_rng([self.config.seed, index, 0 if with_instrument else 1])
        time = start_s
        for slice_index in range(n_slices):
            lines = np.flatnonzero(mask[slice_index])
            acquired = self._slice_object(slice_index, with_instrument).acquire(lines, time)
            noise = generator.standard_normal((*acquired.shape, 2), dtype=np.float32) @ np.array([1, 1j], np.complex64)
            data[:, slice_index, lines] = acquired + np.float32(self.noise_std) * noise
            time += lines.size * REPETITION_TIME_S
        return KSpaceFrame(data, mask, self.ijk_to_ras, index, start_s, time, stream_id)
