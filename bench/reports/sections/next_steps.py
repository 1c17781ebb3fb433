"""Next Steps: workloads, servers and commands of this project that this run did not use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.blocks import Numbered, code, strong
from bench.reports.commands import more_rounds_command, server_id, tested
from bench.reports.decisions import decisions
from bench.reports.sections.precision_reached import reached
from bench.reports.view import metric_of
from bench.reports.wording.notes import WINDOW_SHORT
from bench.reports.wording.phrases import join

if TYPE_CHECKING:
    from bench.model.summary import Verdict
    from bench.reports.blocks import Block, Text
    from bench.reports.view import View

WORKLOADS: Final = {
    "json-medium": "medium JSON (4 KB)",
    "json-large": "large JSON (40 KB)",
    "path-params": "path parameters",
    "query-params": "query parameters",
    "mixed": "mixed traffic",
    "json-varied": "a thousand different small bodies",
    "plaintext": "plain text, the floor",
}
"""Workloads that come with bench -> what they are."""
SERVERS: Final = {"fastapi": "FastAPI", "robyn": "Robyn", "fastify": "Node.js with Fastify"}
"""Servers that come with bench -> what they are."""

_OURS: Final = frozenset({"axum", "spikard", *SERVERS})
_ENOUGH_ROUNDS: Final = 3
_SOME_ROUNDS: Final = 5
_TIMES: Final = 2

Step = tuple["Text", tuple["Text", ...]]


def next_steps(view: View) -> tuple[Block, ...]:
    """What is left to measure, then where the time goes, then how to see a change."""
    if view.run.info.imported:
        steps = [_measure_here(), *_profile(view)]
    elif view.run.info.argv[:1] == ("try",):  # its servers have no name that a command knows
        steps = _rounds(view)
    else:
        more = [*_workloads(view), *_open_loop(view), *_servers(view)] if _ours(view) else []
        steps = [*_rounds(view), *_windows(view), *more, *_profile(view), *_change(view)]
    return (Numbered(tuple(steps)),) if steps else ()


def _ours(view: View) -> bool:
    """Whether the run was of a matrix in a project that has the servers that come with bench."""
    by_matrix = view.run.info.argv[:1] in ((), ("run",))
    return by_matrix and any(arm.server in _OURS for arm in view.run.plan.arms)


def _measure_here() -> Step:
    head: Text = (strong("Measure it here"), ", with rounds, intervals and a known machine")
    return head, ((code("bench run json-small"),),)


def _rounds(view: View) -> list[Step]:
    """More rounds where there is no interval, or where it decides nothing."""
    done = len({trial.round for trial in view.run.trials if trial.usable})
    if done < _ENOUGH_ROUNDS:
        head: Text = (strong("Get intervals and verdicts"), " from at least 3 rounds")
        command = more_rounds_command(view.run, _SOME_ROUNDS)
    elif any(
        found.verdict.word == "inconclusive" and not _bounded(found.verdict)
        for found in decisions(view)
    ):
        head = (strong("Decide what is inconclusive"), " by more rounds")
        command = more_rounds_command(view.run, _TIMES * max(done, view.run.plan.rounds))
    elif any(each.narrow < each.total for each in reached(view)):
        head = (strong("Make the intervals narrower"), ", which is not yet what was asked for")
        command = more_rounds_command(view.run, _TIMES * max(done, view.run.plan.rounds))
    else:
        return []
    return [(head, ((code(command),),))] if command else []


def _bounded(verdict: Verdict) -> bool:
    """Whether it says no more than "at least": more rounds leave a lower bound one."""
    return bool(verdict.basis and (verdict.basis.own_bound or verdict.basis.base_bound))


def _windows(view: View) -> list[Step]:
    """Longer windows where the requests under way at their ends are too many to leave out."""
    short = {
        entry.cell.workload
        for group in view.groups
        for entry in group.entries
        if WINDOW_SHORT in entry.cell.findings
    }
    if not short or view.run.info.argv[:1] not in ((), ("run",)):
        return []
    found = view.run.summary.findings
    needed_s = max(
        (seconds for item in found if isinstance(seconds := item.evidence.get("needed_s"), int)),
        default=0,
    )
    names = ",".join(name for name in view.run.plan.workloads if name in short)
    head: Text = (strong("Make rates of lower bounds"), " by longer windows")
    command = f"bench run {view.run.plan.matrix} --workloads {names} --duration {needed_s}s"
    return [(head, ((code(command),),))]


def _workloads(view: View) -> list[Step]:
    missing = [name for name in WORKLOADS if name not in view.run.plan.workloads]
    if not missing:
        return []
    head: Text = (strong("Test more workloads"), f": {join([WORKLOADS[name] for name in missing])}")
    return [(head, ((code(f"bench run all --workloads {','.join(missing)}"),),))]


def _open_loop(view: View) -> list[Step]:
    if any(group.is_open for group in view.groups):
        return []
    head: Text = (strong("Compare latency at equal load"), ", which a closed loop cannot")
    line: Text = ("add to the matrix: ", code("profiles: [{loop: open, rate: 50%}]"))
    return [(head, (line,))]


def _servers(view: View) -> list[Step]:
    present = {arm.server for arm in view.run.plan.arms} - {
        skipped.server for skipped in view.run.summary.skipped if not skipped.profiles
    }
    missing = [title for name, title in SERVERS.items() if name not in present]
    if not missing:
        return []
    head: Text = (strong("Test other servers"), f": {', '.join(missing)}")
    return [(head, ((code("bench run all"), " measures every server that comes with bench"),))]


def _profile(view: View) -> list[Step]:
    """Where the CPU time of the costliest server goes, unless the report says it already."""
    if view.run.breakdowns:
        return []
    known = {arm.name: server_id(arm) for arm in tested(view.run.plan)}
    costs = [
        (metric.value, entry)
        for group in view.groups
        for entry in group.measured
        if entry.server in known and (metric := metric_of(entry, "cpu_us_per_request"))
    ]
    if not costs:
        return []
    (_, least), (_, most) = (pick(costs, key=lambda pair: pair[0]) for pick in (min, max))
    server, other = known[most.server], known[least.server]
    workload = most.cell.workload
    head: Text = (strong("Find where the time goes"), f" in {most.title}, the costliest here")
    against = "" if other == server else f" --against {other}"
    return [
        (
            head,
            (
                (code(f"bench profile {server} {workload}{against}"), ": functions and threads"),
                (code(f"bench profile {server} --conversion"), ": CPU against body size"),
            ),
        )
    ]


def _change(view: View) -> list[Step]:
    """Two versions of a server side by side, or this run and a later one."""
    points: list[Text] = []
    if found := tested(view.run.plan):
        versions = code(f"bench ab {server_id(found[-1])} --ref main --ref my-branch")
        points.append((versions, ": two versions at the same time"))
    if view.run.plan.arms:
        runs = code(f"bench compare {view.run.info.run_id} latest")
        points.append((runs, ": this run and a later one"))
    return [((strong("See whether a change helped"),), tuple(points))] if points else []
