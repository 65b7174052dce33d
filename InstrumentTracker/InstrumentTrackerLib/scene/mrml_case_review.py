"""A moment of a recorded case in the scene, apart from the live display."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.scene.mrml_nodes import SceneNodes
from TemporalReconLib.scene.mrml_volume import LiveVolume, ijk_to_ras_of
from vtk.util.numpy_support import vtk_to_numpy

from InstrumentTrackerLib.case_log.core_record import CoreRecord
from InstrumentTrackerLib.case_log.recorded_case import ReviewFrame
from InstrumentTrackerLib.scene.mrml_markups import TARGET, GuidanceMarkups

FOLDER_NAME, PREFIX = "Case review", "Review."


class ReviewNodes(SceneNodes):
    """Nodes of the same roles as those of the live display, but others: a review never moves the plan."""

    def find(self, role: str) -> Any | None:
        return super().find(_own(role))

    def get(self, role: str, class_name: str, name: str, configure: Callable[[Any], None]) -> Any:
        return super().get(_own(role), class_name, f"Review: {name}", configure)


class ReviewScene:
    """Shows picture, instrument and target of a recorded moment.

    Parameters
    ----------
    scene
        The ``vtkMRMLScene``.
    """

    def __init__(self, scene: Any) -> None:
        self._nodes = ReviewNodes(scene, FOLDER_NAME)
        self.volume = LiveVolume(scene, "picture", self._nodes)
        self.markups = GuidanceMarkups(self._nodes)

    def show(self, frame: ReviewFrame, core: CoreRecord | None) -> None:
        """Show one frame, with the target of a core; what was not recorded is not shown."""
        if self._nodes.is_busy:
            return
        if frame.image is not None:
            self.volume.update(frame.image)
        target = None if core is None or core.target is None else np.array(core.target)
        entry = None if core is None or core.entry is None else np.array(core.entry)
        name = "" if core is None else core.target_name
        self.markups.show_plan(target, entry, name or TARGET.label)
        self.markups.show_pose(frame.tracked)

    def remove(self) -> None:
        """Take the review out of the scene."""
        if not self._nodes.is_busy:
            self._nodes.remove_all()


def images_of_sequence(sequence: Any) -> list[ImageFrame]:
    """The pictures of a ``vtkMRMLSequenceNode`` that was recorded here, without a copy of their pixels.

    Raises
    ------
    InputError
        If it holds something else.
    """
    images = []
    for number in range(sequence.GetNumberOfDataNodes()):
        volume = sequence.GetNthDataNode(number)
        data = None if not volume.IsA("vtkMRMLScalarVolumeNode") else volume.GetImageData()
        if data is None or data.GetNumberOfScalarComponents() != 1:
            raise InputError(f"sequence '{sequence.GetName()}': item {number} is no picture of one component")
        columns, rows, slices = data.GetDimensions()
        pixels = vtk_to_numpy(data.GetPointData().GetScalars()).reshape(slices, rows, columns)
        index = volume.GetAttribute("TR.FrameIndex")
        time_s = _time_of(sequence, number)
        images.append(
            ImageFrame(
                np.asarray(pixels, dtype=np.float32),
                ijk_to_ras_of(volume),
                number if index is None else int(index),
                time_s,
                time_s,
                sequence.GetName(),
            )
        )
    return images


def _time_of(sequence: Any, number: int) -> float:
    try:
        return float(sequence.GetNthIndexValue(number))
    except ValueError:
        return float(number)


def _own(role: str) -> str:
    return role if role.startswith(PREFIX) else PREFIX + role
