"""The section *Guidance*: the readout in large letters, and sound."""

from slicer.i18n import tr as _

from InstrumentTrackerLib.module.mrml_readout_text import ageText, statusText, verdictText
from InstrumentTrackerLib.module.mrml_sound import GuidanceSound
from InstrumentTrackerLib.palette import YELLOW, as_html
from InstrumentTrackerLib.scene.mrml_style import DisplayStatus

NOT_KNOWN = "\N{EN DASH}"
_FRAME = "#readoutFrame { background: #000000; border-radius: 6px; } #readoutFrame QLabel { color: #ffffff; }"
# Predicted numbers must not look measured.
_NUMBERS = ("distanceLabel", "figureLabel1", "figureLabel2", "figureLabel3", "figureLabel4", "directionLabel")
_PREDICTED = ", ".join(f"#readoutFrame #{name}" for name in _NUMBERS)
_PREDICTED += f" {{ color: {as_html(YELLOW)}; font-style: italic; }}"
_WARNING = f" #readoutFrame #warningLabel {{ color: {as_html(YELLOW)}; }}"


class GuidanceSection:
    """Controls of Guidance.ui.

    :param ui: widgets of the panel by name.
    """

    def __init__(self, ui):
        self.ui = ui
        self.sound = GuidanceSound()
        self._settings = None
        self._style = None
        self._verdictStyle = None
        self._figures = [(getattr(ui, f"figureCaptionLabel{n}"), getattr(ui, f"figureLabel{n}")) for n in (1, 2, 3, 4)]

    def setSettings(self, settings):
        """Use the settings of a parameter node, or None."""
        self._settings = settings

    def show(self, readout):
        """Numbers only while they are true; None is no session."""
        ui = self.ui
        self._restyle(readout)
        ui.statusLabel.text = statusText(readout)
        ui.ageLabel.text = ageText(readout)
        ui.verdictLabel.text = verdictText(readout)
        has = readout is not None and bool(readout.headline)
        ui.distanceCaptionLabel.text = (
            readout.headline_label if readout is not None and readout.headline_label else _("Tip to target")
        )
        ui.distanceLabel.text = readout.headline if has else NOT_KNOWN
        figures = (
            readout.figures
            if has
            else (
                (_("Sideways miss"), NOT_KNOWN),
                (_("Advance to center"), NOT_KNOWN),
                (_("Angle"), NOT_KNOWN),
                (_("Depth remaining"), NOT_KNOWN),
            )
        )
        for index, (caption, value) in enumerate(self._figures):
            words = figures[index] if index < len(figures) else ("", "")
            caption.text, value.text = words
        ui.directionLabel.text = readout.direction if has else ""
        ui.warningLabel.text = "" if readout is None else "\n".join(filter(None, [readout.warning, *readout.notes]))
        ui.confidenceLabel.text = confidenceText(readout)
        self.sound.isOn = self._settings is not None and self._settings.soundOn
        self.sound.follow(readout)

    def _restyle(self, readout):
        """Style sheets cost time: set only where the look changes."""
        predicted = readout is not None and readout.status is DisplayStatus.PREDICTED
        if predicted != self._style:
            self._style = predicted
            self.ui.readoutFrame.styleSheet = _FRAME + _WARNING + (_PREDICTED if predicted else "")
        style = None if readout is None else readout.verdict_style
        look = bandStyle(style, predicted)
        if look != self._verdictStyle:
            self._verdictStyle = look
            self.ui.verdictLabel.styleSheet = look


def bandStyle(style, isHollow):
    """A band in the verdict's color; what is predicted has only its rim."""
    common = "padding: 2px 8px; border-radius: 4px;"
    if style is None:
        return common
    color = as_html(style.color)
    ground, ink = ("#000000", color) if isHollow else (color, "#000000")
    return f"#readoutFrame #verdictLabel {{ color: {ink}; background: {ground}; border: 3px solid {color}; {common} }}"


def confidenceText(readout):
    """Confidence and quality of the picture in one line."""
    if readout is None:
        return ""
    rows = dict(readout.rows)
    words = [f"{label} {rows[label]}" for label in ("Confidence", "Picture quality") if label in rows]
    return "   ".join(words)
