"""Makes a run of results that were measured elsewhere, so that all reports render it.

Nothing is added that was not reported: no processes, no resources, no machine but in words.
Latencies that a tool distorts (wrk's text) lose their percentiles and get a finding.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from typing import TYPE_CHECKING, Final

import bench
from bench.errors import UsageError
from bench.model.host_facts import CpuInfo, Host, MachineInfo, OsInfo, PowerInfo, ThermalInfo
from bench.model.plan import Arm, Cell, CpuSplit, LoadProfile, Plan, PlannedTrial
from bench.model.server_config import ServerConfig
from bench.model.summary import RunInfo
from bench.run.importing.conditions import check_name, check_words, refuse_copies
from bench.run.importing.import_trials import make_trial
from bench.run.importing.sources import ELSEWHERE, UNPINNED, Imported
from bench.run.opening import write_derived
from bench.store.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.model.trial_record import TrialRecord
    from bench.run.importing.sources import ImportOptions, ResultFile

MARGIN: Final = 0.02
_SLUG_MAX: Final = 60
"""Server, workload and profile are one name of a folder together."""
_NOT_SLUG: Final = re.compile(r"[^a-z0-9]+")


def make_run(sources: Sequence[ResultFile], facts: ImportOptions) -> Imported:
    """Arrange results as a run: one label = one server, the same label again = a further round.

    The first label is the baseline.

    Raises:
        UsageError: no results, or of different tools, or one result as two rounds, or words that
            no report can hold.
    """
    if len({source.load.tool for source in sources}) != 1:
        raise UsageError("give at least one LABEL=FILE, all of one load tool")
    check_words(sources, facts)
    refuse_copies(sources)
    names = _names([source.label for source in sources])
    profile = _profile(sources, facts)
    workload = _slug(facts.workload) or "imported"
    seen: dict[str, int] = {}
    trials = []
    for order, source in enumerate(sources):
        name = names[source.label]
        seen[name] = seen.get(name, 0) + 1
        cell = Cell(server=name, workload=workload, profile=profile.id)
        trials.append(
            make_trial(
                source, facts, cell, profile, first=sources[0], number=seen[name], order=order
            )
        )
    plan = _plan(names, facts, profile, workload, trials)
    info = _info(facts, plan, sources, trials)
    return Imported(info, plan, _host(facts, info.run_id), tuple(trials), tuple(sources))


def store(imported: Imported, folder: Path) -> Path:
    """Write a run directory with the raw files and all derived ones.

    Args:
        imported: from `make_run`.
        folder: where it is made; one that does not exist becomes the run directory itself.

    Raises:
        StoreError: it cannot be written.
        UsageError: the folder's name cannot be written in a file.
    """
    inside = folder.is_dir()
    parent, name = (folder, imported.info.run_id) if inside else (folder.parent, folder.name)
    check_name("--output", name)
    missing = [path for path in parent.parents if not path.exists()]
    if not parent.exists():
        missing.insert(0, parent)
    directory = RunDirectory.create(parent, name)
    try:
        _fill(directory, imported)
    except BaseException:  # half a run is no run; Ctrl-C too
        shutil.rmtree(directory.path, ignore_errors=True)
        for made in missing:  # from the inside out; one that another run is in stays
            with contextlib.suppress(OSError):
                made.rmdir()
        raise
    return directory.path


def _fill(directory: RunDirectory, imported: Imported) -> None:
    directory.write_model("host.json", imported.host)
    directory.write_model("plan.json", imported.plan)
    for record, source in zip(imported.trials, imported.sources, strict=True):
        directory.trial_folder(record.trial)
        directory.write_bytes(f"trials/{record.trial}/load-0/{source.name}", source.data)
        directory.seal_trial(record)
    directory.write_bytes("findings.json", b"[]\n")
    directory.write_model("run.json", imported.info.replace(run_id=directory.path.name))
    write_derived(directory.path)


def _names(labels: Sequence[str]) -> dict[str, str]:
    """Label -> a name for trial ids, unlike for unlike labels."""
    names: dict[str, str] = {}
    for label in dict.fromkeys(labels):
        base = _slug(label) or "server"
        name, number = base, 2
        while name in names.values():
            name, number = f"{base}-{number}", number + 1
        names[label] = name
    return names


def _slug(text: str) -> str:
    return _NOT_SLUG.sub("-", text.lower()).strip("-")[:_SLUG_MAX].rstrip("-")


def _profile(sources: Sequence[ResultFile], facts: ImportOptions) -> LoadProfile:
    tool = sources[0].load.tool
    measured = max(source.load.duration_s for source in sources)
    return LoadProfile(
        id=f"{tool}-c{facts.connections}" if facts.connections else tool,
        tool=tool,
        loop=facts.loop,
        connections=facts.connections,
        processes=1,
        warmup_s=0.0,
        duration_s=round(measured, 2) or measured if facts.duration_s is None else facts.duration_s,
        timeout_s=0.0,
    )


def _plan(
    names: dict[str, str],
    facts: ImportOptions,
    profile: LoadProfile,
    workload: str,
    trials: Sequence[TrialRecord],
) -> Plan:
    rounds = max(trial.round for trial in trials)
    return Plan(
        matrix="imported",
        title=facts.title,
        seed=0,
        rounds=rounds,
        max_rounds=rounds,
        precision=None,
        margin=MARGIN,
        baseline=next(iter(names.values())),
        design="blocks",
        arms=tuple(
            Arm(name=name, server=name, folder="", config=ServerConfig(title=label, run=["-"]))
            for label, name in names.items()
        ),
        workloads=(workload,),
        workload_titles={workload: facts.workload},
        profiles=(profile,),
        cells=tuple(
            Cell(server=name, workload=workload, profile=profile.id) for name in names.values()
        ),
        trials=tuple(PlannedTrial(id=t.trial, round=t.round, cell=t.cell) for t in trials),
        cpus=CpuSplit(
            server=(), load=(), housekeeping=(), server_count=0, load_count=1, pinning=UNPINNED
        ),
        estimated_s=0.0,
    )


def _info(
    facts: ImportOptions, plan: Plan, sources: Sequence[ResultFile], trials: Sequence[TrialRecord]
) -> RunInfo:
    digest = hashlib.sha256(b"\0".join((repr(facts).encode(), *(s.data for s in sources))))
    stamp = facts.started[:19].replace("-", "").replace(":", "")
    usable = {trial.server for trial in trials if trial.usable}
    return RunInfo(
        run_id=f"{stamp}Z-imported-{digest.hexdigest()[:6]}",
        bench_version=bench.__version__,
        matrix=plan.matrix,
        started=facts.started,
        finished=facts.started,
        exit_code=0 if len(usable) == len(plan.arms) else 1,
        argv=(),
        imported=True,
    )


def _host(facts: ImportOptions, run_id: str) -> Host:
    """The machine in words; equal words = one machine, no words = like no other."""
    digest = hashlib.sha256((facts.hardware or run_id).encode()).hexdigest()
    mac = re.search(r"mac|apple|darwin", facts.hardware, re.IGNORECASE)
    return Host(
        system="darwin" if mac else "linux",
        os=OsInfo(name=None, version=None, build=None, kernel=None),
        machine=MachineInfo(model=None, vendor=None, virtual=None, translated=None),
        cpu=CpuInfo(
            model=facts.hardware or None,
            physical=None,
            logical=None,
            clusters=(),
            smt=None,
            governor=None,
            turbo=None,
            base_mhz=None,
            max_mhz=None,
        ),
        memory_bytes=None,
        power=PowerInfo(source=None, low_power=None),
        thermal=ThermalInfo(throttled=None, pressure=None),
        limits={},
        pinning=UNPINNED,
        fingerprint=f"told-{digest[:12]}",
        findings=(),
        unavailable={"system": f"{ELSEWHERE}; guessed from the words" if mac else ELSEWHERE},
    )
