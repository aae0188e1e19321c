"""`make dev`: serves the shop like `make run`, and restarts it when one of its files changes.

gunicorn's own `--reload` can't do that here, because its master imports the shop, and templates, styles and scripts are
read once. A complete start takes about a second. The socket stays open meanwhile, so an early request waits instead
of being refused.
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
"""Seconds in which a server may complete the requests in progress."""
FAKE_STRIPE = "tests.payments.stripe_server"
"""Takes payments of the demo shops while no key of Stripe is set."""
FAKE_STRIPE_PORT = 12111


def main() -> None:
    """Serve until Ctrl-C or SIGTERM. A failed start prints the reason; the next change starts again."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    listener = listen()
    fake_stripe = start_fake_stripe()
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
        if fake_stripe is not None:
            stop(fake_stripe)


def start_fake_stripe() -> subprocess.Popen[bytes] | None:
    """Start the tests' fake of Stripe, and set its keys for the shop; not if a key is set, or without the tests."""
    if os.environ.get("STRIPE_SECRET_KEY") or not (ROOT / f"{FAKE_STRIPE.replace('.', '/')}.py").exists():
        return None
    os.environ |= {
        "STRIPE_SECRET_KEY": "sk_test_fake_of_the_tests",
        "STRIPE_WEBHOOK_SECRET": "whsec_fake_of_the_tests",
        "STRIPE_API_BASE": f"http://localhost:{FAKE_STRIPE_PORT}",
    }
    return subprocess.Popen([sys.executable, "-m", FAKE_STRIPE, str(FAKE_STRIPE_PORT)], cwd=ROOT)  # noqa: S603 - ours


def watched_paths() -> list[Path]:
    return [path for name in WATCHED if (path := ROOT / name).exists()]


def listen() -> socket.socket:
    """Return a listening socket at HOST and PORT, for all servers. Exits with a message if that fails."""
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
    """Start a server, with one worker unless WEB_CONCURRENCY is set."""
    gunicorn = Path(sys.executable).with_name("gunicorn")
    return subprocess.Popen(  # noqa: S603 - a program of this installation
        [gunicorn, "--bind", f"fd://{listener.fileno()}"],
        cwd=ROOT,
        env={"WEB_CONCURRENCY": "1", **os.environ},
        pass_fds=[listener.fileno()],
    )


def stop(server: subprocess.Popen[bytes]) -> None:
    """Stop the server like Ctrl-C, without waiting for clients. Does nothing if it has ended."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
