"""The model of a training run as a folder that ``--weights`` takes and the product ships."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from TemporalReconLib.training.checkpoint import Checkpoint, best_checkpoint, read_checkpoint
from TemporalReconLib.training.methods import make_unroll
from TemporalReconLib.training.quality_calibration import CalibratedQuality
from TemporalReconLib.training.validation import ACCELERATIONS
from TemporalReconLib.weights.bundle import fill_network, open_weights, save_weights
from TemporalReconLib.weights.model_card import PROSTATEX_DATA, SIMULATED_DATA, ModelCard
from TemporalReconLib.weights.weights_file import HEADER_KEY

MODEL_FOLDER = "model"
_QIN = (
    "Qin C, Schlemper J, Caballero J, Price AN, Hajnal JV, Rueckert D. Convolutional recurrent neural networks for "
    "dynamic MR image reconstruction. IEEE Trans. Med. Imaging 38:280, 2019."
)
_NOORDMAN = "Noordman CR et al. J. Med. Imaging 12:035001, 2025."
_TASKS = {
    "temporal": "Reconstructs each frame of an undersampled in-bore MR series from its lines and all that came before.",
    "bcrnn": "Reconstructs windows of five frames of an undersampled in-bore MR series; not causal.",
    "nontemporal": "Reconstructs each frame of an undersampled in-bore MR series for itself.",
}
_DESCRIPTIONS = {
    "temporal": "Causal recurrent network with multi-coil data consistency. The loss weighs the image toward shaft and "
    "tip of the instrument.",
    "bcrnn": "CRNN-MRI as published, bidirectional in time, with multi-coil data consistency; loss 1 - SSIM.",
    "nontemporal": "CRNN-MRI without its recurrence in time, the published ablation; loss 1 - SSIM.",
}
_REFERENCES = {
    "temporal": (
        "Hammernik K et al. Learning a variational network for reconstruction of accelerated MRI data. Magn. Reson. "
        "Med. 79:3055, 2018.",
        _QIN,
    ),
    "bcrnn": (_QIN, _NOORDMAN),
    "nontemporal": (_QIN, _NOORDMAN),
}


def write_model(folder: Path, quality: CalibratedQuality | None = None) -> Path:
    """Write the averaged network of the best checkpoint below the folder of a run; an older model is replaced.

    Before the first validation the newest checkpoint is the best. ``quality`` is stored with the weights.

    Returns
    -------
    Path
        The model folder.

    Raises
    ------
    InputError
        If nothing was trained in the folder yet, or it cannot be written to.
    """
    source = best_checkpoint(folder)
    content = read_checkpoint(source)
    made_for, settings, progress = content[HEADER_KEY], content["settings"], Checkpoint(**content["progress"])
    network = make_unroll(made_for["method"]).network
    fill_network(network, open_weights(source, made_for["method"]))
    model = folder / MODEL_FOLDER
    save_weights(
        model,
        network,
        made_for["method"],
        made_for["network"],
        made_for["config"] | ({} if quality is None else {"quality": quality.model.as_json()}),
        _training(settings, progress),
        _figures(progress) | ({} if quality is None else {"Quality signal, simulated failures": quality.figures}),
        _card(made_for["method"], settings),
    )
    return model


def _training(settings: Mapping[str, Any], progress: Checkpoint) -> dict[str, Any]:
    files = ("backgrounds", "recordings")
    return {
        "steps": progress.step,
        "seconds": round(progress.seconds),
        "device": progress.device,
        "settings": {name: value for name, value in settings.items() if name not in files},
    }


def _figures(progress: Checkpoint) -> dict[str, dict[str, float | str]]:
    if not progress.is_validated:
        return {}
    rates = " and ".join(map(str, ACCELERATIONS))
    row: dict[str, float | str] = {"PSNR (dB)": progress.psnr, "PSNR near the tip (dB)": progress.psnr_tip}
    return {f"Validation, simulated, R = {rates}, a third of it volumes played slice by slice": row}


def _card(method: str, settings: Mapping[str, Any]) -> ModelCard:
    matrices = settings["matrices"]
    limits = (
        "Its figures come from simulated series only and say nothing of a real scanner.",
        f"Trained for one slice at a time, {min(matrices)} to {max(matrices)} rows and columns, Cartesian lines, "
        "R = 4 to 40.",
    )
    return ModelCard(_TASKS[method], _DESCRIPTIONS[method], _data(settings), limits, _REFERENCES[method])


def _data(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of public volumes only: those of others may name a patient."""
    public = [name for name in settings["backgrounds"] if name.lower().startswith("prostatex")]
    n_own = len(settings["backgrounds"]) - len(public)
    paragraphs = [SIMULATED_DATA]
    if public:
        paragraphs.append(f"{PROSTATEX_DATA} Volumes: {', '.join(public)}.")
    if n_own:
        paragraphs.append(f"MR volumes of whoever trained it, as anatomy behind the simulated instrument: {n_own}.")
    if settings["recordings"]:
        paragraphs.append(
            f"Fully sampled MR series of whoever trained it, half of the examples: {len(settings['recordings'])}."
        )
    return tuple(paragraphs)
