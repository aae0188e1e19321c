"""The limit of open files of a process (RLIMIT_NOFILE), and how connections and event streams share it."""

import resource

FILES_BESIDE = 300
"""Open files besides connections: the database, the log, static files."""
MAX_CONNECTIONS = 2000
"""Connections per process, without event streams. Above it, idle connections are closed."""


def raise_limit(wanted: int) -> int:
    """Raise the soft limit of open files to `wanted` if the hard limit allows it. Return the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(wanted, 1) if soft == resource.RLIM_INFINITY else soft


def connections_that_fit(wanted: int) -> int:
    """Return how many of the `wanted` connections fit in the limit beside as many event streams."""
    return max(1, min(wanted, (raise_limit(FILES_BESIDE + 2 * wanted) - FILES_BESIDE) // 2))
