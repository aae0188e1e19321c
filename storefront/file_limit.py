"""How many open files a process may have, and how they are shared out: each connection takes one."""

import resource

FILES_BESIDE = 300
"""Open files that a process needs besides its connections: the database, the log, static files."""
MAX_CONNECTIONS = 2000
"""Connections of a process that are no event streams. Past that those that wait for their clients make room."""


def raise_limit(wanted: int) -> int:
    """Ask the system for so many open files, as far as it allows; return how many this process may have now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(wanted, 1) if soft == resource.RLIM_INFINITY else soft


def connections_that_fit(wanted: int) -> int:
    """How many connections of `wanted` fit, beside as many event streams, which don't count among the worker's."""
    return max(1, min(wanted, (raise_limit(FILES_BESIDE + 2 * wanted) - FILES_BESIDE) // 2))
