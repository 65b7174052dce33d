"""The stand-ins keep the habits of the real classes that are easy to get wrong, as their sources have them."""

import enum
import hashlib
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import slicer
import vtk


class Speed(enum.Enum):
    SLOW = "slow"
    FAST = "fast"


@pytest.fixture
def settings(scene: Any) -> Any:
    """A parameter node of every kind of parameter, some of them inherited from a plain class."""
    from slicer.parameterNodeWrapper import Choice, Default, Minimum, WithinRange, parameterNodeWrapper

    class Shared:
        folder: Path
        port: Annotated[int, WithinRange(1024, 65535)] = 18944

    @parameterNodeWrapper
    class Settings(Shared):
        on: bool
        rate: Annotated[float, Minimum(0.5), Default(2.0)]
        speed: Speed = Speed.FAST
        method: Annotated[str, Choice(["a", "b"])] = "a"
        volume: slicer.vtkMRMLScalarVolumeNode

    return Settings(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))


def test_parameters_have_types_defaults_and_limits(settings: Any) -> None:
    values = (settings.folder, settings.port, settings.on, settings.rate, settings.speed, settings.volume)
    assert values == (Path(), 18944, False, 2.0, Speed.FAST, None)
    with pytest.raises(ValueError, match="80"):
        settings.port = 80
    with pytest.raises(ValueError, match="'a', 'b'"):
        settings.method = "c"
    with pytest.raises(TypeError):
        settings.on = 1
    settings.setValue("rate", 3)
    assert settings.getValue("rate") == 3.0
    with pytest.raises(ValueError, match="nothing"):
        settings.getValue("nothing")


def test_widgets_follow_the_node_and_the_node_follows_them(settings: Any) -> None:
    import ctk
    import qt

    box, slider, combo, path = qt.QCheckBox(), qt.QDoubleSpinBox(), qt.QComboBox(), ctk.ctkPathLineEdit()
    tag = settings.connectParametersToGui({"on": box, "rate": slider, "speed": combo, "folder": path})
    assert (slider.minimum, combo.currentText, path.currentPath) == (0.5, "FAST", ".")
    box.click()
    slider.value = 4.5
    combo.currentIndex = 0
    path.currentPath = "/data"
    assert (settings.on, settings.rate, settings.speed, settings.folder) == (True, 4.5, Speed.SLOW, Path("/data"))
    settings.rate = 7.0
    assert slider.value == 7.0
    settings.disconnectGui(tag)
    box.click()
    assert settings.on


def test_several_changes_in_one_batch_reach_the_widgets_once(settings: Any) -> None:
    changes = []
    settings.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: changes.append(settings.port))
    with slicer.util.NodeModify(settings):
        settings.port, settings.rate = 2000, 9.0
    assert changes == [2000]


def test_what_others_write_in_a_batch_is_seen_when_the_batch_ends(settings: Any) -> None:
    """Slicer keeps the values of a wrapper until the node tells that it was modified."""
    settings.port = 2000
    with slicer.util.NodeModify(settings):
        settings.parameterNode.SetParameter("port", "3000")
        assert settings.port == 2000
        settings.rate = 9.0
        assert settings.rate == 9.0
    assert settings.port == 3000


def test_a_wrapper_in_memory_puts_the_defaults_back_into_an_emptied_node(settings: Any) -> None:
    """So a node of Slicer's own, kept and emptied when a scene is closed, looks as if it had been used before."""
    node = settings.parameterNode
    settings.port = 2000
    node.UnsetAllParameters()
    assert (node.GetParameter("port"), settings.port) == ("18944", 18944)


def test_only_pairs_that_slicer_binds_are_bound(settings: Any) -> None:
    import ctk
    import qt

    for name, widget in (("on", qt.QLineEdit()), ("port", qt.QLineEdit()), ("rate", ctk.ctkSliderWidget())):
        with pytest.raises(RuntimeError):
            settings.connectParametersToGui({name: widget})


def test_slicers_connect_gui_returns_no_tag(settings: Any) -> None:
    """As in Slicer (issue 7547); panels bind by ``GuiBinding`` instead."""
    import qt

    widget = qt.QWidget()
    assert settings.connectGui(widget) is None


def test_a_slider_moves_its_box_and_tells_the_value(app: Any) -> None:
    import ctk

    slider = ctk.ctkSliderWidget()
    slider.maximum, slider.decimals, slider.suffix = 10.0, 1, " mm"
    told: list[float] = []
    slider.connect("valueChanged(double)", told.append)
    slider.value = 2.46
    slider.value = 99.0
    assert told == [2.5, 10.0]


def test_slicers_own_number_widgets_take_a_quantity_and_ctks_do_not(app: Any) -> None:
    import ctk

    for widget in (slicer.qMRMLSpinBox(), slicer.qMRMLSliderWidget()):
        widget.quantity, widget.maximum, widget.value = "length", 20.0, 30.0
        assert (widget.quantity, widget.value) == ("length", 20.0)
    with pytest.raises(AttributeError):
        ctk.ctkSliderWidget().quantity = "length"


def test_settings_come_back_as_text_as_after_a_restart(app: Any) -> None:
    import qt

    qt.QSettings().setValue("InBoreGuidance/sound", True)
    assert qt.QSettings().value("InBoreGuidance/sound") == "true"
    assert slicer.util.settingsValue("InBoreGuidance/none", 3, converter=int) == 3


def test_a_destroyed_widget_is_refused_not_called(app: Any) -> None:
    import qt
    import shiboken6

    label = qt.QLabel()
    shiboken6.delete(label)
    with pytest.raises(ValueError, match="destroyed QLabel"):
        label.text = "late"


def test_file_dialogs_return_the_path_alone(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import qt
    from PySide6 import QtWidgets

    monkeypatch.setattr(QtWidgets.QFileDialog, "getSaveFileName", lambda *_: ("/data/a.csv", "CSV (*.csv)"))
    assert qt.QFileDialog.getSaveFileName(None, "Save", "", "CSV (*.csv)") == "/data/a.csv"


def test_the_layout_manager_has_the_views_of_the_layout(scene: Any) -> None:
    manager = slicer.app.layoutManager()
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    assert set(manager.sliceViewNames()) == {"Red", "Yellow", "Green"}
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    slicer.util.updateVolumeFromArray(volume, np.full((4, 30, 40), 7.0, np.float32))
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    red = manager.sliceWidget("Red")
    assert red.sliceLogic().GetSliceCompositeNode().GetBackgroundVolumeID() == volume.GetID()
    assert manager.threeDWidget(0).mrmlViewNode().IsA("vtkMRMLViewNode")
    assert manager.sliceWidget("NoSuchView") is None


def test_a_slice_view_renders_the_volume(scene: Any) -> None:
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    slicer.util.updateVolumeFromArray(volume, np.tile(np.arange(40, dtype=np.float32), (4, 30, 1)))
    volume.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    image = view.grab().toImage()
    colors = {image.pixel(x, image.height() // 2) for x in range(image.width())}
    assert len(colors) > 10


def test_files_are_loaded_and_saved_by_slicers_own_storage(scene: Any, tmp_path: Path) -> None:
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Targets")
    points.AddControlPointWorld(vtk.vtkVector3d(1, 2, 3))
    path = tmp_path / "Targets.mrk.json"
    assert slicer.util.saveNode(points, str(path))
    loaded = slicer.util.loadMarkups(str(path))
    np.testing.assert_allclose(slicer.util.arrayFromMarkupsControlPoints(loaded), [[1, 2, 3]])
    with pytest.raises(RuntimeError, match="no such file"):
        slicer.util.loadVolume(str(tmp_path / "none.nrrd"))


def test_sample_data_is_fetched_checked_and_loaded(scene: Any, tmp_path: Path) -> None:
    from SampleData import SampleDataLogic

    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Case")
    slicer.util.updateVolumeFromArray(volume, np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    source = tmp_path / "case.nrrd"
    assert slicer.util.saveNode(volume, str(source))
    scene.GetCacheManager().SetRemoteCacheDirectory(str(tmp_path / "cache"))
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    common = {"uris": source.as_uri(), "fileNames": "case.nrrd", "nodeNames": "Small case"}
    SampleDataLogic.registerCustomSampleDataSource("Guidance", "Good", checksums=f"SHA256:{digest}", **common)
    node = SampleDataLogic().downloadSample("Good")
    assert node.GetName() == "Small case"
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), np.arange(24).reshape(2, 3, 4))
