"""What the measurements of one network's masks are worth: spreads and confidence, fitted on simulated series."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.localization.masks.image_confidence import GUIDE_EVIDENCE, NEEDLE_EVIDENCE, Logistic
from InstrumentTrackerLib.segmentation.registry import calibration_file

SHIPPED = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True)
class Spread:
    """True standard deviation of a measurement from the one that its fit states: both grow together from a floor."""

    floor_mm: float
    factor: float

    def std_mm(self, stated_mm: float) -> float:
        return math.hypot(self.floor_mm, self.factor * stated_mm)


# Of each route, and of what is reported.
ROUTES = (
    "mask_tip",
    "image_tip",
    "mask_axis",
    "image_axis",
    "mask_depth",
    "image_depth",
    "mask_needle",
    "image_needle",
)
REPORTED = ("guide_along", "guide_across", "guide_depth", "needle_along", "needle_across", "needle_depth")
SPREADS = ROUTES + REPORTED


@dataclass(frozen=True)
class Calibration:
    """Spreads by name, the two confidence models, and where they come from.

    Attributes
    ----------
    spreads
        Those of the routes weigh mask against picture; ``depth`` is the position through the plane.
    guide, needle
        Odds that the guide tip, and that a reported needle tip, is within 3 mm.
    provenance
        What it was fitted on, and what it reached there.
    """

    spreads: dict[str, Spread]
    guide: Logistic
    needle: Logistic
    provenance: str

    @classmethod
    def of_model(cls, model: Path | None) -> Calibration:
        """The one beside a network's weights; else that of the network that comes with the product.

        Parameters
        ----------
        model
            Folder or file of the network; None for the one that comes with the product.

        Raises
        ------
        InputError
            As :meth:`read`.
        """
        own = None if model is None else calibration_file(model)
        return cls.read(SHIPPED if own is None or not own.is_file() else own)

    @classmethod
    def read(cls, path: Path = SHIPPED) -> Calibration:
        """Read the JSON file that ``instrument-tracker calibrate`` writes.

        Raises
        ------
        InputError
            If the file cannot be read or lacks a number.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            calibration = cls(
                spreads={name: Spread(*map(float, values["spreads"][name])) for name in SPREADS},
                guide=_logistic(values["guide"], GUIDE_EVIDENCE),
                needle=_logistic(values["needle"], NEEDLE_EVIDENCE),
                provenance=str(values["provenance"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: expected a calibration of the mask localizer ({error}); "
                "fit it anew with 'instrument-tracker calibrate'"
            ) from error
        return calibration

    def write(self, path: Path) -> None:
        """As :meth:`read` reads it."""
        values: dict[str, Any] = {
            "provenance": self.provenance,
            "spreads": {name: [spread.floor_mm, spread.factor] for name, spread in self.spreads.items()},
            "guide": {"bias": self.guide.bias, "weights": self.guide.weights},
            "needle": {"bias": self.needle.bias, "weights": self.needle.weights},
        }
        path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _logistic(values: dict[str, Any], names: tuple[str, ...]) -> Logistic:
    return Logistic(float(values["bias"]), {name: float(values["weights"][name]) for name in names})
