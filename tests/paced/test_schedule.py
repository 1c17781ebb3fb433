"""When requests are due, and what paced says about how it kept to it."""

from __future__ import annotations

import json
import math
import queue
import random
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.paced.driving import GET, OK, SOURCES, Line, answering, balanced, read_request, serving

if TYPE_CHECKING:
    import socket

    from tests.paced.driving import Paced

pytestmark = [pytest.mark.real, pytest.mark.needs("cc")]

MASK = 2**64 - 1


def schedule(paced: Paced, *options: str) -> list[tuple[int, ...]]:
    """What --print-schedule prints, as numbers."""
    command = paced.command(1, *options, "--print-schedule", lines=(Line(), Line(), Line()))
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]


def splitmix(seed: int, index: int) -> int:
    """Output `index` of SplitMix64, as README.md promises it."""
    z = (seed + (index + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def test_even_schedule_has_its_closed_form(paced: Paced) -> None:
    """Request i is due i / rate after the start, in slots taken in turn."""
    found = schedule(paced, "--rate", "3333.3", "--duration", "2", "--warm-up", "1")

    assert found == [(i, int(i / 3333.3 * 1e9), i % 3) for i in range(10000)]


def test_poisson_schedule_has_its_closed_form(paced: Paced) -> None:
    """Request i is due after i + 1 exponential gaps that the seed and the index alone decide."""
    found = schedule(
        paced, "--rate", "2000", "--duration", "5", "--arrivals", "poisson", "--seed", "7"
    )
    total, expected = 0.0, []
    for i in range(len(found)):
        total += -math.log(((splitmix(7, i) >> 11) + 0.5) / 2**53)
        expected.append(total / 2000 * 1e9)

    assert [due for _, due, _ in found] == pytest.approx(expected, abs=2)
    assert len(found) == pytest.approx(10000, abs=500)  # five standard deviations


@pytest.mark.parametrize("arrivals", ["even", "poisson"])
def test_processes_share_one_schedule(paced: Paced, arrivals: str) -> None:
    """Whatever number of processes there are, together they send the same at the same moments."""
    options = ("--rate", "5000", "--duration", "1", "--arrivals", arrivals, "--seed", "3")
    whole = schedule(paced, *options)

    for count in (2, 3, 7):
        parts = [schedule(paced, *options, "--process", f"{k}/{count}") for k in range(count)]
        assert sorted(row for part in parts for row in part) == whole


def test_seeds_differ(paced: Paced) -> None:
    """Another seed is another schedule."""
    options = ("--arrivals", "poisson", "--rate", "1000", "--seed")

    assert schedule(paced, *options, "1") != schedule(paced, *options, "2")


def test_requests_arrive_on_the_schedule(paced: Paced) -> None:
    """By the server's own clock no request arrives before it is due, and each arrives."""
    stamps: queue.Queue[int] = queue.Queue()

    def handle(connection: socket.socket) -> None:
        while read_request(connection):
            stamps.put(time.monotonic_ns())
            connection.sendall(OK)

    start = time.monotonic_ns() + 4_000_000_000  # it must have been started by then
    options = ("--duration", "1", "--connections", "8", "--spin-us", "50")
    with serving(handle) as port:
        result = paced.run(port, "--start", str(start), *options)
    arrived = sorted(stamps.get_nowait() for _ in range(stamps.qsize()))
    late = [stamp - start - i * 5_000_000 for i, stamp in enumerate(arrived)]

    assert len(arrived) == 200
    assert min(late) > 0
    assert min(late) < 2_000_000  # some request of the two hundred met no neighbor
    assert result["schedule"]["start_ns"] == start


def test_warm_up_is_not_recorded(paced: Paced) -> None:
    """Requests due in the warm-up are sent, and appear nowhere else."""
    with serving(answering(OK)) as port:
        result = paced.run(port, "--warm-up", "0.1")

    assert result["warm_up"] == {"due": 20, "sent": 20, "completed": 20, "failed": 0}
    assert result["requests"]["due"] == result["requests"]["ok"] == 40
    assert result["bytes"]["out_wire"] == 40 * len(GET)
    assert sum(result["series"]["sent"]) == sum(result["series"]["completed"]) == 40


def test_histograms_hold_every_request(paced: Paced) -> None:
    """The binary file has all values, and its sums are those of the document."""
    with serving(answering(OK)) as port:
        result = paced.run(port, "--connections", "4")
    found = paced.histograms()

    assert list(found) == [
        "response", "service", "wrong", "lateness_free", "lateness_queued", "planned", "actual",
        "first_byte",
    ]  # fmt: skip
    assert sum(found["response"].values()) == 40
    rounded = sum(us * count for us, count in found["response"].items())
    assert 0 <= result["response"]["sum_ns"] / 1000 - rounded < 40
    assert max(found["response"]) == result["response"]["max_ns"] // 1000
    assert set(found["planned"]) <= {4999, 5000}


def test_the_first_byte_is_timed_by_itself(paced: Paced) -> None:
    """Of a body in pieces it comes earlier than the last one, by the pause between them."""

    def handle(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab")
            time.sleep(0.03)
            connection.sendall(b"cd")

    with serving(handle) as port:
        pieces = paced.run(port, "--connections", "20")
    with serving(answering(OK)) as port:
        whole = paced.run(port, "--connections", "4")

    assert pieces["first_byte"]["count"] == pieces["response"]["count"] == 40
    assert pieces["response"]["sum_ns"] - pieces["first_byte"]["sum_ns"] > 40 * 15_000_000
    assert whole["first_byte"] == whole["response"]


def busy(service_s: float) -> Any:
    """A server of one thread that works for so long on each request, over any connections."""
    lock = threading.Lock()

    def handle(connection: socket.socket) -> None:
        while read_request(connection):
            with lock:
                end = time.perf_counter() + service_s
                while time.perf_counter() < end:
                    pass
            connection.sendall(OK)

    return handle


def test_known_service_time_is_the_least(paced: Paced) -> None:
    """D/D/1 below saturation: no response is faster than the work, and the fastest is the work."""
    with serving(busy(0.002)) as port:
        result = paced.run(port, "--rate", "100", "--duration", "1")

    assert result["requests"]["ok"] == 100
    assert 2_000_000 <= result["service"]["min_ns"] <= result["response"]["min_ns"] < 3_500_000


def test_overload_is_in_the_response_times(paced: Paced) -> None:
    """D/D/1 at double the capacity: request i cannot be done before i + 1 services of S."""
    with serving(busy(0.01)) as port:
        result = paced.run(port, "--rate", "200", "--duration", "0.5")

    # The last is due at 495 ms, and 100 services take 1,000 ms at least.
    assert result["requests"]["ok"] == 100
    assert result["response"]["max_ns"] >= 505_000_000
    assert result["response"]["sum_ns"] >= sum(10e6 * (i + 1) - 5e6 * i for i in range(100))
    assert result["requests"]["sent_from_queue"] == result["lateness_queued"]["count"] >= 98
    assert result["backlog"]["end_in_queue"] >= 48
    assert result["service"]["max_ns"] < result["response"]["max_ns"]


def test_stall_is_seen_by_all_it_delays(paced: Paced) -> None:
    """A server that stops for 200 ms delays 40 requests of 200/s, not the one it stopped at."""
    count = iter(range(10**6))

    def handle(connection: socket.socket) -> None:
        while read_request(connection):
            if next(count) == 20:
                time.sleep(0.2)
            connection.sendall(OK)

    with serving(handle) as port:
        paced.run(port, "--duration", "1")
    response = paced.histograms()["response"]
    service = paced.histograms()["service"]

    # Request 20 + k was due 5k ms after the stall began: it waited 200 - 5k ms at least.
    for limit_ms in (50, 100, 150):
        late = sum(n for us, n in response.items() if us >= limit_ms * 1000)
        assert late >= (200 - limit_ms) // 5
    # The one it stopped at, and those at which the machine did: never all that were delayed.
    stopped, delayed = (
        sum(n for us, n in times.items() if us >= 190_000) for times in (service, response)
    )
    assert 1 <= stopped < delayed


def test_what_is_left_is_counted(paced: Paced) -> None:
    """After the drain time the queue and what is in flight are counted, and it ends."""
    ended = threading.Event()

    def silent(_: socket.socket) -> None:
        ended.wait(300)

    with serving(silent) as port:
        result = paced.run(port, "--drain", "0.1")
    ended.set()

    assert result["ended"] == "drain"
    assert result["requests"]["left_in_queue"] == 39
    assert result["requests"]["left_in_flight"] == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_with_its_counts(paced: Paced, number: signal.Signals) -> None:
    """A signal ends the run; both outputs hold what was counted until then."""
    asked = threading.Semaphore(0)

    def handle(connection: socket.socket) -> None:
        while read_request(connection):
            asked.release()
            connection.sendall(OK)

    with serving(handle) as port:
        command = paced.command(port, "--duration", "60")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(5):  # the next comes over the same connection when it has an answer
                assert asked.acquire(timeout=100)
            process.send_signal(number)
            out, _ = process.communicate(timeout=100)
    result = balanced(json.loads(out))

    assert process.returncode == 128 + number
    assert result["ended"] == "interrupted"
    assert 0 < result["requests"]["ok"] < 12000
    assert sum(paced.histograms()["response"].values()) == result["requests"]["ok"]


WRONG = {
    "no option": (("--nothing", "1"), "there is no option --nothing"),
    "no value": (("--rate",), "--rate: a value is expected"),
    "rate": (("--rate", "-1"), "--rate -1: a number from"),
    "rate nan": (("--rate", "nan"), "--rate nan: a number from"),
    "port": (("--port", "70000"), "--port 70000: a whole number from 1 to 65535"),
    "process": (("--process", "2/2"), "--process 2/2: K/N"),
    "arrivals": (("--arrivals", "odd"), "even is expected"),
    "start": (("--start", "1"), "in the past"),
    "address": (("--address", "localhost"), "an IPv4 or IPv6 address"),
    "pool": (("--pool", "/nowhere/pool"), "cannot be opened"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_command_line(paced: Paced, case: str) -> None:
    """What is wrong is one line and status 2."""
    options, message = WRONG[case]
    command = [*paced.command(1)[:-2], *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_file_of_requests_is_a_crash(paced: Paced) -> None:
    """A pool with any byte changed or cut off is either read or refused with its place."""
    command = [*paced.command(1, lines=(Line(), Line(kind=1))), "--print-schedule"]
    pool = paced.folder / "pool"
    whole, rng = pool.read_bytes(), random.Random(1)
    for _ in range(60):
        at = rng.randrange(len(whole))
        changed = bytes([rng.randrange(256)])
        pool.write_bytes(rng.choice([whole[:at], whole[:at] + changed + whole[at + 1 :]]))
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0 or (done.returncode == 2 and "pool: byte" in done.stderr)


def test_fuzzing_finds_nothing() -> None:
    """Some thousand hostile answers neither crash it nor upset its sums."""
    done = subprocess.run(
        [str(SOURCES.parent / "fuzz-paced"), "4000"],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )

    assert done.returncode == 0, done.stderr
    failures = done.stdout.split("failures")[1].split()
    assert all(int(count) > 0 for count in failures)  # every kind of failure was met
