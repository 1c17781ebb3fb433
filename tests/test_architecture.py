"""The house rules that a program can check: floors, sole owners, sizes, docstrings."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT: Final = Path(__file__).parents[1]

ROOMS: Final = (
    "model",
    "process",
    "store",
    "workload",
    "sampler",
    "stats",
    "host",
    "analysis",
    "reports",
    "loadtools",
    "servers",
    "trial",
    "plans",
    "run",
    "profiling",
    "cli",
)
"""The folders of bench/, lowest first; a module imports from lower rooms only."""

FLOORS: Final[Mapping[str, int]] = {
    "errors": 0,
    "units": 0,
    **{room: floor for floor, room in enumerate(ROOMS, start=1)},
    "__main__": len(ROOMS) + 1,
}
"""Unit (a room, or a module right under bench/) -> floor."""

FORBIDDEN: Final[Mapping[str, frozenset[str]]] = {
    "reports": frozenset({"loadtools", "process", "store.run_directory"}),
    "analysis": frozenset({"loadtools", "process", "store"}),
    "model": frozenset({"stats"}),
}
"""Imports that the floors would allow and the design does not: reports never see raw output and
never write; charts keep a bundle of scripts in the cache."""


class Owner(NamedTuple):
    """Who alone may use something.

    Attributes:
        names: dotted names of calls and imports; a trailing dot means everything below it.
        units: the units that may, or single modules of them.
        why: what would go wrong otherwise.
    """

    names: tuple[str, ...]
    units: frozenset[str]
    why: str


CLOCK_READERS: Final = frozenset(
    {"cli", "plans", "profiling", "run", "trial", "sampler", "servers", "process", "host"}
)

OWNERS: Final = (
    Owner(
        ("subprocess", "os.fork", "os.system", "os.popen", "os.execv", "os.execvp", "os.execvpe"),
        frozenset({"process"}),
        "only there is every process ended, whatever happens",
    ),
    Owner(
        ("print", "sys.exit", "exit", "quit", "SystemExit", "click", "rich"),
        frozenset({"cli", "process.supervisor"}),  # the supervisor is a program of its own
        "library code returns values and raises",
    ),
    Owner(
        ("asyncio", "concurrent", "multiprocessing"),
        frozenset(),
        "one trial at a time, nothing runs beside the measurement",
    ),
    Owner(
        ("time.time", "time.monotonic", "time.sleep", "datetime.datetime.now", "datetime.now"),
        CLOCK_READERS,
        "pure parts get their times as arguments",
    ),
    Owner(
        ("random.random", "random.choice", "random.shuffle", "random.randint", "random.seed",
         "random.uniform", "random.randrange", "random.sample", "random.getrandbits"),
        frozenset(),
        "a random.Random is passed in, so that its seed is recorded",
    ),
)  # fmt: skip

WRITERS: Final[Mapping[str, str]] = {
    "store": "run directories and the cache",
    "process": "the output of what it starts",
    "servers": "build logs and stamps in a server's folder",
    "loadtools": "the pool of requests, into a folder that it is given",
    "trial": "folders for what load processes print, inside a trial's folder",
    "plans": "folders of arms in the cache",
    "profiling": "builds with symbols in the cache, and what a profiler wrote",
    "run": "the lock, build logs in the cache, and the report that --publish names",
    "cli": "the file that --output names",
}
"""Units that may write files, and what; everybody else returns bytes."""

WRITES: Final = frozenset({"write_text", "write_bytes", "mkdir", "unlink", "rename", "rmtree"})
FILE_LINES: Final = 350
FUNCTION_LINES: Final = 50


class Module(NamedTuple):
    """A parsed module of bench."""

    name: str
    lines: int
    tree: ast.Module

    @property
    def unit(self) -> str:
        return self.name.split(".")[0]


def parse(name: str, text: str) -> Module:
    return Module(name, len(text.splitlines()), ast.parse(text))


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for path in sorted((ROOT / "bench").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT / "bench").with_suffix("").parts)
        name = name.removesuffix(".__init__")
        if name != "__init__":  # bench itself holds the version only
            found.append(parse(name, path.read_text(encoding="utf-8")))
    return tuple(found)


@cache
def nodes(module: Module) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(module.tree))


def imported(module: Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything imported, late and for types only included."""
    for node in nodes(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name}:{node.lineno}: imports are absolute"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def units_imported(module: Module) -> Iterator[tuple[int, str]]:
    for line, name in imported(module):
        parts = name.split(".")
        if parts[0] == "bench" and len(parts) > 1 and parts[1] != "__version__":
            yield line, ".".join(parts[1:])


def floor_errors(module: Module) -> list[str]:
    if module.unit not in FLOORS:
        return [f"{module.name}: its floor is not in FLOORS"]
    return [
        f"{module.name}:{line} (floor {FLOORS[module.unit]}) imports bench.{name}"
        for line, name in units_imported(module)
        if (unit := name.partition(".")[0]) != module.unit
        and (
            FLOORS.get(unit, 99) >= FLOORS[module.unit]
            or any(
                name == banned or name.startswith(f"{banned}.")
                for banned in FORBIDDEN.get(module.unit, frozenset())
            )
        )
    ]


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a chain of attributes; "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        left = dotted(node.value)
        return f"{left}.{node.attr}" if left else ""
    return ""


def used(module: Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of imports, calls and raised exceptions."""
    yield from imported(module)
    for node in nodes(module):
        if isinstance(node, ast.Call):
            yield node.lineno, dotted(node.func)
        elif isinstance(node, ast.Raise) and node.exc is not None:
            yield node.lineno, dotted(node.exc)


def owner_errors(module: Module) -> list[str]:
    uses = tuple(used(module))
    return [
        f"{module.name}:{line} uses {name}: {owner.why}"
        for owner in OWNERS
        if module.unit not in owner.units and module.name not in owner.units
        for line, name in uses
        if any(name == banned or name.startswith(f"{banned}.") for banned in owner.names)
    ]


def opens_for_writing(call: ast.Call) -> bool:
    name = dotted(call.func)
    if isinstance(call.func, ast.Attribute) and call.func.attr in WRITES:
        # The store's write_bytes(name, data) is the way to write; a path's takes data alone.
        return not (call.func.attr == "write_bytes" and len(call.args) > 1)
    if name == "open" or (isinstance(call.func, ast.Attribute) and call.func.attr == "open"):
        place = 1 if name == "open" else 0
        modes = [
            *call.args[place : place + 1],
            *(k.value for k in call.keywords if k.arg == "mode"),
        ]
        return any(isinstance(m, ast.Constant) and set(str(m.value)) & set("wax+") for m in modes)
    return False


def write_errors(module: Module) -> list[str]:
    if module.unit in WRITERS:
        return []
    return [
        f"{module.name}:{node.lineno} writes a file"
        for node in nodes(module)
        if isinstance(node, ast.Call) and opens_for_writing(node)
    ]


def size_errors(module: Module) -> list[str]:
    errors = [f"{module.name}: {module.lines} lines"] if module.lines > FILE_LINES else []
    for node in nodes(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                errors.append(f"{module.name}:{node.lineno} {node.name}: {lines} lines")
    return errors


def docstring_errors(module: Module) -> list[str]:
    errors = [] if ast.get_docstring(module.tree) else [f"{module.name}: the module"]

    def walk(body: list[ast.stmt], inside: str) -> None:
        for node in body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                errors.append(f"{module.name}:{node.lineno} {inside}{node.name}")
            if isinstance(node, ast.ClassDef):
                walk(node.body, f"{node.name}.")

    walk(module.tree.body, "")
    return errors


RULES: Final = {
    "floors": floor_errors,
    "owners": owner_errors,
    "writes": write_errors,
    "sizes": size_errors,
    "docstrings": docstring_errors,
}


def test_module_names_are_unique() -> None:
    """No file name stands twice in the package, but in the folders linux and darwin."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "bench").rglob("*.py")):
        if path.name != "__init__.py" and path.parent.name != "darwin":
            found.setdefault(path.stem, []).append(str(path.relative_to(ROOT)))

    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}
    assert len(found) > 200


def test_class_names_are_unique() -> None:
    """One class name has one meaning in the whole package."""
    found: dict[str, list[str]] = {}
    for module in modules():
        for node in nodes(module):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(module.name)

    assert {name: where for name, where in found.items() if len(where) > 1} == {}
    assert len(found) > 200


@pytest.mark.parametrize("rule", RULES)
def test_house_rule_holds_everywhere(rule: str) -> None:
    """No module of bench breaks a house rule."""
    assert [error for module in modules() for error in RULES[rule](module)] == []


LONG = "\n".join(["def f() -> None:", '    """Doc."""', *["    x = 1"] * 60])
PLANTED: Final = {
    "upwards": ("floors", "stats.a", "from bench.analysis.data import RunData"),
    "sideways": ("floors", "store", "from bench.workload.requests import render"),
    "late upwards": ("floors", "trial", "def f():\n    import bench.run"),
    "whole package": ("floors", "host.cpu_split", "from bench import analysis"),
    "no floor": ("floors", "helpers", "x = 1"),
    "forbidden": ("floors", "reports.html", "from bench.loadtools import TOOLS"),
    "subprocess": ("owners", "host.linux", "from subprocess import run"),
    "print": ("owners", "run", "def f():\n    print('x')"),
    "exit": ("owners", "trial", "import sys\nsys.exit(1)"),
    "raise exit": ("owners", "trial", "raise SystemExit"),
    "global random": ("owners", "run", "import random\nrandom.shuffle([1])"),
    "clock": ("owners", "reports.markdown", "import time\nx = time.time()"),
    "clock by name": ("owners", "analysis", "from time import monotonic"),
    "open": ("writes", "reports.html", "open('x', 'w')"),
    "path open": ("writes", "analysis.a", "p.open(mode='ab')"),
    "write_text": ("writes", "reports.charts", "p.write_text('x')"),
    "long file": ("sizes", "units", "x = 1\n" * 351),
    "long function": ("sizes", "units", LONG),
    "no module docstring": ("docstrings", "units", "x = 1"),
    "no docstring": ("docstrings", "units", '"""D."""\nclass A:\n    """D."""\n    def f(self): 1'),
}  # fmt: skip


@pytest.mark.parametrize("case", PLANTED)
def test_rule_finds_what_is_planted(case: str) -> None:
    """Each rule reports a module that breaks it, once."""
    rule, name, text = PLANTED[case]

    assert len(RULES[rule](parse(name, text))) == 1


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        ("floors", "trial", "from bench.servers.running import RunningServer"),
        ("floors", "host.linux", "from bench.host.source import Source"),
        ("floors", "cli.run_command", "from bench import __version__"),
        ("owners", "process.command", "import subprocess"),
        ("owners", "run", "import random\nrandom.Random(1).shuffle([1])"),
        ("owners", "trial", "import time\ntime.sleep(0.01)"),
        ("writes", "analysis", "open('x')"),
        ("writes", "analysis", "p.open('rb')"),
        ("writes", "store", "p.write_bytes(b'')"),
        ("writes", "analysis", "directory.write_bytes('run.json', b'')"),
        ("docstrings", "units", '"""Doc."""\ndef _f(): ...'),
    ],
)
def test_rule_accepts_what_is_allowed(rule: str, name: str, text: str) -> None:
    """A rule does not report what the house allows."""
    assert RULES[rule](parse(name, text)) == []


HEAVY: Final = frozenset({"scipy", "numpy", "vl_convert", "jinja2", "rich", "ruamel", "pydantic"})


def test_help_loads_no_heavy_library() -> None:
    """`bench --help` imports none of the libraries that take long to load."""
    program = (
        "import sys\nfrom bench.cli import bench\n"
        "try:\n    bench.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.rpartition("LOADED")[2].split())

    assert loaded & HEAVY == set()
    assert "click" in loaded
