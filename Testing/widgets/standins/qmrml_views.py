# ruff: noqa: N801, N815  (classes and members bear the names they have in Slicer)
"""Slicer's view widgets over genuine slice and view logics; a window is made when somebody looks."""

from __future__ import annotations

from typing import Any

import vtk
from InstrumentTrackerLib.scene.mrml_offscreen import check_offscreen_rendering
from InstrumentTrackerLib.scene.mrml_views import SliceView, ThreeDView
from PySide6 import QtCore, QtGui, QtWidgets

from standins.pythonqt import PythonQtObject

VIEW_SIZE = (400, 300)


class _View(PythonQtObject, QtWidgets.QWidget):
    """Draws what VTK rendered offscreen."""

    def __init__(self, host: Any, node: Any) -> None:
        super().__init__()
        self._host, self._node, self._view = host, node, None
        self._enabled = True
        self.setMinimumSize(120, 90)
        self.resize(*VIEW_SIZE)

    def _make_view(self) -> Any:
        raise NotImplementedError

    def _rendered(self) -> Any:
        if self._view is None:
            check_offscreen_rendering()
            self._view = self._make_view()
        return self._view

    def renderWindow(self) -> Any:
        return self._rendered().window

    def forceRender(self) -> None:
        self._rendered().render()
        self.update()

    def scheduleRender(self) -> None:
        self.update()

    def cornerAnnotation(self) -> Any:
        raise NotImplementedError("no stand-in draws corner annotations")

    def setRenderEnabled(self, enabled: bool) -> None:
        self._enabled = enabled

    def pauseRender(self) -> None:
        self._enabled = False

    def resumeRender(self) -> None:
        self._enabled = True

    def paintEvent(self, event: object) -> None:
        view = self._rendered()
        if self._enabled:
            view.render()
        pixels = view.pixels()
        rows, columns = pixels.shape[:2]
        image = QtGui.QImage(pixels.tobytes(), columns, rows, 3 * columns, QtGui.QImage.Format.Format_RGB888)
        painter = QtGui.QPainter(self)
        painter.drawImage(QtWidgets.QWidget.rect(self), image)
        painter.end()


class qMRMLSliceView(_View):
    """The picture of a slice view."""

    def _make_view(self) -> Any:
        matrix = vtk.vtkMatrix4x4()
        matrix.DeepCopy(self._node.GetSliceToRAS())
        view = SliceView(self._host, self._node.GetLayoutName(), size=VIEW_SIZE)
        self._node.GetSliceToRAS().DeepCopy(matrix)
        self._node.UpdateMatrices()
        return view

    def mrmlSliceNode(self) -> Any:
        return self._node


class qMRMLThreeDView(_View):
    """The picture of a 3D view."""

    def _make_view(self) -> Any:
        return ThreeDView(self._host, self._node.GetLayoutName(), VIEW_SIZE)

    def mrmlViewNode(self) -> Any:
        return self._node

    def cameraNode(self) -> Any:
        return self._rendered().camera

    def resetFocalPoint(self) -> None:
        self._rendered().renderer.ResetCamera()

    def resetCamera(self) -> None:
        self._rendered().renderer.ResetCamera()


class qMRMLSliceControllerWidget(PythonQtObject, QtWidgets.QWidget):
    """The bar above a slice view."""

    def __init__(self, logic: Any) -> None:
        super().__init__()
        self._logic = logic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()

    def setSliceVisible(self, visible: bool) -> None:
        self._logic.GetSliceNode().SetSliceVisible(visible)

    def setSliceOffsetValue(self, offset: float) -> None:
        self._logic.SetSliceOffset(offset)


class qMRMLSliceWidget(PythonQtObject, QtWidgets.QWidget):
    """A slice view with its bar."""

    def __init__(self, host: Any, node: Any, logic: Any) -> None:
        super().__init__()
        self._logic = logic
        self._controller = qMRMLSliceControllerWidget(logic)
        self._view = qMRMLSliceView(host, node)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._controller)
        layout.addWidget(self._view, 1)

    def sliceLogic(self) -> Any:
        return self._logic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def sliceController(self) -> qMRMLSliceControllerWidget:
        return self._controller

    def sliceView(self) -> qMRMLSliceView:
        return self._view

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()

    def _get_name(self) -> str:
        return str(self._logic.GetSliceNode().GetLayoutName())

    sliceViewName = QtCore.Property(str, _get_name)


class qMRMLThreeDWidget(PythonQtObject, QtWidgets.QWidget):
    """A 3D view with its bar."""

    def __init__(self, host: Any, node: Any) -> None:
        super().__init__()
        self._view = qMRMLThreeDView(host, node)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view, 1)

    def threeDView(self) -> qMRMLThreeDView:
        return self._view

    def mrmlViewNode(self) -> Any:
        return self._view.mrmlViewNode()
