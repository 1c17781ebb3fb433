"""Asks every server once before anything is calibrated or measured: what is wrong is said first."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import StartError, VerifyError
from bench.model.finding import finding
from bench.plans.own_answers import workload_for
from bench.servers import never_made, serving
from bench.trial.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from bench.model.finding import Finding
    from bench.model.http_protocol import HttpProtocol
    from bench.model.plan import Arm, Cell, Plan, Workload
    from bench.process import SupervisorClient
    from bench.servers import ExistingServer, RunningServer


_SILENT: Final = 2


class Asked(NamedTuple):
    """What one server is asked by one protocol."""

    server: str
    workload: str
    protocol: HttpProtocol


class FirstQuestions:
    """What the servers of a run answered when each was asked once.

    Args:
        ask: what is wrong with the answers of a server that was built; None = nobody is asked.
        whole: a server that answers one workload wrongly takes no part in any.

    Attributes:
        refused: servers that take no part.
    """

    def __init__(
        self, ask: Callable[[Arm], Mapping[Asked, str]] | None = None, *, whole: bool = False
    ) -> None:
        self.refused: list[str] = []
        self.whole = whole
        self._ask = ask
        self._wrong: dict[Asked, str] = {}

    def unmade(self, arm: Arm) -> str:
        """What `run` of a server names and no build makes, or "": seen before anything is built."""
        if self._ask is None or arm.url is not None:
            return ""
        return self._refused(arm, never_made(Path(arm.folder), arm.config))

    def reason(self, plan: Plan, arm: Arm) -> str:
        """Why a server takes no part, or ""; a copy answers as its original does."""
        if self._ask is None or arm.copy_of is not None:
            return ""
        found = self._ask(arm)
        if found and (self.whole or len(found) == len(asked_of(plan, arm))):
            return self._refused(arm, next(iter(found.values())))
        self._wrong |= found
        return ""

    def _refused(self, arm: Arm, reason: str) -> str:
        if reason:
            self.refused.append(arm.name)
        return reason

    def nothing_left(self, plan: Plan, gone: Collection[str]) -> bool:
        """Whether the rest need not be built, since there is nothing to compare them with."""
        asked = self._ask is not None and (self.whole or plan.design == "duet")
        return asked and nothing_to_compare(plan, gone)

    def lost(self, plan: Plan) -> dict[Cell, Asked]:
        """Cells that are not measured, since a server that takes part in them answered wrongly."""
        if not self._wrong:
            return {}
        cells = dict.fromkeys((*plan.cells, *(trial.cell for trial in plan.trials)))
        found = ((cell, self._wrong_in(plan, cell)) for cell in cells)
        return {cell: asked for cell, asked in found if asked}

    def _wrong_in(self, plan: Plan, cell: Cell) -> Asked | None:
        profile = next(one for one in plan.loads if one.id == cell.profile)
        for arm in _together(plan, cell):
            asked = Asked(arm.copy_of or arm.name, cell.workload, arm.under(profile).protocol)
            if asked in self._wrong:
                return asked
        return None

    def findings(self, plan: Plan) -> list[Finding]:
        """One finding for each cell that is lost."""
        cells = set(plan.cells)
        return [
            self._finding(cell.id, asked)
            for cell, asked in self.lost(plan).items()
            if cell in cells
        ]

    def news(self, arm: Arm) -> list[Finding]:
        """What was wrong with the answers of one server that takes part elsewhere."""
        return [self._finding(arm.name, asked) for asked in self._wrong if asked.server == arm.name]

    def _finding(self, scope: str, asked: Asked) -> Finding:
        reason = self._wrong[asked].splitlines()[0]
        server, workload, _ = asked
        return finding("not-served", scope, "some", server=server, workload=workload, reason=reason)


def _together(plan: Plan, cell: Cell) -> Iterator[Arm]:
    """The servers that run in the trials of a cell."""
    arms = {arm.name: arm for arm in (*((plan.cost.again,) if plan.cost else ()), *plan.arms)}
    if cell.server in arms:
        yield arms[cell.server]
    duet = plan.design == "duet" and cell.profile not in {one.id for one in plan.alone}
    cost = plan.cost is not None and cell.profile == plan.cost.profile.id
    if plan.baseline in arms and (duet or cost):
        yield arms[plan.baseline]


def asked_of(plan: Plan, arm: Arm) -> tuple[Asked, ...]:
    """Everything that a server will be measured with."""
    spoken = {profile.id: arm.under(profile).protocol for profile in plan.profiles}
    cells = (cell for cell in plan.cells if cell.server == arm.name)
    asked = (Asked(arm.name, cell.workload, spoken[cell.profile]) for cell in cells)
    return tuple(dict.fromkeys(asked))


def wrong_answers(
    arm: Arm,
    plan: Plan,
    workloads: Mapping[str, Workload],
    supervisor: SupervisorClient,
    logs: Path,
) -> dict[Asked, str]:
    """Start a server and ask it everything that it will be measured with; what is wrong.

    Args:
        arm: the server, built.
        plan: what it will be measured with.
        workloads: of the plan, by id.
        supervisor: starts it.
        logs: folder that gets its output, as NAME.asked.log.
    """
    asked = asked_of(plan, arm)
    found: dict[Asked, str] = {}
    for protocol in dict.fromkeys(one.protocol for one in asked):
        group = [one for one in asked if one.protocol == protocol]
        try:
            with _started(arm, plan, supervisor, group, logs) as server:
                found |= _wrong(server, plan, workloads, group)
        except StartError as error:
            found |= dict.fromkeys(group, str(error))
    return found


def _started(
    arm: Arm, plan: Plan, supervisor: SupervisorClient, group: Sequence[Asked], logs: Path
) -> RunningServer | ExistingServer:
    """The server, not yet started, for what it is asked by one protocol."""
    return serving(
        arm,
        plan.cpus,
        supervisor,
        random.Random(f"{plan.seed}/{arm.name}/asked"),  # noqa: S311 - repeatable, not secret
        logs / f"{arm.name}.asked.log",
        asked=tuple(one.workload for one in group),
        protocol=group[0].protocol,
    )


def _wrong(
    server: RunningServer | ExistingServer,
    plan: Plan,
    workloads: Mapping[str, Workload],
    group: Sequence[Asked],
) -> dict[Asked, str]:
    """What is wrong with the answers of a server.

    The second that does not come ends it: the others would be waited for as long.
    """
    found: dict[Asked, str] = {}
    silent = 0
    limit = max((profile.timeout_s for profile in plan.profiles), default=10.0)
    rng = random.Random(f"{plan.seed}/{group[0].server}/questions")  # noqa: S311 - the same
    for one in group:
        try:
            asked = workload_for(workloads, one.workload, one.server)
            verify(server.target, asked, rng, timeout_s=limit)
        except VerifyError as error:
            found[one] = _died(server) + str(error)
            silent += error.code == "no-answer"
            if silent == _SILENT:
                return dict.fromkeys(group[group.index(one) :], found[one]) | found
    return found


def _died(server: RunningServer | ExistingServer) -> str:
    """The cause of a missing answer, before its symptom."""
    return "" if server.rc is None else f"it ended when it was asked ({server.end()}): "


def nothing_to_compare(plan: Plan, gone: Collection[str]) -> bool:
    """Whether the servers that take no part were the baseline, or all that it is compared with."""
    names = {arm.name for arm in plan.arms}.difference(gone)
    alone = names <= {plan.baseline, *plan.copies}
    return bool(gone) and (plan.baseline not in names or alone)
