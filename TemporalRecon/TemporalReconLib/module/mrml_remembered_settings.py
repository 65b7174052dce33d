"""Settings that a user expects to find again in the next scene and the next start of Slicer."""

import logging

import qt

_GROUP = "InBoreGuidance"
_NAMES = ("engineHost", "enginePort", "scannerAddress", "recordFolder")


def remember(settings):
    """Keep connection and folders of a parameter node for new scenes."""
    for name in _NAMES:
        if hasattr(settings, name):
            keep(name, getattr(settings, name))


def recall(settings):
    """Fill a new parameter node with what was kept; a value that is not valid any more is left out."""
    for name in _NAMES:
        if not hasattr(settings, name):
            continue
        value = kept(name)
        if value is None:
            continue
        try:
            setattr(settings, name, type(getattr(settings, name))(value))
        except ValueError as error:
            logging.info(f"InBoreGuidance: kept setting left out: {error}")


def keep(name, value):
    """Keep one value in the user's settings of Slicer."""
    qt.QSettings().setValue(f"{_GROUP}/{name}", value)


def kept(name):
    """A value that was kept, or None."""
    return qt.QSettings().value(f"{_GROUP}/{name}")
