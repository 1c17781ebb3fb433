"""`bench import`: results measured elsewhere become a run that every report renders."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from bench.run.opening import open_run
from tests.loadtools.recorded import DATA, OHA, WRK

REPORT = DATA / "report"


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as done:
        main([*map(str, args)])
    printed = capsys.readouterr()
    assert isinstance(done.value.code, int)
    return done.value.code, printed.out, printed.err


def source_run(capsys: pytest.CaptureFixture[str], folder: Path, *more: object) -> Path:
    code, out, _ = run(
        capsys,
        "import",
        "oha",
        f"Rust Baseline={REPORT / 'rust.json'}",
        f"Spikard Python={REPORT / 'python.json'}",
        "--workload",
        "JSON Small (~100 bytes)",
        "--connections",
        50,
        "--duration",
        "10s",
        "--body-bytes",
        86,
        "--date",
        "2025-11-21",
        "--hardware",
        "MacBook (specific specs TBD)",
        "--output",
        folder / "run",
        *more,
    )
    assert code == 0
    return Path(out.strip())


def cells(markdown: str) -> dict[str, list[str]]:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", markdown, re.MULTILINE)
    return {label: re.split(r" \| ", rest) for label, rest in rows}


def test_the_source_reports_table_comes_out_cell_by_cell(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Numbers like its own give its figures, to the last digit."""
    report = (source_run(capsys, tmp_path) / "report.md").read_text()
    table = cells(report)

    assert table["Requests/sec"] == ["65,983", "18,427", "3.58x"]
    assert table["Average Latency"] == ["0.76 ms", "2.71 ms", "3.58x"]
    assert table["Fastest"] == ["0.03 ms", "0.22 ms", "7.33x"]
    assert table["Slowest"] == ["8.32 ms", "50.07 ms", "6.02x"]
    assert table["Throughput"] == ["5.67 MB/s", "1.58 MB/s", "3.58x"]
    assert table["Success Rate"] == ["100%", "100%", "1.0x"]
    assert table["Total Requests"] == ["659,826", "184,267", "3.58x"]


def test_the_configuration_says_what_was_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """And that it was measured elsewhere."""
    report = (source_run(capsys, tmp_path) / "report.md").read_text()

    for text in (
        "2025-11-21",
        "(86 bytes per request)",
        "10 seconds per trial",
        "50 concurrent connections",
        "MacBook (specific specs TBD)",
        "elsewhere",
    ):
        assert text in report


@pytest.mark.parametrize("form", ["markdown", "html", "json", "csv", "terminal", "results"])
def test_every_report_renders_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, form: str
) -> None:
    """From the run directory alone."""
    path = source_run(capsys, tmp_path)
    code, out, _ = run(capsys, "report", path, "--as", form)

    assert code == 0
    assert "65" in out


def test_raw_files_are_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Byte for byte, with their hashes in the record."""
    path = source_run(capsys, tmp_path)
    view = open_run(path)
    trial = view.trials[0]
    kept = path / "trials" / trial.trial / "load-0" / "rust.json"

    assert view.info.imported
    assert kept.read_bytes() == (REPORT / "rust.json").read_bytes()
    assert list(trial.raw_sha256) == ["load-0/rust.json"]


def test_an_existing_folder_receives_the_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Under the run's id, which the same input makes again."""
    (tmp_path / "reports").mkdir()
    code, out, _ = run(
        capsys, "import", "wrk", f"a={WRK / 'good.txt'}", "--output", tmp_path / "reports",
        "--date", "2025-11-21T10:00:00+02:00",
    )  # fmt: skip
    path = Path(out.strip())

    assert code == 0
    assert path.parent == tmp_path / "reports"
    assert path.name.startswith("20251121T080000Z-imported-")
    assert json.loads((path / "run.json").read_text())["run_id"] == path.name


def test_wrks_text_loses_its_distorted_percentiles(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """And says so; connections are as its text says."""
    code, out, _ = run(
        capsys, "import", "wrk", f"a={WRK / 'good-latency.txt'}", "--body-bytes", 2,
        "--output", tmp_path / "x",
    )  # fmt: skip
    view = open_run(Path(out.strip()))

    assert code == 0
    load = view.trials[0].load
    assert load is not None
    assert load.latency_us is not None
    assert set(load.latency_us.percentiles.values()) == {None}
    assert view.plan.profiles[0].connections == 20
    assert "tool-corrected" in view.summary.cells[0].findings
    assert view.summary.cells[0].bytes_per_s == pytest.approx(34999.63 * 2, rel=1e-4)


def test_the_same_label_is_a_further_round(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Three results of one server make an interval; labels that differ stay apart."""
    data = json.loads((OHA / "good.json").read_text())
    files = [f"A={OHA / 'good.json'}"]
    for name in ("second", "third"):
        data["summary"]["total"] += 0.001
        (tmp_path / name).write_text(json.dumps(data))
        files.append(f"A={tmp_path / name}")
    files.append(f"a!={OHA / 'closed.json'}")
    code, out, _ = run(capsys, "import", "oha", *files, "--output", tmp_path / "x")
    view = open_run(Path(out.strip()))

    assert code == 0
    assert [(t.server, t.round) for t in view.trials] == [
        ("a", 1), ("a", 2), ("a", 3), ("a-2", 1),
    ]  # fmt: skip
    assert view.plan.rounds == 3
    assert "not recorded" in (Path(out.strip()) / "report.md").read_text()


def test_a_window_unlike_the_told_one_is_a_finding(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What the tool measured stands."""
    code, out, _ = run(
        capsys, "import", "oha", f"a={OHA / 'closed.json'}", "--duration", "10",
        "--output", tmp_path / "x",
    )  # fmt: skip
    view = open_run(Path(out.strip()))

    assert code == 0
    assert view.trials[0].status == "valid"
    assert "window-off" in view.summary.cells[0].findings


def test_a_result_without_success_is_kept_and_not_believed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Exit code 1: a server has no usable result."""
    code, out, err = run(
        capsys, "import", "oha", f"a={OHA / 'all-500.json'}", "--output", tmp_path / "x"
    )

    assert code == 1
    assert open_run(Path(out.strip())).trials[0].status == "invalid"
    assert "not one of 300 requests succeeded" in err


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("wrk", "no-equals-sign"), "LABEL=FILE"),
        (("wrk", "=x"), "LABEL=FILE"),
        (("wrk", "a=/nonexistent.txt"), "no file"),
        (("wrk", f"a={WRK / 'usage.txt'}"), "not a complete result"),
        (("oha", f"a={WRK / 'good.txt'}"), "the output of wrk, not of oha"),
        (("oha", f"a={OHA / 'good.json'}", "--date", "yesterday"), "2025-11-21"),
        (("oha", f"a={OHA / 'good.json'}", "--duration", "soon"), "10s"),
        (("oha", f"a={OHA / 'good.json'}", "--duration", "0s"), "above 0s"),
        (("oha",), "Missing argument"),
    ],
)
def test_bad_input_exits_with_2_and_makes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, args: tuple[Any, ...], text: str
) -> None:
    """One clear message."""
    code, out, err = run(capsys, "import", *args, "--output", tmp_path / "x")

    assert (code, out) == (2, "")
    assert text in err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_what_another_shell_stored(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, encoding: str
) -> None:
    """A byte order mark and CR LF, as PowerShell writes them, change no figure."""
    (tmp_path / "stored").write_bytes(
        (REPORT / "rust.json").read_text().replace("\n", "\r\n").encode(encoding)
    )

    stored = run(capsys, "parse", "oha", tmp_path / "stored")
    plain = run(capsys, "parse", "oha", REPORT / "rust.json")

    assert stored[0] == 0, stored[2]
    assert stored[:2] == plain[:2]


def test_the_summary_for_people_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """oha's text is no result that can be read: the options that write one are told."""
    text = "Summary:\n  Success rate:\t97.10%\n  Total:\t3.0011 sec\n"
    (tmp_path / "text").write_text(text)

    code, _, said = run(capsys, "import", "oha", f"A={tmp_path / 'text'}")

    assert code == 2
    assert "--output-format json" in said


def test_labels_with_equals_signs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The file is what follows the first `=` behind which there is one."""
    file = REPORT / "rust.json"
    labels = ("threads=2", "a=b=c")
    code, _, said = run(
        capsys, "import", "oha", *(f"{one}={file}" for one in labels), "--output", tmp_path / "run"
    )
    missing = run(capsys, "import", "oha", "threads=2=gone.json")

    assert code == 0, said
    view = open_run(tmp_path / "run")
    assert {arm.config.title for arm in view.plan.arms} == set(labels)
    assert "threads=2: there is no file gone.json" in missing[2]


def oha_file(folder: Path, name: str, status: str) -> Path:
    """A result of oha with every answer of one status."""
    data = json.loads((REPORT / "rust.json").read_text())
    total = sum(data["statusCodeDistribution"].values())
    path = folder / name
    path.write_text(json.dumps(data | {"statusCodeDistribution": {status: total}}))
    return path


def wrk_file(folder: Path, name: str, connections: int, path: str, rate: float = 8000.0) -> Path:
    """A result of wrk as it is printed."""
    file = folder / name
    file.write_text(
        f"Running 10s test @ http://127.0.0.1:8080{path}\n"
        f"  4 threads and {connections} connections\n"
        "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n"
        "    Latency    73.05ms    9.11ms 301.22ms   88.10%\n"
        "    Req/Sec     2.05k   120.00     2.40k    70.00%\n"
        f"  {round(rate * 10)} requests in 10.00s, 10.00MB read\n"
        f"Requests/sec: {rate:10.2f}\n"
        "Transfer/sec:      1.00MB\n"
    )
    return file


def imported(
    capsys: pytest.CaptureFixture[str], folder: Path, tool: str, *words: object
) -> dict[str, Any]:
    """The report of a run made of these results, as JSON."""
    code, out, err = run(capsys, "import", tool, *words, "--output", folder / "made")
    assert code == 0, err
    summary: dict[str, Any] = json.loads(run(capsys, "report", out.strip(), "--as", "json")[1])
    return summary


def test_redirects_are_no_faster_server(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Answers that are all 307 are told, at the top, and compared with no 200."""
    right, led = oha_file(tmp_path, "a", "200"), oha_file(tmp_path, "b", "307")
    summary = imported(capsys, tmp_path, "oha", f"right={right}", f"led={led}")
    words = {row["verdict"]["word"] for row in summary["comparisons"]}

    assert "only-redirects" in [found["code"] for found in summary["findings"]]
    assert words == {"not-comparable"}


def test_what_is_right_can_be_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With `--status 404` a 404 is a success and a 200 none."""
    file = oha_file(tmp_path, "a", "404")
    cell = imported(capsys, tmp_path, "oha", f"app={file}", "--status", 404)["cells"][0]
    code, _, err = run(
        capsys, "import", "oha", f"app={file}", "--status", 200, "--output", tmp_path / "other"
    )

    assert cell["success_rate"] == 1.0
    assert code == 1
    assert "not one of" in err


@pytest.mark.parametrize(
    ("other", "said"),
    [((400, "/json"), "connections 400, not 600"), ((600, "/text"), "path /text, not /json")],
)
def test_unlike_loads_are_not_compared(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, other: tuple[int, str], said: str
) -> None:
    """Results of other connections, or of another path, have a finding and no verdict."""
    first, second = wrk_file(tmp_path, "a", 600, "/json"), wrk_file(tmp_path, "b", *other, 9000.0)
    summary = imported(capsys, tmp_path, "wrk", f"old={first}", f"new={second}")
    found = [each for each in summary["findings"] if each["code"] == "unlike-conditions"]

    assert said in found[0]["text"]
    assert {row["verdict"]["word"] for row in summary["comparisons"]} == {"not-comparable"}


def test_a_copy_is_no_second_round(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One result under one label twice is refused, whatever the files are called."""
    files = [wrk_file(tmp_path, name, 600, "/json") for name in ("a", "b")]
    words = [f"app={file}" for file in files]
    code, _, err = run(capsys, "import", "wrk", *words, "--output", tmp_path / "made")

    assert code == 2
    assert "b holds the same result as a" in err
