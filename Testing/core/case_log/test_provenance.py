"""A case says what computed its numbers, down to the digests of the weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from InstrumentTrackerLib.case_log.provenance import Provenance
from InstrumentTrackerLib.case_log.provenance_lookup import provenance_of
from TemporalReconLib.errors import InputError
from TemporalReconLib.weights.bundle import MODEL_FILE, default_weights


def test_the_digests_are_those_of_the_weights_in_use(tmp_path: Path) -> None:
    found = provenance_of("temporal", "", "network", "cpu", "live")
    for model, digest in (("temporal", found.weights_sha256), ("instrument", found.segmenter_sha256)):
        assert digest == hashlib.sha256((default_weights(model) / MODEL_FILE).read_bytes()).hexdigest()
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"weights")
    assert provenance_of("temporal", str(own), "classical", "cpu", "").weights_sha256 == (
        hashlib.sha256(b"weights").hexdigest()
    )


def test_what_has_no_weights_has_no_digest() -> None:
    found = provenance_of("zero-filled", "", "classical", "cpu", "live")
    assert (found.weights_sha256, found.segmenter_sha256) == ("", "")
    assert "weights_sha256" not in found.to_dict()


def test_provenance_survives_json_and_names_a_wrong_field() -> None:
    found = Provenance(method="temporal", device="cuda:0")
    assert Provenance.from_dict(found.to_dict()) == found
    with pytest.raises(InputError, match="speed: unknown"):
        Provenance.from_dict({"speed": "1"})
    with pytest.raises(InputError, match="device: 7"):
        Provenance.from_dict({"device": 7})
