"""The documentation as a site: `just docs` is strict, and the site stands alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

_DOCS = Path(__file__).parents[1] / "docs"
_LOADED = re.compile(r"""(?:src=|url\(|@import |<link[^>]+href=)["']?(?:https?:)?//[^"')\s>]+""")

pytestmark = pytest.mark.skipif(
    find_spec("sphinx") is None, reason="scripts/just --prepare docs was not called"
)


def build(docs: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """As the recipe does."""
    command = [sys.executable, "-P", "-m", "sphinx", "-q", "-W", "--keep-going", "-E"]
    return subprocess.run(
        [*command, "-d", str(site.with_name("doctrees")), str(docs), str(site)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_site_is_whole_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """Each document is a page that the index leads to; no page or style needs the network."""
    site = tmp_path / "site"
    done = build(_DOCS, site)
    assert done.returncode == 0, done.stderr
    index = (site / "index.html").read_text()

    for document in _DOCS.glob("*.md"):
        assert f'href="{document.stem}.html"' in index or document.stem == "index"
    for file in [*site.rglob("*.html"), *site.rglob("*.css")]:
        assert _LOADED.findall(file.read_text()) == [], file


@pytest.mark.parametrize(
    "link", ["[x](gone.md)", "[x](method.md#gone)", "[x](#gone)", "[x](../gone.md)"]
)
def test_a_link_that_leads_nowhere_fails(tmp_path: Path, link: str) -> None:
    """A page, an anchor of another page or its own, a file of the repository: each is checked."""
    shutil.copytree(_DOCS, tmp_path / "docs")
    page = tmp_path / "docs" / "faults.md"
    page.write_text(f"{page.read_text()}\n\n{link}\n")

    done = build(tmp_path / "docs", tmp_path / "site")

    assert done.returncode == 1
    assert "gone" in done.stderr
