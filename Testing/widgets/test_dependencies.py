"""Missing Python packages are installed only after asking, torch by the extension that knows the GPU."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import types
from pathlib import Path
from typing import Any

import pytest
import slicer
from TemporalReconLib.errors import InputError


class Desktop:
    """What the user is asked and what is installed."""

    def __init__(self) -> None:
        self.answer = True
        self.questions: list[str] = []
        self.installed: list[str] = []


@pytest.fixture
def user(recon: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desktop:
    """A user in front of a Slicer that lacks torch and another package."""
    user = Desktop()
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("numpy>=1.0\ntorch>=999\nno-such-package-of-ours>=2\n", encoding="utf-8")

    def ask(text: str, title: str = "") -> bool:
        user.questions.append(text)
        return user.answer

    monkeypatch.setattr(sys.modules["TemporalReconLib.module.mrml_dependencies"], "_REQUIREMENTS", requirements)
    monkeypatch.setattr(type(slicer.app), "testingEnabled", lambda self: False)
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", ask)
    monkeypatch.setattr(slicer.util, "pip_install", user.installed.extend)
    return user


def ensure() -> bool:
    result: bool = sys.modules["TemporalReconLib.module.mrml_dependencies"].ensureDependencies()  # type: ignore[attr-defined]
    return result


def test_the_user_is_told_what_is_missing_and_it_is_installed(user: Desktop) -> None:
    assert ensure()
    assert len(user.questions) == 1
    assert "torch>=999\nno-such-package-of-ours>=2" in user.questions[0]
    assert "numpy" not in user.questions[0]
    assert user.installed == ["torch>=999", "no-such-package-of-ours>=2"]


def test_nothing_is_installed_when_the_user_declines_and_the_engine_stays_stopped(user: Desktop, recon: Any) -> None:
    user.answer = False
    recon.onStart()
    assert user.installed == []
    assert "Stopped" in recon.ui.stateLabel.text


def test_torch_is_left_to_the_pytorch_extension_where_it_is_there(
    user: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[str] = []

    class PyTorchUtilsLogic:
        def installTorch(self, torchVersionRequirement: str) -> object:
            asked_for.append(torchVersionRequirement)
            return object()

    monkeypatch.setitem(sys.modules, "PyTorchUtils", types.SimpleNamespace(PyTorchUtilsLogic=PyTorchUtilsLogic))
    monkeypatch.setattr(slicer.modules, "pytorchutils", object(), raising=False)
    assert ensure()
    assert asked_for == [">=999"]
    assert user.installed == ["no-such-package-of-ours>=2"]


def test_newer_slicers_install_with_their_own_progress(user: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[list[str], dict[str, Any]]] = []
    packaging = types.ModuleType("slicer.packaging")
    packaging.pip_ensure = lambda requirements, **options: calls.append((requirements, options))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    assert ensure()
    assert calls[0][0] == ["torch>=999", "no-such-package-of-ours>=2"]
    assert calls[0][1]["prompt_install"] is False, "the user was asked already"
    assert user.installed == []


def test_tests_never_install_anything(user: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(slicer.app), "testingEnabled", lambda self: True)
    with pytest.raises(InputError, match="missing Python packages: torch>=999"):
        ensure()
    assert user.installed == []


def test_the_question_says_how_large_it_is_where_it_goes_and_where_it_comes_from(user: Desktop) -> None:
    assert ensure()
    assert "Size: about 862 MB (several GB where torch comes with GPU support)" in user.questions[0]
    assert f"Goes to: {sysconfig.get_path('purelib')}" in user.questions[0]
    assert "Comes from: the internet" in user.questions[0]


def test_a_folder_of_wheels_serves_a_computer_without_internet(user: Desktop, recon: Any, tmp_path: Path) -> None:
    wheels = tmp_path / "my wheels"
    wheels.mkdir()
    recon.ui.wheelFolderLineEdit.currentPath = str(wheels)
    assert ensure()
    assert f"Comes from: {wheels}" in user.questions[0]
    assert user.installed == [
        *("--no-index", "--find-links", str(wheels)),
        *("torch>=999", "no-such-package-of-ours>=2"),
    ]
    recon.ui.wheelFolderLineEdit.currentPath = str(tmp_path / "gone")
    with pytest.raises(InputError, match="the folder of wheels does not exist"):
        ensure()


def test_missing_packages_are_told_in_the_panel_and_installed_from_there(
    user: Desktop, recon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recon.setUpSection.refresh()
    assert recon.ui.setUpCollapsibleButton.isVisibleTo(recon.parent)
    assert "torch>=999" in recon.ui.setUpLabel.text

    def pip_install(requirements: list[str]) -> None:
        user.installed.extend(requirements)
        module = sys.modules["TemporalReconLib.module.mrml_dependencies"]
        module._REQUIREMENTS.write_text("numpy>=1.0\n", encoding="utf-8")  # type: ignore[attr-defined]

    monkeypatch.setattr(slicer.util, "pip_install", pip_install)
    recon.ui.installButton.click()
    assert user.installed == ["torch>=999", "no-such-package-of-ours>=2"]
    assert not recon.ui.setUpCollapsibleButton.isVisibleTo(recon.parent)


def test_an_installation_that_fails_says_what_to_do(user: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    def pip_install(requirements: list[str]) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(slicer.util, "pip_install", pip_install)
    with pytest.raises(InputError, match=r"could not be installed .* check the connection or the folder of wheels"):
        ensure()


def test_an_engine_on_another_computer_needs_no_torch_here(user: Desktop, recon: Any) -> None:
    recon.setUpSection.refresh()
    assert "torch>=999" in recon.ui.setUpLabel.text
    recon.ui.hostLineEdit.text = "10.0.0.9"
    assert "torch" not in recon.ui.setUpLabel.text
    user.answer = False
    recon.onStart()
    assert "no-such-package-of-ours>=2" in user.questions[0]
    assert "torch" not in user.questions[0]
