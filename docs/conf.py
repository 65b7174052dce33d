"""How the documentation is built: ``make docs`` (Sphinx, strict)."""

from __future__ import annotations

from pathlib import Path

from TemporalReconLib import __version__

REPOSITORY = Path(__file__).resolve().parents[1]

project = "InBoreGuidance"
author = copyright = "The InBoreGuidance contributors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinxarg.ext"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
# Links between pages are checked; names of numpy and torch in docstrings lead nowhere and are not.
nitpicky = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False

# Options are typed as they stand: "--workers", not an en dash.
smartquotes = False

html_theme = "furo"
html_title = f"InBoreGuidance {version}"
html_static_path: list[str] = []
# Nothing is fetched when a page is opened: hospitals read it offline.
html_theme_options = {"footer_icons": []}
