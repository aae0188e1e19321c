"""The real server in a process of its own, as `make run` starts it, and what it prints."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from storefront.config import ROOT
from tests.conftest import CATALOG
from tests.ports import free_port

GUNICORN = Path(sys.executable).parent / "gunicorn"
GRACE_SECONDS = float(re.findall(r"(?m)^graceful_timeout = (\d+)$", (ROOT / "gunicorn.conf.py").read_text())[0])
"""What a server waits at most for its clients when it is told to stop. One that waits for nobody ends before."""
PATIENCE_SECONDS = 120
"""Far more than anything here takes on a busy machine: what hasn't come by then never does."""


@dataclass
class Server:
    """A running server; `log` holds what it printed."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> tuple[HTTPResponse, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer, answer.read().decode()
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> tuple[HTTPResponse, str]:
        return self.ask("GET", path, **headers)

    def post(self, path: str, **fields: object) -> dict[str, str]:
        answer, text = self.ask("POST", path, json.dumps(fields), Content_Type="application/json")
        assert answer.status == 201, text
        found: dict[str, str] = json.loads(text)
        return found

    def is_up(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended: {self.log.read_text()}")
        try:
            return self.get("/readyz")[0].status == 200
        except OSError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"it did not come true within {PATIENCE_SECONDS} seconds"
        time.sleep(0.05)


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Server]:
    """Start the server with its data and log in this folder, and these variables of the environment besides the usual
    ones. At the end its workers are killed with it, so that none keeps the port."""
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    port, log = free_port(), folder / f"log-{time.monotonic_ns()}"
    given = clean | {"PORT": str(port), "DATA_DIR": str(folder / "data"), "CATALOG": str(CATALOG)}
    given |= {"UPSELL_ENABLED": "true", "UPSELL_HOLDOUT": "0", "WEB_CONCURRENCY": "2"} | environment
    with log.open("wb") as output:
        process = subprocess.Popen(
            [GUNICORN], cwd=ROOT, env=given, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield Server(process, port, log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def lines(server: Server) -> list[dict[str, object]]:
    """What the server has logged, without a last line that it is still writing."""
    whole, _, _ = server.log.read_text().rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


def wait_for_line(server: Server, **values: object) -> dict[str, object]:
    """The one line with these values, which may be written a moment after the answer that it is about."""

    def found() -> list[dict[str, object]]:
        return [line for line in lines(server) if values.items() <= line.items()]

    wait(lambda: bool(found()))
    (line,) = found()
    return line


def workers(server: Server) -> set[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return {int(pid) for pid in children.split()}
