"""What the section *Reader study* says; nothing of it tells which picture is shown."""

import html

from slicer.i18n import tr as _

from InstrumentTrackerLib.reading.reading_session import ReadingState


def pointText(point):
    """What is to be marked."""
    return _("tip of the needle") if point == "needle" else _("tip of the needle guide")


def readingName(session):
    """Of the picture on the screen and in the scene."""
    number = min(session.position + 1, session.count)
    return _("Reading {number} of {count}").format(number=number, count=session.count)


def taskText(session):
    """What to do now."""
    if session.state is ReadingState.FINISHED:
        return _("\N{CHECK MARK} All pictures are read. Thank you.")
    if session.state is ReadingState.WAITING:
        return _("The next picture comes...")
    if session.state is ReadingState.PAUSED:
        return _pausedText(session)
    if session.tip is None and not session.says_not_visible:
        return _("Click the <b>{point}</b>, or press <b>N</b> if you cannot see it.").format(
            point=pointText(session.content.point)
        )
    said = _("\N{CHECK MARK} Marked.") if session.tip is not None else _("\N{CHECK MARK} Not visible.")
    if session.confidence is None:
        return f"{said} " + _("How sure are you? Press <b>1</b> to <b>5</b>.")
    return f"{said} " + _("Confidence {number}. Press <b>Enter</b> for the next picture.").format(
        number=session.confidence
    )


def _pausedText(session):
    if session.is_between_parts:
        part, count = session.part
        return _("\N{CHECK MARK} Part {last} of {count} is done. Rest before you go on.").format(
            last=part - 1, count=count
        )
    return _("\N{DOUBLE VERTICAL LINE} Paused: the picture is hidden and the time stands still.")


def chosenText(text, isChosen):
    """A button's text with a check mark where it is chosen: its color alone is hard to see."""
    return f"\N{CHECK MARK} {text}" if isChosen else text


def savedText(answers):
    """Whether all answers are on disk."""
    if answers.problem:
        return _("\N{WARNING SIGN} <b>Not saved: {problem}.</b> It is tried again; the next picture waits.").format(
            problem=html.escape(answers.problem)
        )
    count = len(answers.answers)
    return "" if answers.n_unsaved or not count else _("{count} answers are on disk.").format(count=count)
