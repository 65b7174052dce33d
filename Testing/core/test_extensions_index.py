"""The entry for Slicer's Extensions Index is valid and says the same as CMake and the tree."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import jsonschema
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ENTRY = REPOSITORY / "Resources" / "ExtensionsIndex" / "InBoreGuidance.json"
# What version 1 of the index's schema asks for; Slicer/Slicer, Schemas/.
TEXT = {"type": "string", "minLength": 1}
SCHEMA = {
    "type": "object",
    "required": ["$schema", "category", "scm_url"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "pattern": r"/slicer-extension-catalog-entry-schema-v1\.0\.[012]\.json#$"},
        **dict.fromkeys(("category", "scm_url", "scm_revision", "build_subdirectory"), TEXT),
        "scm_type": {"enum": ["git", "local"]},
        "build_dependencies": {"type": "array", "items": TEXT},
        "enabled": {"type": "boolean"},
        "tier": {"enum": [1, 3, 5]},
    },
}
# The branch that the entry names; pictures are fetched from it.
RAW = "https://raw.githubusercontent.com/InBoreGuidance/SlicerInBoreGuidance/main/"


@pytest.fixture
def entry() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(ENTRY.read_text(encoding="utf-8"))
    return content


@pytest.fixture
def cmake() -> dict[str, str]:
    """Meta-information as the index's own check reads it: ``set(EXTENSION_X "value")`` on one line."""
    text = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    found = dict(re.findall(r'^set\(EXTENSION_([A-Z]+) "([^"]+)"\)$', text, flags=re.MULTILINE))
    found["NAME"] = re.findall(r"project\(([^\s)]+)", text)[0]
    return found


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG file."""
    begin = path.read_bytes()[:24]
    assert begin[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG"
    width, height = struct.unpack(">II", begin[16:24])
    return width, height


def test_the_entry_fulfills_the_schema(entry: dict[str, Any]) -> None:
    jsonschema.validate(entry, SCHEMA)
    for name in SCHEMA["required"]:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({key: value for key, value in entry.items() if key != name}, SCHEMA)


def test_the_entry_says_the_same_as_cmake(entry: dict[str, Any], cmake: dict[str, str]) -> None:
    assert ENTRY.stem == cmake["NAME"]
    assert entry["category"] == cmake["CATEGORY"]
    assert entry["build_dependencies"] == cmake["DEPENDS"].split()
    assert entry["scm_url"] == cmake["HOMEPAGE"]


def test_the_names_follow_the_rules_of_the_index(entry: dict[str, Any], cmake: dict[str, str]) -> None:
    assert not cmake["NAME"].startswith("Slicer")
    assert entry["scm_url"].startswith("https://")
    assert entry["scm_url"].rsplit("/", 1)[1] == f"Slicer{cmake['NAME']}"


def test_icon_and_screenshots_are_pictures_of_this_tree(cmake: dict[str, str]) -> None:
    screenshots = cmake["SCREENSHOTURLS"].split()
    assert screenshots
    for url in (cmake["ICONURL"], *screenshots):
        assert url.startswith(RAW)
        assert min(size(REPOSITORY / url.removeprefix(RAW))) >= 128
    assert size(REPOSITORY / cmake["ICONURL"].removeprefix(RAW)) == (128, 128)


def test_license_and_names_of_the_modules_are_on_the_homepage() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "Apache License" in (REPOSITORY / "LICENSE").read_text(encoding="utf-8")
    for word in ("InBoreGuidance", "TemporalRecon", "InstrumentTracker", "Apache", "not a medical device"):
        assert word in readme
