"""Reads matrix files and checks what stands in them against each other and the project."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.errors import ConfigError
from bench.loadtools import TOOLS, ranked
from bench.model.config import MatrixConfig, ProfileConfig, url_arm
from bench.model.plan import LoadProfile
from bench.model.server_config import CEILING
from bench.model.target import Target
from bench.plans.load_curves import check_promise, check_rates, points
from bench.plans.protocols import check_profile_protocol
from bench.plans.sweeps import check_sweep, swept, with_sweep
from bench.plans.variant_checks import check_variants, variants_in
from bench.plans.yaml.checking import check
from bench.plans.yaml.file_rules import (
    OF_PROTOCOLS,
    PLACEHOLDERS,
    check_duplicates,
    check_known,
    check_name,
    check_placeholders,
)
from bench.plans.yaml.reader import read_document
from bench.plans.yaml.spelling import spelling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.plans.project import Project
    from bench.plans.yaml.document import Loc, YamlDocument


class MatrixFile(NamedTuple):
    """A matrix file, read and parsed once: what a run needs of it is passed on as this.

    Attributes:
        text: its bytes.
        document: its values with their lines, and all that is wrong with them.
        config: what it asks for; None where something is wrong.
    """

    text: bytes
    document: YamlDocument
    config: MatrixConfig | None

    @property
    def path(self) -> Path:
        """Where it was read."""
        return self.document.path

    def checked(self) -> MatrixConfig:
        """What it asks for.

        Raises:
            ConfigError: all that is wrong with it.
        """
        if self.config is None:
            raise ConfigError(sorted(self.document.problems))
        return self.config


def load_matrix(path: Path) -> MatrixConfig:
    """Read a matrix file on its own; the ids in it are not looked up.

    Raises:
        ConfigError: all that is wrong with it.
    """
    return read_matrix(path).checked()


def read_matrix(path: Path, project: Project | None = None) -> MatrixFile:
    """Read a matrix; whatever is wrong with it stands in the document."""
    document = read_document(path)
    config = check(MatrixConfig, document)
    data = document.data
    if data:
        check_name(document, path.stem, "file", "matrix")
        _check_servers(document, data)
        check_variants(document, project)
        check_duplicates(document, ("workloads",), data.get("workloads"))
        _check_profiles(document, data.get("profiles"))
        check_promise(document, data)
        check_sweep(document, data)
        _check_cost(document, data)
        if project is not None:
            _check_ids(document, data, project)
        if config is not None:
            _check_rounds(document, config)
            _check_baseline(document, config)
            _check_exclude(document, config)
            _check_swept(document, config)
    if config is None or document.problems:
        return MatrixFile(document.raw, document, None)
    made = [one for profile in config.profiles for one in points(with_tool(profile))]
    profiles = [point for profile in made for point in swept(config, profile)]
    return MatrixFile(
        document.raw, document, config.replace(title=config.title or path.stem, profiles=profiles)
    )


def arm_names(data: dict[str, Any]) -> dict[str, Loc]:
    """Names of the arms as written -> their places; the first of equal ones."""
    names: dict[str, Loc] = {}
    for name, loc in _named(data):
        names.setdefault(name, loc)
    return names


def _named(data: dict[str, Any]) -> Iterator[tuple[str, Loc]]:
    servers = data.get("servers")
    for index, entry in enumerate(servers if isinstance(servers, list) else ()):
        name = _arm_name(entry)
        if name is not None:
            yield name, ("servers", index)
    yield from ((variant.arm, loc) for loc, variant in variants_in(data))


def _arm_name(entry: Any) -> str | None:
    if isinstance(entry, str):
        return entry
    if isinstance(entry, dict):
        for key in ("as", "id"):
            if isinstance(entry.get(key), str):
                return str(entry[key])
        if isinstance(entry.get("url"), str):
            return url_arm(entry["url"])
    return None


def _check_servers(document: YamlDocument, data: dict[str, Any]) -> None:
    if "servers" not in data and not data.get("variants"):
        document.add(("servers",), "this key is required and missing", line=document.line(()))
    first = arm_names(data)
    for name, loc in _named(data):
        if first[name] != loc:
            again = f"{{id: {name}, as: {name}-again}}"
            advice = f"name the second one: {again if loc[0] == 'servers' else 'as: NAME'}"
            document.add(loc, f"two servers are called {name}", advice)
    servers = data.get("servers")
    for index, entry in enumerate(servers if isinstance(servers, list) else ()):
        loc = ("servers", index)
        if isinstance(entry, dict):
            known = (*PLACEHOLDERS, *OF_PROTOCOLS)
            check_placeholders(document, (*loc, "env"), entry.get("env"), known)
            _check_url(document, (*loc, "url"), entry.get("url"))


def _check_url(document: YamlDocument, loc: Loc, url: Any) -> None:
    if not isinstance(url, str) or document.is_bad(loc):
        return
    target = Target.of_url(url)
    if not target.is_local and document.data.get("allow_remote") is not True:
        message = f"{target.host} is not this machine"
        document.add(loc, message, "allow_remote: true lets a matrix measure another host")


def _check_profiles(document: YamlDocument, profiles: Any) -> None:
    names: set[str] = set()
    if document.is_bad(("profiles",)):
        return
    for index, written in enumerate(profiles if isinstance(profiles, list) else ()):
        if not isinstance(written, dict):
            continue
        loc = ("profiles", index)
        check_known(document, (*loc, "tool"), "load tool", written.get("tool"), TOOLS)
        if document.has_bad(loc):
            continue
        profile = with_tool(ProfileConfig.model_validate(written))
        _check_loop(document, loc, profile)
        _check_arrivals(document, loc, profile, written)
        check_rates(document, loc, written)
        check_profile_protocol(document, loc, written)
        _check_processes(document, loc, profile)
        for name in [point.name for point in points(profile)]:
            if name in names:
                message = f"two profiles are called {name}"
                document.add(loc, message, "give one of them another id")
            names.add(name)


def with_tool(profile: ProfileConfig) -> ProfileConfig:
    """A profile that names its tool: where none is written, the preferred one for its loop."""
    if profile.tool:
        return profile
    tool = ranked(profile.loop, protocol=profile.protocol)[0]
    return profile.replace(tool=tool)


def load_profile(profile: ProfileConfig, load_count: int) -> LoadProfile:
    """A profile with every default filled in.

    Args:
        profile: as written.
        load_count: processes where the profile says auto, but never more than connections.
    """
    rate = profile.rate
    default = next(iter(TOOLS[profile.tool].arrivals), None) if profile.loop == "open" else None
    load = LoadProfile(
        id=profile.name,
        tool=profile.tool,
        loop=profile.loop,
        connections=profile.connections,
        rate_rps=rate.rps if rate else None,
        rate_share=rate.share if rate else None,
        arrivals=profile.arrivals or default,
        processes=profile.processes or max(1, min(load_count, profile.connections)),
        warmup_s=profile.warmup,
        duration_s=profile.duration,
        timeout_s=profile.timeout,
        curve=profile.base if profile.rates is not None else None,
        own=profile.rates is not None and profile.of != "slowest",
        keepalive=profile.keepalive,
        connect_timed=profile.keepalive or TOOLS[profile.tool].times_connecting,
        protocol=profile.protocol,
        resume=profile.resume,
    )
    return with_sweep(load, profile)


def _check_loop(document: YamlDocument, loc: Loc, profile: ProfileConfig) -> None:
    if profile.loop == "closed" and profile.rate is not None:
        advice = f"write loop: open (tool: {ranked('open')[0]}), or remove the rate"
        document.add(
            (*loc, "rate"), "a closed loop has no rate: it goes as fast as it is answered", advice
        )


def _check_arrivals(
    document: YamlDocument, loc: Loc, profile: ProfileConfig, written: dict[str, Any]
) -> None:
    if profile.loop == "closed" and "arrivals" in written:
        message = "a closed loop has no arrivals: each response brings the next request"
        document.add((*loc, "arrivals"), message, "write loop: open, or remove arrivals")


def _check_processes(document: YamlDocument, loc: Loc, profile: ProfileConfig) -> None:
    processes, connections = profile.processes or 1, profile.connections
    if connections < processes:
        message = f"{connections} connections cannot be shared by {processes} processes"
        document.add((*loc, "processes"), message, f"at most {connections}")


def _check_rounds(document: YamlDocument, config: MatrixConfig) -> None:
    rounds, most = config.rounds, config.max_rounds
    if most is not None and config.precision is None and config.max_time is None:
        advice = "add precision: 2%, or remove max_rounds"
        document.add(("max_rounds",), "it has an effect only together with precision", advice)
    elif most is not None and most < rounds:
        document.add(("max_rounds",), f"{most} is less than rounds, which is {rounds}")


def _check_cost(document: YamlDocument, data: dict[str, Any]) -> None:
    """Cost is measured by duets beside blocks, at a share of what saturated servers reach."""
    if data.get("cost") is not True:
        return
    if document.is_bad(("profiles",)):
        return
    profiles = data.get("profiles", [{}])
    written = [one for one in profiles if isinstance(one, dict)]
    if data.get("design") == "duet":
        advice = "remove cost; a profile with loop: open, rate: 60% decides it there"
        document.add(("cost",), "a duet compares the cost of a request by itself", advice)
    elif not any(one.get("loop", "closed") == "closed" for one in written):
        advice = "add a profile with loop: closed"
        document.add(("cost",), "it needs a closed loop, which tells what servers reach", advice)


def _check_baseline(document: YamlDocument, config: MatrixConfig) -> None:
    baseline, names = config.baseline, [ref.arm for ref in config.arms]
    if baseline is not None and baseline not in [*names, *[CEILING] * config.ceiling]:
        message = f"{baseline} is not among the servers of this matrix"
        document.add(("baseline",), message, spelling(baseline, names))


def _check_ids(document: YamlDocument, data: dict[str, Any], project: Project) -> None:
    servers, workloads = data.get("servers"), data.get("workloads")
    for index, entry in enumerate(servers if isinstance(servers, list) else ()):
        if isinstance(entry, dict) and "url" in entry:
            continue
        name = entry.get("id") if isinstance(entry, dict) else entry
        loc: Loc = ("servers", index, "id") if isinstance(entry, dict) else ("servers", index)
        check_known(document, loc, "server", name, project.servers)
    for index, name in enumerate(workloads if isinstance(workloads, list) else ()):
        check_known(document, ("workloads", index), "workload", name, project.workloads)
    if data.get("ceiling") is True and CEILING not in project.servers:
        document.add(("ceiling",), f"there is no server {CEILING} in this project")


def _check_exclude(document: YamlDocument, config: MatrixConfig) -> None:
    """A pattern that fits nothing is a slip, and would silently leave a cell in."""
    arms = [ref.arm for ref in config.arms] + [CEILING] * config.ceiling
    known = {
        "server": arms,
        "workload": config.workloads,
        "profile": [one.name for profile in config.profiles for one in _all(config, profile)],
    }
    for index, entry in enumerate(config.exclude):
        for key, names in known.items():
            pattern = getattr(entry, key)
            if not any(matches(pattern, name) for name in names):
                message = f"{pattern} fits no {key} of this matrix"
                document.add(("exclude", index, key), message, spelling(pattern, names))


def _all(config: MatrixConfig, profile: ProfileConfig) -> list[ProfileConfig]:
    return [one for point in points(with_tool(profile)) for one in swept(config, point)]


def _check_swept(document: YamlDocument, config: MatrixConfig) -> None:
    """Profiles that a sweep makes equal in name."""
    names: set[str] = set()
    for name in [one.name for each in config.profiles for one in _all(config, each)]:
        if name in names and config.sweep is not None and not document.has_bad(("profiles",)):
            message = f"it makes two profiles {name}"
            document.add(("sweep",), message, "give one of the profiles an id of its own")
        names.add(name)


def matches(pattern: str | None, name: str) -> bool:
    """Whether a pattern of `exclude` fits a name; None fits all."""
    return pattern is None or fnmatchcase(name, pattern)
