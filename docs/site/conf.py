"""Sphinx configuration of the documentation site.

Build it with ``python3 bootstrap.py docs``. Warnings are errors: a link to a page or heading that does not exist fails
the build.
"""

from revrec import __version__

project = "revrec"
author = "revrec"
release = version = __version__
copyright = "revrec"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["site/**"]
nitpicky = True

# Link targets such as (formats.md#column-mappings) need ids on headings down to this level.
myst_heading_anchors = 4
# ``console`` transcripts and TOML excerpts are not always valid in the lexer's eyes; show them without a warning.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "revrec"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
