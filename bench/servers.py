"""Starts the servers for measurements: the shop and the empty view, each with gunicorn as in production."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    port: int
    pid: int

    def cpu(self) -> float:
        """CPU seconds used by the server and its workers."""
        total = 0
        for pid in (self.pid, *children(self.pid)):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def memory(self) -> float:
        """Megabytes of memory, shared pages counted once (PSS)."""
        kilobytes = 0
        for pid in (self.pid, *children(self.pid)):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kilobytes += int(line.split()[1])
        return kilobytes / 1024


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(folder: Path, *arguments: str, **environment: str) -> Iterator[Server]:
    """Run gunicorn with the project's configuration, and stop it at the end; its log is in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    settings = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
        "PORT": str(port),
        "DATA_DIR": str(folder),
        "MALLOC_ARENA_MAX": "1",
        "RATELIMIT_ENABLED": "false",
        "UPSELL_ENABLED": "true",
        "UPSELL_HOLDOUT": "0",
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
        **environment,
    }
    with (folder / "log").open("w") as log:
        command = [str(Path(sys.executable).parent / "gunicorn"), *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=log, stderr=log)
        try:
            wait_for(port, process, folder / "log")
            yield Server(port, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            shutil.rmtree(folder, ignore_errors=True)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            sys.exit(f"the server stopped at once:\n{log.read_text()[-2000:]}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"the server did not respond:\n{log.read_text()[-2000:]}")
