"""What computed the numbers of a case."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from TemporalReconLib.errors import InputError

from InstrumentTrackerLib import __version__


@dataclass(frozen=True)
class Provenance:
    """What computed the numbers; empty where it is not known.

    Attributes
    ----------
    version
        Of this software.
    commit
        Of its source, marked where that was changed.
    method, segmenter
        Names of reconstruction and segmentation.
    weights_sha256
        Of the reconstruction's weights.
    segmenter_sha256
        Of the segmenter's weights.
    device
        What computed, such as ``cpu`` or ``cuda:0``.
    source
        Where the pictures came from, such as ``live`` or a series' name.
    """

    version: str = __version__
    commit: str = ""
    method: str = ""
    weights_sha256: str = ""
    segmenter: str = ""
    segmenter_sha256: str = ""
    device: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not isinstance(getattr(self, field.name), str):
                raise InputError(f"{field.name}: {getattr(self, field.name)!r} is not a text")

    def to_dict(self) -> dict[str, str]:
        """What is known."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_dict(cls, values: Any) -> Provenance:
        """From :meth:`to_dict`; raises InputError that names the field."""
        if not isinstance(values, dict):
            raise InputError("provenance: expected an object of texts")
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InputError(f"{unknown[0]}: unknown field of the provenance")
        return cls(**{"version": "", **values})
