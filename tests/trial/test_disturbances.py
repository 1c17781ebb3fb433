"""Decisions are made by declared thresholds: at a threshold nothing, beyond it a finding."""

from __future__ import annotations

import pytest

from bench.model.trial_record import Counters, Resources
from bench.reports.wording.findings import in_words as told
from bench.trial import disturbances as judgement

TRIAL = "r01-a.b.c"


class TestBound:
    @pytest.mark.parametrize(
        ("server", "load", "expected"),
        [
            (0.90, 0.10, "server"),
            (0.95, 0.99, "server"),
            (0.89, 0.90, "client"),
            (0.50, 0.89, "neither"),
            (None, 0.95, "client"),
            (0.95, None, "server"),
            (None, 0.50, "unknown"),
            (0.50, None, "unknown"),
            (None, None, "unknown"),
        ],
    )
    def test_the_limit_is_named_from_90_percent_on(
        self, server: float | None, load: float | None, expected: str
    ) -> None:
        """The server first, then the load tool; unknown where data are missing."""
        assert judgement.bound(Resources(server_busy=server, load_busy=load)) == expected


class TestNoise:
    @pytest.mark.parametrize(
        ("calm", "noisy", "code"),
        [
            ({"steal_share": 0.01}, {"steal_share": 0.011}, "steal"),
            ({"others_share": 0.02}, {"others_share": 0.021}, "others-on-cpu"),
            ({"throttled_us": 0}, {"throttled_us": 1}, "throttled"),
            ({"cpu_throttle_events": 0}, {"cpu_throttle_events": 1}, "thermal"),
            ({"thermal_pressure": "nominal"}, {"thermal_pressure": "moderate"}, "thermal"),
            (
                {"frequency_mhz_before": 1000.0, "frequency_mhz_after": 1029.0},
                {"frequency_mhz_before": 1000.0, "frequency_mhz_after": 969.0},
                "frequency",
            ),
            ({"retransmits": 0}, {"retransmits": 1}, "retransmits"),
            ({"listen_overflows": 0}, {"listen_overflows": 2}, "listen-overflow"),
            ({"swap_pages": 0}, {"swap_pages": 3}, "swap"),
        ],
    )
    def test_each_declared_cause_is_found_beyond_its_threshold(
        self, calm: dict[str, object], noisy: dict[str, object], code: str
    ) -> None:
        """And not at it."""
        quiet = judgement.noise_findings(Resources(), Counters.model_validate(calm), TRIAL)
        loud = judgement.noise_findings(Resources(), Counters.model_validate(noisy), TRIAL)

        assert quiet == ()
        assert [(one.code, one.scope, one.severity) for one in loud] == [(code, TRIAL, "warning")]
        assert loud[0].evidence

    def test_what_could_not_be_read_is_no_cause(self) -> None:
        """A machine without counters is not a noisy one."""
        assert judgement.noise_findings(Resources(), Counters(), TRIAL) == ()

    def test_several_causes_are_all_named(self) -> None:
        """The reader learns of each."""
        counters = Counters(steal_share=0.08, others_share=0.3, swap_pages=1)

        found = judgement.noise_findings(Resources(), counters, TRIAL)

        assert [one.code for one in found] == ["steal", "others-on-cpu", "swap"]

    def test_throttling_is_put_in_proportion(self) -> None:
        """Seconds held back of how many."""
        found = judgement.noise_findings(
            Resources(span_s=10.0), Counters(throttled_us=250_000), TRIAL
        )

        assert "0.250 s of 10.0 s" in told(found[0]).text

    def test_a_laptops_own_retransmits_are_no_cause(self) -> None:
        """They are counted for the whole machine: up to one a second is everyday."""
        window = Resources(span_s=10.0)

        assert judgement.noise_findings(window, Counters(retransmits=10), TRIAL) == ()
        found = judgement.noise_findings(window, Counters(retransmits=11), TRIAL)
        assert [one.code for one in found] == ["retransmits"]

    def test_segments_that_were_not_missing_are_no_cause(self) -> None:
        """A probe of what the receiver had already lost nothing; what was missing still counts."""
        window = Resources(span_s=1.0)
        probes = Counters(retransmits=58, retransmits_needless=58)
        lost = Counters(retransmits=58, retransmits_needless=50)

        assert judgement.noise_findings(window, probes, TRIAL) == ()
        (found,) = judgement.noise_findings(window, lost, TRIAL)
        assert (found.code, found.evidence["count"]) == ("retransmits", 8)

    @pytest.mark.parametrize(
        ("before", "after", "codes"),
        [
            ("ac", "battery", ["power-changed"]),
            ("ac", "ac", []),
            (None, "battery", []),
            ("ac", None, []),
        ],
    )
    def test_a_changed_power_source_is_a_cause(
        self, before: str | None, after: str | None, codes: list[str]
    ) -> None:
        """Only where both are known."""
        found = judgement.noise_findings(
            Resources(), Counters(power_source=after), TRIAL, power_before=before
        )

        assert [one.code for one in found] == codes

    @pytest.mark.parametrize(
        ("gap_s", "count"), [(0.0, 0), (1.0, 0), (1.01, 1), (-7.5, 1), (None, 0)]
    )
    def test_a_machine_that_slept_makes_a_trial_invalid(
        self, gap_s: float | None, count: int
    ) -> None:
        """Clocks more than a second apart, in either direction."""
        found = judgement.invalidating(Counters(wall_minus_monotonic_s=gap_s), TRIAL)

        assert [one.code for one in found] == ["suspended"] * count


class TestLittle:
    def test_rate_times_latency_is_the_connections(self) -> None:
        """50 in use, or nearly so."""
        assert judgement.little(50, 50, 1_000_000, TRIAL) is None
        assert judgement.little(47.6, 50, 1_000_000, TRIAL) is None

    @pytest.mark.parametrize("used", [47.4, 52.6])
    def test_beyond_5_percent_it_is_a_finding(self, used: float) -> None:
        """In either direction."""
        found = judgement.little(used, 50, 1_000_000, TRIAL)

        assert found is not None
        assert found.code == "little"
        assert found.evidence["connections"] == 50

    @pytest.mark.parametrize(
        ("used", "responses", "told"),
        [(36.3, 51, False), (45.9, 324, False), (34.5, 441, True), (37.6, 561, True)],
    )
    def test_what_was_under_way_at_the_end_is_in_no_latency(
        self, used: float, responses: int, *, told: bool
    ) -> None:
        """Spikard and Robyn in a run of JSON of 40 KB; beyond one response each it is told."""
        assert (judgement.little(used, 50, responses, TRIAL) is not None) is told

    def test_more_in_use_than_there_are_is_never_explained(self) -> None:
        """Requests under way at the end make it fewer."""
        assert judgement.little(53, 50, 51, TRIAL) is not None

    @pytest.mark.parametrize(("used", "connections"), [(0.0, 5), (None, 5), (5.0, 0)])
    def test_without_figures_nothing_is_checked(self, used: float | None, connections: int) -> None:
        """No success, no mean, no connections."""
        assert judgement.little(used, connections, 1_000, TRIAL) is None


class TestBytes:
    def test_one_response_per_connection_may_be_half_read(self) -> None:
        """Within connections x one response."""
        assert judgement.bytes_mismatch(100 * 86 + 5 * 86, 100, [(1, 86)], 5, TRIAL) is None
        assert judgement.bytes_mismatch(100 * 86 - 5 * 86, 100, [(1, 86)], 5, TRIAL) is None

    def test_a_server_that_answers_shorter_under_load_is_found(self) -> None:
        """One byte more than allowed is enough."""
        found = judgement.bytes_mismatch(100 * 86 - 5 * 86 - 1, 100, [(1, 86)], 5, TRIAL)

        assert found is not None
        assert found.code == "bytes-mismatch"

    def test_a_mix_is_known_on_average_only(self) -> None:
        """Half 100, half 300 bytes: 5 standard deviations of 10,000 draws are 50,000 bytes."""
        sizes = [(1, 100.0), (1, 300.0)]

        assert judgement.bytes_mismatch(2_049_000, 10_000, sizes, 1, TRIAL) is None
        assert judgement.bytes_mismatch(2_051_000, 10_000, sizes, 1, TRIAL) is not None

    def test_without_sizes_or_responses_nothing_is_checked(self) -> None:
        """Nothing to compare."""
        assert judgement.bytes_mismatch(5, 10, [], 1, TRIAL) is None
        assert judgement.bytes_mismatch(5, 0, [(1, 86)], 1, TRIAL) is None


class TestConnections:
    def test_fewer_than_asked_is_a_finding(self) -> None:
        """The side channel's own connection may be one more."""
        assert judgement.connections_short(50, 50, TRIAL) is None
        assert judgement.connections_short(51, 50, TRIAL) is None
        assert judgement.connections_short(None, 50, TRIAL) is None
        assert judgement.connections_short(38, 50, TRIAL, 47.5) is None  # 38 cannot hold them
        assert judgement.connections_short(38, 50, TRIAL, 27.4) is not None
        found = judgement.connections_short(49, 50, TRIAL)
        assert found is not None
        assert found.code == "connections-short"


class TestSaturated:
    def test_less_than_99_percent_of_the_offered_rate(self) -> None:
        """Closed loops have no offered rate."""
        assert judgement.saturated(1_000, 990, TRIAL) is None
        assert judgement.saturated(None, 5, TRIAL) is None
        found = judgement.saturated(1_000, 989, TRIAL)
        assert found is not None
        assert found.code == "saturated"
        assert found.evidence["achieved_ratio"] == pytest.approx(0.989)
