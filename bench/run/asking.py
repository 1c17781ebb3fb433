"""Asks every arm once before anything is calibrated or measured: what is wrong is said first."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import StartError, VerifyError
from bench.plans.own_answers import workload_for
from bench.servers import serving
from bench.trial.verify import verify

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from bench.model.plan import Arm, Plan, Workload
    from bench.process import SupervisorClient


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


def nothing_to_compare(plan: Plan, gone: Collection[str]) -> bool:
    """Whether the servers that take no part were the baseline, or all that it is compared with."""
    names = {arm.name for arm in plan.arms}.difference(gone)
    alone = names <= {plan.baseline, *plan.copies}
    return bool(gone) and (plan.baseline not in names or alone)
