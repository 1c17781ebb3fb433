"""From where on a trial is suspect or invalid, and why from there."""

from __future__ import annotations

from typing import Final

ERRORS_MAX: Final = 0.001
"""Share of errors and unexpected statuses above which a trial is not believed."""

LOGGED_MAX: Final = 20
"""Bytes of output per request from which on a server writes a line for each: the shortest useful
line, `GET / 200` with a time, has about so many."""

WINDOW_OFF_MAX: Final = 0.05
"""Share by which the real window may differ from the one asked for."""

BUSY: Final = 0.90
"""From here on a CPU is the limit: the rest goes to the scheduler and to waiting for packets."""

STEAL_MAX: Final = 0.01
"""Share of our CPUs' time that a hypervisor may give to others: a difference of 2 % is what
verdicts are about, and time stolen from the server alone moves the rate by its full share."""

OTHERS_MAX: Final = 0.02
"""Share of our CPUs' time that other processes may use: the default margin of a verdict."""

FREQUENCY_MOVE_MAX: Final = 0.03
"""Share by which the clock frequency may move in a window: the rate of a busy server follows
it one to one, and 3 % is the step that turbo and heat take at least."""

RETRANSMITS_MAX_PER_S: Final = 1.0
"""Segments sent again per second on the whole machine: a laptop's own wireless connections
make fewer, and packets lost on the loopback interface make many more. Segments that were not
missing (duplicate SACK) do not count: the kernel sends a tail loss probe (RFC 8985) some
milliseconds after a response written in two parts, whenever the load tool's delayed
acknowledgement is later than that. A server that writes so, such as uvicorn, makes 10 to 40 a
second by itself; the probe copies what is already there and delays nothing."""

SUSPENDED_S: Final = 1.0
"""Seconds by which the clocks may run apart: slewing of the wall clock stays below 0.5 ms a
second, so that only sleep, a stopped guest or a set clock reaches it."""

SATURATED_BELOW: Final = 0.99
"""Achieved over offered rate below which an open loop no longer offers what it says."""

LATE_SHARE_MAX: Final = 0.10
"""Share of the reported median (or p99) by which half (or 99 %) of the requests may be sent late
while a connection is free: lateness is part of the response time, and a tenth is what can still
be told apart."""

ARRIVALS_OFF_MAX: Final = 0.10
"""Distance (Kolmogorov-Smirnov) between planned and actual intervals of random arrivals, or share
of even ones that were off by a tenth: beyond it requests come in bursts that nobody planned."""

STATIONARY_MAX: Final = 1.5
"""Ratio of the response times at both ends of a window from which on they were not settled: a
queue that grows makes it 5, noise of a shared machine stays below."""

STATIONARY_Z: Final = 2.5
"""By how many standard deviations of their ranks the two ends must differ besides: 1.2 % of
windows would by chance, if their steps were independent."""

STATIONARY_STEPS: Final = 5
"""Steps of 100 ms that each third of a window must have; shorter windows are not judged."""


DATABASE_LEAST_US: Final = 2.0
"""CPU microseconds per request below which a database was not asked: the least query over a
connection costs it ten times that."""

UNSEEN_HEADER_BYTES: Final = 0.05
"""Bytes per answer by which headers may differ though no verified answer did: one line of 50
bytes on each thousandth answer. nginx says `close` in place of `keep-alive` on each thousandth
request of a connection."""

SPREAD_MAX_S: Final = 0.05
"""Seconds by which machines of the load may start apart: half a percent of a window of ten."""

DRIFT_MAX_S: Final = 0.001
"""Seconds by which a machine's clock may run away from ours within a window: quartz does 50 us a
second at most, so that more is a clock that is being corrected or a guest that was stopped."""

WALL_OFF_MAX_S: Final = 0.005
"""Seconds by which times of day may differ, beside what the comparison is unsure of: times in
logs of two machines are then not to be put side by side."""

NETWORK_MAX: Final = 0.80
"""Share of a link's speed from which on the network is the limit: frames have headers and gaps
that the byte counters do not hold, and bursts fill a link before its mean does."""
