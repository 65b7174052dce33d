"""The readout over the views of the desktop, and in the view that is kept for it."""

import time
from dataclasses import replace

import slicer
import vtk

from InstrumentTrackerLib.scene.mrml_layout import READOUT_VIEW
from InstrumentTrackerLib.scene.mrml_readout import NO_GUIDANCE

# The age changes all the time; more often than this nobody can read it, and every change renders all views.
_AGE_SECONDS = 0.2


class ViewOverlays:
    """Follows the desktop's layout: draws into the views that are there, and takes everything off again."""

    def __init__(self):
        self._overlays = {}
        self._shown = None
        self._shownAt = 0.0

    def show(self, readout, overAllViews):
        """Draw a readout; None leaves it in its own view only, to say so. Nothing is done without a desktop."""
        views = desktopViews()
        if readout is None or not overAllViews:
            views = {name: view for name, view in views.items() if name == READOUT_VIEW}
        self._takeOffAllBut(views)
        readout = readout or NO_GUIDANCE
        isNew = views.keys() != self._overlays.keys()
        key, now = replace(readout, age=""), time.monotonic()
        if not isNew and key == self._shown and now - self._shownAt < _AGE_SECONDS:
            return
        self._shown, self._shownAt = key, now
        for name, (view, node) in views.items():
            if name not in self._overlays:
                self._overlays[name] = (view, makeOverlay(name, view, node))
            self._overlays[name][1].show(readout)
            view.scheduleRender()

    def remove(self):
        """Take the readout off all views."""
        self._takeOffAllBut({})

    def _takeOffAllBut(self, views):
        for name in [name for name, (view, _) in self._overlays.items() if views.get(name, (None,))[0] is not view]:
            view, overlay = self._overlays.pop(name)
            overlay.remove()
            view.scheduleRender()


def makeOverlay(name, view, node):
    """The readout of a view: the whole in its own view, the most important part in the corner of others."""
    from InstrumentTrackerLib.scene.mrml_overlay import ViewOverlay

    window = view.renderWindow()
    if name == READOUT_VIEW:
        return ReadoutInItsView(window)
    renderer = window.GetRenderers().GetFirstRenderer()
    return ViewOverlay(renderer, slice_node=node if node.IsA("vtkMRMLSliceNode") else None)


class ReadoutInItsView:
    """The whole readout, above everything else: Slicer draws the scene and its labels into every 3D view."""

    def __init__(self, window):
        from InstrumentTrackerLib.scene.mrml_readout_panel import ReadoutPanel

        self._window = window
        self._renderer = vtk.vtkRenderer()
        layer = 1 + max(renderer.GetLayer() for renderer in window.GetRenderers())
        window.SetNumberOfLayers(max(window.GetNumberOfLayers(), layer + 1))
        self._renderer.SetLayer(layer)
        self._renderer.SetPreserveColorBuffer(False)  # what lies below is erased
        self._renderer.SetInteractive(False)
        window.AddRenderer(self._renderer)
        self._panel = ReadoutPanel(self._renderer)
        self._readout = self._size = None
        self._observer = self._renderer.AddObserver("StartEvent", self._onRender)

    def show(self, readout):
        self._readout, self._size = readout, self._renderer.GetSize()
        self._panel.show(readout)

    def _onRender(self, caller, event):
        """Without a session nothing draws anew by itself when the view has got another size."""
        if self._readout is not None and self._size != self._renderer.GetSize():
            self.show(self._readout)

    def remove(self):
        self._renderer.RemoveObserver(self._observer)
        self._window.RemoveRenderer(self._renderer)


def desktopViews():
    """The views of the layout as it is now: view widget and view node by layout name."""
    manager = slicer.app.layoutManager()
    if manager is None:
        return {}
    views = {}
    for name in manager.sliceViewNames():
        widget = manager.sliceWidget(name)
        views[name] = (widget.sliceView(), widget.mrmlSliceNode())
    for index in range(manager.threeDViewCount):
        widget = manager.threeDWidget(index)
        node = widget.mrmlViewNode()
        views[node.GetLayoutName()] = (widget.threeDView(), node)
    return views
