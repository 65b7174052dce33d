"""The card that goes with weights: what they are, what they were made from, how good they are, what they cannot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from TemporalReconLib.errors import InputError
from TemporalReconLib.weights.metadata import RECONSTRUCTION_FORMAT

CARD_FILE = "docs/README.md"
MAX_BYTES = 2**20
SIMULATED_DATA = (
    "Simulated in-bore biopsies of this project's own simulator (`temporal-recon simulate`): raw multi-coil k-space "
    "with noise, a moving patient, guide and needle. No interventional patient data."
)
PROSTATEX_DATA = (
    "Diagnostic T2 images of PROSTATEx as anatomy behind the simulated instrument: Litjens G, Debats O, Barentsz J, "
    "Karssemeijer N, Huisman H. SPIE-AAPM PROSTATEx Challenge Data. The Cancer Imaging Archive, 2017. "
    "doi:10.7937/K9TCIA.2017.MURS5CL (CC BY 3.0). No image of it is part of this model."
)


@dataclass(frozen=True)
class ModelCard:
    """What a person has to say about weights; steps, figures and the digest are added when they are saved.

    Attributes
    ----------
    task
        One sentence: what it does.
    description
        What it is, in Markdown.
    data
        One paragraph per source, such as :data:`SIMULATED_DATA` and :data:`PROSTATEX_DATA`.
    limits
        What it cannot do, or was never tested on.
    references
        Publications.
    used_by
        Where a user gives these weights, in Markdown; empty for ``--method`` with the method's name.
    data_format
        What goes into the network and what comes out, in MONAI's words.
    """

    task: str
    description: str
    data: tuple[str, ...] = (SIMULATED_DATA,)
    limits: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    used_by: str = ""
    data_format: Mapping[str, Any] = field(default_factory=lambda: RECONSTRUCTION_FORMAT)

    def text(self, block: Mapping[str, Any], n_parameters: int) -> str:
        """The card as Markdown, with the facts of the metadata's own block."""
        return _TEMPLATE.format(
            network=block["network"],
            used_by=self.used_by or f"`--method {block['method']}`",
            task=self.task,
            description=self.description,
            data="\n\n".join(self.data),
            training=_bullets([f"{name}: {_shown(value)}" for name, value in block["training"].items()]),
            figures=_table(block["figures"]),
            limits=_bullets(list(self.limits)),
            references=_bullets(list(self.references)),
            n_parameters=n_parameters,
            config=json.dumps(block["config"], sort_keys=True),
            sha256=block["sha256"],
        )


_TEMPLATE = """# {network}: weights of {used_by}

> **Research software, not a medical device.** It is not cleared for clinical use. Do not base decisions about a
> patient on it.

{task}

## What it is

{description}

{n_parameters:,} parameters, configuration `{config}`.

## Data

{data}

## Training

{training}

## Figures

{figures}

## Limits

{limits}

## References

{references}

## License and identity

Apache-2.0, see `LICENSE`. SHA256 of `models/model.safetensors`, checked each time the model is loaded:

    {sha256}

Nothing in this folder is executed.
"""


def read_card(path: Path) -> str:
    """The card of a model folder, or of the weights file inside it, as Markdown.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = path if path.is_dir() else path.absolute().parent.parent
    card = folder / CARD_FILE
    if not card.is_file():
        raise InputError(f"{path}: no model card {CARD_FILE}; give a model folder")
    if card.stat().st_size > MAX_BYTES:
        raise InputError(f"{card}: larger than {MAX_BYTES // 2**20} MB, expected a model card")
    return card.read_text(encoding="utf-8", errors="replace")


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) if lines else "None stated."


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else f"`{json.dumps(value, sort_keys=True)}`"


def _table(figures: Mapping[str, Mapping[str, float | str]]) -> str:
    """Rows by name; columns in the order they first appear."""
    if not figures:
        return "None stated."
    columns = list(dict.fromkeys(column for row in figures.values() for column in row))
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in figures.items():
        cells = [
            f"{row[column]:.4g}" if isinstance(row.get(column), float) else str(row.get(column, ""))
            for column in columns
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
