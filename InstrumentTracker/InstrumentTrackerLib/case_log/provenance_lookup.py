"""Digests of the weights in use and the commit of the source, looked up on this computer."""

from __future__ import annotations

import hashlib
from pathlib import Path

from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.registry import METHODS
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
        commit=source_commit(Path(__file__)),
        method=method,
        weights_sha256=_file_sha256(weights) if weights else _shipped_sha256(method) if is_learned else "",
        segmenter=segmenter,
        segmenter_sha256=_shipped_sha256(_SEGMENTER_MODEL) if segmenter == NETWORK else "",
        device=device,
        source=source,
    )


def source_commit(path: Path) -> str:
    """Commit of the Git repository that holds a file, or empty: an installed extension has none."""
    for folder in path.resolve().parents:
        git = folder / ".git"
        if git.is_dir():
            try:
                head = (git / "HEAD").read_text(encoding="ascii").strip()
                reference = head.removeprefix("ref: ")
                return head if reference == head else (git / reference).read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError):
                return ""
    return ""


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
