"""How `just docs` makes a site of this folder; every warning is an error there (-W).

Sphinx with MyST was taken, as both are well kept and check each link and each anchor. Nothing of
the site comes from another address: no fonts, no scripts.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT: Final = Path(__file__).parents[1]

project = "bench"
html_title = "bench"
extensions = ["myst_parser"]
nitpicky = True

myst_heading_anchors = 4  # [text](page.md#heading) as on a code host, and checked

html_theme = "furo"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
pygments_style = "tango"
pygments_dark_style = "monokai"


def _outside(app: Sphinx, doctree: nodes.document) -> None:
    """Send a link that leaves docs/ to the file on the code host, or leave its text alone.

    BENCH_DOCS_SOURCE holds the address of the repository's files ("https://.../blob/main").
    """
    source = os.environ.get("BENCH_DOCS_SOURCE", "").rstrip("/")
    for link in list(doctree.findall(lambda node: "reftarget" in getattr(node, "attributes", {}))):
        target = Path(app.srcdir, app.env.docname, "..", link["reftarget"].partition("#")[0])
        path = Path(os.path.normpath(target))
        if path.is_relative_to(app.srcdir) or not path.is_relative_to(ROOT) or not path.exists():
            continue
        children = [child.deepcopy() for child in link.children]
        address = f"{source}/{path.relative_to(ROOT).as_posix()}"
        link.replace_self(
            nodes.reference("", "", *children, refuri=address) if source else children
        )


def setup(app: Sphinx) -> None:
    """Register what Sphinx calls."""
    app.connect("doctree-read", _outside)
