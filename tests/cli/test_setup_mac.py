"""`bench setup` on bare Macs made of stub executables: one message, or a plan of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from bench.cli.setup_command import command
from bench.errors import ToolMissingError
from bench.loadtools.install import find
from bench.model.plan import Arm
from bench.model.server_config import ServerConfig
from bench.process import executables
from bench.servers import missing, toolchain

if TYPE_CHECKING:
    from pathlib import Path


class Mac:
    """Folders of stubs in the order of PATH; whatever opens a dialogue leaves a file."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root, self.patch = root, patch
        self.folders: list[str] = []
        patch.setattr("sys.platform", "darwin")
        patch.setattr("os.geteuid", lambda: 501)
        patch.chdir(root)

    def has(self, folder: str, name: str, text: str = "exit 0") -> Path:
        file = self.root / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
        if str(file.parent) not in self.folders:
            self.folders.append(str(file.parent))
        path = ":".join(self.folders)
        self.patch.setenv("PATH", path)
        self.patch.setattr(find, "search_path", lambda: path)
        return file

    def setup(self, *words: str) -> Result:
        return CliRunner().invoke(command, ["--tool", "wrk", *words])


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mac:
    """A Mac as it is sold."""
    one = Mac(tmp_path, monkeypatch)
    dialogue = f"touch {tmp_path}/dialogue; exit 1"
    stubs = {str(one.has("usr/bin", name, dialogue)) for name in ("cc", "make", "git", "python3")}
    one.has("usr/bin", "xcode-select", "exit 2")
    monkeypatch.setattr(executables, "_APPLE_STUBS", frozenset(stubs))
    return one


def test_without_homebrew_it_is_one_message(mac: Mac) -> None:
    """Where to get Homebrew and the one command after it; no dialogue was opened."""
    result = mac.setup()

    assert isinstance(result.exception, ToolMissingError)
    assert "wrk is missing, and Homebrew is not here" in str(result.exception)
    assert "brew.sh" in str(result.exception)
    assert not (mac.root / "dialogue").exists()


@pytest.mark.parametrize("prefix", ["opt/homebrew/bin", "usr/local/bin", "conda/bin"])
def test_with_homebrew_it_is_a_plan(mac: Mac, prefix: str) -> None:
    """Wherever brew lies, the plan is its command, and a dry run starts nothing."""
    mac.has(prefix, "brew", f"touch {mac.root}/ran")
    result = mac.setup("--dry-run")

    assert result.exit_code == 0
    assert "brew install wrk" in result.stderr
    assert "administrator" not in result.stderr
    assert not (mac.root / "ran").exists()
    assert not (mac.root / "dialogue").exists()


def test_a_wrk_of_conda_in_front_is_taken(mac: Mac) -> None:
    """A usable copy is left alone, whoever brought it."""
    mac.has("conda/bin", "wrk", "echo 'wrk 4.2.0 [kqueue]'")

    assert mac.setup().exit_code == 0


def test_stand_ins_count_as_missing_until_the_tools_are_there(mac: Mac) -> None:
    """Apple's cc is a compiler only where `xcode-select -p` names a folder."""
    path = ":".join(mac.folders)

    assert executables.executable("cc", path) is None
    assert not (mac.root / "dialogue").exists()
    mac.has("usr/bin", "xcode-select", "echo /Library/Developer/CommandLineTools")
    assert executables.executable("cc", path) is not None


def test_under_rosetta_nothing_is_installed(mac: Mac) -> None:
    """One message with the command that starts it natively, with Homebrew there or not."""
    mac.has("usr/sbin", "sysctl", '[ "$*" = "-n sysctl.proc_translated" ] && echo 1')
    mac.has("opt/homebrew/bin", "brew", f"touch {mac.root}/ran")

    result = mac.setup("--yes")

    assert isinstance(result.exception, ToolMissingError)
    assert "translated by Rosetta" in str(result.exception)
    assert "arch -arm64 bench setup" in str(result.exception)
    assert not (mac.root / "ran").exists()


def test_a_server_that_needs_apples_stand_in_is_missing(mac: Mac) -> None:
    """Neither the question for the compiler nor that for its version opens the dialogue."""
    arm = Arm(
        name="one",
        server="one",
        folder=str(mac.root),
        config=ServerConfig(run=["./one"], needs=["cc"], language="C"),
    )

    assert missing(arm) == "cc not found on PATH"
    assert toolchain(arm).runtime is None
    assert not (mac.root / "dialogue").exists()
