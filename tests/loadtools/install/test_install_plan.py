"""Plans for machines of every kind, none of which is this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import loadtools
from bench.loadtools import registry
from bench.loadtools.install.find import Installed, SetupFacts, choose, find_tool, tool_path
from bench.loadtools.install.install_plan import plan_install

DEBIAN = SetupFacts(
    system="linux",
    executables=frozenset({"apt-get", "sudo", "cargo", "rustup", "cc", "make"}),
    installed={},
    rustc="1.88.0",
    apt_known=frozenset({"wrk", "build-essential"}),
    is_root=False,
    cpus=2,
)
MAC = DEBIAN._replace(system="darwin", executables=frozenset({"brew", "cc", "make"}), rustc=None)
WRK = Installed("wrk", Path("/usr/bin/wrk"), "4.1.0")
OHA = Installed("oha", Path("/usr/bin/oha"), "1.14.0")
OLD_OHA = Installed("oha", Path("/usr/bin/oha"), "1.4.5")


def shown(facts: SetupFacts, *wanted: str) -> list[str]:
    plan = plan_install(facts, wanted)
    assert plan.blocked == ()
    return [step.shown for step in plan.steps]


def test_nothing_is_done_where_everything_is_there() -> None:
    """A usable tool is never installed again."""
    facts = DEBIAN._replace(installed={"wrk": WRK, "oha": OHA})

    assert plan_install(facts, ("wrk", "oha")) == ((), ())


def test_tool_that_was_not_asked_for_is_left_out() -> None:
    """Only wanted tools are planned."""
    assert shown(DEBIAN._replace(installed={"wrk": WRK}), "wrk") == []


def test_wrk_comes_from_apt_by_sudo() -> None:
    """On Debian wrk is a package; a normal user needs sudo."""
    assert shown(DEBIAN, "wrk") == [
        "sudo apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends wrk"
    ]


def test_root_needs_no_sudo() -> None:
    """Root runs apt-get itself, and the step still says that it changes the system."""
    facts = DEBIAN._replace(is_root=True, executables=frozenset({"apt-get"}))
    (step,) = plan_install(facts, ("wrk",)).steps

    assert step.command[0] == "apt-get"
    assert step.needs_root


def test_lists_are_fetched_only_when_they_lack_the_package() -> None:
    """`apt-get update` comes first, once, where apt does not know a package."""
    facts = DEBIAN._replace(apt_known=frozenset(), executables=DEBIAN.executables - {"cc"})
    steps = plan_install(facts, ("wrk", "oha")).steps

    assert [step.command[-1] for step in steps] == ["update", "wrk", "build-essential", "1.16.0"]
    assert steps[0].tools == ("wrk", "oha")
    assert "build-essential and wrk" in steps[0].reason


def test_oha_is_built_by_cargo_without_root() -> None:
    """On Debian oha comes from cargo, pinned, and says how long that takes."""
    (step,) = plan_install(DEBIAN, ("oha",)).steps

    assert step.shown == "cargo install oha --locked --version 1.16.0"
    assert not step.needs_root
    assert step.expected_s == pytest.approx(500)
    assert plan_install(DEBIAN._replace(cpus=64), ("oha",)).steps[0].expected_s == pytest.approx(90)


def test_old_tool_is_replaced() -> None:
    """A tool older than what can be read is installed, and the reason names both versions."""
    (step,) = plan_install(DEBIAN._replace(installed={"oha": OLD_OHA}), ("oha",)).steps

    assert step.reason.startswith("oha 1.4.5 is older than 1.14, as ")


def test_build_of_ones_own_is_trusted() -> None:
    """A tool that tells no version is not installed again."""
    facts = DEBIAN._replace(installed={"wrk": WRK._replace(version=None)})

    assert shown(facts, "wrk") == []


@pytest.mark.parametrize(
    ("rustc", "helpers", "advice"),
    [
        ("1.63.0", {"rustup"}, "rustup update stable"),
        (None, {"rustup"}, "rustup default stable"),
        ("1.87.2", set(), "install a newer Rust with rustup"),
    ],
)
def test_compiler_is_checked_before_a_build(
    rustc: str | None, helpers: set[str], advice: str
) -> None:
    """A compiler older than 1.88 would fail after minutes: it is named instead."""
    facts = DEBIAN._replace(rustc=rustc, executables=frozenset({"cargo", "cc", "make"} | helpers))
    plan = plan_install(facts, ("oha",))

    assert plan.steps == ()
    assert plan.blocked[0].advice == advice
    assert "rustc 1.88" in plan.blocked[0].reason


def test_compiler_for_c_is_installed_where_allowed() -> None:
    """Without a C compiler the build of oha is preceded by Debian's."""
    facts = DEBIAN._replace(executables=DEBIAN.executables - {"make"})

    assert [step.command[-1] for step in plan_install(facts, ("oha",)).steps] == [
        "build-essential",
        "1.16.0",
    ]


@pytest.mark.parametrize("helpers", [{"cargo"}, {"cargo", "apt-get"}])
def test_compiler_for_c_is_named_where_not_allowed(helpers: set[str]) -> None:
    """Without apt or the right to use it the missing C compiler is named."""
    (blocked,) = plan_install(DEBIAN._replace(executables=frozenset(helpers)), ("oha",)).blocked

    assert "C compiler" in blocked.advice


def test_mac_takes_both_from_homebrew() -> None:
    """On macOS both tools come from Homebrew, without administrator rights."""
    steps = plan_install(MAC, ("wrk", "oha")).steps

    assert [step.shown for step in steps] == ["brew install wrk", "brew install oha"]
    assert not any(step.needs_root for step in steps)


def test_mac_upgrades_an_old_tool() -> None:
    """Homebrew's verb for a tool that is there is `upgrade`."""
    assert shown(MAC._replace(installed={"oha": OLD_OHA}), "oha") == ["brew upgrade oha"]


def test_linux_without_apt_uses_homebrew() -> None:
    """Where there is no apt and no cargo, Homebrew does on Linux as well."""
    facts = DEBIAN._replace(executables=frozenset({"brew"}))

    assert shown(facts, "wrk", "oha") == ["brew install wrk", "brew install oha"]


@pytest.mark.parametrize(
    ("facts", "tool", "advice"),
    [
        (MAC._replace(executables=frozenset()), "wrk", "install Homebrew"),
        (MAC._replace(is_root=True), "oha", "as a normal user: brew install oha"),
        (
            DEBIAN._replace(executables=frozenset({"apt-get"})),
            "wrk",
            "as root: apt-get install wrk",
        ),
        (DEBIAN._replace(executables=frozenset()), "wrk", "package manager"),
        (DEBIAN._replace(executables=frozenset()), "oha", "install Rust 1.88"),
    ],
)
def test_what_cannot_be_done_says_what_can(facts: SetupFacts, tool: str, advice: str) -> None:
    """Where no way leads to a tool, the plan says what the user can do."""
    plan = plan_install(facts, (tool,))

    assert plan.steps == ()
    assert advice in plan.blocked[0].advice
    assert plan.blocked[0].reason.startswith(f"{tool} is missing")


def test_one_tool_that_cannot_come_does_not_stop_the_other() -> None:
    """What can be installed is planned beside what cannot."""
    plan = plan_install(DEBIAN._replace(rustc="1.63.0"), ("wrk", "oha"))

    assert [step.tools for step in plan.steps] == [("wrk",)]
    assert [blocked.tool for blocked in plan.blocked] == ["oha"]


CEE = """
import re
from pathlib import Path
from bench.loadtools.tool import Installation, LoadTool, SourceBuild

class Cee(LoadTool):
    name = "cee"
    minimum = (1, 0)
    version_argv = ("--version",)
    version = re.compile(r"^cee ([0-9.]+)")
    installation = Installation(sources=SourceBuild((Path(__file__).with_name("cee_main.c"),)))
    loops = {"open": 50}

TOOL = Cee()
"""


@pytest.fixture
def cee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tool of which bench has the C source; its folder."""
    (tmp_path / "cee.py").write_text(CEE)
    (tmp_path / "cee_main.c").write_text(
        '#include <stdio.h>\nint main(void) { puts("cee 1.2"); return 0; }\n'
    )
    monkeypatch.setattr(loadtools, "__path__", [*loadtools.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "_folders", loadtools.__path__)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delitem(sys.modules, "bench.loadtools.cee", raising=False)
    return tmp_path


@pytest.mark.needs("cc")
def test_sources_that_come_with_bench_are_built_into_the_cache(cee: Path) -> None:
    """By cc, once; where the sources change, a new one is built beside it."""
    assert find_tool("cee") is None
    for step in plan_install(MAC, ("cee",)).steps:
        subprocess.run(step.command, check=True)
    found = find_tool("cee")

    assert found is not None
    assert found.usable
    assert found.version == "1.2"
    assert found.path.is_relative_to(cee / "cache")
    assert tool_path("cee") == str(found.path)
    assert choose("open") == "cee"

    with (cee / "cee_main.c").open("a") as file:
        file.write("/* changed */")
    assert find_tool("cee") is None


@pytest.mark.usefixtures("cee")
def test_sources_need_a_compiler_and_nothing_else() -> None:
    """On Debian it comes by apt, on a Mac it is named."""
    bare = DEBIAN._replace(executables=frozenset({"apt-get", "sudo"}))
    installs = shown(bare, "cee")

    assert installs[0].endswith("build-essential")
    assert installs[2].startswith("cc -O2 -pthread -o ")
    (blocked,) = plan_install(MAC._replace(executables=frozenset()), ("cee",)).blocked
    assert blocked.advice == "xcode-select --install"
