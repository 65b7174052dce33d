"""What the engine is doing, in words, shapes and colors."""

import html

from slicer.i18n import tr as _

from TemporalReconLib.engine_report import StartUpStep
from TemporalReconLib.engine_session import SessionState, SessionStatus

# Shape, color and word: none of them carries the meaning alone.
_STATE_MARKS = {
    SessionState.STOPPED: ("\N{BLACK SQUARE}", "#8a8a8a"),
    SessionState.STARTING: ("\N{WHITE CIRCLE}", "#3f8fd2"),
    SessionState.WAITING: ("\N{WHITE CIRCLE}", "#3f8fd2"),
    SessionState.RUNNING: ("\N{BLACK CIRCLE}", "#009e73"),
    SessionState.STALLED: ("\N{BLACK UP-POINTING TRIANGLE}", "#d55e00"),
    SessionState.STOPPING: ("\N{WHITE CIRCLE}", "#8a8a8a"),
    SessionState.FAILED: ("\N{MULTIPLICATION X}", "#d62728"),
}


def stateText(status: SessionStatus) -> str:
    """The state line as rich text: what is, why, what to do."""
    words = {
        SessionState.STOPPED: _("Stopped"),
        SessionState.STARTING: _("Starting"),
        SessionState.WAITING: _("Waiting for data"),
        SessionState.RUNNING: _("Running"),
        SessionState.STALLED: _("Stalled"),
        SessionState.STOPPING: _("Stopping"),
        SessionState.FAILED: _("Failed"),
    }
    mark, color = _STATE_MARKS[status.state]
    text = f'<span style="color:{color}">{mark}</span> <b>{words[status.state]}</b>'
    if status.reason:
        text += f": {html.escape(status.reason)}"
    if status.advice:
        text += f"<br>{html.escape(status.advice)}"
    return text


def countersText(status: SessionStatus) -> str:
    """Frames, losses and latency in one line; a dash is "not known"."""
    latency = "\N{EN DASH}" if status.latency_s is None else f"{1e3 * status.latency_s:.0f} ms"
    return _("Frames {frames}   Dropped {dropped}   Latency {latency}").format(
        frames=status.n_frames, dropped=status.n_dropped, latency=latency
    )


def stepText(step: StartUpStep) -> str:
    """A step of the engine's start in words for a progress bar."""
    kind = step.text.partition(":")[0]
    words = {
        "environment": _("Checking the environment"),
        "weights": _("Loading the weights"),
        "warm-up": _("First computation"),
        "listening": _("Opening the port"),
    }
    text = words.get(kind.strip().lower(), step.text)
    return _("Step {number} of {total}: {text}").format(number=step.number, total=step.n_steps, text=text)
