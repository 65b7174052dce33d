"""The readout as rich text of the panel: shapes, words and colors."""

from slicer.i18n import tr as _

from InstrumentTrackerLib.palette import as_html
from InstrumentTrackerLib.scene.mrml_style import Badge

# A badge as a character, wherever it stands in text.
MARKS = {
    Badge.DISK: "\N{BLACK CIRCLE}",
    Badge.RING: "\N{WHITE CIRCLE}",
    Badge.CROSS: "\N{MULTIPLICATION X}",
    Badge.SQUARE: "\N{WHITE SQUARE}",
    Badge.TRIANGLE: "\N{BLACK UP-POINTING TRIANGLE}",
    Badge.CHECK: "\N{CHECK MARK}",
    Badge.DIAMOND: "\N{BLACK DIAMOND}",
    Badge.QUESTION: "?",
}


def statusText(readout):
    """The state of the instrument: shape, word and color, and what it means."""
    if readout is None:
        return f"{_('No guidance')}<br>{small(_('press Start'))}"
    style = readout.style
    event = f' <span style="color:#ffffff">{readout.event}</span>' if readout.event else ""
    word = f'<span style="color:{as_html(style.color)}">{MARKS[style.badge]} {readout.status.value}</span>'
    return f"{word}{event}<br>{small(readout.explanation)}"


def ageText(readout):
    """The age of the picture in the color of the state."""
    if readout is None or not readout.age:
        return ""
    age = f'<span style="color:{as_html(readout.style.color)}">{readout.age}</span>'
    return f"{age}<br>{small(_('picture age'))}"


def verdictText(readout):
    """Shape and word of the verdict, and how probable it is."""
    if readout is None or readout.verdict is None:
        return ""
    mark = MARKS[readout.verdict_style.badge]
    return f'<span style="font-size:30px; font-weight:bold">{mark} {readout.verdict_text}</span><br>' + (
        f'<span style="font-size:15px">{readout.verdict_note}</span>'
    )


def small(text):
    return f'<span style="font-size:15px; font-weight:normal">{text}</span>'
