"""The view layout for guidance in the Slicer desktop: both planes through the axis, 3D, and the readout."""

from __future__ import annotations

from typing import Any

IN_PLANE_VIEW = "InPlane"
PERPENDICULAR_VIEW = "Perpendicular"
THREE_D_VIEW = "Guidance"
READOUT_VIEW = "GuidanceReadout"

# Slicer asks for ids that no built-in layout uses; theirs stay below 1000.
LAYOUT_ID = 16001
# As much of the body as one looks at while steering.
VIEW_HEIGHT_MM = 130.0

LAYOUT_XML = f"""
<layout type="vertical" split="true">
  <item splitSize="500">
    <layout type="horizontal" split="true">
      <item splitSize="500">
        <view class="vtkMRMLSliceNode" singletontag="{IN_PLANE_VIEW}">
          <property name="orientation" action="default">Coronal</property>
          <property name="viewlabel" action="default">In plane</property>
          <property name="viewcolor" action="default">#E69F00</property>
        </view>
      </item>
      <item splitSize="500">
        <view class="vtkMRMLSliceNode" singletontag="{PERPENDICULAR_VIEW}">
          <property name="orientation" action="default">Sagittal</property>
          <property name="viewlabel" action="default">Perpendicular</property>
          <property name="viewcolor" action="default">#56B4E9</property>
        </view>
      </item>
    </layout>
  </item>
  <item splitSize="500">
    <layout type="horizontal" split="true">
      <item splitSize="400">
        <view class="vtkMRMLViewNode" singletontag="{THREE_D_VIEW}">
          <property name="viewlabel" action="default">3D</property>
        </view>
      </item>
      <item splitSize="600">
        <view class="vtkMRMLViewNode" singletontag="{READOUT_VIEW}">
          <property name="viewlabel" action="default">Readout</property>
        </view>
      </item>
    </layout>
  </item>
</layout>
"""


def show_guidance_layout(scene: Any) -> bool:
    """Switch the desktop to the guidance layout; False where the scene has no layout node (no desktop)."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is None:
        return False
    if layout.IsLayoutDescription(LAYOUT_ID):
        layout.SetLayoutDescription(LAYOUT_ID, LAYOUT_XML)
    else:
        layout.AddLayoutDescription(LAYOUT_ID, LAYOUT_XML)
    layout.SetViewArrangement(LAYOUT_ID)
    for name in (IN_PLANE_VIEW, PERPENDICULAR_VIEW):
        _zoom(slice_node(scene, name))
    for name in (THREE_D_VIEW, READOUT_VIEW):
        view = scene.GetSingletonNode(name, "vtkMRMLViewNode")
        if view is not None:
            view.SetBackgroundColor(0.0, 0.0, 0.0)  # for a dark room
            view.SetBackgroundColor2(0.0, 0.0, 0.0)
            view.SetBoxVisible(False)
            view.SetAxisLabelsVisible(False)
    return True


def slice_node(scene: Any, name: str) -> Any | None:
    """The ``vtkMRMLSliceNode`` of a view, or None before the layout was shown."""
    return scene.GetSingletonNode(name, "vtkMRMLSliceNode")


def _zoom(node: Any | None) -> None:
    if node is None:
        return
    columns, rows, _ = node.GetDimensions()
    if rows > 0:
        node.SetFieldOfView(VIEW_HEIGHT_MM * columns / rows, VIEW_HEIGHT_MM, node.GetFieldOfView()[2])
