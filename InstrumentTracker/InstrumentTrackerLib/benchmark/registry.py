"""The contenders by name, and which of them this version and these options can run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import TemporalReconLib
from TemporalReconLib.benchmark.code_version import code_digest
from TemporalReconLib.errors import InputError

import InstrumentTrackerLib
from InstrumentTrackerLib.benchmark.plan import Plan
from InstrumentTrackerLib.segmentation.registry import CLASSICAL, segmenter_files

PRODUCT, PICTURES_ALONE = "product", "product-pictures"
# Says nothing of the guide, which is no failure.
NEEDLE_ONLY = "samples"
# In the order of the tables; what each is.
CONTENDERS = {
    PRODUCT: "the whole pipeline as `instrument-tracker track` runs it: pictures and samples fused, and tracked",
    PICTURES_ALONE: "the same without the samples",
    "mask-localizer": "segmentation and localization of each picture alone, no tracker",
    "classical": "the learning-free localizer on each picture alone, no tracker",
    NEEDLE_ONLY: "the needle tip fitted to the k-space samples of each frame, along the axis that was tracked before",
    "paper-rule": "the published rule (major axis of the mask, its end nearest to the center) on the same masks",
    "paper-rule-true-masks": "the published rule on the true masks: a reference, not a method",
}
_VERSION_LENGTH = 12
LIBRARIES = (TemporalReconLib, InstrumentTrackerLib)


def unavailable(segmenter: str) -> dict[str, str]:
    """Contenders that cannot be run, and why."""
    if segmenter == CLASSICAL:
        return {"mask-localizer": "it needs masks of a segmenter; give --segmenter"}
    return {}


def chosen(names: Iterable[str] | None, segmenter: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Contenders to run in the order of the tables, and those left out with the reason.

    Parameters
    ----------
    names
        As asked for; None for all that can be run.

    Raises
    ------
    InputError
        If one that is asked for does not exist or cannot be run.
    """
    reasons = unavailable(segmenter)
    if names is None:
        return tuple(name for name in CONTENDERS if name not in reasons), reasons
    wanted = set(names)
    for name in sorted(wanted):
        if name not in CONTENDERS:
            raise InputError(f"unknown contender '{name}', expected some of {', '.join(CONTENDERS)}")
        if name in reasons:
            raise InputError(f"contender '{name}' cannot be run: {reasons[name]}")
    return tuple(name for name in CONTENDERS if name in wanted), {}


def version_of(plan: Plan) -> str:
    """Digest of the code and the weights that decide on the numbers: results of another version do not mix."""
    digest = hashlib.sha256(f"{plan.segmenter}|{code_digest(LIBRARIES)}".encode())
    for path in segmenter_files(plan.segmenter, plan.segmenter_weights):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:_VERSION_LENGTH]
