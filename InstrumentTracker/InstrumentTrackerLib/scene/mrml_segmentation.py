"""Guide and needle of the newest picture as a segmentation node with two segments."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from TemporalReconLib.scene.mrml_nodes import NodeChange, SceneNodes, vtk_matrix
from vtk.util.numpy_support import vtk_to_numpy

from InstrumentTrackerLib.palette import GUIDE_COLOR, NEEDLE_COLOR
from InstrumentTrackerLib.scene.mrml_display_options import DisplayOptions
from InstrumentTrackerLib.segmentation.instrument_mask import GUIDE_LABEL, NEEDLE_LABEL, InstrumentMask

SEGMENTATION_ROLE = "InstrumentSegmentation"
GUIDE_SEGMENT = "Guide"
NEEDLE_SEGMENT = "Needle"

_LABELMAP = "Binary labelmap"
_SURFACE = "Closed surface"
_SEGMENTS = ((GUIDE_SEGMENT, GUIDE_LABEL, GUIDE_COLOR), (NEEDLE_SEGMENT, NEEDLE_LABEL, NEEDLE_COLOR))


class InstrumentSegmentation:
    """Shows masks by writing into the one labelmap that both segments share.

    Outlines only are drawn by default: a filled segment would hide the very pixels a clinician judges the tip by.
    A closed surface is kept in step where the scene has one (Slicer's "Show 3D"), and is not made otherwise.
    """

    def __init__(self, nodes: SceneNodes) -> None:
        self._nodes = nodes
        self._options = DisplayOptions()
        self._labelmap: Any | None = None
        self._matrix: np.ndarray | None = None

    @property
    def node(self) -> Any | None:
        """The ``vtkMRMLSegmentationNode``, or None before the first mask."""
        return self._nodes.find(SEGMENTATION_ROLE)

    def make(self) -> Any:
        """The segmentation node, made without segments where it is missing."""
        return self._nodes.get(SEGMENTATION_ROLE, "vtkMRMLSegmentationNode", "Instrument", _create_display)

    def update(self, mask: InstrumentMask | None) -> None:
        """Show a mask; None shows no instrument."""
        if mask is None:
            self._erase()
            return
        node = self.make()
        labels = self._labels_of(node, mask)
        if not labels.any() and mask.is_empty:
            return
        labels[...] = mask.labels
        self._announce(node)

    def use(self, options: DisplayOptions) -> None:
        """Show and hide the segments."""
        self._options = options
        node = self.node
        if node is not None and node.GetDisplayNode() is not None:
            node.GetDisplayNode().SetSegmentVisibility(GUIDE_SEGMENT, options.guide)
            node.GetDisplayNode().SetSegmentVisibility(NEEDLE_SEGMENT, options.needle)

    def _erase(self) -> None:
        node = self.node
        if node is None or self._labelmap is None or not self._is_ours(node):
            return
        labels = vtk_to_numpy(self._labelmap.GetPointData().GetScalars())
        if labels.any():
            labels[...] = 0
            self._announce(node)

    def _labels_of(self, node: Any, mask: InstrumentMask) -> np.ndarray:
        """The labelmap's own memory as (slice, row, col), with the geometry of the mask."""
        slices, rows, columns = mask.labels.shape
        labelmap = self._labelmap
        if (
            labelmap is None
            or labelmap.GetDimensions() != (columns, rows, slices)
            or self._matrix is None
            or not np.array_equal(self._matrix, mask.ijk_to_ras)
            or not self._is_ours(node)
        ):
            labelmap = self._rebuild(node, mask)
        return vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(mask.labels.shape)

    def _rebuild(self, node: Any, mask: InstrumentMask) -> Any:
        slices, rows, columns = mask.labels.shape
        labelmap = slicer.vtkOrientedImageData()
        labelmap.SetDimensions(columns, rows, slices)
        labelmap.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        labelmap.SetGeometryFromImageToWorldMatrix(vtk_matrix(mask.ijk_to_ras))
        vtk_to_numpy(labelmap.GetPointData().GetScalars())[...] = 0
        segmentation = node.GetSegmentation()
        with NodeChange(node):
            segmentation.SetSourceRepresentationName(_LABELMAP)
            for name, value, color in _SEGMENTS:
                segment = segmentation.GetSegment(name)
                if segment is None:
                    segment = slicer.vtkSegment()
                    segment.SetName(name)
                    segment.SetColor(*color)
                    segment.SetLabelValue(value)
                    segment.AddRepresentation(_LABELMAP, labelmap)
                    segmentation.AddSegment(segment, name)
                else:
                    segment.SetLabelValue(value)
                    segment.AddRepresentation(_LABELMAP, labelmap)
        self._labelmap, self._matrix = labelmap, np.array(mask.ijk_to_ras)
        self.use(self._options)
        return labelmap

    def _is_ours(self, node: Any) -> bool:
        """False where the user deleted a segment, or an editor or a loaded scene replaced the labelmap."""
        segmentation = node.GetSegmentation()
        for name, _, _ in _SEGMENTS:
            segment = segmentation.GetSegment(name)
            if segment is None or segment.GetRepresentation(_LABELMAP) is not self._labelmap:
                return False
        return True

    def _announce(self, node: Any) -> None:
        labelmap = self._labelmap
        if labelmap is None:
            return
        segmentation = node.GetSegmentation()
        has_surface = segmentation.ContainsRepresentation(_SURFACE)
        labelmap.GetPointData().GetScalars().Modified()
        labelmap.Modified()  # the segmentation observes this, tells the views and drops what it derived
        if has_surface:
            segmentation.CreateRepresentation(_SURFACE, True)


def _create_display(node: Any) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetOpacity2DFill(0.0)
    display.SetOpacity2DOutline(0.9)
    display.SetSliceIntersectionThickness(2)
