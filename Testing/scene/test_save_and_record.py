"""Recorded sequences and saved scenes, as a Slicer user finds them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
import zipfile

import numpy as np
import pytest
import slicer
from guidance_case import guidance_case
from InstrumentTrackerLib.scene.mrml_layout import LAYOUT_ID, LAYOUT_XML, show_guidance_layout
from InstrumentTrackerLib.scene.mrml_offscreen import OffscreenSlicer
from InstrumentTrackerLib.scene.mrml_scene import GuidanceScene
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import ras_to_ijk, transform_points
from TemporalReconLib.scene.mrml_nodes import ROLE
from TemporalReconLib.scene.mrml_recorder import VolumeRecorder
from TemporalReconLib.scene.mrml_save import save_scene
from TemporalReconLib.scene.mrml_volume import LiveVolume, ijk_to_ras_of
from vtk.util.numpy_support import vtk_to_numpy


@pytest.fixture
def host():
    try:
        return OffscreenSlicer()
    except InputError as error:
        pytest.skip(str(error))


def pixels_of(node) -> np.ndarray:
    return vtk_to_numpy(node.GetImageData().GetPointData().GetScalars()).ravel()


def assert_same_picture(node, image) -> None:
    """Equal at the same places in RAS: Slicer's reader may store slices of a left-handed stack the other way round."""
    ijk = np.array([[i, j, k] for k in range(3) for j in (0, 100, 255) for i in (3, 128, 201)], dtype=float)
    ras = transform_points(image.ijk_to_ras, ijk)
    found = np.round(ras_to_ijk(ijk_to_ras_of(node), ras)).astype(int)
    np.testing.assert_allclose(transform_points(ijk_to_ras_of(node), found), ras, atol=1e-3)
    read = [node.GetImageData().GetScalarComponentAsDouble(*index, 0) for index in found.tolist()]
    written = [float(image.data[int(k), int(j), int(i)]) for i, j, k in ijk]
    np.testing.assert_allclose(read, written, rtol=1e-6)


def test_a_recording_keeps_every_picture_as_it_was():
    scene = slicer.vtkMRMLScene()
    volume, recorder = LiveVolume(scene), VolumeRecorder(scene)
    images = [guidance_case(index, advance_mm=3.0 * index).image for index in range(4)]
    for image in images:
        assert recorder.record(volume.update(image), image.mid_acquisition_time)
    assert recorder.n_frames == 4
    for index, image in enumerate(images):
        recorded = recorder.node.GetNthDataNode(index)
        np.testing.assert_array_equal(pixels_of(recorded), image.data.ravel())
        assert recorded.GetAttribute("TR.FrameIndex") == str(index)
        assert recorded.GetAttribute(ROLE) is None
        since_first = image.mid_acquisition_time - images[0].mid_acquisition_time
        assert float(recorder.node.GetNthIndexValue(index)) == pytest.approx(since_first, abs=1e-3)


def test_a_recording_ends_at_its_size_limit_and_says_so():
    scene = slicer.vtkMRMLScene()
    volume, recorder = LiveVolume(scene), VolumeRecorder(scene, max_bytes=2_000_000)
    answers = [recorder.record(volume.update(guidance_case(i).image), 0.1 * i) for i in range(4)]
    assert answers == [True, True, False, False]
    assert recorder.is_full
    assert recorder.n_frames == 2


def test_the_recording_starts_anew_after_the_scene_was_closed():
    scene = slicer.vtkMRMLScene()
    volume, recorder = LiveVolume(scene), VolumeRecorder(scene)
    recorder.record(volume.update(guidance_case().image), 0.0)
    scene.Clear(0)
    assert recorder.n_frames == 0
    assert recorder.record(volume.update(guidance_case().image), 0.1)
    assert recorder.n_frames == 1


def a_full_scene(host):
    case = guidance_case()
    guidance, recorder = GuidanceScene(host.scene), VolumeRecorder(host.scene)
    guidance.set_target(case.target)
    guidance.set_entry(case.entry)
    for index in range(3):
        case = guidance_case(index, advance_mm=2.0 * index)
        guidance.update(case.image, case.mask, case.tracked, case.assessment, 0.1)
        recorder.record(guidance.volume.node, case.image.mid_acquisition_time)
    return guidance, case


def test_a_saved_scene_reopens_with_everything_in_its_place(host, tmp_path):
    guidance, case = a_full_scene(host)
    path = save_scene(host.scene, tmp_path / "case 1")
    other = OffscreenSlicer()
    other.scene.SetURL(str(path))
    assert other.scene.Connect()
    volume = other.scene.GetFirstNodeByName("TR Reconstruction")
    assert_same_picture(volume, case.image)
    reopened = GuidanceScene(other.scene)
    np.testing.assert_allclose(reopened.target, case.target, atol=1e-4)
    tip = [0.0, 0.0, 0.0]
    other.scene.GetFirstNodeByName("Needle tip").GetNthControlPointPositionWorld(0, tip)
    np.testing.assert_allclose(tip, case.tracked.needle_tip, atol=1e-4)
    segmentation = other.scene.GetFirstNodeByName("Instrument").GetSegmentation()
    assert [segmentation.GetNthSegment(i).GetName() for i in range(2)] == ["Guide", "Needle"]
    sequence = other.scene.GetFirstNodeByName("TR Recording")
    assert sequence.GetNumberOfDataNodes() == 3
    assert_same_picture(sequence.GetNthDataNode(2), case.image)
    assert "not a medical device" in other.scene.GetFirstNodeByName("Guidance readout").GetText()

    count = other.scene.GetNumberOfNodes()
    following = guidance_case(9, advance_mm=11.0)
    reopened.update(following.image, following.mask, following.tracked, following.assessment, 0.1)
    assert other.scene.GetNumberOfNodes() == count, "the nodes of the saved scene are adopted"
    other.scene.GetFirstNodeByName("Needle tip").GetNthControlPointPositionWorld(0, tip)
    np.testing.assert_allclose(tip, following.tracked.needle_tip, atol=1e-9)
    assert guidance.readout.headline


def test_saved_markups_are_in_ras_never_lps(host, tmp_path):
    _, case = a_full_scene(host)
    path = save_scene(host.scene, tmp_path / "case")
    files = sorted(path.parent.rglob("*.mrk.json"))
    assert len(files) >= 8
    for file in files:
        for markup in json.loads(file.read_text())["markups"]:
            assert markup["coordinateSystem"] == "RAS", file.name
    needle = json.loads(next(f for f in files if f.name.startswith("Needle tip")).read_text())
    np.testing.assert_allclose(needle["markups"][0]["controlPoints"][0]["position"], case.tracked.needle_tip, atol=1e-6)


def test_an_mrb_file_holds_scene_pictures_and_recording(host, tmp_path):
    a_full_scene(host)
    path = save_scene(host.scene, tmp_path / "case.mrb")
    names = zipfile.ZipFile(path).namelist()
    for ending in (".mrml", "TR Reconstruction.nrrd", "Recording.seq.nrrd", "Instrument.seg.nrrd", "Target.mrk.json"):
        assert any(name.endswith(ending) for name in names), ending


def test_a_folder_with_other_files_is_not_overwritten(host, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(InputError, match="empty folder"):
        save_scene(host.scene, tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        save_scene(host.scene, tmp_path / "missing" / "case.mrb")


def test_the_guidance_layout_is_what_slicer_can_parse(host):
    assert not show_guidance_layout(host.scene), "no desktop, no layout"
    layout = slicer.vtkMRMLLayoutNode()
    host.scene.AddNode(layout)
    assert show_guidance_layout(host.scene)
    assert show_guidance_layout(host.scene)
    assert layout.GetViewArrangement() == LAYOUT_ID
    views = {view.get("singletontag"): view.get("class") for view in ElementTree.fromstring(LAYOUT_XML).iter("view")}
    assert views == {
        "InPlane": "vtkMRMLSliceNode",
        "Perpendicular": "vtkMRMLSliceNode",
        "Guidance": "vtkMRMLViewNode",
        "GuidanceReadout": "vtkMRMLViewNode",
    }


def test_a_scene_is_saved_below_a_relative_path(host, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    assert save_scene(host.scene, "out/case.mrb") == tmp_path / "out" / "case.mrb"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["case.mrb"]
    assert save_scene(host.scene, "folder").parent == tmp_path / "folder"
