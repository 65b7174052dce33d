"""Scrubs through a recorded case, and shows a core of it."""

import qt
import slicer
from slicer.i18n import tr as _

from InstrumentTrackerLib.case_log.core_scheme import core_scheme
from InstrumentTrackerLib.module.mrml_review_text import frameText
from InstrumentTrackerLib.module.mrml_scheme_painter import pngPixmap, schemeImage
from InstrumentTrackerLib.scene.mrml_case_review import ReviewScene

_PICTURE_SIZE, _SCHEME_SIZE = (270, 160), (120, 160)


class ReviewPlayer:
    """Slider, picture and scheme of Review.ui.

    :param currentCase: gives the selected case.
    :param isGuidanceActive: says whether a live session is going on.
    """

    def __init__(self, ui, currentCase, isGuidanceActive):
        self.ui = ui
        self._currentCase = currentCase
        self._isGuidanceActive = isGuidanceActive
        self._scene = ReviewScene(slicer.mrmlScene)
        self._hasShown = False
        ui.reviewSlider.connect("valueChanged(int)", self.onSlider)
        ui.reviewBackButton.connect("clicked(bool)", self.onBack)
        ui.reviewForwardButton.connect("clicked(bool)", self.onForward)

    def close(self):
        self._scene.remove()

    def forget(self):
        """The scene was closed."""
        self._hasShown = False

    def showCase(self):
        """Begin at the first moment of the selected case."""
        case = self._currentCase()
        frames = () if case is None else case.frames
        slider = self.ui.reviewSlider
        wasBlocked = slider.blockSignals(True)
        slider.setRange(0, max(0, len(frames) - 1))
        slider.value = 0
        slider.blockSignals(wasBlocked)
        for widget in (slider, self.ui.reviewBackButton, self.ui.reviewForwardButton):
            widget.enabled = len(frames) > 1
        self.showCore(None)
        self.onSlider(0)

    def onBack(self, checked=False):
        self.ui.reviewSlider.value = self.ui.reviewSlider.value - 1

    def onForward(self, checked=False):
        self.ui.reviewSlider.value = self.ui.reviewSlider.value + 1

    def onSlider(self, position):
        """Show a moment, in words always, in the views unless they show something live."""
        case = self._currentCase()
        if case is None or not case.frames:
            self.ui.reviewFrameLabel.text = "" if case is None else _("Neither track nor pictures were recorded")
            self._scene.remove()
            return
        frame, core = case.frames[position], case.core_at(position)
        text = frameText(frame, core, position, len(case.frames))
        if self._isGuidanceActive():
            text += "<br>" + _("The views show live pictures: stop guidance to see this one")
        else:
            self._scene.show(frame, core)
            self._showInViews(frame)
        self.ui.reviewFrameLabel.text = text

    def showCore(self, record):
        """Go to the moment of a core and show what was kept of it; None shows none."""
        ui, case = self.ui, self._currentCase()
        data = None if record is None else case.log.picture(record)
        pixmap = None if data is None else pngPixmap(data, *_PICTURE_SIZE)
        ui.reviewPictureLabel.visible = pixmap is not None
        if pixmap is not None:
            ui.reviewPictureLabel.setPixmap(pixmap)
        scheme = None if record is None else core_scheme(record)
        ui.reviewSchemeLabel.visible = scheme is not None
        if scheme is not None:
            ui.reviewSchemeLabel.setPixmap(qt.QPixmap.fromImage(schemeImage(scheme, *_SCHEME_SIZE)))
        position = None if record is None else case.frame_of(record)
        if position is not None:
            ui.reviewSlider.value = position

    def _showInViews(self, frame):
        """Once: afterwards the user may look at something else."""
        volume = self._scene.volume.node
        if not self._hasShown and frame.image is not None and volume is not None:
            slicer.util.setSliceViewerLayers(background=volume, fit=slicer.app.layoutManager() is not None)
            self._hasShown = True
