"""The life of a server in a trial during which a profiler looks into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UsageError
from bench.profiling.at_work import ProfilerAtWork
from bench.servers import RunningServer
from bench.trial import TrialRun

if TYPE_CHECKING:
    from bench.profiling.at_work import Look
    from bench.sampler import Observation
    from bench.trial import TrialSetting
    from bench.trial.load import LoadRun


class ProfiledTrialRun(TrialRun):
    """The life of a server that is looked into while the window goes on.

    Args:
        setting: the trial.
        look: how it is looked into.
    """

    def __init__(self, setting: TrialSetting, look: Look) -> None:
        super().__init__(setting)
        if not isinstance(self.server, RunningServer):
            raise UsageError(f"{setting.arm.name} was started by someone else: not profiled")
        cpus = setting.cpus.housekeeping or setting.cpus.load
        held = cpus if setting.cpus.pinning.state == "pinned" else None
        self._profiler = ProfilerAtWork(self.server, look, setting.folder, setting.supervisor, held)

    def begin_window(self) -> None:
        """Attach the profiler; the load begins right after."""
        super().begin_window()
        self._profiler.begin(self.setting.profile.duration_s)

    def measured_window(self, load: LoadRun, observation: Observation) -> None:
        """Read what the profiler saw while the server still lives."""
        super().measured_window(load, observation)
        self._profiler.end()
