"""`make dev`: serves the shop as `make run` does, and starts it anew whenever a file of it changes.

gunicorn's own `--reload` can't do that here, because its master imports the shop, and templates, styles and scripts are
read once and remembered. A whole start takes about a second. The socket stays open meanwhile, so a browser that asks
too early waits instead of being refused.
"""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from watchfiles import watch

from storefront.config import ROOT, ConfigError, Settings

WATCHED = ("storefront", "templates", "static", "translations", "migrations", "gunicorn.conf.py", "catalog.json")
STOP_SECONDS = 5
"""Seconds that a server has for the requests that are under way."""


def main() -> None:
    """Serve until Ctrl-C or SIGTERM. A start that fails says why in the terminal; the next change tries again."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    listener = listen()
    server = start(listener)
    try:
        for changes in watch(*watched_paths()):
            names = sorted(os.path.relpath(path, ROOT) for _, path in changes)
            print(f"Changed: {', '.join(names)}. Starting anew.", file=sys.stderr, flush=True)  # noqa: T201
            stop(server)
            server = start(listener)
    except KeyboardInterrupt:
        pass
    finally:
        stop(server)


def watched_paths() -> list[Path]:
    return [path for name in WATCHED if (path := ROOT / name).exists()]


def listen() -> socket.socket:
    """The socket at HOST and PORT, for one server after the other. Ends with a sentence when it can't be had."""
    try:
        settings = Settings.from_environ()
        host = settings.host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, settings.port), family=family)
    except ConfigError as fault:
        sys.exit(f"storefront can't start: {fault}")
    except OSError as fault:
        sys.exit(f"storefront can't start: it can't listen at {host}:{settings.port}: {fault.strerror}.")


def start(listener: socket.socket) -> subprocess.Popen[bytes]:
    """One server with one worker, unless WEB_CONCURRENCY asks for more."""
    gunicorn = Path(sys.executable).with_name("gunicorn")
    return subprocess.Popen(  # noqa: S603 - a program of this installation
        [gunicorn, "--bind", f"fd://{listener.fileno()}"],
        cwd=ROOT,
        env={"WEB_CONCURRENCY": "1", **os.environ},
        pass_fds=[listener.fileno()],
    )


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server as Ctrl-C does, which doesn't wait for clients; nothing happens when it has ended itself."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
