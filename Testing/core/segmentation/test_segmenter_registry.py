"""What ``--segmenter`` understands, and what it says where it does not."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

import numpy as np
import pytest
from InstrumentTrackerLib.cli.guidance_options import add_segmenter_options
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.segmentation.label_map import LabelMap
from InstrumentTrackerLib.segmentation.registry import (
    SegmenterSpec,
    check_segmenter,
    make_segmenter,
)
from segmenter_samples import a_frame, a_unet, write_bundle
from TemporalReconLib.errors import InputError


def test_the_learning_free_way_needs_no_segmenter():
    assert make_segmenter("classical") is None


def test_a_bundle_is_made_from_its_folder_and_its_chosen_labels(tmp_path):
    folder = write_bundle(tmp_path / "their bundle?", a_unet(), channels={"0": "background", "1": "a", "2": "b"})
    segmenter = make_segmenter(f"bundle:{folder}?guide=b&needle=a", "cpu")
    mask = segmenter.segment(a_frame((1, 32, 32)))
    assert isinstance(mask, InstrumentMask)
    assert mask.labels.shape == (1, 32, 32)


def test_an_unknown_segmenter_is_answered_with_what_is_possible():
    with pytest.raises(InputError) as refusal:
        make_segmenter("magic")
    line = str(refusal.value)
    assert "'magic'" in line
    assert "\n" not in line
    for possible in ("network", "classical", "nnunet:FOLDER", "bundle:FOLDER"):
        assert possible in line


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("nnunet", "unknown segmenter 'nnunet'"),
        ("nnunet:", "names no folder; expected nnunet:FOLDER"),
        ("bundle: ?guide=1", "names no folder"),
        ("nnunet:/no/such/place", "nnunet:/no/such/place: no such folder"),
        ("bundle:/no/such/place?guide=1", "bundle:/no/such/place: no such folder"),
        ("Network", "unknown segmenter 'Network'"),
        ("", "unknown segmenter ''"),
    ],
)
def test_what_names_no_model_is_refused_in_one_line(spec, complaint):
    with pytest.raises(InputError, match=re.escape(complaint)):
        check_segmenter(spec)


def test_a_folder_without_the_model_names_the_file_that_was_expected(tmp_path):
    with pytest.raises(InputError, match=r"no configs/inference\.json or .* in it"):
        make_segmenter(f"bundle:{tmp_path}", "cpu")


def test_weights_belong_to_our_network_only(tmp_path):
    for spec in ("classical", f"bundle:{tmp_path}", f"nnunet:{tmp_path}"):
        with pytest.raises(InputError, match="takes no weights of its own"):
            check_segmenter(spec, tmp_path / "model.safetensors")
    assert check_segmenter("network", tmp_path).kind == "network"


@pytest.mark.parametrize(
    ("ending", "chosen"),
    [
        ("", {}),
        ("?guide=1", {"guide": "1"}),
        ("?needle=biopsy needle&guide=3", {"needle": "biopsy needle", "guide": "3"}),
    ],
)
def test_the_choice_of_labels_is_taken_off_the_folder(tmp_path, ending, chosen):
    folder = tmp_path / "what?guides"
    folder.mkdir()
    assert SegmenterSpec.parse(f"nnunet:{folder}{ending}") == SegmenterSpec("nnunet", folder, chosen)


def test_the_option_has_a_default_that_exists():
    parser = argparse.ArgumentParser()
    add_segmenter_options(parser)
    assert check_segmenter(parser.parse_args([]).segmenter).folder is None
    assert parser.parse_args(["--segmenter", "nnunet:x"]).segmenter == "nnunet:x"
    assert "bundle:FOLDER" in parser.format_help()


def test_a_command_line_is_checked_without_torch():
    script = (
        "import sys; from InstrumentTrackerLib.segmentation.registry import check_segmenter; "
        "check_segmenter('classical'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("False", "")


THEIRS = {"background": 0, "Guide": 1, "prostate": 2, "needle": 3}


def test_labels_are_matched_by_name_and_other_structures_become_background():
    labels = LabelMap.of(THEIRS, {}, "nnunet:x")
    assert labels.labels(np.array([0, 1, 2, 3])).tolist() == [0, 1, 0, 2]
    classes = np.arange(8, dtype=np.float32).reshape(4, 2)
    assert labels.probabilities(classes).tolist() == [[2, 3], [6, 7]]


def test_a_model_of_the_guide_alone_has_no_needle():
    labels = LabelMap.of({"background": 0, "guide": 1}, {}, "nnunet:x")
    assert labels.labels(np.array([0, 1])).tolist() == [0, 1]
    assert labels.probabilities(np.ones((2, 3))).tolist() == [[1, 1, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"guide": "prostate"}, [0, 0, 1, 0]),
        ({"needle": "1"}, [0, 2, 0, 0]),
        ({"guide": "3", "needle": "1"}, [0, 2, 0, 1]),
    ],
)
def test_what_the_user_chooses_counts_and_nothing_else(chosen, expected):
    assert LabelMap.of(THEIRS, chosen, "nnunet:x").labels(np.arange(4)).tolist() == expected


@pytest.mark.parametrize("chosen", [{"guide": "4"}, {"guide": "0"}, {"needle": "background"}, {"guide": "liver"}])
def test_a_choice_that_is_no_label_is_refused_with_those_that_are(chosen):
    with pytest.raises(InputError, match="is no label; the model's labels: background = 0, Guide = 1, prostate = 2"):
        LabelMap.of(THEIRS, chosen, "nnunet:x")


def test_one_label_cannot_be_both():
    with pytest.raises(InputError, match="guide and needle are the same label"):
        LabelMap.of(THEIRS, {"guide": "1", "needle": "guide"}, "nnunet:x")
