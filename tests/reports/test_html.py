"""report.html: one file, nothing from elsewhere, proven in a real browser where one is found."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.reports import samples

if TYPE_CHECKING:
    from pathlib import Path

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--virtual-time-budget=8000",
)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium here")


@cache
def _page() -> str:
    return samples.text(samples.five_servers(), "html")


def browse(page: str, folder: Path, *, width: int = 1200) -> tuple[str, str]:
    """The document after its scripts ran, and what the browser's console said."""
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    profile = folder / "profile"
    argv = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", f"--window-size={width},2000"]
    done = subprocess.run(
        [*argv, "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, "\n".join(console)


def test_loads_nothing_from_elsewhere() -> None:
    """No element names a source, and the page's own policy forbids all."""
    page = re.sub(r"<script.*?</script>", "", _page(), flags=re.DOTALL)

    assert re.findall(r'(?:src|href)="(?!#|[\w./]+")[^"]*"', page) == []
    assert "default-src 'none'" in page
    assert "@import" not in page
    assert "url(" not in page


def test_same_content_as_the_markdown() -> None:
    """Every cell of every table of the Markdown report is in the page."""
    page = _page()

    for line in samples.text(samples.five_servers()).splitlines():
        if line.startswith("| **"):
            cells = [cell.strip(" *") for cell in line.strip("|").split(" | ")]
            assert all(cell in page for cell in cells if "&" not in cell and "\\" not in cell)


def test_hostile_text_stays_text() -> None:
    """Titles cannot end a script or start an element."""
    run = samples.two_servers()
    arm = run.plan.arms[0]
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\x1b"
    config = arm.config.model_copy(update={"title": evil})
    arms = (arm.model_copy(update={"config": config}), *run.plan.arms[1:])
    plan = run.plan.model_copy(update={"arms": arms, "title": evil})
    page = samples.text(run.model_copy(update={"plan": plan}), "html")

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "\x1b" not in page
    assert page.count("</script>") == 3


STUB = """
const places = ["Json small", "Json large", "Json small"].map((about) => ({ dataset: { about } }));
const chooser = { value: "", addEventListener: (_, call) => { chooser.call = call; } };
const document = {
  getElementById: (id) => (id === "subject" ? chooser : null),
  querySelectorAll: (what) => (what === "[data-about]" ? places : []),
};
const window = { addEventListener: () => {} };
%s
for (const value of ["Json small", ""]) {
  chooser.value = value;
  chooser.call();
  console.log(places.map((place) => place.hidden).join(" "));
}
"""


@pytest.mark.needs("node")
def test_one_workload_can_be_seen_alone(tmp_path: Path) -> None:
    """Choosing a workload hides rows and parts about the others; choosing all brings them back."""
    script = re.findall(r"<script>\n(.*?)</script>", _page(), re.DOTALL)[-1]
    file = tmp_path / "page.js"
    file.write_text(STUB % script.replace('"use strict";', ""), encoding="utf-8")
    done = subprocess.run(
        ["node", str(file)], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.splitlines() == ["false true false", "false false false"]


def test_what_a_choice_is_about_is_marked() -> None:
    """Each row of the answer and each part of the results says which workload it is about."""
    page = _page()
    offered = re.findall(r"<option>(.*?)</option>", page)

    assert offered == ["Json small", "Json medium", "Json large"]
    assert set(re.findall(r'data-about="(.*?)"', page)) == set(offered)
    assert page.count('<tr data-about="') == len(offered) * len(samples.FIVE)
    assert page.count('<div class="subject"') == 2 * len(offered)


@needs_browser
@pytest.mark.real
def test_browser_draws_every_open_chart(tmp_path: Path) -> None:
    """No console message, no error, charts of all places that are not folded."""
    document, console = browse(_page(), tmp_path)
    figures = re.findall(r'<figure id="chart-(\w+)"', document)

    assert console == ""
    assert "data-errors" not in document
    assert {"throughput", "latency", "cpu", "payload"} <= set(figures)
    assert document.count('data-drawn="yes"') == len(set(figures) - {"warmup", "rounds", "trials"})
    assert document.count("<svg") >= document.count('data-drawn="yes"')


CHECK = """
<script>
window.addEventListener("load", () => setTimeout(() => {
  const root = document.documentElement;
  const head = [...document.querySelectorAll("th button")].find(
    (button) => button.textContent === "Requests/sec");
  head.click();
  const column = head.parentNode.cellIndex;
  const rows = [...head.closest("table").tBodies[0].rows];
  const cells = rows.map((row) => row.cells[column].textContent);
  root.dataset.sorted = cells.map((text) => text.split(" ")[0].replaceAll(",", "")).join(" ");
  root.dataset.overflow = String(root.scrollWidth - root.clientWidth);
}, 4000));
</script>
"""


@needs_browser
@pytest.mark.real
def test_phone_width_and_sorting(tmp_path: Path) -> None:
    """At phone width nothing but tables scrolls sideways; a click sorts by number."""
    document, console = browse(_page() + CHECK, tmp_path, width=390)
    root = document.split(">", 2)[1]
    order = re.search(r'data-sorted="([\d. ]+)"', root)

    assert console == ""
    assert 'data-overflow="0"' in root
    assert order is not None
    numbers = [float(number) for number in order[1].split()]
    assert numbers == sorted(numbers)
    assert len(numbers) >= len(samples.FIVE)
