"""Starts and follows the engine of Instrument Tracker, and keeps the guidance display."""

import time
from pathlib import Path

import slicer
import TemporalReconLib
from TemporalReconLib.module.mrml_engine_logic import EngineLogic

from InstrumentTrackerLib.module.mrml_parameter_node import NO_CORRECTION, InstrumentTrackerParameterNode
from InstrumentTrackerLib.module.mrml_plan import PlanReader
from InstrumentTrackerLib.scene.mrml_cameras import look_at
from InstrumentTrackerLib.scene.mrml_display_options import DisplayOptions
from InstrumentTrackerLib.scene.mrml_layout import IN_PLANE_VIEW, PERPENDICULAR_VIEW, slice_node
from InstrumentTrackerLib.scene.mrml_style import DisplayStatus

# Where both modules and their packages are; the engine finds them there (one folder once installed).
_SEARCH_PATHS = (Path(__file__).parents[2], Path(TemporalReconLib.__file__).parents[1])

# The age of a picture changes all the time, and every change renders the views.
_AGE_SECONDS = 0.2


class InstrumentTrackerLogic(EngineLogic):
    """Starts and follows the engine, and keeps the guidance display; usable without the widget."""

    def __init__(self):
        EngineLogic.__init__(self, "InstrumentTrackerLib", _SEARCH_PATHS, statusDevice="InstrumentTracker")
        self.viewsAreHeld = False
        self.plan = None
        self._planReader = PlanReader()
        self._feed = None
        self._scene = None
        self._preparation = None
        self._areCamerasAimed = False
        self._shown = None
        self._displayOptions = None
        self._sentTarget = None
        self._ageShownAt = 0.0

    @property
    def readout(self):
        """What the display says now, or None before the first frame."""
        return None if self._scene is None else self._scene.readout

    def shownGuidance(self):
        """The newest shown frame with the plan, whether or not it has true numbers; None before the first frame."""
        from InstrumentTrackerLib.case_log.marking import ShownGuidance

        if self._shown is None or self._feed is None or self.plan is None:
            return None
        frame, plan = self._shown[0], self.plan
        stale_after_s = self.session.status.stale_after_s
        return ShownGuidance(
            frame.tracked, frame.image, frame.age_s, stale_after_s, plan.target, plan.needle, plan.marginMm
        )

    def getParameterNode(self):
        return self.remembered(InstrumentTrackerParameterNode, super().getParameterNode())

    def start(self, settings, options=()):
        """Start the engine with the settings of a parameter node and more options; returns at once.

        Raises InputError where a setting cannot work.
        """
        from InstrumentTrackerLib.guidance.feed import GuidanceFeed

        feed = GuidanceFeed()
        self.startEngine(settings, [*trackingOptions(settings), *options], feed.accept)
        self._feed = feed
        self._preparation = None
        self._areCamerasAimed = False
        self._scene = self._shown = self._displayOptions = self._sentTarget = None

    def stop(self, wait=False):
        """End the engine; picture, markers and numbers go, target and entry stay."""
        self.session.stop(wait)
        self.clear()

    def clear(self):
        """Forget what was measured: it is not live any more."""
        self._feed = self._shown = None
        if self._scene is not None:
            self._scene.clear()
            self._scene = None

    def update(self, settings):
        """Hand the newest frame to the display and return the state; call it from a timer."""
        status = self.session.status
        if self._feed is None or settings is None or not status.state.is_active:
            return status
        self.updatePlanningScan(settings)
        self.plan = self._planReader.read(settings)
        self._sendTarget()
        frame = self._feed.newest()
        if frame is not None:
            self._display(settings, status).stale_after_s = status.stale_after_s
            self._show(frame, settings)
        else:
            if self._preparation is None:
                self._preparation = self._prepare(settings, status)
            next(self._preparation, None)
        return status

    def _prepare(self, settings, status):
        """Get ready step by step while the engine starts: the first picture then costs no more than any."""
        import InstrumentTrackerLib.scene.mrml_scene  # noqa: F401  reading the code takes as long as a picture

        yield
        yield from self._display(settings, status).prepare()

    def readPlan(self, settings):
        """The plan as it is in the scene now, also while no session is active."""
        self.plan = self._planReader.read(settings)
        return self.plan

    def planWarning(self):
        """What is wrong with the plan, empty where nothing is known to be."""
        if self.plan is None:
            return ""
        if self.plan.warning or self.plan.target is None or self._shown is None:
            return self.plan.warning
        from InstrumentTrackerLib.targeting.target_bounds import outside_warning

        image = self._shown[0].image
        return outside_warning(self.plan.target, image.ijk_to_ras, image.data.shape) or ""

    def _display(self, settings, status):
        """The display, made with the first frame; it follows plan and switches."""
        from InstrumentTrackerLib.scene.mrml_scene import GuidanceScene

        if self._scene is None:
            self._scene = GuidanceScene(slicer.mrmlScene, status.stale_after_s)
        scene, plan = self._scene, self.plan
        scene.use_plan(settings.targetNode if plan.target is not None else None, plan.targetID, settings.entryNode)
        scene.target_problem = plan.problem
        options = displayOptions(settings)
        if options != self._displayOptions:
            self._displayOptions = options
            scene.use(options)
        scene.show_lesion(plan.target)
        return scene

    def _sendTarget(self):
        """Tell the engine when the target was placed or moved; a restarted engine is told again by the link."""
        from TemporalReconLib.igtl.device_names import TARGET_DEVICE
        from TemporalReconLib.igtl.envelope import Envelope
        from TemporalReconLib.igtl.messages import PointElement, PointMessage

        target = None if self.plan.target is None else tuple(float(value) for value in self.plan.target.position)
        if target is None or target == self._sentTarget or self.session.link is None:
            return
        self._sentTarget = target
        self.session.link.send(Envelope(PointMessage((PointElement(target, "Target"),)), TARGET_DEVICE), latched=True)

    def _show(self, frame, settings):
        from InstrumentTrackerLib.targeting.assessment import Assessment

        scene, plan = self._scene, self.plan
        if self._shown == (frame, plan.key):
            self._refreshAge(frame)
            return
        assessment = None
        if plan.target is not None:
            assessment = Assessment.of(frame.tracked, plan.target, plan.needle, plan.marginMm)
        isFirst = self._shown is None
        scene.update(frame.image, frame.mask, frame.tracked, assessment, frame.age_s)
        self._shown = (frame, plan.key)
        if isFirst:
            scene.show_in_slice_views()
        if frame.tracked.state.has_numbers and not self._areCamerasAimed:
            self._areCamerasAimed = True  # once: from then on the 3D views are the user's
            look_at(slicer.mrmlScene, frame.tracked.tip)
        self._followInstrument(frame.tracked, settings)

    def _refreshAge(self, frame):
        """State the age as often as one can read it, and at once where the picture has become too old."""
        scene, now = self._scene, time.monotonic()
        isOld = frame.age_s > scene.stale_after_s
        if isOld == (scene.readout.status is DisplayStatus.STALE) and now - self._ageShownAt < _AGE_SECONDS:
            return
        self._ageShownAt = now
        scene.refresh_age(frame.age_s)

    def showInSliceViews(self):
        """Make the picture the background of the slice views, also of those that a new layout brought."""
        if self._scene is not None:
            self._scene.show_in_slice_views()

    def _followInstrument(self, tracked, settings):
        if not settings.followInstrument or self.viewsAreHeld:
            return
        views = [slice_node(slicer.mrmlScene, name) for name in (IN_PLANE_VIEW, PERPENDICULAR_VIEW)]
        if None not in views:
            self._scene.follow(*views, tracked)


def trackingOptions(settings):
    """Command line options that only this engine has; raises InputError for a segmenter that cannot be meant."""
    from InstrumentTrackerLib.segmentation.registry import check_segmenter

    check_segmenter(settings.segmenter)
    options = ["--segmenter", settings.segmenter]
    if settings.artifactCorrection != NO_CORRECTION:
        options += ["--artifact-correction", settings.artifactCorrection]
        options += ["--field-strength", str(settings.fieldStrength), "--echo-time", str(settings.echoTime)]
    if settings.sendScanPlane:
        options.append("--send-plane")
    return options


def displayOptions(settings):
    """The switches of the display in a parameter node."""
    return DisplayOptions(
        guide=settings.showGuide,
        needle=settings.showNeedle,
        tips=settings.showTips,
        axis=settings.showAxis,
        path=settings.showPath,
        uncertainty=settings.showUncertainty,
        lesion=settings.showLesion,
        trail=settings.showTrail,
        trail_frames=settings.trailFrames,
        trail_seconds=settings.trailSeconds,
    )
