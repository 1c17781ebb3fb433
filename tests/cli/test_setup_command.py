"""`bench setup` on machines made of scripted executables."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from click.testing import CliRunner, Result

from bench.cli.setup_command import at_terminal, command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WRK = "wrk 4.2.0 [epoll]"
APT = """
case "$*" in
*" update") touch "$BOX/updated" ;;
*wrk) [ ! -e "$BOX/stale" ] || [ -e "$BOX/updated" ] || exit 100
    printf '#!/bin/sh\\necho wrk 4.2.0\\n' >"$BOX/bin/wrk"; chmod +x "$BOX/bin/wrk" ;;
esac
echo "apt: $*" >>"$BOX/log"
"""
APT_CACHE = '[ ! -e "$BOX/bare" ] && echo "Package: wrk"\nexit 0\n'


class Machine(NamedTuple):
    """A machine whose executables are the scripts in one folder."""

    box: Path

    def script(self, name: str, text: str) -> None:
        file = self.box / "bin" / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def log(self) -> list[str]:
        file = self.box / "log"
        return file.read_text().splitlines() if file.exists() else []

    def setup(self, *args: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(command, [*args], input=answer)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A Debian machine without load tools, in a folder that is no project."""
    one = Machine(tmp_path)
    (tmp_path / "bin").mkdir()
    for name in ("sh", "touch", "chmod", "echo", "env"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / "bin" / name).symlink_to(found)
    one.script("apt-get", APT)
    one.script("apt-cache", APT_CACHE)
    monkeypatch.setenv("BOX", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("bench.loadtools.install.find.search_path", lambda: str(tmp_path / "bin"))
    monkeypatch.setattr("bench.loadtools.install.find.search_path", lambda: str(tmp_path / "bin"))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.chdir(tmp_path)
    return one


@pytest.fixture
def user(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The same machine for somebody who is not root and has sudo."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    machine.script("sudo", 'echo "sudo" >>"$BOX/log"\nexec "$@"')
    return machine


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at a terminal."""
    monkeypatch.setattr("bench.cli.setup_command.at_terminal", lambda: True)


def test_what_is_there_is_left_alone(machine: Machine) -> None:
    """A usable tool is listed, and no installer is started."""
    machine.script("wrk", f"echo '{WRK}'")

    result = machine.setup("--tool", "wrk")

    assert result.exit_code == 0
    assert result.stdout == f"wrk   found    4.2.0    {machine.box}/bin/wrk\n"
    assert machine.log() == []


def test_root_without_terminal_goes_on(machine: Machine) -> None:
    """In a container or in CI the command says what it runs, and runs it."""
    result = machine.setup("--tool", "wrk")

    assert result.exit_code == 0, result.stderr
    assert "wrk is missing: about to run (about 15 s, with administrator rights)" in result.stderr
    assert "apt-get -o DPkg::Lock::Timeout=120 install -y" in result.stderr
    assert machine.log() == [
        "apt: -o DPkg::Lock::Timeout=120 install -y --no-install-recommends wrk"
    ]
    assert result.stdout.startswith("wrk   found    4.2.0")


def test_user_without_terminal_is_told_the_command(user: Machine) -> None:
    """Without a terminal and without --yes nothing is run: the command is printed, exit 2."""
    result = user.setup("--tool", "wrk")

    assert result.exit_code != 0
    assert getattr(result.exception, "exit_code", None) == 2
    assert "sudo apt-get" in str(result.exception)
    assert user.log() == []


def test_user_without_terminal_goes_on_with_yes(user: Machine) -> None:
    """--yes stands for the answer."""
    assert user.setup("--tool", "wrk", "--yes").exit_code == 0
    assert user.log()[0] == "sudo"


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("answer", "installed"), [("y\n", True), ("n\n", False)])
def test_terminal_is_asked(user: Machine, answer: str, *, installed: bool) -> None:
    """At a terminal the question comes before administrator rights are used."""
    result = user.setup("--tool", "wrk", answer=answer)

    assert "Go on with administrator rights?" in result.stderr
    assert bool(user.log()) is installed
    assert (getattr(result.exception, "exit_code", 0) == 2) is not installed


@pytest.mark.usefixtures("terminal")
def test_build_without_administrator_rights_is_not_asked_about(user: Machine) -> None:
    """cargo install changes nothing outside the home folder: no question."""
    for name in ("cc", "make"):
        user.script(name, "")
    user.script("rustc", "echo 'rustc 1.90.0 (abc)'")
    user.script(
        "cargo", 'printf "#!/bin/sh\\necho oha 1.16.0\\n" >"$BOX/bin/oha"; chmod +x "$BOX/bin/oha"'
    )

    result = user.setup("--tool", "oha")

    assert result.exit_code == 0, result.stderr
    assert "Go on" not in result.stderr
    assert "cargo install oha --locked" in result.stderr


def test_dry_run_runs_nothing(machine: Machine) -> None:
    """--dry-run shows the commands and what cannot be done, and exits 0."""
    result = machine.setup("--dry-run")

    assert result.exit_code == 0
    assert "install -y --no-install-recommends wrk" in result.stderr
    assert "oha is missing, and it is built by cargo, which is not here" in result.stderr
    assert machine.log() == []


def test_lists_are_fetched_first_where_apt_knows_nothing(machine: Machine) -> None:
    """A fresh image has no package lists."""
    (machine.box / "bare").touch()

    assert machine.setup("--tool", "wrk").exit_code == 0
    assert [line.split()[-1] for line in machine.log()] == ["update", "wrk"]


def test_stale_lists_are_fetched_and_the_step_is_tried_again(machine: Machine) -> None:
    """apt fails on lists that name a version which is gone; one update, one more try."""
    (machine.box / "stale").touch()

    result = machine.setup("--tool", "wrk", "--json")
    data = json.loads(result.stdout)

    assert result.exit_code == 0
    assert [run["rc"] for run in data["ran"]] == [100, 0, 0]
    assert data["tools"][0]["state"] == "found"


def test_failed_installation_names_the_command(machine: Machine) -> None:
    """A step that fails ends in exit 2 with the command; the JSON holds its exit code."""
    machine.script("apt-get", "exit 100")

    result = machine.setup("--tool", "wrk", "--json")

    assert getattr(result.exception, "exit_code", None) == 2
    assert "this failed: apt-get" in str(result.exception)
    assert {run["rc"] for run in json.loads(result.stdout)["ran"]} == {100}


def test_tool_that_cannot_come_does_not_stop_the_other(machine: Machine) -> None:
    """wrk is installed although oha cannot be; the error names oha only."""
    result = machine.setup()

    assert getattr(result.exception, "exit_code", None) == 2
    assert str(result.exception).startswith("oha is not here")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0] == ["oha", "missing", "-"]
    assert next(row for row in rows if row[0] == "wrk")[1] == "found"


def test_second_step_of_a_failed_tool_is_not_tried(machine: Machine) -> None:
    """Without the C compiler that apt could not install, cargo is not started."""
    machine.script("apt-get", "exit 100")
    machine.script("rustc", "echo 'rustc 1.90.0 (abc)'")
    machine.script("cargo", 'echo cargo >>"$BOX/log"')

    assert getattr(machine.setup("--tool", "oha").exception, "exit_code", None) == 2
    assert machine.log() == []


def test_matrix_says_which_tools_and_servers_count(machine: Machine) -> None:
    """--for asks for the tools of the matrix only, and names what its servers lack."""
    machine.script("wrk", f"echo '{WRK}'")

    result = machine.setup("--for", "quick")

    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1
    assert (
        "fastify will be skipped: node and npm missing (apt-get install nodejs npm)"
        in result.stderr
    )
    assert "ceiling" not in result.stderr
    assert "ceiling will be skipped" in machine.setup("--for", "all", "--dry-run").stderr


def test_servers_of_the_project_are_looked_at(machine: Machine) -> None:
    """Missing runtimes of one's own servers are named; a broken file is left to validate."""
    machine.script("wrk", f"echo '{WRK}'")
    for name, text in {
        "mine": "needs: [elixir]\nrun: [x, '{port}']\n",
        "broken": "needs: 3\n",
    }.items():
        (machine.box / "servers" / name).mkdir(parents=True)
        (machine.box / "servers" / name / "server.yaml").write_text(text)

    data: Mapping[str, Any] = json.loads(machine.setup("--tool", "wrk", "--json").stdout)
    lacking = {one["server"]: one["needs"] for one in data["skipped_servers"]}

    assert lacking["mine"] == ["elixir"]
    assert "broken" not in lacking


def test_terminal_is_stdin_and_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question needs somebody who sees it and can answer."""
    for stdin, stderr in ((True, True), (True, False), (False, True)):
        monkeypatch.setattr("sys.stdin.isatty", lambda answer=stdin: answer, raising=False)
        monkeypatch.setattr("sys.stderr.isatty", lambda answer=stderr: answer, raising=False)

        assert at_terminal() is (stdin and stderr)


POSTGRES_APT = """
case "$*" in
*postgresql) for name in initdb postgres psql; do
    printf '#!/bin/sh\\necho "postgres (PostgreSQL) 15.2"\\n' >"$BOX/bin/$name"
    chmod +x "$BOX/bin/$name"; done ;;
esac
echo "apt: $*" >>"$BOX/log"
"""


@pytest.fixture
def bare(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The machine without PostgreSQL, and an apt that brings it."""
    monkeypatch.setattr("bench.servers.postgres_found.FOLDERS", ())
    monkeypatch.setattr("bench.servers.postgres_found.user_path", lambda: str(machine.box / "bin"))
    machine.script("apt-get", POSTGRES_APT)
    machine.script("apt-cache", 'echo "Package: postgresql"')
    return machine


def test_postgres_comes_where_it_is_asked_for(bare: Machine) -> None:
    """By its name alone; and what is there is left alone."""
    result = bare.setup("--tool", "postgres")

    assert result.exit_code == 0, result.stderr
    assert "PostgreSQL is missing: about to run" in result.stderr
    said = "apt: -o DPkg::Lock::Timeout=120 install -y --no-install-recommends postgresql"
    assert bare.log() == [said]
    assert result.stdout.startswith("postgres  found    15.2 ")
    assert bare.setup("--tool", "postgres").exit_code == 0
    assert bare.log() == [said]


def test_postgres_for_a_matrix_that_asks_a_database(bare: Machine) -> None:
    """`--for` finds it in the servers of the matrix and their services."""
    (bare.box / "configs" / "workloads").mkdir(parents=True)
    (bare.box / "servers" / "one").mkdir(parents=True)
    (bare.box / "configs" / "workloads" / "rows.yaml").write_text("requests: [{path: /}]\n")
    (bare.box / "configs" / "m.yaml").write_text("servers: [one]\nworkloads: [rows]\n")
    server = bare.box / "servers" / "one" / "server.yaml"
    server.write_text('run: [a, "{port}"]\nservices: {postgres: [rows]}\n')
    bare.script("wrk", f"echo '{WRK}'")

    shown = bare.setup("--for", "m", "--dry-run", "--json")
    assert json.loads(shown.stdout)["postgres"] is None
    assert json.loads(shown.stdout)["steps"][0]["command"][-1] == "postgresql"
    server.write_text('run: [a, "{port}"]\n')
    assert "postgres" not in json.loads(bare.setup("--for", "m", "--json").stdout)


def test_postgres_without_a_package_manager(bare: Machine) -> None:
    """What to do is said, exit 2."""
    (bare.box / "bin" / "apt-get").unlink()
    result = bare.setup("--tool", "postgres")

    assert getattr(result.exception, "exit_code", None) == 2
    assert "PostgreSQL is missing, and no package manager is known here" in str(
        getattr(result.exception, "advice", "")
    )
