"""What a MONAI bundle says about its network, read without running it.

MONAI's own ConfigParser imports and calls whatever a bundle names and evaluates its expressions: a bundle is a program.
Here it is data: of ``configs/inference`` and ``configs/metadata.json`` only the entries named below are read, as plain
values, and the network is one of MONAI's segmentation networks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.segmentation.plain_config import object_in, read_object, require_plain, require_small

CONFIG_FILES = ("configs/inference.json", "configs/inference.yaml", "configs/inference.yml")
METADATA_FILE = "configs/metadata.json"
WEIGHTS_FILES = ("models/model.safetensors", "models/model.pt")
# They do nothing but compute, and fetch no pretrained weights.
NETWORKS = (
    *("AttentionUnet", "BasicUNet", "DynUNet", "HighResNet", "MedNeXt"),
    *("SegResNet", "SegResNetDS", "SwinUNETR", "UNETR", "UNet", "VNet"),
)
INTENSITY = ("ScaleIntensity", "ScaleIntensityRange", "ScaleIntensityRangePercentiles", "NormalizeIntensity")
GEOMETRY = ("Orientation", "Spacing")
# What they do to a file is done to our frames already.
_NEEDLESS = ("LoadImage", "EnsureChannelFirst", "AddChannel", "EnsureType", "CastToType", "ToTensor")
_TARGET = re.compile(r"(?:monai\.[a-z0-9_.]+\.)?([A-Z]\w*)")
_MIN_PIXEL_MM = 0.1


@dataclass(frozen=True)
class BundleConfig:
    """How to run a bundle's network.

    Attributes
    ----------
    network, arguments
        One of :data:`NETWORKS`, and what it is built with.
    spatial_dims
        2: slice by slice; 3: the whole stack.
    intensity
        Names (:data:`INTENSITY`) and arguments of what is done to the intensities, in this order.
    axcodes
        Where the axes of the array point, such as ``RAS``; None: as acquired (i, j, k).
    pixdim
        Spacing in mm along the axes; None: as acquired.
    window
        Size of the sliding window; None: the whole image at once.
    has_sigmoid
        Each channel is a structure of its own; otherwise the channels exclude one another (softmax).
    names
        Channels by name.
    weights
        The weights file.
    """

    network: str
    arguments: dict[str, Any]
    spatial_dims: int
    intensity: tuple[tuple[str, dict[str, Any]], ...]
    axcodes: str | None
    pixdim: tuple[float, ...] | None
    window: tuple[int, ...] | None
    has_sigmoid: bool
    names: dict[str, int]
    weights: Path


def read_bundle_config(folder: Path) -> BundleConfig:
    """Read a bundle's configuration.

    Raises
    ------
    InputError
        If a file is missing, or an entry that is needed is an expression, another network or another transform than
        those supported here; says which.
    """
    config_file = _first_of(folder, CONFIG_FILES)
    metadata_file = _first_of(folder, (METADATA_FILE,))
    config, metadata = read_object(config_file), read_object(metadata_file)
    network, arguments = _network(config, config_file)
    spatial_dims = arguments.get("spatial_dims", 3)
    if spatial_dims not in (2, 3):
        raise InputError(f"{config_file}: network_def.spatial_dims is {spatial_dims!r:.40}, expected 2 or 3")
    if arguments.get("in_channels", 1) != 1:
        raise InputError(f"{config_file}: the network takes {arguments['in_channels']} channels; live images have one")
    steps = _transforms(config.get("preprocessing"), config_file, "preprocessing")
    axcodes, pixdim = _geometry(steps, spatial_dims, config_file)
    return BundleConfig(
        network=network,
        arguments=arguments,
        spatial_dims=spatial_dims,
        intensity=tuple((name, _intensity_arguments(given)) for name, given in steps if name in INTENSITY),
        axcodes=axcodes,
        pixdim=pixdim,
        window=_window(config.get("inferer"), spatial_dims, config_file),
        has_sigmoid=_has_sigmoid(config, config_file),
        names=_channel_names(metadata, metadata_file),
        weights=_first_of(folder, WEIGHTS_FILES),
    )


def _first_of(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"bundle {folder}: no {' or '.join(names)} in it; expected the folder of a MONAI bundle")


def _network(config: dict[str, Any], source: Path) -> tuple[str, dict[str, Any]]:
    definition = config.get("network_def", config.get("network"))
    if not isinstance(definition, dict):
        raise InputError(
            f"{source}: network_def is {definition!r:.60}, expected an object with _target_ and arguments; "
            "expressions would run code and are not evaluated"
        )
    name = _class_of(definition, source, "network_def")
    if name not in NETWORKS:
        raise InputError(
            f"{source}: network_def builds '{definition['_target_']!s:.60}'; supported: {', '.join(NETWORKS)}"
        )
    arguments = _arguments(definition, source, "network_def")
    require_small(arguments, f"{source}: network_def")
    return name, arguments


def _class_of(definition: dict[str, Any], source: Path, where: str) -> str:
    target = definition.get("_target_")
    match = _TARGET.fullmatch(target) if isinstance(target, str) else None
    if match is None:
        raise InputError(f"{source}: {where}._target_ is {target!r:.60}, expected a class of MONAI")
    return match[1]


def _arguments(definition: dict[str, Any], source: Path, where: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
    arguments = {name: value for name, value in definition.items() if name != "_target_" and name not in without}
    for name, value in arguments.items():
        if name.startswith("_"):
            raise InputError(f"{source}: {where}.{name} is not supported; leave it out")
        require_plain(value, f"{source}: {where}.{name}")
    return arguments


def _transforms(block: Any, source: Path, where: str) -> list[tuple[str, dict[str, Any]]]:
    """Names, without the d of dictionary transforms, and plain arguments."""
    if block is None:
        return []
    listed = block.get("transforms") if isinstance(block, dict) else block
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise InputError(f"{source}: {where} is {listed!r:.60}, expected a list of transforms, not an expression")
    steps = []
    for index, item in enumerate(listed):
        place = f"{where}[{index}]"
        name = re.sub(r"(d|D|Dict)$", "", _class_of(item, source, place))
        if name in _NEEDLESS:
            continue
        if where == "preprocessing" and name not in (*INTENSITY, *GEOMETRY):
            raise InputError(
                f"{source}: {place} is {item['_target_']}; supported: {', '.join((*INTENSITY, *GEOMETRY))}"
            )
        wanted = name in (*INTENSITY, *GEOMETRY, "Activations")
        steps.append((name, _arguments(item, source, place, ("keys", "mode")) if wanted else {}))
    return steps


def _intensity_arguments(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in ("allow_missing_keys", "dtype")}


def _geometry(
    steps: list[tuple[str, dict[str, Any]]], spatial_dims: int, source: Path
) -> tuple[str | None, tuple[float, ...] | None]:
    order = [name for name, _ in steps if name in GEOMETRY]
    if len(order) != len(set(order)) or order == ["Spacing", "Orientation"]:
        raise InputError(
            f"{source}: preprocessing does {', '.join(order)}; supported: one Orientation, then one Spacing"
        )
    given: Mapping[str, Any] = dict(steps)
    axcodes = given["Orientation"].get("axcodes") if "Orientation" in order else None
    if axcodes is not None:
        if spatial_dims == 2:
            raise InputError(f"{source}: preprocessing turns the axes of slices, which is not supported")
        axcodes = "".join(axcodes)
        if len(axcodes) != 3 or any(len(set(pair) & set(axcodes)) != 1 for pair in ("RL", "AP", "SI")):
            raise InputError(f"{source}: preprocessing: axcodes '{axcodes:.20}', expected three letters such as RAS")
    pixdim = given["Spacing"].get("pixdim") if "Spacing" in order else None
    if "Spacing" in order and not _are_spacings(pixdim, spatial_dims):
        raise InputError(
            f"{source}: preprocessing: pixdim {pixdim!r:.40}, expected {spatial_dims} spacings "
            f"of {_MIN_PIXEL_MM} mm or more"
        )
    return axcodes, None if pixdim is None else tuple(float(value) for value in pixdim)


def _are_spacings(pixdim: Any, count: int) -> bool:
    return (
        isinstance(pixdim, list)
        and len(pixdim) == count
        and all(isinstance(value, int | float) and value >= _MIN_PIXEL_MM for value in pixdim)
    )


def _window(inferer: Any, spatial_dims: int, source: Path) -> tuple[int, ...] | None:
    if inferer is None:
        return None
    name = _class_of(inferer, source, "inferer") if isinstance(inferer, dict) else ""
    if name == "SimpleInferer":
        return None
    if name != "SlidingWindowInferer":
        raise InputError(f"{source}: inferer is {inferer!r:.60}; supported: SimpleInferer, SlidingWindowInferer")
    size = inferer.get("roi_size")
    size = [size] * spatial_dims if isinstance(size, int) else size
    if not isinstance(size, list) or len(size) != spatial_dims or not all(_is_size(value) for value in size):
        raise InputError(f"{source}: inferer.roi_size is {size!r:.40}, expected {spatial_dims} sizes from 1 to 1024")
    return tuple(size)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1024


def _has_sigmoid(config: dict[str, Any], source: Path) -> bool:
    steps = dict(_transforms(config.get("postprocessing"), source, "postprocessing"))
    return bool(steps.get("Activations", {}).get("sigmoid", False))


def _channel_names(metadata: dict[str, Any], source: Path) -> dict[str, int]:
    outputs = object_in(object_in(metadata, "network_data_format", source), "outputs", source)
    if len(outputs) != 1:
        raise InputError(f"{source}: network_data_format.outputs has {len(outputs)} entries, expected one")
    only = next(iter(outputs))
    channels = object_in(object_in(outputs, only, source), "channel_def", source)
    if not all(number.isdecimal() and isinstance(name, str) for number, name in channels.items()):
        raise InputError(f"{source}: channel_def is {channels!r:.60}, expected names by number, as in '1': 'guide'")
    return {name: int(number) for number, name in channels.items()}
