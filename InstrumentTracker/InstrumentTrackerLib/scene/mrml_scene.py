"""The guidance display in a Slicer scene: made once, updated for each frame.

Works on a bare ``vtkMRMLScene`` and inside the Slicer desktop alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import ArrayLike
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import slice_normal
from TemporalReconLib.scene.mrml_nodes import FOLDER_NAME, NodeChange, SceneNodes
from TemporalReconLib.scene.mrml_volume import LiveVolume, ijk_to_ras_of

from InstrumentTrackerLib.localization.instrument_pose import Point, validated_point
from InstrumentTrackerLib.scene.mrml_display_options import DisplayOptions
from InstrumentTrackerLib.scene.mrml_markups import ENTRY, MEASURED, TARGET, GuidanceMarkups
from InstrumentTrackerLib.scene.mrml_planes import PlaneFollower
from InstrumentTrackerLib.scene.mrml_readout import NO_TARGET, Readout, as_shown, readout_of, status_of
from InstrumentTrackerLib.scene.mrml_segmentation import InstrumentSegmentation
from InstrumentTrackerLib.scene.mrml_trail import TipTrail
from InstrumentTrackerLib.scene.mrml_uncertainty import UncertaintyDisplay
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.targeting.assessment import Assessment
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

READOUT_ROLE = "Readout"
DEFAULT_STALE_AFTER_S = 1.0

_Latest = tuple[ImageFrame, InstrumentMask | None, TrackedPose, Assessment | None]
_NOTHING = (None, None, None, None)


class GuidanceScene:
    """Shows picture, instrument, plan and readout.

    Nodes are made on first use and again where someone removed them; a scene that was saved and loaded has its
    nodes adopted. Nothing is touched while the scene is being closed or loaded.

    Parameters
    ----------
    scene
        The ``vtkMRMLScene``.
    stale_after_s
        Age of the picture beyond which markers and numbers vanish. Choose a little more than the time between
        two pictures plus the delay that steering tolerates (clinicians name 0.5 s). May be changed at any time.

    Attributes
    ----------
    target_problem
        What is said in place of numbers where the scene has no target.
    """

    def __init__(self, scene: Any, stale_after_s: float = DEFAULT_STALE_AFTER_S) -> None:
        self.stale_after_s = stale_after_s
        self.nodes = SceneNodes(scene, FOLDER_NAME)
        self.volume = LiveVolume(scene, nodes=self.nodes)
        self.segmentation = InstrumentSegmentation(self.nodes)
        self.markups = GuidanceMarkups(self.nodes)
        self.uncertainty = UncertaintyDisplay(self.nodes)
        self.trail = TipTrail(self.nodes)
        self.follower = PlaneFollower()
        self.target_problem = NO_TARGET
        self._latest: _Latest | None = None
        self._age_s: float | None = None
        self.readout = readout_of(None, None, None, stale_after_s)

    @property
    def target(self) -> Point | None:
        """Target in RAS mm as it is in the scene now (the user may have dragged it), or None."""
        return self.markups.point(TARGET)

    @property
    def entry(self) -> Point | None:
        """Entry point in RAS mm as it is in the scene now, or None."""
        return self.markups.point(ENTRY)

    def use_plan(self, target_list: Any | None, target_id: str, entry_list: Any | None) -> None:
        """Take target and entry from point lists of the user, as :meth:`GuidanceMarkups.use_plan` says."""
        self.markups.use_plan(target_list, target_id, entry_list)

    def use(self, options: DisplayOptions) -> None:
        """Show and hide parts of the display."""
        self.markups.use(options)
        self.segmentation.use(options)
        self.uncertainty.use(options)
        self.trail.surface.set_visible(options.trail)
        self.trail.max_frames, self.trail.max_seconds = options.trail_frames, options.trail_seconds

    def show_lesion(self, target: Target | None) -> None:
        """Show the ball that a core must touch; None shows none."""
        if not self.nodes.is_busy:
            self.uncertainty.show_lesion(target)

    def prepare(self) -> Iterator[None]:
        """Make the nodes that the first sight of an instrument needs, one per step.

        With views attached a node costs 10 to 20 ms: all of them at once would be felt. Call ``next`` on it while
        nothing else is to do; it waits while the scene is being closed or loaded.
        """
        for spec in MEASURED:
            yield from self._when_free()
            self.markups.make(spec)
            yield
        for make in (self.segmentation.make, self.uncertainty.tip.make, self.trail.surface.make):
            yield from self._when_free()
            make()
            yield

    def _when_free(self) -> Iterator[None]:
        while self.nodes.is_busy:
            yield

    def set_target(self, ras: ArrayLike | None) -> None:
        """Place the target (RAS mm), or remove it with None."""
        point = validated_point(ras, "target")
        self.markups.show_plan(point, self.entry)
        self._forget_assessment()

    def set_entry(self, ras: ArrayLike | None) -> None:
        """Place the entry point of the planned path (RAS mm), or remove it with None."""
        point = validated_point(ras, "entry")
        self.markups.show_plan(self.target, point)
        self._forget_assessment()

    def update(
        self,
        image: ImageFrame,
        mask: InstrumentMask | None,
        tracked: TrackedPose,
        assessment: Assessment | None,
        age_s: float,
    ) -> Readout:
        """Show one frame and return the words shown with it.

        Parameters
        ----------
        image, mask, tracked
            Outputs of the pipeline for the same frame.
        assessment
            Of that pose; None without a target or a trusted pose. Not shown while the scene has no target: a
            distance to something invisible misleads.
        age_s
            Seconds since the middle of the acquisition.
        """
        if self.nodes.is_busy:
            return self.readout
        tracked = as_shown(tracked, image)
        self._latest = (image, mask, tracked, assessment)
        self._age_s = age_s
        self.volume.update(image, age_s)
        self.trail.add(tracked)
        self._show_latest()
        return self.readout

    def refresh_age(self, age_s: float) -> Readout:
        """State the picture's age between two frames; call it from a timer (about 5 per second).

        This is what makes numbers vanish when pictures stop coming.
        """
        if self.nodes.is_busy or self._latest is None:
            return self.readout
        self._age_s = age_s
        self.volume.set_age(age_s)
        if status_of(self._latest[2], age_s, self.stale_after_s) is self.readout.status:
            self._show_words()
        else:
            self._show_latest()
        return self.readout

    def follow(self, in_plane_node: Any, perpendicular_node: Any, tracked: TrackedPose) -> bool:
        """Lay two slice views through the instrument's axis, centred on its tip.

        To hold the views, leave it uncalled, as the panel does. An old picture or an instrument that is not found
        leaves the views where they are; before one is first seen they show the acquired slices.

        Parameters
        ----------
        in_plane_node, perpendicular_node
            ``vtkMRMLSliceNode``: the plane nearest to the acquired slices, and the one at right angles to it.
        tracked
            The pose to follow.

        Returns
        -------
        bool
            Whether the views show the instrument's planes now.
        """
        volume = self.volume.node
        if volume is None or self.nodes.is_busy:
            return False
        ijk_to_ras = ijk_to_ras_of(volume)
        if not self.readout.status.has_numbers:
            shape = volume.GetImageData().GetDimensions()[::-1]
            self.follower.wait(in_plane_node, perpendicular_node, ijk_to_ras, shape)
            return False
        return self.follower.follow(in_plane_node, perpendicular_node, tracked, slice_normal(ijk_to_ras))

    def show_in_slice_views(self) -> None:
        """Make the picture the background of all slice views; call it once after the first picture."""
        volume, scene = self.volume.node, self.nodes.scene
        if volume is None:
            return
        for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
            scene.GetNthNodeByClass(index, "vtkMRMLSliceCompositeNode").SetBackgroundVolumeID(volume.GetID())

    def clear(self) -> None:
        """Forget everything measured: markers, mask, numbers and picture. Target and entry stay."""
        self._latest, self._age_s = None, None
        self.follower.restart()
        if not self.nodes.is_busy:
            self.volume.clear()
            self._show_latest()

    def remove(self) -> None:
        """Take all nodes out of the scene, target and entry as well."""
        self._latest, self._age_s = None, None
        self.nodes.remove_all()

    def _forget_assessment(self) -> None:
        """The last one was of another target or path; the next frame brings the new one."""
        if self._latest is not None:
            self._latest = (*self._latest[:3], None)
        self._show_latest()

    def _show_latest(self) -> None:
        _, mask, tracked, _ = self._latest or _NOTHING
        shows = status_of(tracked, self._age_s, self.stale_after_s).has_numbers
        if not shows:
            self.trail.add(None)
        self.uncertainty.show_tip(tracked if shows else None)
        self.segmentation.update(mask if shows else None)
        self.markups.refresh_plan()
        self.markups.show_pose(tracked if shows else None)
        self._show_words()

    def _show_words(self) -> None:
        image, _, tracked, assessment = self._latest or _NOTHING
        problem = self.target_problem if self.target is None else ""
        self.readout = readout_of(tracked, assessment, self._age_s, self.stale_after_s, problem, image)
        node = self.nodes.get(READOUT_ROLE, "vtkMRMLTextNode", "Guidance readout", _no_configuration)
        text = self.readout.text()
        if node.GetText() != text:
            with NodeChange(node):
                node.SetText(text)
                node.SetAttribute("InBoreGuidance.Status", self.readout.status.value)


def _no_configuration(node: Any) -> None:
    """A text node has no display."""
