"""Keys of the reader study: they work while a picture is read, whatever has the focus, and at no other time."""

import qt
import slicer


class ReadingKeys:
    """Actions of the main window; without one, of a widget.

    :param widget: takes the keys where there is no main window.
    """

    def __init__(self, widget):
        # The slice view has the focus after a click; the key belongs to the window so that it works then, too.
        self._owner = slicer.util.mainWindow() or widget
        self._actions = []

    def add(self, key, callback, repeats=False):
        """Call back at a key: its name as Qt has it, ``"N"``, ``"PgUp"``, ``"Shift+Left"``."""
        action = qt.QAction(self._owner)
        action.setShortcut(qt.QKeySequence(key))
        action.autoRepeat = repeats
        action.enabled = False
        action.connect("triggered(bool)", lambda checked=False: callback())
        self._owner.addAction(action)
        self._actions.append(action)
        return action

    def setEnabled(self, enabled):
        for action in self._actions:
            action.enabled = enabled

    def close(self):
        for action in self._actions:
            self._owner.removeAction(action)
        self._actions = []
