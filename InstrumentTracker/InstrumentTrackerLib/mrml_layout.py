"""The view layout for guidance in the Slicer desktop: both planes through the axis above, 3D below."""

from __future__ import annotations

from typing import Any

IN_PLANE_VIEW = "InPlane"
PERPENDICULAR_VIEW = "Perpendicular"
THREE_D_VIEW = "Guidance"

# Slicer asks for ids that no built-in layout uses; theirs stay below 1000.
LAYOUT_ID = 16001

LAYOUT_XML = f"""
<layout type="vertical" split="true">
  <item splitSize="600">
    <layout type="horizontal" split="true">
      <item>
        <view class="vtkMRMLSliceNode" singletontag="{IN_PLANE_VIEW}">
          <property name="orientation" action="default">Coronal</property>
          <property name="viewlabel" action="default">In plane</property>
          <property name="viewcolor" action="default">#E69F00</property>
        </view>
      </item>
      <item>
        <view class="vtkMRMLSliceNode" singletontag="{PERPENDICULAR_VIEW}">
          <property name="orientation" action="default">Sagittal</property>
          <property name="viewlabel" action="default">Perpendicular</property>
          <property name="viewcolor" action="default">#56B4E9</property>
        </view>
      </item>
    </layout>
  </item>
  <item splitSize="400">
    <view class="vtkMRMLViewNode" singletontag="{THREE_D_VIEW}">
      <property name="viewlabel" action="default">3D</property>
    </view>
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
    return True
