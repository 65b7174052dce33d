"""The BART toolbox as a peer: what a researcher would try instead, given the same data."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.benchmark.bart_methods import (
    BART_METHODS,
    COIL,
    N_AXES,
    PHASE,
    READOUT,
    TIME,
    BartMethod,
    check_bart,
)
from TemporalReconLib.errors import InputError
from TemporalReconLib.networks.line_age import NEVER
from TemporalReconLib.reconstruction.coil_sensitivities import estimate_sensitivities
from TemporalReconLib.reconstruction.line_history import LineHistory, hybrid_lines

_CPU = torch.device("cpu")


def bart_images(method: str, frames: Sequence[KSpaceFrame], planning: KSpaceFrame | None = None) -> NDArray[np.float32]:
    """Reconstruct a whole series at once with ``bart pics`` (Uecker et al., BART toolbox, doi:10.5281/zenodo.592960).

    ``bart-tv`` is total variation along time, ``bart-llr`` locally low rank (blocks of 8 x 8 pixels over all
    frames; Zhang et al., MRM 73:655, 2015). Not causal: every image uses all frames. All coils are used, with
    :func:`~TemporalReconLib.reconstruction.coil_sensitivities.estimate_sensitivities` of the planning scan or of the
    newest sample of all lines of the series.

    Parameters
    ----------
    method
        A key of :data:`~TemporalReconLib.benchmark.bart_methods.BART_METHODS`.
    frames
        Undersampled frames of one series, in order.
    planning
        Fully sampled scan of the same geometry: BART gets it as the first time point.

    Returns
    -------
    NDArray
        Magnitude (frame, slice, row, col), without the planning scan.

    Raises
    ------
    InputError
        If BART is not installed or fails, the method is unknown, or frames and planning scan do not fit together.
    """
    _check(method, frames, planning)
    sensitivities = _sensitivities(frames, planning)
    points = [*([] if planning is None else [planning]), *frames]
    slices = []
    for index in range(frames[0].image_shape[0]):
        kspace = np.stack([point.data[:, index] for point in points])
        slices.append(np.abs(_pics(BART_METHODS[method], kspace, sensitivities[:, index])))
    return np.stack(slices, axis=1)[len(points) - len(frames) :]


def _check(method: str, frames: Sequence[KSpaceFrame], planning: KSpaceFrame | None) -> None:
    check_bart(method)
    if not frames:
        raise InputError(f"method '{method}': no frames to reconstruct")
    shape = frames[0].data.shape
    for frame in (*frames, *([] if planning is None else [planning])):
        if frame.data.shape != shape:
            raise InputError(
                f"method '{method}', frame {frame.index}: k-space {frame.data.shape} (coil, slice, ky, kx) does not "
                f"fit the first frame, {shape}"
            )
    if planning is not None and not planning.is_fully_sampled:
        raise InputError(f"planning scan: {planning.acceleration:.1f}x undersampled, expected a fully sampled frame")


def _sensitivities(frames: Sequence[KSpaceFrame], planning: KSpaceFrame | None) -> NDArray[np.complex64]:
    """(coil, slice, row, col), unit root sum of squares."""
    if planning is not None:
        return estimate_sensitivities(*hybrid_lines(planning, _CPU)).numpy()
    history = LineHistory(frames[0].n_coils, frames[0].image_shape, _CPU)
    for frame in frames:
        history.add(*hybrid_lines(frame, _CPU))
    return estimate_sensitivities(history.lines, history.age < NEVER).numpy()


def _pics(method: BartMethod, kspace: NDArray[np.complex64], maps: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """k-space (time, coil, ky, kx), unsampled lines zero, and maps (coil, row, col) -> images (time, row, col)."""
    n_times, n_coils, n_rows, n_columns = kspace.shape
    with tempfile.TemporaryDirectory(prefix="bart-") as name:
        folder = Path(name)
        _write_cfl(folder / "kspace", kspace, {READOUT: n_columns, PHASE: n_rows, COIL: n_coils, TIME: n_times})
        _write_cfl(folder / "maps", maps, {READOUT: n_columns, PHASE: n_rows, COIL: n_coils})
        options = ["-d0", "-S", "-i", str(method.iterations), "-R", f"{method.regularization}:{method.weight}"]
        _run_bart(["pics", *options, "kspace", "maps", "images"], folder)
        return np.fromfile(folder / "images.cfl", np.complex64).reshape(n_times, n_rows, n_columns)


def _write_cfl(path: Path, array: NDArray[np.complex64], sizes: dict[int, int]) -> None:
    """BART's file pair: first axis fastest, so a C-ordered array keeps its bytes and its axes are told in reverse."""
    dimensions = " ".join(str(sizes.get(axis, 1)) for axis in range(N_AXES))
    path.with_suffix(".hdr").write_text(f"# Dimensions\n{dimensions}\n", encoding="ascii")
    np.ascontiguousarray(array, dtype=np.complex64).tofile(path.with_suffix(".cfl"))


def _run_bart(arguments: Sequence[str], folder: Path) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(
        ["bart", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise InputError(f"bart {' '.join(arguments)} failed: {reason[-1]}")
