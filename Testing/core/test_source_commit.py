"""The commit that results name is ours, or none."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from TemporalReconLib.source_commit import source_commit

PACKAGES = ("TemporalRecon/TemporalReconLib", "InstrumentTracker/InstrumentTrackerLib")


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=b")
    return subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def source_tree(folder: Path) -> Path:
    for package in PACKAGES:
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").write_text("", encoding="utf-8")
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = source_tree(tmp_path / "ours")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "c")
    return folder


def test_the_commit_is_that_of_the_repository_or_unknown(repository: Path, tmp_path: Path) -> None:
    assert source_commit(source_tree(tmp_path / "installed")) == ""
    assert source_commit(tmp_path / "no folder") == ""
    assert source_commit(repository) == git(repository, "rev-parse", "HEAD")


def test_changed_and_new_files_of_the_packages_are_told_and_others_are_not(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    (repository / "notes.txt").write_text("mine", encoding="utf-8")
    assert source_commit(repository) == commit
    for package, name in zip(PACKAGES, ("__init__.py", "new.py"), strict=True):
        (repository / package / name).write_text("changed = True\n", encoding="utf-8")
        assert source_commit(repository) == f"{commit} with local changes"
        git(repository, "stash", "--include-untracked")


def test_packed_references_a_detached_head_and_a_second_worktree_are_read(repository: Path, tmp_path: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "pack-refs", "--all")
    assert source_commit(repository) == commit
    git(repository, "checkout", "-q", "--detach")
    assert source_commit(repository) == commit
    git(repository, "worktree", "add", "-q", str(tmp_path / "second"))
    assert source_commit(tmp_path / "second") == commit


def test_a_foreign_repository_around_the_installed_packages_is_not_named(tmp_path: Path) -> None:
    site_packages = tmp_path / "hospital" / ".venv" / "lib" / "python3"
    source_tree(site_packages)
    git(tmp_path / "hospital", "init", "-q")
    git(tmp_path / "hospital", "add", ".")  # even if somebody keeps their environment in Git
    git(tmp_path / "hospital", "commit", "-q", "-m", "theirs")
    assert source_commit(site_packages) == ""


def test_a_foreign_repository_that_begins_where_ours_would_is_not_named(tmp_path: Path) -> None:
    theirs = source_tree(tmp_path / "theirs")
    git(theirs, "init", "-q")
    git(theirs, "commit", "-q", "--allow-empty", "-m", "theirs")
    assert source_commit(theirs) == ""  # it does not keep the packages


def test_a_hook_of_another_repository_does_not_answer_for_us(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    shutil.copytree(repository, other)
    git(other, "commit", "-q", "--allow-empty", "-m", "later")
    commit = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert source_commit(repository) == commit


def test_without_git_on_the_computer_the_commit_is_unknown(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert source_commit(repository) == ""
