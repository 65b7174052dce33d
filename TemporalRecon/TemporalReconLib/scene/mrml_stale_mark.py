"""Makes a picture that is not live look so: tinted, and labelled with its age in the slice views that show it."""

from __future__ import annotations

from typing import Any

import slicer
import vtk

# One of Slicer's own tables, which every scene has: the display node may refer to it in a saved scene.
STALE_COLOR_NODE_ID = "vtkMRMLColorTableNodeYellow"
LIVE_COLOR_NODE_ID = "vtkMRMLColorTableNodeGrey"
_LABEL_COLOR = (1.0, 0.75, 0.2)
_LABEL_HEIGHT = 0.055  # of the view


class StaleMark:
    """Marks one volume; nothing is added to the scene and the user's window and level are left alone."""

    def __init__(self) -> None:
        self._volume: Any | None = None
        self._live_color_id = LIVE_COLOR_NODE_ID
        self._labels: dict[str, ViewLabel] = {}

    def show(self, volume: Any, text: str, is_tinted: bool = True) -> None:
        """Write the text over every slice view of the desktop that shows the volume node, and tint its picture."""
        display = volume.GetDisplayNode()
        if self._volume is not volume:
            self.hide()
            self._volume = volume
            if display is not None and display.GetColorNodeID() not in (None, STALE_COLOR_NODE_ID):
                self._live_color_id = display.GetColorNodeID()
        _set_color(volume, STALE_COLOR_NODE_ID if is_tinted else self._live_color_id)
        shown = slice_views_of(volume)
        for name, view in shown.items():
            if name not in self._labels:
                self._labels[name] = ViewLabel(view.renderWindow().GetRenderers().GetFirstRenderer())
            self._labels[name].show(text)
            view.scheduleRender()
        for name in self._labels.keys() - shown.keys():
            self._labels.pop(name).remove()

    def hide(self) -> None:
        """The picture is live again, or gone."""
        for label in self._labels.values():
            label.remove()
        self._labels = {}
        if self._volume is not None:
            _set_color(self._volume, self._live_color_id)
        self._volume = None


class ViewLabel:
    """Framed text at the top of a view.

    Parameters
    ----------
    renderer
        ``vtkRenderer`` of the view.
    """

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer
        self._actor = vtk.vtkTextActor()
        properties = self._actor.GetTextProperty()
        properties.SetFontFamilyToArial()
        properties.BoldOn()
        properties.SetColor(*_LABEL_COLOR)
        properties.SetBackgroundColor(0.0, 0.0, 0.0)
        properties.SetBackgroundOpacity(0.8)
        properties.FrameOn()
        properties.SetFrameColor(*_LABEL_COLOR)
        properties.SetFrameWidth(3)
        properties.SetJustificationToCentered()
        properties.SetVerticalJustificationToTop()
        self._actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
        self._actor.SetPosition(0.5, 0.97)
        renderer.AddViewProp(self._actor)

    def show(self, text: str) -> None:
        """Drawn at the next render of the view."""
        height = self._renderer.GetSize()[1]
        self._actor.GetTextProperty().SetFontSize(max(12, round(_LABEL_HEIGHT * height)))
        self._actor.SetInput(f"  {text}  ")

    def remove(self) -> None:
        self._renderer.RemoveViewProp(self._actor)


def slice_views_of(volume: Any) -> dict[str, Any]:
    """The desktop's slice views that show a volume, by name; none without a desktop."""
    manager = slicer.app.layoutManager() if hasattr(slicer, "app") else None
    if manager is None:
        return {}
    found = {}
    for name in manager.sliceViewNames():
        widget = manager.sliceWidget(name)
        composite = widget.mrmlSliceCompositeNode()
        if volume.GetID() in (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID()):
            found[name] = widget.sliceView()
    return found


def _set_color(volume: Any, color_node_id: str) -> None:
    display, scene = volume.GetDisplayNode(), volume.GetScene()
    if display is None or scene is None or scene.GetNodeByID(color_node_id) is None:
        return
    if display.GetColorNodeID() != color_node_id:
        display.SetAndObserveColorNodeID(color_node_id)
