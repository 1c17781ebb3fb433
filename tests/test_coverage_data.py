"""Coverage data that a killed process left broken is set aside; the rest is combined."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import coverage
import pytest

from tests.coverage_data import is_whole, set_aside

_ROOT = Path(__file__).parents[1]


def written(path: Path) -> Path:
    """A data file as coverage writes it, of several pages."""
    data = coverage.CoverageData(str(path))
    data.add_lines({f"/nowhere/{n}.py": range(1, 200) for n in range(200)})
    data.write()
    data.close()
    return path


def torn(path: Path) -> Path:
    """One whose first page is there and whose others are not."""
    whole = written(path).read_bytes()
    path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    return path


def test_only_what_is_broken_is_set_aside(tmp_path: Path) -> None:
    """Torn, cut off, empty or no database at all; a whole one stays."""
    base = tmp_path / "coverage"
    good = written(tmp_path / "coverage.host.1")
    cut = tmp_path / "coverage.host.3"
    cut.write_bytes(good.read_bytes()[:5000])
    (tmp_path / "coverage.host.4").write_bytes(b"")
    (tmp_path / "coverage.host.5").write_bytes(b"no database" * 100)
    torn(tmp_path / "coverage.host.2")
    torn(base)
    found = set_aside(base)

    assert is_whole(good)
    assert sorted(path.name for path in found) == sorted(
        ["coverage.broken", *(f"coverage.host.{n}.broken" for n in (2, 3, 4, 5))]
    )
    assert set_aside(base) == []


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")], ids=["one", "two"])
def test_a_run_goes_on_without_it(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """pytest with coverage ends as its tests do, though processes left torn data."""
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_runtestloop\n")
    (tmp_path / "test_one.py").write_text(
        "import pytest\nfrom pathlib import Path\nfrom tests.test_coverage_data import torn\n"
        "@pytest.mark.parametrize('n', range(12))\n"
        "def test_it(n):\n"
        "    path = torn(Path(f'data.host.{n}'))\n"
        "    path.write_bytes(path.read_bytes() + bytes([n]))  # coverage removes equal files\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    argv = ["-q", "-p", "no:cacheprovider", "-p", "pytest_cov", "--cov=tests", "--cov-report="]
    argv += workers
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *argv, "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={
            "COVERAGE_FILE": str(tmp_path / "data"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(_ROOT),
        },
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(tmp_path.glob("data.host.*.broken"))) == 12
    assert is_whole(tmp_path / "data")


def test_what_another_set_aside_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that goes between the look at it and its move is left to whoever took it."""

    def taken(path: Path) -> bool:
        path.unlink()
        return False

    monkeypatch.setattr("tests.coverage_data.is_whole", taken)
    torn(tmp_path / "coverage.host.1")

    assert set_aside(tmp_path / "coverage") == []
