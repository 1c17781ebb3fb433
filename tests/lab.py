"""Machines for tests: network namespaces, each with an sshd, joined by a bridge.

`server-box`, `load-1` and `load-2` log in by key; they share a cache of their own, so that what
one got or built the others have, and of the user who runs the tests only built load tools are
used. The test's own `ssh` comes first on PATH: it
is the system's, with a configuration of its own. Needs root, ip(8) and sshd(8); elsewhere tests
that ask for it are skipped with the reason.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from bench.store.cache import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: Final = ("server-box", "load-1", "load-2")
_SSHD: Final = "/usr/sbin/sshd"
_START_S: Final = 60.0
_NUMBERS: Final = itertools.count()
"""Two labs of one process have names of their own."""


class Lab(NamedTuple):
    """What a test needs to know of its machines.

    Attributes:
        folder: keys, configurations, and a home per machine.
        tag: begins the names of namespaces and network cards.
        net: first three numbers of the addresses.
        path: PATH on which the test's ssh comes first.
    """

    folder: Path
    tag: str
    net: str
    path: str

    def address(self, name: str) -> str:
        return f"{self.net}.{NAMES.index(name) + 2}"

    def space(self, name: str) -> str:
        """The network namespace of a machine."""
        return f"{self.tag}{NAMES.index(name)}"

    def card(self, name: str) -> str:
        """The end of its cable that the bridge has."""
        return f"{self.tag}b{NAMES.index(name)}"

    def pids(self, name: str) -> set[int]:
        """Every process in its namespace but the sshd that waits for connections."""
        said = run("ip", "netns", "pids", self.space(name)).split()
        own = int((self.folder / f"{name}.pid").read_text())
        return {int(pid) for pid in said} - {own}

    def cable(self, name: str, state: str) -> None:
        """Plug its cable: up or down."""
        run("ip", "link", "set", self.card(name), state)

    @property
    def cache(self) -> Path:
        """The cache of the machines."""
        return self.folder / "cache" / "bench"

    def machines_file(self) -> Path:
        """A machines.yaml with all of them, as `lab`."""
        path = self.folder / "machines.yaml"
        loads = ", ".join(f"{{ssh: {name}}}" for name in NAMES[1:])
        server = f"{{ssh: server-box, address: {self.address('server-box')}}}"
        path.write_text(f"lab:\n  server: {server}\n  load: [{loads}]\n")
        return path


def missing() -> str:
    """Why there can be no lab here, "" where there can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "network namespaces of one's own need root"
    lacking = [name for name in ("ip", "ssh", "ssh-keygen") if not shutil.which(name)]
    if not Path(_SSHD).exists():
        lacking.append("openssh-server")
    if lacking:
        return f"missing: {', '.join(lacking)} (.ci/run installs them)"
    made = subprocess.run(["ip", "link", "add", "benchprobe", "type", "bridge"], check=False,
                          capture_output=True)  # fmt: skip
    subprocess.run(["ip", "link", "del", "benchprobe"], check=False, capture_output=True)
    return "" if made.returncode in (0, 2) and b"denied" not in made.stderr else "no bridges here"


def run(*argv: str) -> str:
    """Run a command that must work."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


@contextlib.contextmanager
def built(folder: Path, *, skewed: str = "") -> Iterator[Lab]:
    """Make the namespaces, start an sshd in each, and take it all away again.

    Args:
        folder: for keys and homes.
        skewed: machine whose monotonic clock is 1000 s ahead.
    """
    number = next(_NUMBERS)
    own = 4 * os.getpid() + number % 4  # workers with ids in a row have addresses of their own
    bin_folder = folder / "bin"
    lab = Lab(
        folder,
        f"bl{os.getpid():x}{number:x}",
        f"10.{64 + own % 64}.{own // 64 % 256}",
        f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
    )
    _keys(lab)
    started: list[subprocess.Popen[bytes]] = []
    try:
        run("ip", "link", "add", lab.tag, "type", "bridge")
        run("ip", "address", "add", f"{lab.net}.1/24", "dev", lab.tag)
        run("ip", "link", "set", lab.tag, "up")
        for name in NAMES:
            _plug(lab, name)
            started.append(_sshd(lab, name, skewed=name == skewed))
        for name in NAMES:
            _wait(lab.address(name))
        yield lab
    finally:
        for name in NAMES:
            for left in subprocess.run(
                ["ip", "netns", "pids", lab.space(name)],
                check=False,
                capture_output=True,
                text=True,
            ).stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(left), 9)
        for process in started:
            process.wait()
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", lab.space(name)], check=False,
                           capture_output=True)  # fmt: skip
        subprocess.run(["ip", "link", "del", lab.tag], check=False, capture_output=True)


def _keys(lab: Lab) -> None:
    folder = lab.folder
    (folder / "bin").mkdir(parents=True)
    lab.cache.mkdir(parents=True)
    built_tools = cache_folder() / "loadtools"
    built_tools.mkdir(parents=True, exist_ok=True)
    (lab.cache / "loadtools").symlink_to(built_tools)
    for key in ("user", "host"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key))
    host_key = " ".join((folder / "host.pub").read_text().split()[:2])
    known = "".join(f"{lab.address(name)} {host_key}\n" for name in NAMES)
    (folder / "known_hosts").write_text(known)
    hosts = "".join(f"Host {name}\n  HostName {lab.address(name)}\n" for name in NAMES)
    always = (
        f"Host *\n  User root\n  IdentityFile {folder / 'user'}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {folder / 'known_hosts'}\n  GlobalKnownHostsFile /dev/null\n"
    )
    (folder / "ssh_config").write_text(hosts + always)
    own = folder / "bin" / "ssh"
    own.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder / "ssh_config"} "$@"\n')
    own.chmod(0o700)


def _plug(lab: Lab, name: str) -> None:
    space, card = lab.space(name), lab.card(name)
    run("ip", "netns", "add", space)
    run("ip", "link", "add", card, "type", "veth", "peer", "name", "eth0", "netns", space)
    run("ip", "link", "set", card, "master", lab.tag, "up")
    for words in (
        ("address", "add", f"{lab.address(name)}/24", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("link", "set", "lo", "up"),
    ):
        run("ip", "-n", space, *words)


def _sshd(lab: Lab, name: str, *, skewed: bool) -> subprocess.Popen[bytes]:
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    config = lab.folder / f"{name}.conf"
    config.write_text(
        f"Port 22\nListenAddress {lab.address(name)}\nHostKey {lab.folder / 'host'}\n"
        f"AuthorizedKeysFile {lab.folder / 'user.pub'}\nPidFile {lab.folder / f'{name}.pid'}\n"
        "StrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\nMaxStartups 200\n"
        f"PasswordAuthentication no\nSetEnv XDG_CACHE_HOME={lab.cache.parent}\n"
    )
    clock = ("unshare", "-T", "--monotonic", "1000", "--fork") if skewed else ()
    argv = ["ip", "netns", "exec", lab.space(name), *clock, _SSHD, "-D", "-f", str(config)]
    log = (lab.folder / f"{name}.log").open("wb")
    with log:
        return subprocess.Popen([*argv, "-e"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def _wait(address: str) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection((address, 22), 1.0).close()
            return
        assert time.monotonic() < deadline, f"no sshd at {address}"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def whole_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three machines for all tests of a worker."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with built(tmp_path_factory.mktemp("lab")) as made:
        yield made


@pytest.fixture
def lab(whole_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The machines; PATH leads to the ssh that knows them."""
    monkeypatch.setenv("PATH", whole_lab.path)
    return whole_lab
