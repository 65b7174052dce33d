"""What the settings of a source mean: options of the engine, or a series to play."""

from pathlib import Path

from slicer.i18n import tr as _

from TemporalReconLib.engine_client.session import listen_options
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.peer_address import parse_address
from TemporalReconLib.module.mrml_source_settings import FramesAs, SourceKind
from TemporalReconLib.scene.mrml_nodes import ROLE
from TemporalReconLib.scene.mrml_volume import VOLUME_ROLE

# A volume that is played as time comes so often, each time with other lines where it is undersampled.
VOLUME_REPEATS = 100


def liveOptions(settings):
    """Options of ``serve`` that let the scanner in; raises InputError where they cannot work."""
    options = listen_options(settings.scannerAddress)
    if settings.mrdPort:
        if settings.mrdPort == settings.enginePort:
            raise InputError(_("Source: MRD and OpenIGTLink cannot share port {port}").format(port=settings.mrdPort))
        options += ["--mrd-port", str(settings.mrdPort)]
    if settings.connectTo.strip():
        parse_address(settings.connectTo.strip())
        options += ["--forward", settings.connectTo.strip()]
    return options


def seriesEngineOptions(settings):
    """Options of ``serve`` for a series."""
    return ["--slices-as-time"] if playsSlices(settings) else []


def playsSlices(settings):
    """Whether the slices of a volume are the frames."""
    return settings.sourceKind is not SourceKind.SEQUENCE and settings.framesAs is FramesAs.SLICES


def checkSeries(settings):
    """Raise InputError if nothing is chosen that could be played."""
    if settings.sourceKind is SourceKind.FILE:
        path = settings.seriesFile.strip()
        if not path or not Path(path).exists():
            raise InputError(_("Source: no such file or folder: '{path}'; choose one").format(path=path))
        return
    node = chosenNode(settings)
    if node is None:
        kind = settings.sourceKind.label()
        raise InputError(_("Source: '{kind}' is set, but none is chosen; choose one, or press Demo").format(kind=kind))
    if node.GetAttribute(ROLE) == VOLUME_ROLE:
        text = _("Source: {name} is the live picture itself; choose another volume")
        raise InputError(text.format(name=node.GetName()))


def seriesOpener(settings):
    """A function that opens the chosen series, for any thread; nodes are copied and modules imported now.

    Raises InputError where nothing is chosen, or a node cannot be played.
    """
    from TemporalReconLib.engine.offline import SeriesOptions, open_for_playing, prepare_for_playing
    from TemporalReconLib.playback import series_player  # noqa: F401
    from TemporalReconLib.scene.mrml_series import copy_of_sequence, copy_of_volume

    checkSeries(settings)
    acceleration = float(settings.acceleration) if settings.acceleration > 1 else None
    isVolume = settings.sourceKind is SourceKind.VOLUME
    frames = "slices" if playsSlices(settings) else f"repeat:{VOLUME_REPEATS}" if isVolume else "time"
    options = SeriesOptions(acceleration, settings.mask, settings.maskSeed, frames)
    if settings.sourceKind is SourceKind.FILE:
        path = Path(settings.seriesFile.strip())
        return lambda: open_for_playing(path, options)
    node = chosenNode(settings)
    images = copy_of_volume(node) if isVolume else copy_of_sequence(node)
    return lambda: prepare_for_playing(images.series(frames), options)


def chosenNode(settings):
    """The sequence or volume to play, or None."""
    return settings.seriesNode if settings.sourceKind is SourceKind.SEQUENCE else settings.volumeNode
