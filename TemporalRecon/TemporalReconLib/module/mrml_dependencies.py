"""Python packages that the engine needs, installed on first use and never without asking."""

import subprocess
import sysconfig
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from TemporalReconLib.engine_client.session import is_this_computer
from TemporalReconLib.errors import InputError
from TemporalReconLib.module.mrml_remembered_settings import kept
from TemporalReconLib.requirements import missing_requirements

_REQUIREMENTS = Path(__file__).parents[2] / "Resources" / "requirements.txt"
# Megabytes on disk with what each brings along, measured on Linux with the CPU build of torch.
_SIZES_MB = {"torch": 860, "monai": 16, "h5py": 18}
# What only the engine itself needs; a panel that joins one on another computer does without.
_ENGINE_ONLY = ("torch", "monai", "safetensors")
WHEEL_FOLDER = "wheelFolder"


def missingPackages(host=""):
    """Requirements that this Python does not meet, such as ``torch>=2.5``, for an engine on that computer."""
    missing = missing_requirements(_REQUIREMENTS)
    return missing if is_this_computer(host) else [line for line in missing if nameOf(line) not in _ENGINE_ONLY]


def packagesText(missing):
    """What is missing, how large it is, where it goes and where it comes from."""
    megabytes = sum(max(2, _SIZES_MB.get(nameOf(line), 2)) for line in missing)
    size = f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes} MB"
    if any(nameOf(line) == "torch" for line in missing):
        size += _(" (several GB where torch comes with GPU support)")
    folder = wheelFolder()
    origin = _("the internet") if folder is None else str(folder)
    return _("{packages}\n\nSize: about {size}\nGoes to: {target}\nComes from: {origin}").format(
        packages="\n".join(missing), size=size, target=sysconfig.get_path("purelib"), origin=origin
    )


def ensureDependencies(host=""):
    """Install the Python packages missing for an engine on that computer, after asking; False if the user declines.

    Raises InputError in testing mode, where nothing is installed, and where the installation fails.
    """
    missing = missingPackages(host)
    if not missing:
        return True
    if slicer.app.testingEnabled():
        raise InputError(f"missing Python packages: {', '.join(missing)}; install them before testing")
    question = _(
        "The engine needs Python packages that Slicer does not have yet:\n\n{packages}\n\n"
        "Install them now? This may take several minutes."
    ).format(packages=packagesText(missing))
    if not slicer.util.confirmOkCancelDisplay(question, _("Install Python packages")):
        return False
    try:
        return install(missing)
    except (subprocess.CalledProcessError, OSError) as error:
        raise InputError(
            f"the Python packages could not be installed ({error}); check the connection or the folder of wheels, "
            "and look at the Python console"
        ) from error


def install(missing):
    """Install; False if the user declines the build of torch that the PyTorch extension offers."""
    folder = wheelFolder()
    if folder is not None:
        slicer.util.pip_install(["--no-index", "--find-links", str(folder), *missing])
        return True
    torch = next((line for line in missing if nameOf(line) == "torch"), None)
    if torch is not None and hasattr(slicer.modules, "pytorchutils"):
        import PyTorchUtils

        requirement = torch.removeprefix("torch") or None
        if PyTorchUtils.PyTorchUtilsLogic().installTorch(torchVersionRequirement=requirement) is None:
            return False
        missing = [line for line in missing if line != torch]
    if missing:
        pipInstall(missing)
    return True


def pipInstall(requirements):
    """Install with progress where this Slicer can show it (5.12), plainly otherwise."""
    try:
        from slicer.packaging import pip_ensure
    except ImportError:
        slicer.util.pip_install(requirements)
    else:
        pip_ensure(requirements, prompt_install=False, requester="InBoreGuidance")


def wheelFolder():
    """The folder of wheels for computers without internet, or None; raises InputError where it is gone."""
    path = kept(WHEEL_FOLDER)
    if not path:
        return None
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"{folder}: the folder of wheels does not exist; choose another or clear it under Set-up")
    return folder


def nameOf(requirement):
    return requirement.partition(">")[0]
