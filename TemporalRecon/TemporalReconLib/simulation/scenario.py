"""The story of one biopsy: where the instrument is at any time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from TemporalReconLib.simulation.biopsy_plan import BiopsyPlan
from TemporalReconLib.simulation.instrument import InstrumentState
from TemporalReconLib.simulation.simulation_config import STORY_FRAMES

_FIRING_MM = 20.0
_FIRING_SECONDS = 0.02
# Story time (0..1) of the events. The shot falls early in its frame, so that its middle already sees all of it.
_ENTERS, _FIRES = 0.10, 0.85
_FIRES_WITHIN_FRAME = 0.25


@dataclass(frozen=True)
class Scenario:
    """Courses of the instrument over the dynamic frames.

    The guide appears between two frames, slides in, is pivoted toward the target and pushed to the rectal wall;
    the needle advances by hand and is fired 20 mm within one frame.

    Attributes
    ----------
    plan
        Path and target.
    start_time_s, frame_interval_s, frames
        Clock of the dynamic series.
    present
        False: no instrument at any time.
    moving
        False: the last state of the story at all times.
    final_depth_mm
        Distance of the guide tip from the entry point in the end.
    final_extension_mm
        Needle's reach beyond the guide tip in the end.
    pivot_deg
        First deviation from the planned path, in the slice plane and out of it.
    miss_deg
        Deviation that remains in the end.
    tremor_mm, tremor_phase
        Small unrest of the hand.
    bend
        Sideways offset of the needle at 30 mm, (in plane, out of plane) mm.
    leaves_by_mm
        How far guide and needle drift out of the slice plane toward the end; 0: they stay.
    """

    plan: BiopsyPlan
    start_time_s: float
    frame_interval_s: float
    frames: int
    present: bool
    moving: bool
    final_depth_mm: float
    final_extension_mm: float
    pivot_deg: tuple[float, float]
    miss_deg: tuple[float, float]
    tremor_mm: float
    tremor_phase: NDArray[np.float64]
    bend: tuple[float, float]
    leaves_by_mm: float = 0.0

    @classmethod
    def random(
        cls,
        generator: np.random.Generator,
        plan: BiopsyPlan,
        start_time_s: float,
        frame_interval_s: float,
        frames: int,
        present: bool,
        moving: bool,
        leaves_by_mm: float = 0.0,
    ) -> Scenario:
        uniform = generator.uniform
        path = float(np.linalg.norm(plan.target - plan.entry))
        extension = uniform(28.0, 36.0)
        return cls(
            plan=plan,
            start_time_s=start_time_s,
            frame_interval_s=frame_interval_s,
            frames=frames,
            present=present,
            moving=moving,
            final_depth_mm=path - extension + uniform(-2.0, 2.0),
            final_extension_mm=extension,
            pivot_deg=(float(generator.choice([-1, 1])) * uniform(3.0, 8.0), uniform(-2.5, 2.5)),
            miss_deg=(uniform(-1.5, 1.5), uniform(-0.4, 0.4)),
            tremor_mm=uniform(0.1, 0.4),
            tremor_phase=uniform(0, 2 * np.pi, (3, 2)),
            bend=(float(generator.normal(0, 0.8)), float(generator.normal(0, 0.3))),
            leaves_by_mm=leaves_by_mm,
        )

    def story_time(self, time_s: float) -> float:
        """0 (before the guide enters) to 1 (needle at the target)."""
        if not self.moving:
            return 1.0
        story = max(self.frames, STORY_FRAMES)
        frame = (time_s - self.start_time_s) / self.frame_interval_s
        return float(np.clip((frame + story - self.frames) / story, 0.0, 1.0))

    def state(self, time_s: float) -> InstrumentState | None:
        """Instrument at a time, None before it enters."""
        story = self.story_time(time_s)
        if not self.present or story < self._enters:
            return None
        in_plane, out_of_plane = self._across()
        depth = self.final_depth_mm + float(_DEPTH(story))
        tilt = [
            np.deg2rad(pivot * float(course(story)) + miss)
            for pivot, course, miss in zip(self.pivot_deg, (_PIVOT, _OUT_OF_PLANE), self.miss_deg, strict=True)
        ]
        axis = self.plan.axis + np.tan(tilt[0]) * in_plane + np.tan(tilt[1]) * out_of_plane
        axis = axis / np.linalg.norm(axis)
        tip = self.plan.entry + axis * depth + self._tremor(time_s)
        if self.leaves_by_mm:
            tip = tip + float(_LEAVES(story)) * self.leaves_by_mm * out_of_plane
        bend = self.bend[0] * in_plane + self.bend[1] * out_of_plane
        return InstrumentState(tip, axis, self._extension(time_s, story), bend - (bend @ axis) * axis)

    def push_mm(self, time_s: float) -> float:
        """How far the instrument pushes the prostate along the path."""
        state = self.state(time_s)
        if state is None:
            return 0.0
        near = np.clip(1 + float(_DEPTH(self.story_time(time_s))) / 20.0, 0, 1)
        # A fired needle cuts instead of pushing.
        fired = np.clip((state.extension_mm - (self.final_extension_mm - _FIRING_MM)) / _FIRING_MM, 0, 1)
        return float(1.8 * near + 0.16 * min(state.extension_mm, 16.0) * (1 - 0.5 * fired))

    @property
    def _enters(self) -> float:
        """The guide is put in between two frames, never within one."""
        story = max(self.frames, STORY_FRAMES)
        return round(_ENTERS * story) / story if self.moving else 0.0

    def _extension(self, time_s: float, story: float) -> float:
        before_firing = self.final_extension_mm - _FIRING_MM
        by_hand = float(_ADVANCE(story)) * before_firing
        if not self.moving:
            return self.final_extension_mm
        story_frames = max(self.frames, STORY_FRAMES)
        frame = round(_FIRES * story_frames) - (story_frames - self.frames) + _FIRES_WITHIN_FRAME
        fire_time = self.start_time_s + frame * self.frame_interval_s
        return by_hand + _FIRING_MM * float(np.clip((time_s - fire_time) / _FIRING_SECONDS + 0.5, 0, 1))

    def _across(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        normal = np.cross(self.plan.ijk_to_ras[:3, 0], self.plan.ijk_to_ras[:3, 1])
        out_of_plane = normal - (normal @ self.plan.axis) * self.plan.axis
        out_of_plane = out_of_plane / np.linalg.norm(out_of_plane)
        return np.cross(out_of_plane, self.plan.axis), out_of_plane

    def _tremor(self, time_s: float) -> NDArray[np.float64]:
        if not self.moving:
            return np.zeros(3)
        waves = np.sin(2 * np.pi * np.array([0.4, 1.1]) * time_s + self.tremor_phase) @ np.array([0.7, 0.3])
        return np.asarray(self.tremor_mm * waves)


# Guide tip before its final depth (mm), share of the first pivot, and share of the advance by hand, over story time.
_DEPTH = PchipInterpolator([0.0, 0.10, 0.28, 0.40, 0.52, 0.58, 1.0], [-46, -42, -14, -17, -3, 0, 0])
_PIVOT = PchipInterpolator([0.0, 0.10, 0.25, 0.38, 0.48, 0.58, 1.0], [1.0, 1.0, 0.8, -0.35, 0.15, 0, 0])
_OUT_OF_PLANE = PchipInterpolator([0.0, 0.10, 0.30, 0.45, 0.60, 1.0], [1.0, 1.0, 0.9, 0.3, 0, 0])
_ADVANCE = PchipInterpolator([0.0, 0.55, 0.60, 0.80, 1.0], [0.0, 0.0, 0.45, 1.0, 1.0])
# Share of the way out of the slices, for an instrument that leaves them.
_LEAVES = PchipInterpolator([0.0, 0.58, 0.76, 1.0], [0.0, 0.0, 1.0, 1.0])
