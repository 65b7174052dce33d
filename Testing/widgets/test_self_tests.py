"""The modules' own tests, which Slicer's Reload and Test runs in the desktop, run here, too."""

import pytest
import slicer


@pytest.mark.parametrize("name", [pytest.param("recon", marks=pytest.mark.slow), "tracker"])  # one starts real engines
def test_the_tests_that_the_desktop_runs_pass(name: str, request: pytest.FixtureRequest) -> None:
    module = type(request.getfixturevalue(name)).__name__.removesuffix("Widget")
    slicer.selfTests[module](msec=10)
