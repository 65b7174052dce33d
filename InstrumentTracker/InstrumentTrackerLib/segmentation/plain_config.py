"""Configuration files of others, read as plain values: nothing in them is imported, evaluated or called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from TemporalReconLib.errors import InputError

MAX_BYTES = 4 * 2**20
# Sizes of a network's parts: far above any real one, far below what fills the memory by one number.
MAX_NUMBER = 4096


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file, or a YAML file where PyYAML is installed, that holds an object.

    Raises
    ------
    InputError
        If the file is missing, larger than 4 MB, or no such object.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES // 2**20} MB, expected a configuration")
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else _yaml(path, text)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); this file was expected here") from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: cannot be understood ({str(error).splitlines()[0]}); export the model again"
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected an object with named fields; export the model again")
    return content


def object_in(content: dict[str, Any], name: str, source: Path) -> dict[str, Any]:
    """``content[name]`` if it is an object; raises InputError that names the file and the field."""
    value = content.get(name)
    if not isinstance(value, dict):
        raise InputError(f"{source}: '{name}' is {value!r:.60}, expected an object")
    return value


def require_plain(value: Any, where: str) -> None:
    """Refuse what MONAI's ConfigParser would run or look up: expressions, references, objects.

    Raises
    ------
    InputError
        With ``where`` and what was found.
    """
    if isinstance(value, str) and value.lstrip().startswith(("$", "@", "%")):
        raise InputError(f"{where}: '{value:.60}' is an expression, which would run code; write out its value")
    if isinstance(value, dict):
        if "_target_" in value:
            raise InputError(f"{where}: builds a '{value['_target_']!s:.60}', which is not allowed here")
        for name, item in value.items():
            require_plain(item, f"{where}.{name}")
    if isinstance(value, list):
        for item in value:
            require_plain(item, where)


def require_small(value: Any, where: str) -> None:
    """Refuse numbers that would fill the memory with a network; raises InputError with ``where``."""
    if isinstance(value, int | float) and not abs(value) <= MAX_NUMBER:
        raise InputError(f"{where}: {value!r:.40} is beyond {MAX_NUMBER}")
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        require_small(item, where)


def one_line(error: BaseException) -> str:
    """The beginning of an error's message, fit for a line of ours."""
    return " ".join(str(error).split())[:160]


def _yaml(path: Path, text: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise InputError(f"{path}: needs PyYAML (pip install pyyaml); or save the configuration as .json") from error
    try:
        # Repeated references let a short file stand for an endless one.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise ValueError("it has aliases; write out what they stand for")
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(one_line(error)) from error
