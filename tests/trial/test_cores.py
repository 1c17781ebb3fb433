"""Which kinds of core did the work, and when a trial is suspect for it."""

from __future__ import annotations

import pytest

from bench.host.state import quick_state
from bench.model.trial_record import Counters, Resources
from bench.reports.wording.findings import text_of
from bench.trial.cores import core_mix, sides_differ, slow_share, unlike_cores
from bench.trial.disturbances import noise_findings
from tests.host.trees import mac_tree, memory_source

NAMES = ("Performance", "Efficiency")
LEVELS = {0: 1, 1: 1, 2: 0, 3: 0}


def used(fast_s: float, slow_s: float) -> tuple[Resources, Counters]:
    """Server and load used 8 CPU seconds; so long were the kinds of core busy."""
    busy = {"Performance": fast_s, "Efficiency": slow_s}
    return Resources(server_cpu_s=5.0, load_cpu_s=(3.0,)), Counters(core_busy_s=busy)


def test_the_mix_sums_by_kind_fastest_first() -> None:
    """CPU numbers do not follow the kinds."""
    mix = core_mix({0: 0.5, 1: 0.25, 2: 3.0, 3: 2.0}, NAMES, LEVELS)

    assert list(mix.items()) == [("Performance", 5.0), ("Efficiency", 0.75)]


@pytest.mark.parametrize("busy", [None, {}, {7: 1.0}])
def test_an_unknown_cpu_makes_no_mix(busy: dict[int, float] | None) -> None:
    """Better no answer than a wrong one."""
    assert core_mix(busy, NAMES, LEVELS) == {}


def test_work_that_the_fast_cores_cannot_have_done_was_done_by_slow_ones() -> None:
    """8 s of work and 6 s of fast cores: 2 s at least ran elsewhere, and the text says so."""
    found = unlike_cores(*used(6.0, 2.4), "t1")

    assert found is not None
    assert found.code == "unlike-cores"
    assert found.evidence["share"] == 0.25
    assert "at least 25% of the work" in text_of(found)
    assert "Performance 6.00 s, Efficiency 2.40 s" in text_of(found)


def test_a_server_on_slow_cores_is_told_by_its_own_share() -> None:
    """Where the system counts per process, what others did on fast cores hides nothing."""
    resources, counters = used(8.0, 2.4)
    found = unlike_cores(resources.model_copy(update={"server_fast_share": 0.7}), counters, "t1")

    assert found is not None
    assert text_of(found).startswith("30% of the server's CPU time was on slow cores")


@pytest.mark.parametrize(
    ("ours", "theirs", "differ"),
    [(0.99, 0.90, True), (0.5, 0.52, False), (None, 0.5, False), (0.9, None, False)],
)
def test_sides_of_a_duet_need_the_same_mix(
    ours: float | None, theirs: float | None, *, differ: bool
) -> None:
    """More than 5 points apart: the pair is suspect; not known is no reason."""
    found = sides_differ(
        Resources(server_fast_share=ours), Resources(server_fast_share=theirs), "t1"
    )

    assert (found is not None) is differ
    if found:
        assert "99% was on fast cores, of the baseline's 90%" in text_of(found)


def test_others_on_slow_cores_are_no_reason() -> None:
    """Slow cores may be as busy as they like while the fast ones account for all of the work."""
    assert unlike_cores(*used(8.0, 9.0), "t1") is None
    assert slow_share(*used(9.5, 9.0)) == 0.0


def test_unknown_kinds_are_no_reason() -> None:
    """A machine with one kind of core has no share."""
    assert slow_share(Resources(server_cpu_s=5.0), Counters()) is None


def test_it_makes_a_trial_suspect() -> None:
    """It is among the declared causes."""
    codes = [item.code for item in noise_findings(*used(6.0, 2.4), "t1")]

    assert codes == ["unlike-cores"]


SAVING = {"pmset_-g.txt": " lowpowermode         1\n"}
UNPLUGGED = {"pmset_-g_batt.txt": "Now drawing from 'Battery Power'\n -InternalBattery-0 80%;\n"}
HOT = {
    "notifyutil_-g_com.apple.system.thermalpressurelevel.txt": (
        "com.apple.system.thermalpressurelevel 2\n"
    )
}


@pytest.mark.parametrize(
    ("change", "codes"),
    [({}, []), (SAVING, ["low-power"]), (UNPLUGGED, ["power-changed"]), (HOT, ["thermal"])],
    ids=["nothing", "low-power", "charger", "heat"],
)
def test_recorded_transitions(change: dict[str, str], codes: list[str]) -> None:
    """A Mac that is recorded before a window and changed after it gives exactly that reason."""
    tree = mac_tree("m1-pro-6p2e")
    tree["pmset_-g.txt"] = " lowpowermode         0\n"
    before = quick_state(source=memory_source(tree), system="darwin")
    after = quick_state(source=memory_source({**tree, **change}), system="darwin")
    counters = Counters(
        power_source=after.power_source,
        thermal_pressure=after.thermal_pressure,
        low_power=after.low_power,
    )
    found = noise_findings(
        Resources(),
        counters,
        "t1",
        power_before=before.power_source,
        low_power_before=before.low_power,
    )

    assert [item.code for item in found] == codes
