"""What a result was made with, so that it can be made again."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import TemporalReconLib
from TemporalReconLib.benchmark.code_version import code_digest
from TemporalReconLib.benchmark.cost import device_name
from TemporalReconLib.reconstruction.device import select_device
from TemporalReconLib.reconstruction.registry import METHODS
from TemporalReconLib.source_commit import source_commit
from TemporalReconLib.weights.bundle import default_weights, open_weights

import InstrumentTrackerLib
from InstrumentTrackerLib.evaluation.study.cases.study_config import StudyConfig
from InstrumentTrackerLib.segmentation.registry import segmenter_files

_PACKAGES = ("torch", "monai", "numpy", "scipy", "SimpleITK", "pynrrd", "h5py", "matplotlib", "distributed")
_LENGTH = 16


def results_version(config: StudyConfig) -> str:
    """Digest of the code, the weights and the settings that decide on a row; rows of another version do not mix."""
    settings = f"{config.segmenter}|{config.frames}|{config.point}|{config.margins.success_mm}"
    digest = hashlib.sha256(f"{settings}|{_code_digest()}".encode())
    for name, sha256 in weights_digests(config).items():
        digest.update(f"{name}={sha256}".encode())
    return digest.hexdigest()[:_LENGTH]


@cache
def _code_digest() -> str:
    """Taken once: the code of a running process stays what it was, whatever becomes of its files."""
    return code_digest((TemporalReconLib, InstrumentTrackerLib))


def weights_digests(config: StudyConfig) -> dict[str, str]:
    """SHA256 of every file of weights, by method or ``segmenter``.

    Raises
    ------
    InputError
        If weights are missing or do not belong to the method.
    """
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in _weights_files(config)}


def provenance(config: StudyConfig, device: str) -> dict[str, Any]:
    """Versions, weights, configuration, device and commit, JSON values."""
    return {
        "software": f"InBoreGuidance {InstrumentTrackerLib.__version__}",
        "git_commit": source_commit() or None,
        "results_version": results_version(config),
        "python": platform.python_version(),
        "packages": dict(_versions()),
        "platform": platform.platform(),
        "device": device_name(select_device(device)),
        "weights_sha256": weights_digests(config),
        "config": config.as_json(),
        "command": " ".join(Path(word).name if number == 0 else word for number, word in enumerate(sys.argv)),
    }


def _weights_files(config: StudyConfig) -> Iterator[tuple[str, Path]]:
    for method in config.methods:
        if method in config.weights or (method in METHODS and METHODS[method].has_weights):
            yield method, open_weights(config.weights.get(method) or default_weights(method), method).source
    for path in segmenter_files(config.segmenter, config.segmenter_weights):
        yield f"segmenter: {path.name}", path


def _versions() -> Iterator[tuple[str, str]]:
    for name in _PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
