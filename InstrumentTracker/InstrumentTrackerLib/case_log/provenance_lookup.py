"""Digests of the weights in use and the commit of the source, looked up on this computer."""

from __future__ import annotations

import hashlib
from pathlib import Path

from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.registry import METHODS
from TemporalReconLib.source_commit import source_commit
from TemporalReconLib.weights.bundle import METADATA_FILE, default_weights
from TemporalReconLib.weights.metadata import read_block

from InstrumentTrackerLib.case_log.provenance import Provenance
from InstrumentTrackerLib.segmentation.registry import NETWORK

# Folder of our segmentation network among the models.
_SEGMENTER_MODEL = "instrument"


def provenance_of(method: str, weights: str, segmenter: str, device: str, source: str) -> Provenance:
    """What computes with these settings; reads files, so call it on a thread.

    Parameters
    ----------
    weights
        Path of the user's own weights of the reconstruction, empty for those that come with this software.
    """
    is_learned = method in METHODS and METHODS[method].has_weights
    return Provenance(
        commit=source_commit(),
        method=method,
        weights_sha256=_file_sha256(weights) if weights else _shipped_sha256(method) if is_learned else "",
        segmenter=segmenter,
        segmenter_sha256=_shipped_sha256(_SEGMENTER_MODEL) if segmenter == NETWORK else "",
        device=device,
        source=source,
    )


def _shipped_sha256(model: str) -> str:
    try:
        return str(read_block(default_weights(model) / METADATA_FILE).get("sha256", ""))
    except InputError:
        return ""


def _file_sha256(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""
