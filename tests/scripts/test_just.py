"""The bootstrap script, run by sh with a Python, pip and uv that only pretend."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
UTILITIES = (
    *("sh", "cat", "cksum", "cp", "chmod", "cut", "dirname", "env", "find", "grep", "head", "id"),
    *("mkdir", "readlink", "rm", "sleep", "uname"),
)
PYTHON = """#!/bin/sh
case "$*" in
*version_info\\[:2\\]*) echo "3.12 True" ;;
"-c "*) exit 0 ;;
"-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; echo "venv" >>"$LOG" ;;
"-m pip "*)
    here=$(dirname "$0")
    cp "$TOOL" "$here/just"; cp "$TOOL" "$here/uv"; echo "pip" >>"$LOG" ;;
"- "*) cat >/dev/null ;;
*) exit 99 ;;
esac
"""
TOOL = """#!/bin/sh
echo "${0##*/} $*" >>"$LOG"
for word in "$@"; do echo "<$word>"; done
exit ${FAIL:-0}
"""
OLD = "#!/bin/sh\necho '3.9 False'\n"
BARE = PYTHON.replace('"-c "*) exit 0', '"-c "*) exit 1')
TRAP = "#!/bin/sh\necho 'pyenv: python: command not found' >&2\nexit 127\n"


class Checkout(NamedTuple):
    """A copy of the script in a folder of its own, and a machine that has hardly anything."""

    root: Path
    bin: Path
    log: Path

    def python(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def run(
        self, *args: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": str(self.bin), "LOG": str(self.log), "TOOL": str(self.bin / "tool")}
        return subprocess.run(
            [str(self.root / "scripts" / "just"), *args],
            cwd=cwd or self.root,
            env={**environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def done(self) -> list[str]:
        """What was started since the last call, arguments of uv and just left out."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [line.split()[0] for line in lines]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout whose path holds blanks, on a machine without any Python."""
    if any(Path(folder, "python3").exists() for folder in ("/opt/homebrew/bin", "/usr/local/bin")):
        pytest.skip("this machine has a Python where the script looks without PATH")
    one = Checkout(tmp_path / "my check out", tmp_path / "bin", tmp_path / "log")
    (one.root / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "just", one.root / "scripts")
    (one.root / "requirements").mkdir()
    for name in ("bootstrap", "run", "dev", "docs", "mac"):
        (one.root / "requirements" / f"{name}.txt").write_text("one==1\n")
    one.bin.mkdir()
    for name in UTILITIES:
        found = shutil.which(name)
        assert found is not None
        (one.bin / name).symlink_to(found)
    one.python("tool", TOOL)
    return one


def test_no_python_is_one_message_with_the_command(checkout: Checkout) -> None:
    """Without any Python the script names the command that installs one, and exits 2."""
    done = checkout.run("test")

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "Python 3.11 or newer is needed, and there is none" in done.stderr
    assert ("apt-get install python3 python3-venv" in done.stderr) or (
        "brew install" in done.stderr
    )


def test_old_python_is_named(checkout: Checkout) -> None:
    """A Python that is too old is told apart from none."""
    checkout.python("python3", OLD)

    done = checkout.run("test")

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "the newest here is 3.9" in done.stderr


@pytest.mark.parametrize("brew", [False, True])
def test_apples_stand_in_is_not_started(checkout: Checkout, *, brew: bool) -> None:
    """A bare Mac gets one message, with Homebrew or without, and no dialogue."""
    (checkout.bin / "uname").unlink()
    checkout.python("uname", "#!/bin/sh\necho Darwin\n")
    checkout.python("python3", '#!/bin/sh\necho dialogue >>"$LOG"\nexit 1\n')
    script = checkout.root / "scripts" / "just"
    script.write_text(script.read_text().replace("/usr/bin/python3", f"{checkout.bin}/python3"))
    if brew:
        checkout.python("brew", "#!/bin/sh\n")

    done = checkout.run("test")

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "brew install python@3.13" in done.stderr
    assert ("brew.sh" in done.stderr) is not brew
    assert checkout.done() == []


def test_under_rosetta_it_is_one_message(checkout: Checkout) -> None:
    """A translated terminal would make an Intel environment: the native start is named."""
    (checkout.bin / "uname").unlink()
    checkout.python("uname", "#!/bin/sh\necho Darwin\n")
    checkout.python("sysctl", '#!/bin/sh\n[ "$*" = "-n sysctl.proc_translated" ] && echo 1\n')
    checkout.python("python3", PYTHON)

    done = checkout.run("test")

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "arch -arm64 /bin/sh scripts/just test" in done.stderr
    assert checkout.done() == []


def test_an_old_conda_in_front_is_passed_over(checkout: Checkout) -> None:
    """An activated environment may have any python3; a newer one behind it on PATH is taken."""
    conda = checkout.root.parent / "conda"
    conda.mkdir()
    (conda / "python3").write_text(OLD)
    (conda / "python3").chmod(0o755)
    checkout.python("python3", PYTHON)

    done = checkout.run("test", env={"PATH": f"{conda}:{checkout.bin}", "CONDA_PREFIX": "conda"})

    assert done.returncode == 0
    assert f"making .venv with {checkout.bin}/python3," in done.stderr


def test_python_without_venv_is_named(checkout: Checkout) -> None:
    """Debian's Python without python3-venv gets the command for that package."""
    checkout.python("python3", BARE)

    done = checkout.run("test")

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "Python 3.12 is here without venv and ensurepip" in done.stderr


def test_refused_start_leaves_nothing_that_stops_the_next(checkout: Checkout) -> None:
    """After a Python was installed the next start works."""
    checkout.run("test")
    checkout.python("python3", PYTHON)

    assert checkout.run("test").returncode == 0


def test_name_that_does_not_run_is_passed_over(checkout: Checkout) -> None:
    """A pyenv shim that fails when called, or an old Python, does not stop the search."""
    checkout.python("python3.13", TRAP)
    checkout.python("python3.12", BARE)
    checkout.python("python3.11", OLD)
    checkout.python("python3", PYTHON)

    done = checkout.run("test")

    assert done.returncode == 0
    assert f"making .venv with {checkout.bin}/python3," in done.stderr


def test_first_start_says_what_it_does_then_runs_the_recipe(checkout: Checkout) -> None:
    """The first start makes .venv, installs, and hands all arguments on as they are."""
    checkout.python("python3.13", PYTHON)

    done = checkout.run("bench", "my matrix", "--rounds", "", "3")

    assert done.returncode == 0
    assert "making .venv" in done.stderr
    assert done.stdout.splitlines()[-5:] == ["<bench>", "<my matrix>", "<--rounds>", "<>", "<3>"]
    assert checkout.done() == ["venv", "pip", "just"]


def test_second_start_installs_nothing_and_is_quick(checkout: Checkout, tmp_path: Path) -> None:
    """A second start, from another folder, adds less than 0.3 s of CPU time and says nothing."""
    checkout.python("python3", PYTHON)
    checkout.run("test")
    checkout.done()

    took = []
    for _ in range(3):  # the least of three: caches may be cold
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = checkout.run("test", cwd=tmp_path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    assert min(took) < 0.3
    assert done.stderr == ""
    assert checkout.done() == ["just"] * 3
    assert f"<{checkout.root}>" in done.stdout.splitlines()


def test_recipes_install_what_they_need_once(checkout: Checkout) -> None:
    """Packages come when a recipe asks; those for development include the others."""
    checkout.python("python3", PYTHON)

    assert [checkout.run("--prepare", level).returncode for level in ("run", "dev", "run")] == [
        0
    ] * 3

    assert checkout.done() == ["venv", "pip", "uv", "uv"]


def test_packages_of_the_site_are_a_level_of_their_own(checkout: Checkout) -> None:
    """Neither running nor developing needs them, and once they are here nothing is asked."""
    checkout.python("python3", PYTHON)
    checkout.run("--prepare", "dev")
    checkout.done()

    assert [checkout.run("--prepare", "docs").returncode for _ in range(2)] == [0, 0]
    assert checkout.done() == ["uv"]


def test_newest_python_is_taken(checkout: Checkout) -> None:
    """Of several the newest makes the environment."""
    checkout.python("python3", PYTHON)
    checkout.python("python3.13", PYTHON)
    checkout.python("python3.14", PYTHON)

    done = checkout.run("test")

    assert f"making .venv with {checkout.bin}/python3.14," in done.stderr


def test_changed_requirements_are_installed_again(checkout: Checkout) -> None:
    """New pins are noticed by content, and only what they concern is installed."""
    checkout.python("python3", PYTHON)
    checkout.run("--prepare", "run")
    checkout.done()
    (checkout.root / "requirements" / "run.txt").write_text("one==2\n")

    assert checkout.run("--prepare", "run").returncode == 0
    assert checkout.done() == ["uv"]


def test_killed_start_is_begun_again(checkout: Checkout) -> None:
    """What a killed start left behind is recognised by its dead process and made anew."""
    checkout.python("python3", PYTHON)
    checkout.run("--prepare", "run")
    checkout.done()
    ended = subprocess.Popen(["true"])
    ended.wait()
    (checkout.root / ".venv" / ".unfinished").write_text(f"{ended.pid}\n")

    done = checkout.run("--prepare", "run")

    assert done.returncode == 0
    assert "did not finish" in done.stderr
    assert checkout.done() == ["venv", "pip", "uv"]
    assert checkout.run("--prepare", "run").stderr == ""


def test_start_waits_for_another_that_installs(checkout: Checkout) -> None:
    """Two starts at once: the second waits for the first and installs nothing."""
    checkout.python("python3", PYTHON)
    checkout.run("--prepare", "run")
    checkout.done()
    unfinished = checkout.root / ".venv" / ".unfinished"
    unfinished.write_text(f"{os.getpid()}\n")
    waiting = subprocess.Popen(
        [str(checkout.root / "scripts" / "just"), "--prepare", "run"],
        env={"PATH": str(checkout.bin), "LOG": str(checkout.log)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    with waiting.stderr as said:
        assert f"waiting for process {os.getpid()}" in said.readline()
        unfinished.unlink()

        assert waiting.wait(10) == 0
    assert checkout.done() == []


def test_failed_installation_is_tried_again(checkout: Checkout) -> None:
    """Without a network the message says so, and the next start goes on where it stopped."""
    checkout.python("python3", PYTHON)

    failed = checkout.run("--prepare", "run", env={"FAIL": "1"})
    checkout.done()

    assert failed.returncode == 2
    assert "needs the network" in failed.stderr
    assert checkout.run("--prepare", "run").returncode == 0
    assert checkout.done() == ["uv"]


def test_moved_checkout_gets_a_new_environment(checkout: Checkout) -> None:
    """A .venv holds absolute paths: in a moved checkout it is made again."""
    checkout.python("python3", PYTHON)
    checkout.run("--prepare", "run")
    checkout.done()
    moved = checkout._replace(root=checkout.root.rename(checkout.root.with_name("elsewhere")))

    assert moved.run("--prepare", "run").returncode == 0
    assert moved.done() == ["venv", "pip", "uv"]


def test_environment_that_is_not_ours_is_kept(checkout: Checkout) -> None:
    """A working .venv without a stamp is completed, not thrown away."""
    checkout.python("python3", PYTHON)
    folder = checkout.root / ".venv" / "bin"
    folder.mkdir(parents=True)
    shutil.copy(checkout.bin / "python3", folder / "python")
    (folder / "mine").touch()

    assert checkout.run("--prepare", "tools").returncode == 0
    assert checkout.done() == ["pip"]
    assert (folder / "mine").exists()


def test_unknown_level_is_a_usage_error(checkout: Checkout) -> None:
    """--prepare names its levels."""
    done = checkout.run("--prepare", "all")

    assert done.returncode == 2
    assert "tools, run, dev, docs or mac" in done.stderr


def test_recipe_failure_is_the_exit_code(checkout: Checkout) -> None:
    """The exit code of the recipe is the exit code of the script."""
    checkout.python("python3", PYTHON)

    assert checkout.run("test", env={"FAIL": "7"}).returncode == 7


def test_link_to_the_script_leads_to_its_checkout(checkout: Checkout, tmp_path: Path) -> None:
    """Called through links, relative and absolute, the script finds where it really lies."""
    checkout.python("python3", PYTHON)
    (tmp_path / "links" / "scripts").mkdir(parents=True)
    (tmp_path / "links" / "first").symlink_to(checkout.root / "scripts" / "just")
    (tmp_path / "links" / "scripts" / "just").symlink_to("../first")

    assert checkout._replace(root=tmp_path / "links").run("--prepare", "tools").returncode == 0
    assert (checkout.root / ".venv").is_dir()
    assert not (tmp_path / "links" / ".venv").exists()
