"""One server's part in a trial, where server and load have machines of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.host.state import QuickState
from bench.model.finding import Finding, finding, on_machine
from bench.model.machine_part import MachinePart
from bench.model.trial_record import Exchange
from bench.trial.disturbances import noise_findings
from bench.trial.life import TrialRun
from bench.trial.remote import load_side, server_side
from bench.trial.remote.remote_child import lost_is_failure
from bench.trial.remote.remote_load import RemoteLoader
from bench.trial.remote.remote_questions import RemoteQuestions
from bench.trial.remote.remote_server import RemoteSampler, RemoteServer, toward
from bench.trial.thresholds import BUSY, DRIFT_MAX_S, NETWORK_MAX, SPREAD_MAX_S, WALL_OFF_MAX_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.plan import LoadProfile
    from bench.process.remote.remote_machine import ClockReading
    from bench.sampler import Observation
    from bench.trial.life import TrialSetting
    from bench.trial.load import LoadRun
    from bench.trial.remote.lab import Lab
    from bench.trial.remote.remote_load import LoadPart


class RemoteLife(TrialRun):
    """A trial whose parts are agents on other machines.

    Args:
        lab: the machines; those that were lost since the last trial are opened again.

    Raises:
        MachineError: one of them cannot be reached.
    """

    def __init__(self, setting: TrialSetting, lab: Lab) -> None:
        lab.revive()
        lab.disarm()
        self._lab = lab
        self._handle = lab.next_handle()
        self._before: dict[str, ClockReading] = {}
        self._sampler: RemoteSampler | None = None
        super().__init__(setting)

    def serve(self) -> RemoteServer:
        """The server, on its machine."""
        setting = self.setting
        log, seed = setting.folder / "server.log", setting.rng.getrandbits(64)
        arm = self._lab.builds.placed(setting.arm)
        profile = setting.profile
        return RemoteServer(
            arm.replace(protocol=profile.protocol),
            setting.cpus,
            self._lab,
            self._handle,
            seed=seed,
            log=log,
            asked=(setting.workload.id,),
            resume=profile.resume,
        )

    def has_tool(self, name: str) -> bool:
        """Whether that load tool is on every machine of the load."""
        return all(name in part.tools for part in self._lab.plan.machines if part.role == "load")

    def open_side_channel(self) -> None:
        """Tell the machines of the load where the server is; the first asks beside the load.

        The address is the one that the agent of the server's machine reported as its own.
        """
        setting = self.setting
        what = toward(self.server.target, setting.workload)
        with lost_is_failure():
            opened = [
                machine.begin(load_side.open_load, handle=self._handle, **what)
                for machine in self._lab.loads
            ]
            for each in opened:
                each.result()
            seed = setting.rng.getrandbits(64)
            self.questioning = RemoteQuestions(
                self._lab, self._handle, setting.workload, setting.profile, seed
            )

    def ask_all(self) -> tuple[Exchange, ...]:
        """Ask every request kind from a machine of the load, over the load's own path."""
        with lost_is_failure():
            told = self._lab.loads[0].call(
                load_side.ask_all_kinds,
                handle=self._handle,
                seed=self.setting.rng.getrandbits(64),
                timeout_s=self.setting.profile.timeout_s,
            )
        self.took += told["took"]
        return tuple(Exchange.model_validate(one) for one in told["exchanges"])

    def resumes(self) -> bool:
        """Try it from a machine of the load."""
        seed = self.setting.rng.getrandbits(64)
        with lost_is_failure():
            found = self._lab.loads[0].call(
                load_side.resumes_from_here, handle=self._handle, seed=seed
            )
        return bool(found)

    def sampling(self) -> RemoteSampler:
        """What watches the server, on its machine."""
        self._sampler = RemoteSampler(self._lab, self._handle, self.setting.cpus.server)
        return self._sampler

    def make_loader(self, profile: LoadProfile, name: str) -> RemoteLoader:
        """Have every machine of the load prepare its share."""
        setting = self.setting
        return RemoteLoader(
            self._lab,
            self._handle,
            name,
            profile=profile,
            workload=setting.workload,
            folder=setting.folder / name,
            seeds=lambda: setting.rng.getrandbits(64),
            schedule=setting.schedule,
            on_window=self.at_start,
        )

    def at_start(self, start_at: float, longest_s: float) -> None:
        """Before a window: let the server's machine look after the server by itself."""
        self._lab.look_on(start_at, longest_s)

    @property
    def _watched(self) -> RemoteSampler:
        assert self._sampler is not None  # noqa: S101 - it is watched before there is load
        return self._sampler

    def power(self) -> QuickState:
        """Source of power and pressure of the server's machine."""
        cpus = self.setting.cpus.server
        return QuickState(*self._lab.server.call(server_side.state_now, cpus=cpus))

    def begin_window(self) -> None:
        """Look at the machine's state and at all clocks; afterwards nothing is sent."""
        super().begin_window()
        self._watched.before = self.state_before
        with lost_is_failure():
            self._before = self._lab.look_at_clocks()

    def note_power(self) -> None:
        """It came with the window, from the machine that it is about."""

    def look_after(self, elapsed: float) -> None:
        """The agent does, on the server's machine."""

    def warming_up(self, elapsed: float) -> None:
        """The agents look after the server and question it."""

    def meanwhile(self, elapsed: float) -> None:
        """Nothing is sent inside a window."""

    def measured_window(self, load: LoadRun, observation: Observation) -> None:
        """Keep what the machines saw of the window."""
        parts = self._parts
        busy = [part.resources.load_busy for part in parts]
        seen = [share for share in busy if share is not None]
        resources = observation.resources.replace(load_busy=max(seen, default=None))
        super().measured_window(load, observation._replace(resources=resources))
        with lost_is_failure():
            after = self._lab.look_at_clocks()
        self.machines = (self._server_part(after), *(self._load_part(one, after) for one in parts))
        self.disturbances = tuple(self._disturbed(parts))
        self.notes += self._remarks()

    @property
    def _parts(self) -> tuple[LoadPart, ...]:
        assert isinstance(self.loader, RemoteLoader)  # noqa: S101 - make_loader made it
        return self.loader.parts

    def _server_part(self, after: dict[str, ClockReading]) -> MachinePart:
        assert self.observation is not None  # noqa: S101 - measured_window made it
        return MachinePart(
            name=self._lab.server.name,
            role="server",
            busy=self.observation.resources.server_busy,
            steal_share=self.observation.counters.steal_share,
            network=self._watched.network,
            **self._clock(self._lab.server.name, after),
        )

    def _load_part(self, part: LoadPart, after: dict[str, ClockReading]) -> MachinePart:
        result = part.result
        return MachinePart(
            name=part.machine.name,
            role="load",
            requests=result.requests,
            ok=result.ok,
            throughput_rps=result.throughput_rps,
            latency_us=result.latency_us,
            busy=part.resources.load_busy,
            steal_share=part.counters.steal_share,
            start_late_s=max(0.0, part.began_s - part.planned_s),
            network=part.network,
            **self._clock(part.machine.name, after),
        )

    def _clock(self, name: str, after: dict[str, ClockReading]) -> dict[str, Any]:
        """How that machine's clocks went, before the window and through it."""
        first, last = self._before[name], after[name]
        return {
            "offset_s": first.offset_s,
            "drift_s": last.offset_s - first.offset_s,
            "wall_offset_s": first.wall_offset_s,
            "offset_error_s": (first.round_trip_s + last.round_trip_s) / 2,
        }

    def _disturbed(self, parts: tuple[LoadPart, ...]) -> Iterator[Finding]:
        """What makes the trial suspect: noise on a machine of the load, starts apart, drift."""
        trial = self.setting.planned.id
        for part in parts:
            for found in noise_findings(part.resources, part.counters, trial):
                yield on_machine(found, part.machine.name)
        late = [(one.start_late_s, one.name) for one in self.machines if one.start_late_s]
        spread_s, last = max(late, default=(0.0, ""))
        if spread_s > SPREAD_MAX_S:
            yield finding("start-spread", trial, machine=last, spread_s=round(spread_s, 4))
        for one in self.machines:
            drift = one.drift_s or 0.0
            if abs(drift) > DRIFT_MAX_S + (one.offset_error_s or 0.0):
                yield finding(
                    "clock-drift",
                    trial,
                    "drift",
                    machine=one.name,
                    drift_ms=round(drift * 1e3, 3),
                    span_s=self.setting.profile.duration_s,
                )

    def _remarks(self) -> Iterator[Finding]:
        """What the reader must know of the machines."""
        trial = self.setting.planned.id
        for one in self.machines:
            share = one.network.share if one.network else None
            if share is not None and share >= NETWORK_MAX:
                bits = one.network.link_bits_per_s if one.network else None
                yield finding(
                    "network-bound", trial, machine=one.name, share=round(share, 4), bits_per_s=bits
                )
            if one.role == "load" and (one.busy or 0.0) >= BUSY and len(self.machines) > 2:  # noqa: PLR2004 - of several
                yield finding(
                    "client-bound", trial, "machine", machine=one.name, load_busy=one.busy
                )
            off = one.wall_offset_s or 0.0
            if abs(off) > WALL_OFF_MAX_S + (one.offset_error_s or 0.0):
                ms = round(off * 1e3, 1)
                yield finding("clock-drift", trial, "offset", machine=one.name, offset_ms=ms)
