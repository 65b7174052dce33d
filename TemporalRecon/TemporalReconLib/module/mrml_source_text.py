"""What the scanner's link and the player are doing, in words, shapes and colors."""

import html

from slicer.i18n import tr as _

from TemporalReconLib.playback.player_status import PlayerState

_GRAY, _BLUE, _GREEN, _RED = "#8a8a8a", "#3f8fd2", "#009e73", "#d62728"


def sendToText(settings):
    """Where the scanner sends to."""
    computer = settings.engineHost.strip() or _("this computer")
    return _("port {port} of {computer} (OpenIGTLink)").format(port=settings.enginePort, computer=computer)


def linkText(status):
    """Whether somebody is connected to the engine beside Slicer, and sends; rich text of a SessionStatus."""
    report = status.report
    if report.n_senders > 0:
        return _marked("\N{BLACK CIRCLE}", _GREEN, _("frames arriving"), _("{n} so far").format(n=report.n_arrived))
    if report.n_clients > 1:
        return _marked("\N{CIRCLE WITH LEFT HALF BLACK}", _BLUE, _("connected, no frames"))
    if status.state.is_active:
        return _marked("\N{WHITE CIRCLE}", _GRAY, _("nobody connected"))
    return _marked("\N{WHITE CIRCLE}", _GRAY, _("engine not running"))


def positionText(status):
    """``12 / 60   1.1 s`` of a PlayerStatus; a dash while nothing is open (or None)."""
    if status is None or not status.n_frames:
        return "\N{EN DASH}"
    number = "\N{EN DASH}" if status.position is None else status.position + 1
    text = f"{number} / {status.n_frames}"
    return text if status.time_s is None else f"{text}   {status.time_s:.1f} s"


def playText():
    return _("\N{BLACK RIGHT-POINTING TRIANGLE} &Play")


def pauseText():
    return _("\N{DOUBLE VERTICAL LINE} &Pause")


def playerText(status):
    """The state of a PlayerStatus as rich text; None is no player, because no engine runs."""
    if status is None:
        return _marked("\N{BLACK SQUARE}", _GRAY, _("Stopped"), _("Start runs the engine and plays the series"))
    if status.state is PlayerState.FAILED:
        return _failed(status.reason, _("Press Play to go on, or move the slider to another frame."))
    rate = "" if status.rate_fps is None else _("{rate:.1f} frames/s").format(rate=status.rate_fps)
    mark, color, word, more = {
        PlayerState.STOPPED: ("\N{BLACK SQUARE}", _GRAY, _("Stopped"), ""),
        PlayerState.OPENING: ("\N{WHITE CIRCLE}", _BLUE, _("Opening the series"), ""),
        PlayerState.CONNECTING: ("\N{WHITE CIRCLE}", _BLUE, _("Connecting to the engine"), ""),
        PlayerState.PLAYING: ("\N{BLACK RIGHT-POINTING TRIANGLE}", _GREEN, _("Playing"), rate),
        PlayerState.PAUSED: ("\N{DOUBLE VERTICAL LINE}", _BLUE, _("Paused"), ""),
        PlayerState.FINISHED: ("\N{BLACK SQUARE}", _GRAY, _("Finished"), _("Play begins again")),
    }[status.state]
    return _marked(mark, color, word, more)


def _failed(reason, advice):
    return _marked("\N{MULTIPLICATION X}", _RED, _("Failed"), reason) + "<br>" + html.escape(advice)


def _marked(mark, color, word, more=""):
    """Shape, color and word: none of them carries the meaning alone."""
    text = f'<span style="color:{color}">{mark}</span> <b>{html.escape(word)}</b>'
    return f"{text}: {html.escape(more)}" if more else text
