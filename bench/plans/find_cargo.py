"""A server built by Cargo: which program of which package, and where it comes to lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.plans.found_server import UP, FoundServer, matching, table_of, toml_of

if TYPE_CHECKING:
    from pathlib import Path

_UNKNOWN: Final = "THE-PROGRAM"
_MEMBERS_MAX: Final = 200


class _Program(NamedTuple):
    package: str
    name: str
    default: bool


def find_cargo(folder: Path, _name: str) -> FoundServer | None:
    """The program of a package or of a workspace's members; None without Cargo.toml."""
    data = toml_of(folder / "Cargo.toml")
    if data is None:
        return None
    programs = [one for place in _packages(folder, data) for one in _programs(place)]
    chosen, look = _choose(programs, str(table_of(data, "package").get("default-run") or ""))
    build = ["cargo", "build", "--release", "--manifest-path", f"{UP}/Cargo.toml"]
    # Said, since CARGO_TARGET_DIR and a workspace above would put the program elsewhere.
    build += ["--target-dir", f"{UP}/target"]
    if chosen and (len(programs) > 1 or "workspace" in data):
        build += [*(["--package", chosen.package] if chosen.package else []), "--bin", chosen.name]
    triple = _triple(folder)
    if triple is None:
        look += "; .cargo/config.toml builds for several targets: which one is to be run?"
    release = f"{UP}/target/{triple}/release" if triple else f"{UP}/target/release"
    return FoundServer(
        kind="Cargo.toml",
        language="Rust",
        needs="cargo",
        build=[build],
        run=[f"{release}/{chosen.name if chosen else _UNKNOWN}"],
        look=look,
        unknown="" if chosen and triple is not None else _UNKNOWN,
    )


def _choose(programs: list[_Program], wanted: str) -> tuple[_Program | None, str]:
    named = [one for one in programs if one.name == wanted] or [
        one for one in programs if one.default
    ]
    chosen = next(iter(named or programs), None)
    if chosen is None and wanted:
        chosen = _Program("", wanted, default=True)
    if chosen is None:
        return None, f"no program was found (no [[bin]], no src/main.rs): name it for {_UNKNOWN}"
    others = sorted({one.name for one in programs} - {chosen.name})
    if others:
        return chosen, f"is it {chosen.name} and not {', '.join(others)}? how is it given its port?"
    return chosen, f"{chosen.name} is the only program: how is it given its port?"


def _packages(folder: Path, data: dict[str, Any]) -> list[Path]:
    """Folders of the package at the top and of the members."""
    places = [folder] if "package" in data else []
    members = table_of(data, "workspace").get("members")
    for pattern in members if isinstance(members, list) else ():
        if isinstance(pattern, str) and not pattern.startswith(("/", "..")) and pattern:
            places += [place for place in matching(folder, pattern) if place.is_dir()]
    return list(dict.fromkeys(places))[:_MEMBERS_MAX]


def _programs(place: Path) -> list[_Program]:
    """What `cargo build` makes of one package."""
    data = toml_of(place / "Cargo.toml") or {}
    package = table_of(data, "package")
    name = str(package.get("name") or "")
    listed = data.get("bin")
    bins = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    names = [str(one["name"]) for one in bins if one.get("name")]
    paths = {str(one.get("path")) for one in bins}
    if package.get("autobins", True):
        if (place / "src" / "main.rs").is_file() and "src/main.rs" not in paths and name:
            names.append(name)
        more = sorted((place / "src" / "bin").glob("*"))
        names += [one.stem for one in more if one.suffix == ".rs" or (one / "main.rs").is_file()]
    default = str(package.get("default-run") or "")
    return [_Program(name, one, default=one == default) for one in dict.fromkeys(names)]


def _triple(folder: Path) -> str | None:
    """The target that Cargo's configuration sets; "" = the machine's own, None = several."""
    for name in ("config.toml", "config"):
        target = table_of(toml_of(folder / ".cargo" / name), "build").get("target")
        if isinstance(target, list) and len(target) == 1:
            target = target[0]
        if target:
            return target if isinstance(target, str) else None
    return ""
