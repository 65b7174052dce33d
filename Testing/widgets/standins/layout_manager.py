# ruff: noqa: N801, N815  (classes and members bear the names they have in Slicer)
"""``slicer.app.layoutManager()``: the views of the current layout, made by Slicer's own layout logic."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from standins.pythonqt import PythonQtObject
from standins.qmrml_views import qMRMLSliceWidget, qMRMLThreeDWidget


class qSlicerLayoutManager(PythonQtObject, QtCore.QObject):
    """Holds a widget for every view that the layout node shows."""

    layoutChanged = QtCore.Signal(int)

    def __init__(self, host: Any) -> None:
        super().__init__()
        self._host = host
        self._slices: dict[str, qMRMLSliceWidget] = {}
        self._three_d: dict[str, qMRMLThreeDWidget] = {}
        self._viewport = QtWidgets.QWidget()
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLApplicationLogic(host.app_logic)
        self._logic.SetMRMLScene(host.scene)
        layout = self._logic.GetLayoutNode()
        layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        layout.AddObserver("ModifiedEvent", lambda *_: self._layout_modified())
        self._shown_layout = layout.GetViewArrangement()
        self.sliceViewNames()

    def _layout_modified(self) -> None:
        arrangement = self._logic.GetLayoutNode().GetViewArrangement()
        if arrangement != self._shown_layout:
            self._shown_layout = arrangement
            self.sliceViewNames()
            self.layoutChanged.emit(arrangement)

    def _view_nodes(self, class_name: str) -> list[Any]:
        nodes = self._logic.GetViewNodes()
        every = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
        return [node for node in every if node.IsA(class_name)]

    def _slice_widget(self, node: Any) -> qMRMLSliceWidget:
        name = node.GetLayoutName()
        if name not in self._slices:
            logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(self._host.app_logic)
            self._host.app_logic.GetSliceLogics().AddItem(logic)
            logic.SetMRMLScene(self._host.scene)
            logic.SetSliceNode(node)
            self._slices[name] = qMRMLSliceWidget(self._host, node, logic)
        return self._slices[name]

    def sliceViewNames(self) -> list[str]:
        nodes = self._view_nodes("vtkMRMLSliceNode")
        for node in nodes:
            self._slice_widget(node)
        return [node.GetLayoutName() for node in nodes]

    def sliceWidget(self, name: str) -> qMRMLSliceWidget | None:
        self.sliceViewNames()
        return self._slices.get(name)

    def mrmlSliceLogics(self) -> Any:
        return self._host.app_logic.GetSliceLogics()

    def threeDWidget(self, which: int | str) -> qMRMLThreeDWidget | None:
        nodes = self._view_nodes("vtkMRMLViewNode")
        wanted = nodes[which : which + 1] if isinstance(which, int) else nodes
        for node in wanted:
            if isinstance(which, int) or which in (node.GetLayoutName(), node.GetName()):
                name = node.GetLayoutName()
                if name not in self._three_d:
                    self._three_d[name] = qMRMLThreeDWidget(self._host, node)
                return self._three_d[name]
        return None

    threeDViewCount = QtCore.Property(int, lambda self: len(self._view_nodes("vtkMRMLViewNode")))
    plotViewCount = QtCore.Property(int, lambda self: len(self._view_nodes("vtkMRMLPlotViewNode")))
    tableViewCount = QtCore.Property(int, lambda self: len(self._view_nodes("vtkMRMLTableViewNode")))

    def setLayout(self, layout: int) -> None:
        self._logic.GetLayoutNode().SetViewArrangement(layout)

    layout = QtCore.Property(int, lambda self: self._logic.GetLayoutNode().GetViewArrangement(), setLayout)

    def layoutLogic(self) -> Any:
        return self._logic

    def viewport(self) -> QtWidgets.QWidget:
        return self._viewport

    def mrmlScene(self) -> Any:
        return self._host.scene

    def resetSliceViews(self) -> None:
        for name in self.sliceViewNames():
            self._slices[name].fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        for widget in self._three_d.values():
            widget.threeDView().resetFocalPoint()

    def pauseRender(self) -> None:
        """Views of the stand-in render on painting only."""

    def resumeRender(self) -> None:
        """Views of the stand-in render on painting only."""
