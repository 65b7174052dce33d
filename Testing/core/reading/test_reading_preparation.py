"""The readers' folder holds pictures of every case in every condition, and nothing that says which is which."""

from __future__ import annotations

import json
import shutil
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from InstrumentTrackerLib.__main__ import main
from InstrumentTrackerLib.reading.picture_file import picture_file
from InstrumentTrackerLib.reading.reading_key import ReadingKey, read_key
from InstrumentTrackerLib.reading.reading_list import read_list
from TemporalReconLib.acquisition.itk_reader import read_itk_series
from TemporalReconLib.errors import InputError
from TemporalReconLib.window_level import robust_window

sys.path.append(str(Path(__file__).parents[1] / "study"))

from small_cases import simulated as simulate
from small_cases import write_markups, write_picture_case, write_simulated_case

simulated = cache(simulate)
METHODS = ("zero-filled", "sliding-window")


def prepare(folder: Path, cases: Path, *words: str) -> int:
    config = folder.parent / f"{folder.name}.json"
    config.write_text(
        json.dumps({"methods": list(METHODS), "accelerations": [4], "segmenter": "classical"}), encoding="utf-8"
    )
    options = ["--output", folder, "--key", f"{folder}.key.json", "--config", config, "--readers", "3"]
    return main([str(word) for word in ["reading-list", cases, *options, "--device", "cpu", *words]])


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients whose tip is seen, one simulated, one whose markups lie elsewhere."""
    folder = tmp_path_factory.mktemp("cases")
    write_picture_case(folder, "Mueller", "scan", seed=0, frames=1)
    pictures, _ = write_picture_case(folder, "Schmidt", "scan", seed=2, frames=2)
    write_simulated_case(folder, "sim", "x", seed=7)
    (folder / "bad").mkdir()
    shutil.copy(pictures, folder / "bad" / "elsewhere.seq.nrrd")
    write_markups(folder / "bad" / "elsewhere.mrk.json", {"guide": np.array([900.0, 0.0, 0.0])})
    return folder


@pytest.fixture(scope="module")
def folder(cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made") / "readers"
    assert prepare(made, cases) == 0
    return made


@pytest.fixture(scope="module")
def key(folder: Path) -> ReadingKey:
    return read_key(Path(f"{folder}.key.json"))


def test_every_case_is_there_in_every_condition_and_others_are_listed(key: ReadingKey) -> None:
    shown = {(picture.patient, picture.method, picture.acceleration) for picture in key.pictures.values()}
    conditions = [("reference", 1.0), *((method, 4.0) for method in METHODS)]
    assert shown == {(patient, *each) for patient in ("Mueller", "Schmidt", "sim") for each in conditions}
    assert len(key.pictures) == 9
    assert [(patient, case) for patient, case, _ in key.excluded] == [("bad", "elsewhere")]
    assert {picture.origin for picture in key.pictures.values() if picture.patient == "sim"} == {"simulated"}
    for picture in key.pictures.values():
        if picture.patient == "Mueller":
            np.testing.assert_allclose(picture.tip, simulated(0).truth.frames[0].guide_tip, atol=1e-3)
    assert key.provenance["reading_plan"] == {"n_readers": 3, "seed": 0, "absent_share": 0.2}


def test_nothing_in_the_folder_tells_patient_method_or_acceleration(folder: Path, key: ReadingKey) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    pictures = [path for path in files if path.parent != folder]
    assert sorted(path.stem for path in pictures) == [str(number) for number in range(1, 10)]
    assert {path.stat().st_mtime for path in pictures} == {0.0}, "the time would tell what was made together"
    for patient in ("Mueller", "Schmidt", "sim"):
        sizes = {picture_file(folder, n).stat().st_size for n, each in key.pictures.items() if each.patient == patient}
        assert len(sizes) == 1, "a size would tell how noisy a picture is"
    secrets = ["Mueller", "Schmidt", "sim", "scan", "real", "reference", *METHODS, "zero", "sliding", "paper", "golden"]
    secrets += ["accel", "method", "patient", "mask", key.pictures["1"].fingerprint]
    for path in files:
        head = path.read_bytes()[:4096] if path in pictures else path.read_bytes()
        text = head.split(b"\n\n")[0].decode("utf-8", "replace")
        for secret in secrets:
            assert secret.lower() not in text.lower(), f"{path.name} says {secret}"
            assert secret.lower() not in path.name.lower()


def test_pictures_lie_where_the_case_lies_and_are_all_of_one_brightness(folder: Path, key: ReadingKey) -> None:
    for number, picture in key.pictures.items():
        image = read_itk_series(picture_file(folder, number)).frame(0)
        assert robust_window(image.data) == pytest.approx(1000.0, rel=1e-3)
        seed = {"Mueller": 0, "Schmidt": 2, "sim": 7}[picture.patient]
        np.testing.assert_allclose(image.ijk_to_ras, simulated(seed).ijk_to_ras, atol=1e-4)
    reference = next(n for n, each in key.pictures.items() if (each.patient, each.method) == ("Mueller", "reference"))
    shown, true = read_itk_series(picture_file(folder, reference)).frame(0).data, simulated(0).image(0)
    np.testing.assert_allclose(shown / shown.max(), true / true.max(), atol=1e-4)


def test_each_reader_gets_a_list_of_all_pictures(folder: Path, key: ReadingKey) -> None:
    lists = [read_list(folder, reader) for reader in (1, 2, 3)]
    assert all(sorted(each.pictures) == sorted(key.pictures) for each in lists)
    assert {each.reading for each in lists} == {key.reading}
    assert len({each.pictures for each in lists}) == 3
    for each in lists:
        for part in each.parts:
            assert sorted(key.pictures[number].patient for number in part) == ["Mueller", "Schmidt", "sim"]


def test_the_same_seed_makes_the_same_reading(folder: Path, cases: Path, tmp_path: Path) -> None:
    assert prepare(tmp_path / "again", cases) == 0
    for path in folder.rglob("*"):
        if path.is_file():
            assert (tmp_path / "again" / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_a_reading_is_never_written_over_and_the_key_never_handed_out(
    folder: Path, cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.rglob("*"))
    assert prepare(folder, cases) == 2
    assert "is not empty" in capsys.readouterr().err
    assert prepare(folder.parent / "new", cases, "--key", str(folder.parent / "new" / "key.json")) == 2
    assert "lies in the readers' folder" in capsys.readouterr().err
    assert prepare(folder.parent / "new", cases, "--readers", "0") == 2
    assert prepare(folder.parent / "new", cases, "--absent-share", "2") == 2
    assert sorted(folder.rglob("*")) == before and not (folder.parent / "new").exists()


def test_a_key_that_was_edited_is_refused(folder: Path, tmp_path: Path) -> None:
    text = Path(f"{folder}.key.json").read_text(encoding="utf-8")
    for number, changed in enumerate((text.replace('"tip"', '"top"'), text.replace('"pictures"', '"p"'), "{")):
        path = tmp_path / f"{number}.json"
        path.write_text(changed, encoding="utf-8")
        with pytest.raises(InputError, match=rf"{number}\.json"):
            read_key(path)
