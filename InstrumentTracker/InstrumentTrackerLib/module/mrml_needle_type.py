"""Biopsy needles to choose from."""

import enum

from slicer.i18n import tr as _

from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle


class NeedleType(enum.Enum):
    """Needles by their lengths, as labels state them; the scene keeps the name."""

    THROW_22_NOTCH_18 = BiopsyNeedle(22.0, 18.0, 4.0)
    THROW_22_NOTCH_19 = BiopsyNeedle(22.0, 19.0, 3.0)
    THROW_15_NOTCH_11 = BiopsyNeedle(15.0, 11.0, 4.0)
    BY_HAND_NOTCH_18 = BiopsyNeedle(0.0, 18.0, 4.0)
    CUSTOM = None

    def label(self):
        """As the list of needles says it."""
        if self is NeedleType.CUSTOM:
            return _("Custom")
        words = (
            _("By hand, notch {notch:.0f} mm")
            if self.value.throw_mm == 0
            else _("{throw:.0f} mm throw, {notch:.0f} mm notch")
        )
        return words.format(throw=self.value.throw_mm, notch=self.value.notch_mm)
