"""Configuration, cases and annotations: what is taken, what is refused in which words, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import nrrd
import numpy as np
import pytest
from InstrumentTrackerLib.evaluation.study.cases.annotation import annotation_of
from InstrumentTrackerLib.evaluation.study.cases.case_folder import read_folder
from InstrumentTrackerLib.evaluation.study.cases.manifest import read_manifest
from InstrumentTrackerLib.evaluation.study.cases.markups_file import read_markups
from InstrumentTrackerLib.evaluation.study.cases.reference_mask import mask_pixels, read_masks
from InstrumentTrackerLib.evaluation.study.cases.screening import screened
from InstrumentTrackerLib.evaluation.study.cases.study_case import REAL, SIMULATED, StudyCase
from InstrumentTrackerLib.evaluation.study.cases.study_config import StudyConfig, read_config
from small_cases import write_markups
from TemporalReconLib.acquisition.frame_series import FrameList, SlicesAsTime
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError

TOML = """
methods = ["sliding-window", "zero-filled"]
accelerations = [4, 8, 16]
masks = ["paper", "golden"]
seeds = [0, 3]
frames = "repeat:5"
point = "needle"
segmenter = "classical"

[margins]
tip_error_mm = 0.5
success_points = 3
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    found = read_config(write(tmp_path / "study.toml", TOML))
    assert (found.methods, found.accelerations) == (("sliding-window", "zero-filled"), (4.0, 8.0, 16.0))
    assert (found.seeds, found.frames, found.point) == ((0, 3), "repeat:5", "needle")
    assert (found.margins.tip_error_mm, found.margins.success_points, found.margins.penalty_mm) == (0.5, 3.0, 20.0)
    written = found.as_json()
    del written["segmenter_weights"]
    assert read_config(write(tmp_path / "study.json", json.dumps(written))) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("acceleration = [8]", ["unknown field 'acceleration'", "accelerations"]),
        ("accelerations = 8", ["field 'accelerations'", "expected a list"]),
        ("accelerations = [8, 0.5]", ["field 'accelerations[1]'", "0.5"]),
        ("accelerations = [16, 8]", ["field 'accelerations'", "ascending"]),
        ("accelerations = [8, true]", ["field 'accelerations[1]'", "True"]),
        ("seeds = [-1]", ["field 'seeds[0]'"]),
        ("seeds = [1, 1]", ["field 'seeds'", "twice"]),
        ('masks = ["radial"]', ["field 'masks[0]'", "paper", "radial"]),
        ('methods = ["bogus"]', ["field 'methods[0]'", "unknown method 'bogus'"]),
        ('frames = "repeat:0"', ["field 'frames'", "repeat:N"]),
        ('point = "tip"', ["field 'point'", "guide, needle"]),
        ('segmenter = "magic"', ["field 'segmenter'", "magic"]),
        ("[margins]\ntip_error_mm = 0", ["field 'margins.tip_error_mm'", "0"]),
        ("[margins]\ntip = 1", ["unknown field 'margins.tip'"]),
        ('[weights]\nbcrnn = "a.pt"', ["field 'weights.bcrnn'", "not among 'methods'"]),
        ("methods = [", ["not readable as TOML"]),
    ],
)
def test_a_wrong_field_is_named_with_the_file(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path / "study.toml", text)
    with pytest.raises(InputError) as refusal:
        read_config(path)
    for word in [str(path), *words]:
        assert word in str(refusal.value)


def test_a_config_of_another_kind_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected \.toml or \.json"):
        read_config(write(tmp_path / "study.yaml", "methods: []"))
    with pytest.raises(InputError, match=r"missing\.toml: cannot be read"):
        read_config(tmp_path / "missing.toml")
    with pytest.raises(InputError, match="JSON object"):
        read_config(write(tmp_path / "list.json", "[]"))


def made_up_files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_a_table_names_patients_readers_and_what_is_left_out_with_the_reason(tmp_path: Path) -> None:
    made_up_files(tmp_path, *(f"{name}.nrrd" for name in "abcdefgh"), "a.mrk.json", "a.ann.mrk.json")
    table = write(
        tmp_path / "cases.csv",
        "patient,case,input,annotations,group,frames,annotations_ann\n"
        "p1,a,a.nrrd,a.mrk.json,north,slices,a.ann.mrk.json\n"
        "p1,a,b.nrrd,a.mrk.json,north,,\n"  # the same case again
        "p1,other,a.nrrd,a.mrk.json,north,,\n"  # the same file again
        "p2,c,c.nrrd,a.mrk.json,north,,\n"
        "p2,d,d.nrrd,a.mrk.json,south,,\n"  # in two groups
        "p3,e,e.nrrd,,north,,\n"  # nothing known of it
        "p3,f,f.nrrd,f.mrk.json,north,,\n"  # a file that is not there
        "p3,g,g.nrrd,none,north,sometimes,\n"  # no such way to play it
        "p4,h,h.nrrd,none,north,,\n"
        "p5,i,missing.nrrd,none,north,,\n",
    )
    cases, unreadable = read_manifest(table)
    kept, excluded = screened(cases)
    assert [(case.key, case.annotations) for case in kept] == [
        ("p1/a", (tmp_path / "a.mrk.json",)),
        ("p4/h", ()),
    ]
    assert (kept[0].frames, kept[0].group) == ("slices", "north")
    assert kept[0].readers == (("ann", (tmp_path / "a.ann.mrk.json",)),)
    reasons = {(each.patient, each.case): each.reason for each in unreadable + excluded}
    for place, word in {
        ("p1", "a"): "duplicate case: patient and case",
        ("p1", "other"): "the same INPUT as p1/a",
        ("p2", "c"): "patient in 2 groups",
        ("p2", "d"): "patient in 2 groups",
        ("p3", "e"): "missing annotation",
        ("p3", "f"): "missing annotation",
        ("p3", "g"): "field 'frames'",
        ("p5", "i"): "no such file",
    }.items():
        assert word in reasons.pop(place)
    assert reasons == {}


def test_a_table_with_wrong_columns_is_refused_whole(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'case'"):
        read_manifest(write(tmp_path / "a.csv", "patient,input,annotations\n"))
    with pytest.raises(InputError, match="unknown column 'annotation'"):
        read_manifest(write(tmp_path / "b.csv", "patient,case,input,annotations,annotation\n"))
    with pytest.raises(InputError, match="expected commas"):
        read_manifest(write(tmp_path / "c.csv", "patient;case;input;annotations\n"))


def test_a_folder_holds_patients_with_annotations_beside_their_images(tmp_path: Path) -> None:
    made_up_files(
        tmp_path,
        "p1/scan.seq.nrrd",
        "p1/scan.mrk.json",
        "p1/scan.seg.nrrd",
        "p1/scan.planning.nrrd",
        "p1/scan.ann.mrk.json",
        "p1/blank.nii.gz",
        "p2/sim.h5",
        "p2/sim.json",
        "p3/dicom/1.dcm",
        "p3/dicom.mrk.json",
        "stray.nrrd",
    )
    cases, excluded = read_folder(tmp_path)
    found = {case.key: case for case in cases}
    assert set(found) == {"p1/scan", "p2/sim", "p3/dicom"}
    scan = found["p1/scan"]
    assert [path.name for path in scan.annotations] == ["scan.mrk.json", "scan.seg.nrrd"]
    assert scan.planning == tmp_path / "p1" / "scan.planning.nrrd"
    assert scan.readers == (("ann", (tmp_path / "p1" / "scan.ann.mrk.json",)),)
    assert (scan.origin, found["p2/sim"].origin) == (REAL, SIMULATED)
    assert {(each.case, each.reason.split(":")[0].split(";")[0]) for each in excluded} == {
        ("stray.nrrd", "outside a patient's folder"),
        ("blank", "missing annotation"),
    }
    with pytest.raises(InputError, match="no case found"):
        (tmp_path / "empty").mkdir()
        read_folder(tmp_path / "empty")


@pytest.mark.parametrize("system", ["LPS", "RAS"])
def test_markups_mean_the_same_place_in_both_coordinate_systems(tmp_path: Path, system: str) -> None:
    path = tmp_path / "tips.mrk.json"
    tip, shaft = np.array([10.0, -20.0, 30.0]), np.array([10.0, -20.0, -10.0])
    write_markups(path, {"Guide-1": tip, "shaft": shaft}, system)
    points = read_markups(path)[None]
    np.testing.assert_allclose(points.guide, tip)
    np.testing.assert_allclose(points.axis, [0, 0, 1])
    assert points.needle is None


def test_markups_of_single_frames_unplaced_points_and_names_of_lists(tmp_path: Path) -> None:
    entries = [
        {"label": "F-1", "description": "frame 2", "position": [-1, -2, 3], "positionStatus": "defined"},
        {"label": "F-2", "description": "frame 4", "position": [0, 0, 0], "positionStatus": "undefined"},
    ]
    markup = {"type": "Fiducial", "name": "Needle", "coordinateSystem": "LPS", "controlPoints": entries}
    found = read_markups(write(tmp_path / "n.mrk.json", json.dumps({"markups": [markup]})))
    np.testing.assert_allclose(found[2].needle, [1, 2, 3])
    assert found[4].needle is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"coordinateSystem": "XYZ"}, "coordinateSystem' is 'XYZ'"),
        ({"controlPoints": [{"label": "F-1", "position": [0, 0, 0]}]}, r"controlPoints\[0\]'.label is 'F-1'"),
        ({"controlPoints": [{"label": "guide", "position": [0, None, 0]}]}, "expected three numbers"),
        ({"controlPoints": [{"label": "guide", "position": [0, 0, 0]}] * 2}, "a second 'guide'"),
    ],
)
def test_markups_that_cannot_be_meant_are_refused_with_their_field(tmp_path: Path, change: dict, words: str) -> None:
    markup = {"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": []} | change
    path = write(tmp_path / "bad.mrk.json", json.dumps({"markups": [markup]}))
    with pytest.raises(InputError, match=words) as refusal:
        read_markups(path)
    assert str(path) in str(refusal.value)


def stack(n_slices: int = 5, spacing: float = 3.0) -> ImageFrame:
    """20 x 20 pixels of 1 mm; slice k lies at S = 3 k."""
    return ImageFrame(np.ones((n_slices, 20, 20), np.float32), np.diag([1.0, 1.0, spacing, 1.0]))


def test_of_slices_played_as_time_only_the_one_with_the_point_shows_it(tmp_path: Path) -> None:
    markups = tmp_path / "tip.mrk.json"
    write_markups(markups, {"guide": np.array([8.0, 9.0, 6.4])})
    series = SlicesAsTime(stack(9), "stack")
    truths = annotation_of(StudyCase("p", "c", tmp_path, (markups,)), series, "slices").truths
    assert [truth is not None and truth.visible for truth in truths] == [n == 2 for n in range(9)]
    # Next to it the guide itself may be seen: nothing is claimed. Far away there is none.
    assert truths[1] is None and truths[3] is None
    assert truths[8] is not None and not truths[8].visible


def test_points_beside_the_pictures_and_masks_of_another_grid_are_mismatched(tmp_path: Path) -> None:
    markups = tmp_path / "tip.mrk.json"
    write_markups(markups, {"guide": np.array([500.0, 9.0, 6.0])})
    series = FrameList("stack", [stack()])
    with pytest.raises(InputError, match="mismatched geometry: the points"):
        annotation_of(StudyCase("p", "c", tmp_path, (markups,)), series, "time")
    header = {"space": "RAS", "space directions": np.diag([1.0, 1.0, 3.0]), "space origin": np.array([4.0, 0.0, 0.0])}
    nrrd.write(str(tmp_path / "shifted.nrrd"), np.ones((20, 20, 5), np.uint8), header)
    with pytest.raises(InputError, match="mismatched geometry"):
        annotation_of(StudyCase("p", "c", tmp_path, (tmp_path / "shifted.nrrd",)), series, "time")


def test_of_a_slicer_segmentation_only_guide_and_needle_count(tmp_path: Path) -> None:
    pixels = np.zeros((2, 20, 20, 5), np.uint8)
    pixels[0, 3, 4, 1], pixels[0, 9, 9, 1], pixels[1, 5, 4, 2] = 1, 2, 1
    header = {
        "kinds": ["list", "domain", "domain", "domain"],
        "space": "left-posterior-superior",
        "space directions": np.vstack([[np.nan] * 3, np.diag([-1.0, -1.0, 3.0])]),
        "space origin": np.zeros(3),
    }
    for number, (name, label, layer) in enumerate((("Guide", 1, 0), ("Prostate", 2, 0), ("Needle", 1, 1))):
        header |= {
            f"Segment{number}_Name": name,
            f"Segment{number}_LabelValue": str(label),
            f"Segment{number}_Layer": str(layer),
        }
    path = tmp_path / "all.seg.nrrd"
    nrrd.write(str(path), pixels, header)
    masks = read_masks(path, "time", 7)
    assert len(masks) == 7
    assert np.argwhere(mask_pixels(masks, 3)).tolist() == [[1, 4, 3], [2, 4, 5]]  # slice, row, column
    with pytest.raises(InputError, match="no segment is named"):
        header = {key: value for key, value in header.items() if "Segment" not in key}
        nrrd.write(str(path), pixels, header | {"Segment0_Name": "Prostate", "Segment1_Name": "Bladder"})
        read_masks(path, "time", 1)


def test_defaults_are_those_of_the_paper() -> None:
    config = StudyConfig()
    assert config.accelerations == (8, 16, 25, 32)
    assert (config.margins.tip_error_mm, config.margins.success_points) == (1.0, 5.0)
