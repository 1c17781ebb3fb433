"""CPU time per unit of work while a server warms up, and what its port has received."""

from __future__ import annotations

import socket
import sys

import pytest

from bench.sampler.linux.sockdiag import bytes_received, received_in
from bench.sampler.window import Work, quarters


def test_costs_are_used_over_done() -> None:
    """From one look to the next; looks before the warm-up began do not count."""
    work = [Work(0.0, 0, 0), Work(1.0, 100, 10), Work(1.25, 300, 20), Work(1.5, 400, 40)]

    assert quarters(work, 1.0) == ((200 / 1e9, 20.0), (300 / 1e9, 5.0))


def test_a_stretch_without_work_has_no_cost() -> None:
    """Nothing was sent yet, or connections ended and took their counts along."""
    work = [Work(1.0, 0, 50), Work(1.25, 10, 50), Work(1.5, 20, 10), Work(1.75, 40, 20)]

    assert [each.cost for each in quarters(work, 0.0)] == [2.0]


@pytest.mark.skipif(sys.platform != "linux", reason="sock_diag")
def test_a_port_tells_what_it_received() -> None:
    """Over all of its connections; another port's bytes are not among them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with (
            socket.create_connection(("127.0.0.1", port)) as first,
            socket.create_connection(("127.0.0.1", port)) as second,
        ):
            ends = [listener.accept()[0], listener.accept()[0]]
            first.sendall(b"x" * 1000)
            second.sendall(b"y" * 234)
            got = [end.recv(2000) for end in ends]
            before = bytes_received(port)
            for end in ends:
                end.close()

    if before is None:
        pytest.skip("this kernel does not tell")
    assert before == sum(map(len, got)) == 1234


def test_a_short_answer_counts_nothing() -> None:
    """A kernel without these counters answers with shorter attributes."""
    assert received_in(b"") == (0, False)
