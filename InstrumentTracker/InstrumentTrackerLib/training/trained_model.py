"""The model of a training run as a folder that ``--weights`` takes and the product ships."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from TemporalReconLib.training.checkpoint import best_checkpoint, read_checkpoint
from TemporalReconLib.weights.bundle import fill_network, open_weights, save_weights
from TemporalReconLib.weights.model_card import PROSTATEX_DATA, SIMULATED_DATA, ModelCard
from TemporalReconLib.weights.weights_file import HEADER_KEY

from InstrumentTrackerLib.networks.instrument_network import InstrumentNetwork, InstrumentNetworkConfig
from InstrumentTrackerLib.segmentation.network_segmenter import METHOD
from InstrumentTrackerLib.training.trainer import Checkpoint

MODEL_FOLDER = "model"
_TASK = "Labels needle guide and biopsy needle in MR images of transrectal in-bore prostate biopsy."
_DESCRIPTION = (
    "nnU-Net's plain 2-D U-Net (MONAI's DynUNet) on pixels of 1.09 mm, with the two neighboring slices as further "
    "channels, a stem of half resolution and a sub-pixel head. Loss: Dice and cross entropy, on the share of each "
    "pixel that the instrument fills. The guide's label ends 5 mm beyond the guide tip (which is the middle of its "
    "dark cap), the needle's label ends at the needle tip."
)
_RENDERED_DATA = (
    "Half of the examples: instruments drawn with widely varied dimensions, brightness and wear into oblique cuts "
    "through procedural pelves{volumes}, with look-alikes that carry no label, contrast curves, "
    "inversion, shading, banding, blur, ringing, noise and undersampling. The other half: frames of simulated series "
    "as the methods of this project reconstruct them at R = 4 to 40, failures among them, and fully sampled; and "
    "slices of single volumes played as time, at R = 3 to 32."
)
_LIMITS = (
    "Its figures come from simulated pictures only and say nothing of a real scanner.",
    "One straight guide of 8 to 14 mm width and at most one needle; slices along the instrument, not across it.",
    "The void in the image is labeled, not the metal.",
)
_NEVER_SEEN = "No interventional image was ever seen in training or validation."
_REFERENCES = (
    "Isensee F, Jaeger PF, Kohl SAA, Petersen J, Maier-Hein KH. nnU-Net: a self-configuring method for deep "
    "learning-based biomedical image segmentation. Nat. Methods 18:203, 2021.",
    "Shi W et al. Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural "
    "network. CVPR, 2016.",
    "Billot B et al. SynthSeg: segmentation of brain MRI scans of any contrast and resolution without retraining. "
    "Med. Image Anal. 86:102789, 2023.",
)
_INPUT = {
    "type": "image",
    "format": "magnitude",
    "modality": "MR",
    "num_channels": 3,
    "spatial_shape": ["64*n", "64*n"],
    "dtype": "float32",
    "value_range": [0, 1.6],
    "is_patch_data": False,
    "channel_def": {"0": "slice before", "1": "the slice that is labeled", "2": "slice behind"},
}
_OUTPUT = {
    "type": "probabilities",
    "format": "segmentation",
    "num_channels": 3,
    "spatial_shape": ["64*n", "64*n"],
    "dtype": "float32",
    "value_range": [0, 1],
    "is_patch_data": False,
    "channel_def": {"0": "background", "1": "guide", "2": "needle"},
}
DATA_FORMAT = {"inputs": {"image": _INPUT}, "outputs": {"pred": _OUTPUT}}


def write_model(folder: Path) -> Path:
    """Write the averaged network of the best checkpoint below the folder of a run; an older model is replaced.

    Before the first validation the newest checkpoint is the best.

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
    network = InstrumentNetwork(InstrumentNetworkConfig.from_json(made_for["config"]))
    fill_network(network, open_weights(source, METHOD))
    model = folder / MODEL_FOLDER
    save_weights(
        model,
        network,
        METHOD,
        made_for["network"],
        made_for["config"],
        _training(settings, progress),
        _figures(progress),
        ModelCard(
            _TASK,
            _DESCRIPTION,
            _data(settings),
            (*_LIMITS, *(() if _n_own(settings) else (_NEVER_SEEN,))),
            _REFERENCES,
            "`--segmenter network`",
            DATA_FORMAT,
        ),
    )
    return model


def _training(settings: Mapping[str, Any], progress: Checkpoint) -> dict[str, Any]:
    return {
        "steps": progress.step,
        "seconds": round(progress.seconds),
        "device": progress.device,
        "settings": {name: value for name, value in settings.items() if name != "backgrounds"},
    }


def _figures(progress: Checkpoint) -> dict[str, dict[str, float | str]]:
    if not progress.figures:
        return {}
    named: dict[str, float | str] = {name.replace("_", " "): value for name, value in progress.figures.items()}
    return {"Validation, simulated and rendered": named}


def _n_own(settings: Mapping[str, Any]) -> int:
    return sum(not name.lower().startswith("prostatex") for name in settings["backgrounds"])


def _data(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of public volumes only: those of others may name a patient."""
    public = [name for name in settings["backgrounds"] if name.lower().startswith("prostatex")]
    n_own = _n_own(settings)
    volumes = " and the volumes named below" if settings["backgrounds"] else ""
    paragraphs = [SIMULATED_DATA, _RENDERED_DATA.format(volumes=volumes)]
    if public:
        paragraphs.append(f"{PROSTATEX_DATA} Volumes: {', '.join(public)}.")
    if n_own:
        paragraphs.append(f"MR volumes of whoever trained it, as anatomy behind the instrument: {n_own}.")
    return tuple(paragraphs)
