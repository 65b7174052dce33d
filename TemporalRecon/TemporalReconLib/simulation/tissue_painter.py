"""Layered painting of tissues onto points of space, with partial volume."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from TemporalReconLib.simulation.bssfp import TISSUES, steady_state_signal
from TemporalReconLib.simulation.shapes import Array, coverage

# Tissues whose signal depends alike on off-resonance share a class; each class has one representative tissue.
BAND_CLASSES: Mapping[str, str] = {"soft": "smooth_muscle", "fat": "fat", "fluid": "urine"}
_CLASS_OF_TISSUE: Mapping[str, str] = {
    "fat": "fat",
    "marrow": "fat",
    "urine": "fluid",
    "seminal_vesicle": "fluid",
    "blood": "fluid",
}


class TissuePainter:
    """Accumulates on-resonance signal, one layer over the other.

    Attributes
    ----------
    amplitude
        On-resonance signal of each band class, float32 of the shape of the points.
    """

    def __init__(self, shape: tuple[int, ...], flip_deg: float, contrast: Mapping[str, float], edge_mm: float) -> None:
        self.amplitude = {name: np.zeros(shape, dtype=np.float32) for name in BAND_CLASSES}
        self._signal = {
            name: float(np.abs(steady_state_signal(tissue, flip_deg, 0.0))) * contrast.get(name, 1.0)
            for name, tissue in TISSUES.items()
        }
        self._edge_mm = edge_mm

    def paint(self, tissue: str, distance: Array, texture: Array | float = 1.0, opacity: float = 1.0) -> None:
        """Cover the inside of ``distance`` (mm, negative inside) with a tissue.

        Parameters
        ----------
        texture
            Factor on the signal, of the shape of the points.
        opacity
            1 replaces what was there; less mixes with it.
        """
        amount = coverage(distance, self._edge_mm)
        touched = np.flatnonzero(amount)
        if touched.size == 0:
            return
        share = amount.reshape(-1)[touched] * np.float32(opacity)
        factor = texture.reshape(-1)[touched] if isinstance(texture, np.ndarray) else np.float32(texture)
        for name, layer in self.amplitude.items():
            flat = layer.reshape(-1)
            kept = flat[touched] * (1 - share)
            if name == _CLASS_OF_TISSUE.get(tissue, "soft"):
                kept += share * np.float32(self._signal[tissue]) * factor
            flat[touched] = kept
