"""Ports for servers of the tests."""

import itertools
import os
import random
import socket
from collections.abc import Iterator

PORTS_PER_WORKER, WORKERS = 500, 24
PORTS = range(20_000, 20_000 + WORKERS * PORTS_PER_WORKER)
"""Below those that a system gives out by itself, so that nobody is given one before the server that is to have it."""


def ports_of_this_process() -> Iterator[int]:
    """Ports that no other process of this test run takes, from one on that is chosen by chance, as other runs on this
    machine look for some too."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    own = PORTS[worker * PORTS_PER_WORKER : (worker + 1) * PORTS_PER_WORKER]
    first = random.SystemRandom().randrange(PORTS_PER_WORKER)
    return itertools.cycle([*own[first:], *own[:first]])


ports = ports_of_this_process()


def free_port() -> int:
    """A port of this machine at which a server can listen."""
    for port in itertools.islice(ports, PORTS_PER_WORKER):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise AssertionError("every port of this process is in use")
