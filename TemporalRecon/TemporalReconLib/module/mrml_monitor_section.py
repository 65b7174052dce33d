"""The section *Monitor*: whether the picture is live and reliable, what became of the frames, how long they took."""

import time

from slicer.i18n import tr as _

from TemporalReconLib.acquisition.image_frame import RELIABLE_FROM
from TemporalReconLib.engine_client.session import SessionState
from TemporalReconLib.module.mrml_latency_plot import LatencyPlot
from TemporalReconLib.module.mrml_status_text import NOT_KNOWN, ageText, lamp

_DRAW_EVERY_S = 0.5


class MonitorSection:
    """Controls of Monitor.ui.

    :param ui: widgets of the panel by name, after ``addSection(ui, "Monitor")``.
    """

    def __init__(self, ui):
        self.ui = ui
        self._plot = LatencyPlot(ui.latencyPlotLabel)
        self._nFrames = 0
        self._drawnAt = 0.0

    def update(self, status):
        """Show the figures of a SessionStatus; a dash where one is not known."""
        ui = self.ui
        ui.pictureLabel.text = pictureText(status)
        ui.qualityLabel.text = qualityText(status)
        ui.framesLabel.text = framesText(status)
        ui.latencyLabel.text = latencyText(status)
        self._updatePlot(status)

    def _updatePlot(self, status):
        now = time.monotonic()
        if status.state is SessionState.STARTING:
            self._plot.clear()
            self._nFrames = 0
        if status.n_frames > self._nFrames and status.latency_s is not None:
            self._plot.add(now, status.latency_s)
        self._nFrames = status.n_frames
        self.ui.latencyPlotLabel.visible = self._plot.hasSamples
        if not self._plot.hasSamples:
            return
        if not self.ui.monitorCollapsibleButton.collapsed and now - self._drawnAt > _DRAW_EVERY_S:
            self._drawnAt = now
            self._plot.draw(now)


def pictureText(status):
    """Whether the shown picture is live, and how old it is."""
    if status.age_s is None:
        return NOT_KNOWN
    if status.is_stale:
        return lamp("bad", _("not live, {age}").format(age=ageText(status.age_s)))
    if status.is_late:
        return lamp("bad", _("late, {age}").format(age=ageText(status.age_s)))
    return lamp("good", _("live, {age}").format(age=ageText(status.age_s)))


def qualityText(status):
    """The lamp of the picture's quality: shape, color, word and number."""
    if status.silence_s is None or status.is_stale:
        return NOT_KNOWN
    if status.quality is None:
        return _("not estimated by this method")
    percent = f"{100 * status.quality:.0f} %"
    if status.quality < RELIABLE_FROM:
        return lamp("bad", _("unreliable, {percent}").format(percent=percent))
    return lamp("good", _("reliable, {percent}").format(percent=percent))


def framesText(status):
    """What became of the frames that came in."""
    report = status.report
    if report.n_arrived == 0:  # an engine that does not count
        return _("{frames} shown").format(frames=status.n_frames) if status.n_frames else NOT_KNOWN
    return _("{arrived} in, {shown} shown, {skipped} skipped, {lost} lost").format(
        arrived=report.n_arrived, shown=report.n_shown, skipped=report.n_skipped, lost=report.n_lost
    )


def latencyText(status):
    """Median and 95th percentile of the time from the data's arrival to the picture."""
    report = status.report
    if report.latency_median_s is None:
        return NOT_KNOWN if status.latency_s is None else _("{latency:.0f} ms").format(latency=1e3 * status.latency_s)
    median = f"{1e3 * report.latency_median_s:.0f} ms"
    if report.latency_p95_s is None:
        return median
    p95 = f"{1e3 * report.latency_p95_s:.0f} ms"
    return _("{median} median, {p95} 95th percentile").format(median=median, p95=p95)
