"""Why no picture comes while a series is played: the player's reasons in the state line instead of the scanner's."""

from dataclasses import replace

from slicer.i18n import tr as _

from TemporalReconLib.engine_client.session import SessionState
from TemporalReconLib.playback.player_status import PlayerState

# The user has stopped it, or it is over: a picture that stays is no fault.
RESTING = (PlayerState.STOPPED, PlayerState.PAUSED, PlayerState.FINISHED)


def explained(status, playerStatus):
    """A SessionStatus with the reason and advice that belong to a PlayerStatus (None: nothing is played)."""
    if playerStatus is None or status.state not in (SessionState.WAITING, SessionState.STALLED):
        return status
    words = {
        PlayerState.STOPPED: (_("the series is stopped"), _("Press Play in Source.")),
        PlayerState.OPENING: (_("the series is being opened"), ""),
        PlayerState.CONNECTING: (_("the series is about to play"), ""),
        PlayerState.PAUSED: (_("the series is paused"), _("Press Play in Source.")),
        PlayerState.FINISHED: (_("the series has ended"), _("Press Play in Source for once more.")),
        PlayerState.FAILED: (playerStatus.reason, _("Press Play in Source, or choose another series.")),
    }.get(playerStatus.state)
    if words is None:
        return status
    rests = status.state is SessionState.STALLED and playerStatus.state in RESTING
    state = SessionState.PAUSED if rests else status.state
    return replace(status, state=state, reason=words[0], advice=words[1])
