"""What can be trained: each learned method's network with its loss, and its recipes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from TemporalReconLib.errors import InputError
from TemporalReconLib.training.recipe import RECIPES, Recipe

if TYPE_CHECKING:
    from TemporalReconLib.training.unroll import Unroll

TRAINABLE_METHODS = ("temporal", "bcrnn", "nontemporal")
# Time of a step beside one of the temporal network, with a quarter of its strips.
_STEP_COST = {"bcrnn": 4, "nontemporal": 2}


def make_unroll(method: str) -> Unroll:
    """The network of a method with its loss; weights are drawn from torch's generator.

    Raises
    ------
    InputError
        If the method is unknown or has nothing to train.
    """
    from TemporalReconLib.networks.crnn_mri import CrnnMri, NontemporalCrnnMri
    from TemporalReconLib.networks.temporal_network import TemporalNetwork
    from TemporalReconLib.training.crnn_unroll import CrnnUnroll
    from TemporalReconLib.training.unroll import TemporalUnroll

    _check(method)
    if method == "temporal":
        return TemporalUnroll(TemporalNetwork())
    return CrnnUnroll(CrnnMri() if method == "bcrnn" else NontemporalCrnnMri())


def recipe_for(method: str, name: str) -> Recipe:
    """A recipe of :data:`~TemporalReconLib.training.recipe.RECIPES`, fitted to the method.

    Raises
    ------
    InputError
        If the method or the recipe is unknown.
    """
    _check(method)
    if name not in RECIPES:
        raise InputError(f"unknown recipe '{name}', expected one of: {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    return recipe if method == "temporal" else _of_windows(recipe, _STEP_COST[method])


def _of_windows(recipe: Recipe, step_cost: int) -> Recipe:
    """The same time for fewer steps of one window each, and the published learning rate."""
    return replace(
        recipe,
        steps=recipe.steps // step_cost,
        batch_size=max(1, recipe.batch_size // 4),
        n_frames=15,
        frames_per_step=5,
        learning_rate=1e-3,
    )


def _check(method: str) -> None:
    if method not in TRAINABLE_METHODS:
        raise InputError(f"method '{method}' cannot be trained, expected one of: {', '.join(TRAINABLE_METHODS)}")
