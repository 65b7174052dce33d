"""The section *Source*: the scanner, or a series that is played as if it were the scanner."""

import slicer
import vtk
from slicer.i18n import tr as _

from TemporalReconLib.engine_client.session import SessionState
from TemporalReconLib.module.mrml_sample_data import loadSampleCase
from TemporalReconLib.module.mrml_source_choice import liveOptions, seriesEngineOptions, seriesOpener
from TemporalReconLib.module.mrml_source_settings import SourceKind
from TemporalReconLib.module.mrml_source_text import linkText, pauseText, playerText, playText, positionText, sendToText

_CONNECTED = (SessionState.WAITING, SessionState.RUNNING, SessionState.STALLED)
# 160 lines by 8: as many lines per frame as 256 by 13.
_DEMO_ACCELERATION = 8


class SourceSection:
    """Controls of Source.ui; the settings are those of SourceSettings and EngineSettings.

    The panel calls ``engineOptions`` when it starts the engine, ``update`` from its timer and ``end`` when it stops.
    A series begins to play by itself as soon as the engine is connected.

    :param ui: widgets of the panel by name, after ``addSection(ui, "Source")``.
    :param onDemo: called with the SampleCase after the user has loaded it.
    """

    def __init__(self, ui, onDemo=None):
        self.ui = ui
        self._onDemo = onDemo
        self._settings = None
        self._settingsTag = None
        self._player = None
        self._openSeries = None
        self._isActive = self._isConnected = False
        ui.sourceKindComboBox.connect("currentIndexChanged(int)", self.onKindChanged)
        ui.demoButton.connect("clicked(bool)", self.onDemoClicked)
        ui.seriesFileLineEdit.connect("currentPathChanged(QString)", self.onSeriesFileChanged)
        ui.playButton.connect("clicked(bool)", self.onPlay)
        ui.stepBackButton.connect("clicked(bool)", self.onStepBack)
        ui.stepForwardButton.connect("clicked(bool)", self.onStepForward)
        ui.positionSlider.connect("valueChanged(int)", self.onSeek)
        ui.rateSpinBox.connect("valueChanged(double)", self.onRateChanged)
        ui.loopCheckBox.connect("toggled(bool)", self.onLoopingChanged)
        self._choiceWidgets = (
            *(ui.sourceKindComboBox, ui.demoButton, ui.scannerLineEdit, ui.connectToLineEdit, ui.mrdPortSpinBox),
            *(ui.seriesNodeSelector, ui.volumeNodeSelector, ui.seriesFileLineEdit, ui.framesAsComboBox),
            ui.accelerationSpinBox,
        )
        self._playWidgets = (ui.playButton, ui.stepBackButton, ui.stepForwardButton, ui.positionSlider)

    def setSettings(self, settings):
        """Show the settings of a parameter node, which GuiBinding has bound to the rest; None is no node."""
        if self._settings is not None:
            self._settings.RemoveObserver(self._settingsTag)
        self._settings = settings
        if settings is None:
            self.end()
            self._openSeries = None
        else:
            self._settingsTag = settings.AddObserver(vtk.vtkCommand.ModifiedEvent, self.onSettingsModified)
        self.showSettings()

    @property
    def isLive(self):
        """Whether the frames come from the scanner."""
        return self._settings is None or self._settings.sourceKind is SourceKind.LIVE

    @property
    def playerStatus(self):
        """PlayerStatus of the series that plays, or None."""
        return None if self._player is None else self._player.status

    def engineOptions(self):
        """Return what ``serve`` needs for the source, and take a copy of the nodes to play.

        Raises InputError where the source cannot work.
        """
        self._openSeries = None
        if self.isLive:
            return [] if self._settings is None else liveOptions(self._settings)
        # Now, when the user has just pressed Start: what takes a moment must not hold up the first pictures.
        self._openSeries = seriesOpener(self._settings)
        return seriesEngineOptions(self._settings)

    def begin(self, host, port):
        """Play the series of ``engineOptions`` to the engine that listens there; nothing for a live source."""
        if self._openSeries is None or self._player is not None:
            return
        from TemporalReconLib.playback.series_player import SeriesPlayer  # with packages that Slicer may lack

        rate, isLooping = self._settings.rate, self._settings.looping
        self._player = SeriesPlayer(self._openSeries, host, port, rate_fps=rate or None, is_looping=isLooping)
        self._player.play()

    def end(self):
        """Stop playing; returns at once."""
        if self._player is not None:
            self._player.close(0.0)
            self._player = None

    def update(self, status):
        """Show a SessionStatus; begin when the engine is there, end when it is gone."""
        isConnected = status.state in _CONNECTED
        if isConnected and not self._isConnected:
            self.beginHere()
        elif not isConnected:
            self.end()
        if not status.state.is_active:
            self._openSeries = None
        self._isConnected = isConnected
        self._isActive = status.state.is_active
        self.enableChoices()
        self.ui.linkValueLabel.text = linkText(status)
        self.showPlayer()

    def beginHere(self):
        """Play to the engine of the settings."""
        if self._settings is not None:
            self.begin(self._settings.engineHost.strip() or "127.0.0.1", self._settings.enginePort)

    def showSettings(self):
        """What belongs to the chosen kind of source."""
        ui, settings = self.ui, self._settings
        if settings is None:
            return
        kind = settings.sourceKind
        ui.livePanel.visible = kind is SourceKind.LIVE
        ui.sequencePanel.visible = kind is SourceKind.SEQUENCE
        ui.volumePanel.visible = kind is SourceKind.VOLUME
        ui.filePanel.visible = kind is SourceKind.FILE
        ui.framesPanel.visible = kind in (SourceKind.VOLUME, SourceKind.FILE)
        ui.playerPanel.visible = kind is not SourceKind.LIVE
        if ui.seriesFileLineEdit.currentPath != settings.seriesFile:
            ui.seriesFileLineEdit.currentPath = settings.seriesFile
        ui.sendToValueLabel.text = sendToText(settings)
        self.enableChoices()
        self.showPlayer()

    def enableChoices(self):
        """What is played rests while the engine is active; how is free."""
        for widget in self._choiceWidgets:
            widget.enabled = not self._isActive
        undersamples = self._settings is not None and self._settings.acceleration > 1
        for widget in (self.ui.maskComboBox, self.ui.maskSeedSpinBox):
            widget.enabled = undersamples and not self._isActive

    def showPlayer(self):
        """Position, state and what can be pressed now."""
        ui, player = self.ui, self._player
        status = None if player is None else player.status
        for widget in self._playWidgets:
            widget.enabled = status is not None and status.n_frames > 0
        ui.playButton.enabled = status is not None
        ui.playButton.text = pauseText() if status is not None and status.state.is_busy else playText()
        ui.positionLabel.text = positionText(status)
        ui.playerStateLabel.text = playerText(status)
        if status is not None and status.n_frames and not ui.positionSlider.sliderDown:
            wasBlocked = ui.positionSlider.blockSignals(True)
            ui.positionSlider.maximum = status.n_frames - 1
            ui.positionSlider.value = status.position or 0
            ui.positionSlider.blockSignals(wasBlocked)

    def onSettingsModified(self, caller=None, event=None):
        self.showSettings()

    def onKindChanged(self, index=0):
        self.showSettings()

    def onSeriesFileChanged(self, path):
        # Bound by hand: the path connector shows an empty path as ".", which looks like a choice.
        if self._settings is not None:
            self._settings.seriesFile = path

    def onDemoClicked(self, checked=False):
        settings = self._settings
        if settings is None:
            return
        with slicer.util.tryWithErrorDisplay(_("The sample case could not be loaded."), waitCursor=True):
            case = loadSampleCase()
            settings.sourceKind = SourceKind.SEQUENCE
            settings.seriesNode = case.sequence
            settings.acceleration = _DEMO_ACCELERATION
            settings.planningVolume = case.planning
            if self._onDemo is not None:
                self._onDemo(case)

    def onPlay(self, checked=False):
        if self._player is None:
            return
        if self._player.status.state.is_busy:
            self._player.pause()
        else:
            self._player.play()
        self.showPlayer()

    def onStepBack(self, checked=False):
        if self._player is not None:
            self._player.step(-1)

    def onStepForward(self, checked=False):
        if self._player is not None:
            self._player.step(1)

    def onSeek(self, index):
        if self._player is not None:
            self._player.seek(index)

    def onRateChanged(self, rate):
        if self._player is not None:
            self._player.set_rate(rate or None)

    def onLoopingChanged(self, isLooping):
        if self._player is not None:
            self._player.set_looping(isLooping)
