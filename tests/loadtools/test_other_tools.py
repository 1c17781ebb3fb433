"""Output of other tools is named as what it is, and never read as that of wrk or oha."""

from __future__ import annotations

import pytest

from bench.errors import ParseError
from bench.loadtools import oha_json, wrk_text

WRK2 = """Running 15s test @ http://127.0.0.1:9/
  2 threads and 50 connections
  Thread calibration: mean lat.: 15.027ms, rate sampling interval: 38ms
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    50.51ms   66.48ms 222.72ms   78.43%
    Req/Sec    21.34     76.54   675.00     91.06%
  750 requests in 15.00s, 97.00KB read
Requests/sec:     50.00
Transfer/sec:      6.47KB
"""
OTHERS = {
    "wrk2": WRK2,
    "ab": "This is ApacheBench, Version 2.3\n",
    "k6": "     http_req_duration..............: avg=1.2ms\n",
    "bombardier": "Bombarding http://127.0.0.1:9 for 10s using 125 connection(s)\n",
    "vegeta": '{"latencies": {"mean": 1}, "bytes_in": {"total": 2}}',
    "autocannon": "Running 10s test @ http://127.0.0.1:9\n10 connections\n\u2502 Stat    \u2502\n",
    "hyperfine": '{"results": [{"command": "sleep 1", "mean": 1.0}]}',
    "hey": "\nSummary:\n  Total:\t1.5 secs\n  Slowest:\t0.1 secs\n  Requests/sec:\t653.1\n",
}


@pytest.mark.parametrize("tool", OTHERS)
def test_another_tool_is_named(tool: str) -> None:
    """wrk2 prints nearly what wrk prints, and means another load."""
    with pytest.raises(ParseError, match=f"output of {tool}.*not of wrk"):
        wrk_text.read(OTHERS[tool])
    with pytest.raises(ParseError, match=f"output of {tool}.*not of oha"):
        oha_json.read(OTHERS[tool])


def test_the_two_that_are_read_are_told_apart() -> None:
    """With the command that reads it."""
    with pytest.raises(ParseError, match="of oha, not of wrk: name that tool"):
        wrk_text.read('{"summary": {}, "statusCodeDistribution": {}}')
    with pytest.raises(ParseError, match="of wrk, not of oha: name that tool"):
        oha_json.read(
            WRK2.replace("  Thread calibration: mean lat.: 15.027ms,\n", "").replace(
                "Thread calibration", "x"
            )
        )
