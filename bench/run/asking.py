"""Asks every arm once before anything is calibrated or measured: what is wrong is told first."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.errors import StartError, VerifyError
from bench.plans.own_answers import workload_for
from bench.servers import serving
from bench.servers.environment import command_environment, found_program
from bench.trial.verify import verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.model.plan import Arm, Plan, Workload
    from bench.process import SupervisorClient

_SCRIPTS: Final = (".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".php", ".jar")
_UNKNOWN: Final = {"cpus": "1", "port": "0", "python": ""}


def absent(arm: Arm) -> str:
    """What `run` names and no build makes, or ""; nothing is started."""
    if arm.url is not None or arm.config.build:
        return ""
    folder = Path(arm.folder)
    program, *words = arm.config.run
    if "{" in program:
        return ""
    path = command_environment(arm.config.env, _UNKNOWN)["PATH"]
    there = shutil.which(str(folder / program)) if "/" in program else found_program(program, path)
    if not there:
        return f"there is no program {program}: it has no `build`, and `run` cannot start it"
    for word in () if "-c" in words else words:  # a shell goes where it likes
        script = word.endswith(_SCRIPTS) and "{" not in word and not word.startswith("-")
        if script and not (folder / word).is_file():
            return f"there is no file {word}, which `run` names"
    return ""


def wrong_answer(
    arm: Arm, plan: Plan, workloads: Mapping[str, Workload], supervisor: SupervisorClient
) -> str:
    """Start a server and ask it everything that it will be measured with; what is wrong, or ""."""
    asked = dict.fromkeys(cell.workload for cell in plan.cells if cell.server == arm.name)
    limit = max((profile.timeout_s for profile in plan.profiles), default=10.0)
    rng = random.Random(f"{plan.seed}/{arm.name}/asked")  # noqa: S311 - repeatable, not secret
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        log = Path(scratch, "server.log")
        try:
            with serving(arm, plan.cpus, supervisor, rng, log, asked=tuple(asked)) as server:
                for name in asked:
                    verify(
                        server.target,
                        workload_for(workloads, name, arm.name),
                        rng,
                        timeout_s=limit,
                    )
        except (StartError, VerifyError) as error:
            return str(error)
    return ""
