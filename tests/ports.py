"""Ports for the servers of the tests."""

import itertools
import os
import random
import socket
from collections.abc import Iterator

PORTS_PER_WORKER, WORKERS = 500, 24
PORTS = range(20_000, 20_000 + WORKERS * PORTS_PER_WORKER)
"""Below the ephemeral ports, so that the system doesn't assign one to another socket before the server binds it."""


def ports_of_this_process() -> Iterator[int]:
    """Yield ports that no other process of this test run uses. The first is random, because other test runs on this
    machine need ports too."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    ports_of_worker = PORTS[worker * PORTS_PER_WORKER : (worker + 1) * PORTS_PER_WORKER]
    first = random.SystemRandom().randrange(PORTS_PER_WORKER)
    return itertools.cycle([*ports_of_worker[first:], *ports_of_worker[:first]])


ports = ports_of_this_process()


def free_port() -> int:
    """Return a port that is free on this machine."""
    for port in itertools.islice(ports, PORTS_PER_WORKER):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise AssertionError("every port of this process is in use")
