"""What is heard: a hit that begins, and numbers that end."""

import qt

from InstrumentTrackerLib.targeting.assessment import CoreVerdict

N_BEEPS_HIT, N_BEEPS_LOSS = 1, 3
BEEP_MSEC = 250


class GuidanceSound:
    """Beeps with the alert sound of the computer, which every Qt has; silent unless ``isOn``."""

    def __init__(self):
        self.isOn = False
        self._hadNumbers = False
        self._wasHit = False

    def follow(self, readout):
        """Hear what changed; None is no session."""
        hasNumbers = readout is not None and readout.status.has_numbers
        isHit = hasNumbers and readout.verdict is CoreVerdict.HIT
        if readout is not None and self._hadNumbers and not hasNumbers:
            self._beep(N_BEEPS_LOSS)
        elif isHit and not self._wasHit:
            self._beep(N_BEEPS_HIT)
        self._hadNumbers, self._wasHit = hasNumbers, isHit

    def _beep(self, times):
        if not self.isOn:
            return
        for number in range(times):
            qt.QTimer.singleShot(number * BEEP_MSEC, beep)


def beep():
    qt.QApplication.beep()
