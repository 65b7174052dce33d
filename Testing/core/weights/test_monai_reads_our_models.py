"""MONAI's own tools accept a model folder of ours."""

from __future__ import annotations

import json

import pytest
from monai.bundle import ConfigParser, verify_metadata
from weights_samples import save

jsonschema = pytest.importorskip("jsonschema", reason="MONAI checks metadata with jsonschema (pip install jsonschema)")

pytestmark = pytest.mark.filterwarnings("ignore:No hash value provided")

# What MONAI's schema of 2024-07-25 asks for, in fewer words; the real one is fetched from the net.
TEXT, NUMBER = {"type": "string"}, {"type": "number"}
TENSOR = {
    "type": "object",
    "required": ["type", "format", "num_channels", "spatial_shape", "dtype", "value_range"],
    "properties": {
        **dict.fromkeys(("type", "format", "dtype"), TEXT),
        "num_channels": {"type": "integer"},
        "spatial_shape": {"type": "array", "items": {"type": ["string", "integer"]}},
        "value_range": {"type": "array", "items": NUMBER},
        "is_patch_data": {"type": "boolean"},
        "channel_def": {"type": "object"},
    },
}
TEXTS = ("schema", "version", "monai_version", "pytorch_version", "numpy_version", "task", "description", "authors")
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2019-09/schema",
    "type": "object",
    "required": [*TEXTS, "copyright", "required_packages_version", "network_data_format"],
    "properties": {
        **dict.fromkeys((*TEXTS, "copyright", "data_source", "intended_use"), TEXT),
        "required_packages_version": {"type": "object"},
        "changelog": {"type": "object"},
        "references": {"type": "array", "items": TEXT},
        "network_data_format": {
            "type": "object",
            "required": ["inputs", "outputs"],
            "additionalProperties": {"type": "object", "minProperties": 1, "additionalProperties": TENSOR},
        },
    },
}


@pytest.fixture
def metadata_file(tmp_path):
    save(tmp_path / "model")
    return tmp_path / "model" / "configs" / "metadata.json"


@pytest.fixture
def schema_file(tmp_path):
    """Where MONAI keeps a schema it has fetched before, so that it does not fetch it again."""
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(SCHEMA), "utf-8")
    return path


def test_monai_verifies_our_metadata(metadata_file, schema_file):
    verify_metadata(meta_file=str(metadata_file), filepath=str(schema_file))


def test_monai_would_notice_a_missing_field(metadata_file, schema_file):
    metadata = json.loads(metadata_file.read_text("utf-8"))
    del metadata["network_data_format"]["outputs"]["image"]["dtype"]
    metadata_file.write_text(json.dumps(metadata), "utf-8")
    with pytest.raises(ValueError, match="'dtype' is a required property"):
        verify_metadata(meta_file=str(metadata_file), filepath=str(schema_file))


def test_monai_reads_our_block_as_it_stands(metadata_file):
    parser = ConfigParser()
    parser.read_meta(str(metadata_file))
    block = json.loads(metadata_file.read_text("utf-8"))["inboreguidance"]
    assert parser.get_parsed_content("_meta_::inboreguidance") == block
