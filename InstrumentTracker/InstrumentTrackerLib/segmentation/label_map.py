"""Which labels of a model made elsewhere are the guide and the needle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.segmentation.instrument_mask import GUIDE_LABEL, NEEDLE_LABEL

STRUCTURES = ("guide", "needle")


@dataclass(frozen=True)
class LabelMap:
    """Numbers of guide and needle among a model's labels; None for what it does not segment."""

    guide: int | None
    needle: int | None

    @classmethod
    def of(cls, names: Mapping[str, int], chosen: Mapping[str, str], source: str) -> LabelMap:
        """Find the structures by the names of the labels, or as the user chose them.

        Parameters
        ----------
        names
            Label numbers by name, with the background as 0.
        chosen
            Name or number of a label for ``guide`` and ``needle``; where it is not empty, only what it says counts.
        source
            The specification without its choices, such as ``nnunet:FOLDER``, for messages.

        Raises
        ------
        InputError
            If no label is guide or needle, or a choice is no label; says what there is and how to choose.
        """
        by_name = {name.strip().lower(): number for name, number in names.items()}
        there = ", ".join(f"{name} = {number}" for name, number in names.items()) or "none"
        if not chosen:
            found = {name: by_name[name] for name in STRUCTURES if by_name.get(name, 0) > 0}
        else:
            found = {}
            for name, text in chosen.items():
                number = int(text) if text.isdecimal() else by_name.get(text.strip().lower(), 0)
                if number == 0 or number not in by_name.values():
                    raise InputError(f"{source}: {name}={text} is no label; the model's labels: {there}")
                found[name] = number
        if not found:
            raise InputError(
                f"{source}: no label is named guide or needle; say which they are, as in "
                f"{source}?guide=1&needle=2; the model's labels: {there}"
            )
        if len(set(found.values())) < len(found):
            raise InputError(f"{source}: guide and needle are the same label; the model's labels: {there}")
        return cls(found.get("guide"), found.get("needle"))

    def labels(self, theirs: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Our labels (1 guide, 2 needle) for theirs, any shape; their other structures become background."""
        ours = np.zeros(theirs.shape, np.uint8)
        for number, label in ((self.guide, GUIDE_LABEL), (self.needle, NEEDLE_LABEL)):
            if number is not None:
                ours[theirs == number] = label
        return ours

    def probabilities(self, theirs: NDArray[np.floating]) -> NDArray[np.float32]:
        """Guide and needle (2, ...) from their classes (class, ...); zero for what they do not segment."""
        ours = np.zeros((2, *theirs.shape[1:]), np.float32)
        for index, number in enumerate((self.guide, self.needle)):
            if number is not None:
                ours[index] = theirs[number]
        return ours
