"""The readout's state and warning as rich text."""

from slicer.i18n import tr as _


def readoutStatusText(readout):
    """The state of the instrument: shape, word and color, and what it means."""
    if readout is None:
        return f"{_('No guidance')}<br>{small(_('press Start'))}"
    marks = {
        "disk": "\N{BLACK CIRCLE}",
        "ring": "\N{WHITE CIRCLE}",
        "cross": "\N{MULTIPLICATION X}",
        "square": "\N{BLACK SQUARE}",
        "triangle": "\N{BLACK UP-POINTING TRIANGLE}",
    }
    color = "#" + "".join(f"{round(255 * value):02x}" for value in readout.style.color)
    mark = marks[readout.style.badge.value]
    return f'<span style="color:{color}">{mark} {readout.status.value}</span><br>{small(readout.explanation)}'


def small(text):
    return f'<span style="font-size:14px; font-weight:normal">{text}</span>'


def readoutWarning(readout, rows):
    """One line that must not be overlooked, or what is missing for numbers."""
    if readout is None:
        return ""
    if readout.warning:
        return readout.warning
    return _("No target: place one to see distances") if "Target" in rows else ""
