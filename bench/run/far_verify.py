"""Builds and verifies servers on their machine, asked from a machine of the load."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BuildError, StartError, UsageError, VerifyError
from bench.model.trial_record import Exchange
from bench.run.build_and_verify import Verified, workloads_of
from bench.run.whereabouts import check_told
from bench.trial.remote import load_side
from bench.trial.remote.remote_server import RemoteServer, toward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.model.plan import Arm, CpuSplit, Workload
    from bench.plans.project import Project
    from bench.trial.remote.lab import Lab

_TIMEOUT_S = 10.0


def verify_far(
    project: Project, arms: Sequence[Arm], told: Callable[[str], None], lab: Lab
) -> Iterator[Verified]:
    """Build, start and ask each server every workload that it says it can serve, elsewhere."""
    cpus = lab.split(None, None)
    for arm in arms:
        try:
            check_told(arm)
            reason = lab.builds.missing(arm)
            if reason:
                yield Verified(arm.name, "", (), f"skipped: {reason}", skipped=True)
                continue
            told(f"starting {arm.name}")
            with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
                log = Path(scratch, f"{arm.name}.log")
                lab.builds.build(arm, log, cpus=str(cpus.server_count))
                workloads = workloads_of(project, arm)
                for protocol in arm.config.protocols:
                    speaking = arm.replace(protocol=protocol)
                    found = _verify(speaking, workloads, cpus, lab, log)
                    yield from (one._replace(protocol=protocol) for one in found)
        except (BuildError, StartError, UsageError) as error:
            yield Verified(arm.name, "", (), str(error))


def _verify(
    arm: Arm, workloads: Sequence[Workload], cpus: CpuSplit, lab: Lab, log: Path
) -> Iterator[Verified]:
    rng = random.SystemRandom()
    handle, asker = lab.next_handle(), lab.loads[0]
    seed = rng.getrandbits(64)
    asked = [workload.id for workload in workloads]
    server = RemoteServer(
        lab.builds.placed(arm), cpus, lab, handle, seed=seed, log=log, asked=asked
    )
    with server:
        for workload in workloads:
            own = f"{handle}-{workload.id}"
            asker.call(load_side.open_load, handle=own, **toward(server.target, workload))
            try:
                seed = rng.getrandbits(64)
                seen = asker.call(
                    load_side.ask_all_kinds, handle=own, seed=seed, timeout_s=_TIMEOUT_S
                )
            except VerifyError as error:
                yield Verified(arm.name, workload.id, (), str(error))
            else:
                exchanges = tuple(Exchange.model_validate(one) for one in seen["exchanges"])
                yield Verified(arm.name, workload.id, exchanges, "")
            finally:
                asker.call(load_side.close_load, handle=own)
