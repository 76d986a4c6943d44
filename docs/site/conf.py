# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx configuration of the documentation site; build.py writes the sources."""

from __future__ import annotations

project = "netfleet.docker"
author = "netfleet.docker contributors"
html_title = "netfleet.docker"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_heading_anchors = 4
myst_links_external_new_tab = False
highlight_language = "yaml+jinja"
# Output of commands, and the Swarm and DuckDB dialects, are not always valid in the language of their code block.
suppress_warnings = ["misc.highlighting_failure", "ref.ref", "ref.envvar"]

html_theme = "sphinx_rtd_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"collapse_navigation": True, "navigation_depth": 3}
html_copy_source = False
html_show_copyright = False
html_show_sourcelink = False
html_show_sphinx = False
# The summaries in search results are fetched over HTTP, which browsers block on pages opened from disk.
html_show_search_summary = False
