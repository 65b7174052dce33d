"""A researcher's own methods, from installed Python distributions.

A distribution offers a method by an entry point (``pyproject.toml``)::

    [project.entry-points."inboreguidance.reconstructors"]
    my-method = "my_package:make"

``make(device: torch.device, weights: Path | None)`` returns a
:class:`~TemporalReconLib.reconstruction.reconstructor.Reconstructor`; ``--method my-method --weights PATH`` runs it.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.reconstructor import MethodInfo, Reconstructor

if TYPE_CHECKING:
    import torch

GROUP = "inboreguidance.reconstructors"

logger = logging.getLogger(__name__)


def plugin_names(built_in: Collection[str]) -> tuple[str, ...]:
    """Names of the methods that installed distributions offer, sorted; imports none of them.

    A built-in method keeps its name: a plug-in that claims it is left out, and the log says so.
    """
    names = set()
    for entry in entry_points(group=GROUP):
        if entry.name in built_in:
            logger.warning("method '%s' of %s is ignored: the name is built in", entry.name, _origin(entry))
        else:
            names.add(entry.name)
    return tuple(sorted(names))


def make_plugin(name: str, device: torch.device, weights: Path | None) -> Reconstructor:
    """Import a plug-in and build its method.

    Raises
    ------
    InputError
        If two distributions offer the name, or the plug-in cannot be imported, takes other arguments, or makes
        something that is no :class:`Reconstructor`. What its own code raises while building is not touched.
    """
    offers = tuple(entry_points(group=GROUP, name=name))
    if not offers:
        raise InputError(f"method '{name}': no installed distribution offers it any more; install it again")
    if len(offers) > 1:
        origins = " and ".join(sorted(_origin(entry) for entry in offers))
        raise InputError(f"method '{name}' is offered by {origins}; uninstall all but one")
    return _built(offers[0], device, weights)


def _built(entry: EntryPoint, device: torch.device, weights: Path | None) -> Reconstructor:
    plugin = f"method '{entry.name}' of {_origin(entry)}"
    try:
        make = entry.load()
    except Exception as error:  # importing runs the plug-in's code, which may fail in any way
        raise InputError(
            f"{plugin} cannot be imported: {type(error).__name__}: {error}; repair or uninstall it"
        ) from error
    try:
        inspect.signature(make).bind(device, weights)
    except (TypeError, ValueError) as error:
        raise InputError(f"{plugin}: {entry.value} cannot be called as make(device, weights): {error}") from error
    made: Reconstructor = make(device, weights)
    missing = [member for member in vars(Reconstructor) if not member.startswith("_") and not hasattr(made, member)]
    if missing:
        raise InputError(f"{plugin} made a {type(made).__name__}, which is no reconstructor: no {', '.join(missing)}")
    if not isinstance(made.info, MethodInfo):
        raise InputError(f"{plugin}: info is a {type(made.info).__name__}, expected a MethodInfo")
    return made


def _origin(entry: EntryPoint) -> str:
    """The distribution as a user would uninstall it."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.value
