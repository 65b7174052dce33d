"""Python packages that the engine needs, installed on first use and never without asking."""

from pathlib import Path

import slicer
from slicer.i18n import tr as _

from TemporalReconLib.errors import InputError
from TemporalReconLib.requirements import missing_requirements

_REQUIREMENTS = Path(__file__).parents[2] / "Resources" / "requirements.txt"


def ensureDependencies():
    """Install missing Python packages after asking; False if the user declines.

    Raises InputError in testing mode, where nothing is installed.
    """
    missing = missing_requirements(_REQUIREMENTS)
    if not missing:
        return True
    if slicer.app.testingEnabled():
        raise InputError(f"missing Python packages: {', '.join(missing)}; install them before testing")
    question = _(
        "The engine needs Python packages that Slicer does not have yet:\n\n{packages}\n\n"
        "Download and install them now? This needs the internet and may take several minutes."
    ).format(packages="\n".join(missing))
    if not slicer.util.confirmOkCancelDisplay(question, _("Install Python packages")):
        return False
    torch = next((line for line in missing if line.startswith("torch")), None)
    if torch is not None and hasattr(slicer.modules, "pytorchutils"):
        import PyTorchUtils

        requirement = torch.removeprefix("torch") or None
        if PyTorchUtils.PyTorchUtilsLogic().installTorch(torchVersionRequirement=requirement) is None:
            return False
        missing.remove(torch)
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
