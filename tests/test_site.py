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


def build(docs: Path, site: Path, form: str = "html") -> subprocess.CompletedProcess[str]:
    """As the recipe does."""
    command = [sys.executable, "-P", "-m", "sphinx", "-q", "-W", "--keep-going", "-E", "-b", form]
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


def test_links_that_lead_nowhere_fail(tmp_path: Path) -> None:
    """A page, an anchor of another page or its own, a file of the repository: each is checked."""
    shutil.copytree(_DOCS, tmp_path / "docs")
    page = tmp_path / "docs" / "faults.md"
    targets = ("gone-1.md", "method.md#gone-2", "#gone-3", "../gone-4.md")
    links = "\n\n".join(f"[x]({target})" for target in targets)
    page.write_text(f"{page.read_text()}\n\n{links}\n")

    done = build(tmp_path / "docs", tmp_path / "site", "dummy")

    assert done.returncode == 1
    assert set(re.findall(r"gone-\d", done.stderr)) == {f"gone-{n}" for n in (1, 2, 3, 4)}
