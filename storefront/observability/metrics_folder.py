"""The folder in which the processes of a server share their metrics (prometheus_client's multiprocess mode).

It is created when a server starts, not when its settings are read, and removed when it stops. The folder of a killed
server is removed at the next start: a server holds a lock on its folder, which the system releases when the process
ends.
"""

import atexit
import fcntl
import os
import shutil
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "storefront-metrics."
"""The prefix of our folders' names, which gunicorn.conf.py generates."""

_locks: list[int] = []
"""File descriptors that hold the lock; workers inherit them."""


def make() -> None:
    """Create and lock the folder that PROMETHEUS_MULTIPROC_DIR names if it is one of ours; remove unused ones. Raises
    `OSError`."""
    folder = Path(os.environ[VARIABLE])
    if not folder.name.startswith(PREFIX):
        return  # set by the operator
    for other in folder.parent.glob(f"{PREFIX}*"):
        if other != folder:
            remove_if_unused(other)
    while not _locks:
        folder.mkdir(mode=0o700, exist_ok=True)
        use(folder)
    atexit.register(remove_as, os.getpid())


def use(folder: Path) -> None:
    """Lock the folder, unless another start has just removed it as unused."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    if folder.exists():
        _locks.append(descriptor)
    else:
        os.close(descriptor)


def remove_if_unused(folder: Path) -> None:
    """Remove the folder of a stopped server; skip folders of other users."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # in use
    finally:
        os.close(descriptor)


def remove() -> None:
    """Remove the folder, unless the operator has set it."""
    folder = Path(os.environ[VARIABLE])
    if folder.name.startswith(PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def remove_as(pid: int) -> None:
    """Remove the folder at the end of the process `pid` that created it, not of its forks."""
    if os.getpid() == pid and _locks:
        remove()


def hand_over() -> None:
    """Release the folder for the server that replaces this one, as after SIGUSR2."""
    while _locks:
        os.close(_locks.pop())
