"""Puts sections that several panels share into a panel, each with a ``.ui`` file of its own."""

from pathlib import Path

import slicer

# Beside the packages, in the source tree as in an installed extension.
_UI_FOLDER = Path(__file__).parents[2] / "Resources" / "UI"


def addSection(ui, name, folder=_UI_FOLDER):
    """Load ``<name>.ui``, put it into the panel's empty layout ``<name>Place`` and its widgets into ``ui``.

    The widget names of all sections of a panel must differ.

    :param ui: widgets of the panel by name, as of ``slicer.util.childWidgetVariables``.
    :param name: ``"Reconstruction"`` for Reconstruction.ui and the layout ``reconstructionPlace``.
    :param folder: where the ``.ui`` file is; the sections that both panels share are in Temporal Recon's.
    """
    widget = slicer.util.loadUI(str(folder / f"{name}.ui"))
    widget.setMRMLScene(slicer.mrmlScene)
    getattr(ui, f"{name[0].lower()}{name[1:]}Place").addWidget(widget)
    vars(ui).update(vars(slicer.util.childWidgetVariables(widget)))
