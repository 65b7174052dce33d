"""What the engine is doing, in words, shapes and colors."""

import html

from slicer.i18n import tr as _

from TemporalReconLib.engine_client.report import StartUpStep
from TemporalReconLib.engine_client.session import SessionState, SessionStatus

# Shape, color and word: none of them carries the meaning alone.
_STATE_MARKS = {
    SessionState.STOPPED: ("\N{BLACK SQUARE}", "#8a8a8a"),
    SessionState.STARTING: ("\N{WHITE CIRCLE}", "#3f8fd2"),
    SessionState.WAITING: ("\N{WHITE CIRCLE}", "#3f8fd2"),
    SessionState.RUNNING: ("\N{BLACK CIRCLE}", "#009e73"),
    SessionState.STALLED: ("\N{BLACK UP-POINTING TRIANGLE}", "#d55e00"),
    SessionState.PAUSED: ("\N{DOUBLE VERTICAL LINE}", "#3f8fd2"),
    SessionState.STOPPING: ("\N{WHITE CIRCLE}", "#8a8a8a"),
    SessionState.FAILED: ("\N{MULTIPLICATION X}", "#d62728"),
}

NOT_KNOWN = "\N{EN DASH}"
_LAMPS = {
    "good": ("\N{BLACK CIRCLE}", "#009e73"),
    "bad": ("\N{BLACK UP-POINTING TRIANGLE}", "#d55e00"),
}


def stateText(status: SessionStatus) -> str:
    """The state line as rich text: what is, why, what to do."""
    words = {
        SessionState.STOPPED: _("Stopped"),
        SessionState.STARTING: _("Starting"),
        SessionState.WAITING: _("Waiting for data"),
        SessionState.RUNNING: _("Running"),
        SessionState.STALLED: _("Stalled"),
        SessionState.PAUSED: _("Paused"),
        SessionState.STOPPING: _("Stopping"),
        SessionState.FAILED: _("Failed"),
    }
    mark, color = _STATE_MARKS[status.state]
    text = f'<span style="color:{color}">{mark}</span> <b style="font-size:large">{words[status.state]}</b>'
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


def stepText(done: StartUpStep) -> str:
    """The step of the engine's start that is under way, for a progress bar."""
    words = (
        _("checking the environment"),
        _("loading the weights"),
        _("first computation"),
        _("opening the port"),
    )
    number = min(done.number + 1, done.n_steps)
    text = words[number - 1] if done.n_steps == len(words) else done.text
    return _("Step {number} of {total}: {text}").format(number=number, total=done.n_steps, text=text)


def lamp(kind: str, words: str) -> str:
    """A lamp as rich text, ``good`` or ``bad``: shape, color and words."""
    mark, color = _LAMPS[kind]
    return f'<span style="color:{color}">{mark}</span> {html.escape(words)}'


def ageText(age_s: float) -> str:
    """An age with as many digits as one can read while they change."""
    if age_s < 10:
        return _("{seconds:.1f} s old").format(seconds=age_s)
    if age_s < 120:
        return _("{seconds:.0f} s old").format(seconds=age_s)
    return _("{minutes:.0f} min old").format(minutes=age_s / 60)
