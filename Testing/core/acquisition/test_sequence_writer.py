"""Sequences survive the way to disk and back; SimpleITK agrees on pixels and place."""

from __future__ import annotations

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from image_files import SIZE, an_oblique_volume, ras_of
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.sequence_writer import write_image_sequence, write_label_sequence
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import transform_points


def oblique_frames(tmp_path, count: int, **changes) -> list[ImageFrame]:
    """Frames read from ITK's oblique volume, so that ITK stays the judge of the place."""
    sitk.WriteImage(an_oblique_volume(), str(tmp_path / "source.nrrd"))
    source = open_series(tmp_path / "source.nrrd").frame(0)
    return [
        ImageFrame(
            data=source.data + index,
            ijk_to_ras=source.ijk_to_ras,
            index=index,
            acquisition_start_time=0.073 * index,
            acquisition_end_time=0.073 * (index + 1),
            **changes,
        )
        for index in range(count)
    ]


@pytest.mark.parametrize("count", [1, 4])
def test_an_oblique_sequence_comes_back_as_it_was(tmp_path, count):
    frames = oblique_frames(tmp_path, count)
    path = tmp_path / "recon.seq.nrrd"
    write_image_sequence(path, frames)
    series = open_series(path)

    assert len(series) == count
    for read, written in zip(series, frames, strict=True):
        np.testing.assert_array_equal(read.data, written.data)
        np.testing.assert_allclose(read.ijk_to_ras, written.ijk_to_ras, atol=1e-9)
        assert read.acquisition_start_time == pytest.approx(written.acquisition_start_time, abs=1e-6)


def test_itk_finds_every_voxel_in_place(tmp_path):
    path = tmp_path / "recon.seq.nrrd"
    write_image_sequence(path, oblique_frames(tmp_path, 2))
    image, original = sitk.ReadImage(str(path)), an_oblique_volume()

    # ITK reads the list axis as components of a pixel.
    assert (image.GetSize(), image.GetNumberOfComponentsPerPixel()) == (SIZE, 2)
    for index in [(0, 0, 0), (9, 11, 3), (4, 2, 1)]:
        np.testing.assert_allclose(
            image.TransformIndexToPhysicalPoint(index), original.TransformIndexToPhysicalPoint(index), atol=1e-4
        )
        assert image[index] == (original[index], original[index] + 1)


def test_the_file_is_float32_with_one_list_axis_and_slicers_fields(tmp_path):
    path = tmp_path / "recon.seq.nrrd"
    write_image_sequence(path, oblique_frames(tmp_path, 3))
    header = nrrd.read_header(str(path))
    assert header["type"] == "float"
    assert header["kinds"] == ["domain", "domain", "domain", "list"]
    assert header["DataNodeClassName"] == "vtkMRMLScalarVolumeNode"
    assert header["axis 3 index values"] == "0.000000 0.073000 0.146000"
    assert "TemporalRecon.FrameIJKToRAS" not in header


def test_slices_played_as_time_come_back_each_with_its_own_geometry(tmp_path):
    image = an_oblique_volume()
    sitk.WriteImage(image, str(tmp_path / "volume.nrrd"))
    path = tmp_path / "recon.seq.nrrd"
    write_image_sequence(path, list(open_series(tmp_path / "volume.nrrd", "slices")))

    for k, frame in enumerate(open_series(path)):
        np.testing.assert_allclose(transform_points(frame.ijk_to_ras, (3, 7, 0)), ras_of(image, (3, 7, k)), atol=1e-3)


def test_frames_without_a_clock_are_numbered(tmp_path):
    frames = [ImageFrame(np.ones((1, 2, 2), dtype=np.float32), np.eye(4), index=i) for i in range(3)]
    path = tmp_path / "recon.seq.nrrd"
    write_image_sequence(path, frames)
    assert nrrd.read_header(str(path))["axis 3 index values"] == "0 1 2"
    assert open_series(path).frame_interval_s is None


def test_an_unknown_place_stays_unknown(tmp_path):
    path = tmp_path / "recon.seq.nrrd"
    write_image_sequence(path, oblique_frames(tmp_path, 2, has_geometry=False))
    assert not open_series(path).frame(0).has_geometry


def test_labels_are_written_as_uint8_where_their_images_lie(tmp_path):
    frames = oblique_frames(tmp_path, 2)
    labels = [np.zeros(frame.data.shape, dtype=np.uint8) for frame in frames]
    labels[1][2, 7, 3] = 2
    path = tmp_path / "mask.seq.nrrd"
    write_label_sequence(path, labels, frames)
    header, second = nrrd.read_header(str(path)), open_series(path).frame(1)

    assert (header["type"], header["DataNodeClassName"]) == ("uint8", "vtkMRMLLabelMapVolumeNode")
    assert np.argwhere(second.data == 2).tolist() == [[2, 7, 3]]
    np.testing.assert_allclose(transform_points(second.ijk_to_ras, (3, 7, 2)), ras_of(an_oblique_volume(), (3, 7, 2)))


def test_a_sequence_that_cannot_be_written_is_refused_and_leaves_nothing_behind(tmp_path, monkeypatch):
    frames = oblique_frames(tmp_path, 2)
    other = ImageFrame(np.ones((1, 2, 2), dtype=np.float32), np.eye(4))
    labels = [np.zeros(frame.data.shape, dtype=np.uint8) for frame in frames]
    before = sorted(tmp_path.iterdir())

    for attempt in [
        lambda: write_image_sequence(tmp_path / "a.seq.nrrd", []),
        lambda: write_image_sequence(tmp_path / "a.seq.nrrd", [*frames, other]),
        lambda: write_image_sequence(tmp_path / "a.mp4", frames),
        lambda: write_image_sequence(tmp_path / "no" / "a.seq.nrrd", frames),
        lambda: write_image_sequence(tmp_path, frames),
        lambda: write_label_sequence(tmp_path / "a.seq.nrrd", labels[:1], frames),
        lambda: write_label_sequence(tmp_path / "a.seq.nrrd", [label.astype(np.int16) for label in labels], frames),
    ]:
        with pytest.raises(InputError):
            attempt()
    assert sorted(tmp_path.iterdir()) == before

    def full_disk(file, *_, **__):
        with open(file, "wb") as out:  # noqa: PTH123
            out.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nrrd, "write", full_disk)
    with pytest.raises(InputError, match="No space left"):
        write_image_sequence(tmp_path / "a.seq.nrrd", frames)
    assert sorted(tmp_path.iterdir()) == before
