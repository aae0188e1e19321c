"""The folder in which the processes of one server share their metrics.

It is made when a server starts, not when its settings are read, and is removed when it ends. One that a killed server
left is removed by the next start: whoever uses a folder holds a lock on it, which the system frees with the process.
"""

import atexit
import fcntl
import os
import shutil
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "storefront-metrics."
"""What the name of a folder of ours begins with, which gunicorn.conf.py chooses."""

_locks: list[int] = []
"""Descriptors that hold the lock; workers have them too."""


def make() -> None:
    """Make the folder that the variable names if it is one of ours, and use it; remove those that nobody uses. Raises
    `OSError`."""
    folder = Path(os.environ[VARIABLE])
    if not folder.name.startswith(PREFIX):
        return  # the operator's own
    for other in folder.parent.glob(f"{PREFIX}*"):
        if other != folder:
            remove_if_unused(other)
    while not _locks:
        folder.mkdir(mode=0o700, exist_ok=True)
        use(folder)
    atexit.register(remove_as, os.getpid())


def use(folder: Path) -> None:
    """Hold a lock on the folder, unless another start has just taken it for unused and removed it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    if folder.exists():
        _locks.append(descriptor)
    else:
        os.close(descriptor)


def remove_if_unused(folder: Path) -> None:
    """Remove the folder of a server that is gone; one of another user is left alone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # somebody uses it
    finally:
        os.close(descriptor)


def remove() -> None:
    """Remove the folder, unless it is the operator's own."""
    folder = Path(os.environ[VARIABLE])
    if folder.name.startswith(PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def remove_as(pid: int) -> None:
    """Remove the folder at the end of the process that made it, and not of one that was forked from it."""
    if os.getpid() == pid and _locks:
        remove()


def hand_over() -> None:
    """Leave the folder to the server that takes this one's place, as after SIGUSR2."""
    while _locks:
        os.close(_locks.pop())
