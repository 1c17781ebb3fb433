"""A run on a terminal: a table that fills in, redrawn between trials and never inside one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bench.cli.progress import Progress
from bench.cli.waiting import Waiting
from bench.reports.primary_metric import lead_of, value_in
from bench.reports.rows import format_interval, shower
from bench.reports.wording.verdict_words import ratio_text
from bench.stats.intervals import geometric, paired
from bench.units import format_rate

if TYPE_CHECKING:
    from bench.model.plan import Arm, Cell, Plan, PlannedTrial
    from bench.model.summary import BuildRecord
    from bench.model.trial_record import TrialRecord
    from bench.reports.primary_metric import PrimaryMetric
    from bench.stats.intervals import Estimate

Side: TypeAlias = Literal["left", "right"]
_BESIDE: Final = 4
"""Lines of a terminal that the table leaves to what stands around it."""


class LiveProgress(Progress):
    """What is known so far of each server, the trial that runs now, and the time to go.

    Nothing runs beside a trial: no thread redraws the table, so it costs nothing in a window.
    """

    def __init__(self, plan: Plan, console: Console | None = None) -> None:
        super().__init__(plan)
        self._plan = plan
        cost = (plan.cost.profile,) if plan.cost else ()
        duets = plan.cost.cells if plan.cost else ()
        self._profiles = {one.id: one for one in (*plan.profiles, *plan.alone, *cost)}
        planned = (trial.cell for trial in plan.trials)
        self._all = list(dict.fromkeys((*plan.cells, *duets, *planned)))
        self._seen: dict[Cell, list[TrialRecord]] = {}
        self._offered: dict[tuple[str, str], float] = {}
        self._now = ""
        self._cell = self._all[0]
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._waiting = Waiting(self._console)

    def building(self, arm: Arm) -> None:
        """A server is about to be built; while it is, the time is counted."""
        if arm.config.build:
            self._live.stop()
            self._waiting(f"building {arm.name} (what is unchanged is kept)")

    def built(self, arm: Arm, record: BuildRecord) -> None:
        """A server is built, or was already."""
        self._waiting.close()
        super().built(arm, record)

    def calibrating(self, server: str, workload: str) -> None:
        """A capacity is about to be measured."""
        self._draw(f"measuring what {server} can do on {workload} ...")

    def began(self, planned: PlannedTrial, done: int, total: int) -> None:
        """A trial is about to run: the last time that anything is drawn before it has ended."""
        super().began(planned, done, total)
        self._cell = planned.cell
        load = self._load(planned.cell)
        self._draw(f"[{done + 1}/{total}] {planned.id}, {load}; about {self._left()}")

    def _show(self, record: TrialRecord, done: int, total: int) -> None:
        """Keep what it reached; a trial that was marked gets a line that stays, with the reason."""
        self._seen.setdefault(record.cell, []).append(record)
        if record.offered_rps:
            self._offered[record.workload, record.profile] = record.offered_rps
        if record.status != "valid":
            super()._show(record, done, total)
        self._draw(f"[{done}/{total}] {self._left()}")

    def close(self) -> None:
        """Take the table away: the report says it all again."""
        self._waiting.close()
        self._live.stop()

    def _line(self, text: str) -> None:
        self._waiting.close()
        self._console.print(Text.from_ansi(text))

    def _load(self, cell: Cell) -> str:
        profile = self._profiles[cell.profile]
        if profile.loop == "closed":
            return f"saturated by {profile.connections} connections"
        rate = profile.rate_rps or self._offered.get((cell.workload, cell.profile))
        return f"sent {format_rate(rate)} requests/s" if rate else "at an equal offered rate"

    def _draw(self, now: str) -> None:
        self._now = now
        self._waiting.close()
        if not self._live.is_started:
            self._live.start()
        self._live.update(Group(*self._tables(), Text(now, no_wrap=True)), refresh=True)

    def _cells(self) -> list[Cell]:
        """All cells where the terminal has room for them, else those beside the running one."""
        groups = len({(cell.workload, cell.profile) for cell in self._all})
        if len(self._all) + 2 * groups + _BESIDE <= self._console.size.height:
            return self._all
        now = self._cell
        return [c for c in self._all if (c.workload, c.profile) == (now.workload, now.profile)]

    def _tables(self) -> list[Text | Table]:
        """A line and a table for each workload and profile that is shown."""
        cells = self._cells()
        shown: list[Text | Table] = []
        for workload, profile in dict.fromkeys((cell.workload, cell.profile) for cell in cells):
            lead = self._lead(profile)
            same = [cell for cell in cells if (cell.workload, cell.profile) == (workload, profile)]
            shown += [Text(f"{workload}, {profile}", style="dim"), self._table(same, lead)]
        return shown

    def _table(self, cells: list[Cell], lead: PrimaryMetric) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("Server", lead.column, "95 % interval", "Against baseline", "n", "Marked"):
            side: Side = "left" if name in {"Server", "Marked"} else "right"
            table.add_column(name, justify=side, no_wrap=True)
        for cell in cells:
            table.add_row(*map(Text, self._row(cell, lead)))
        return table

    def _lead(self, profile: str) -> PrimaryMetric:
        """Duets compare CPU time; beside blocks those of the plan's cost do."""
        cost = self._plan.cost
        duet = cost is not None and profile == cost.profile.id
        return lead_of("duet" if duet else self._plan.design, self._profiles[profile].loop)

    def _row(self, cell: Cell, lead: PrimaryMetric) -> tuple[str, ...]:
        records = self._seen.get(cell, [])
        values = list(_by_round(records, lead).values())
        marked = [record for record in records if record.status != "valid"]
        reasons = dict.fromkeys(code for record in marked for code in record.reasons)
        why = f"{len(marked)}: {', '.join(reasons)}" if marked else ""
        if not values:
            return cell.server, "", "", "", "0", why
        found, show = geometric(values), shower(lead.metric)
        interval = format_interval(found, show)
        against = self._against(cell, lead)
        return cell.server, show(found.value), interval, against, str(len(values)), why

    def _against(self, cell: Cell, lead: PrimaryMetric) -> str:
        if cell.server == self._plan.baseline:
            return "baseline"
        own = _by_round(self._seen.get(cell, []), lead)
        base = self._baseline(cell, lead)
        rounds = sorted(own.keys() & base.keys())
        if not rounds:
            return ""
        ratio: Estimate = paired([own[n] for n in rounds], [base[n] for n in rounds])
        return ratio_text(ratio.value, ratio.low, ratio.high)

    def _baseline(self, cell: Cell, lead: PrimaryMetric) -> dict[int, float]:
        """The baseline's figures by round: its own trials, or its part of these in a duet."""
        partners = [
            record.replace(load=part.load, resources=part.resources)
            for record in self._seen.get(cell, [])
            if (part := record.partner)
        ]
        if partners:
            return _by_round(partners, lead)
        same = cell.replace(server=self._plan.baseline)
        return _by_round(self._seen.get(same, []), lead)


def _by_round(records: list[TrialRecord], lead: PrimaryMetric) -> dict[int, float]:
    found = ((record.round, value_in(lead, record)) for record in records if record.usable)
    return {number: value for number, value in found if value}
