"""The Git commit that the running code was taken from."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

# Both packages as they lie in our repository; where they are installed, they lie elsewhere.
_PACKAGES = ("TemporalRecon/TemporalReconLib", "InstrumentTracker/InstrumentTrackerLib")
_REPOSITORY = Path(__file__).resolve().parents[2]
_TIMEOUT_S = 10.0


def source_commit(repository: Path = _REPOSITORY) -> str:
    """Commit of the source tree, marked where files of the packages were changed; empty where it is not known.

    Only a repository that begins at this very folder and keeps both packages at their places counts: code that was
    installed inside somebody else's repository must not report that one's commit.

    Parameters
    ----------
    repository
        Root of the source tree, by default that of this file.
    """
    try:
        if Path(_git(repository, "rev-parse", "--show-toplevel").strip()).resolve() != repository.resolve():
            return ""
        for package in _PACKAGES:
            _git(repository, "ls-files", "--error-unmatch", "--", f"{package}/__init__.py")
        commit = _git(repository, "rev-parse", "HEAD").strip()
        changes = _git(repository, "status", "--porcelain", "--", *_PACKAGES).strip()
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return f"{commit} with local changes" if changes else commit


def _git(folder: Path, *words: str) -> str:
    """What git says; a command that fails raises CalledProcessError."""
    done = subprocess.run(
        # Somebody may be committing meanwhile: take no lock.
        ["git", "--no-optional-locks", *words],
        cwd=folder,
        # A hook of another repository that runs us would answer for this folder.
        env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    return done.stdout
