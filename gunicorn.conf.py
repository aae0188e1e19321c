"""How gunicorn serves the shop. One master prepares the database, then forks the workers."""

import errno
import gc
import logging
import os
import secrets
import shlex
import socket
import sys
import tempfile
from collections.abc import Iterable
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger

GIVEN_SOCKETS = ("GUNICORN_FD", "LISTEN_FDS")
"""Variables by which an older gunicorn or systemd hands on sockets that listen already."""


def default_bind() -> str:
    """HOST and PORT as gunicorn takes them; both are checked by `Settings`, after the imports."""
    host = os.environ.get("HOST", "").strip().strip("[]") or "127.0.0.1"
    return f"{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT', '').strip() or 8000}"


def addresses() -> list[tuple[Any, ...]]:
    """Where gunicorn is going to listen. Empty when it will complain of its command line itself."""
    arguments = [*shlex.split(os.environ.get("GUNICORN_CMD_ARGS", "")), *sys.argv[1:]]
    config = Config()
    try:
        asked = config.parser().parse_args(arguments)
        if asked.check_config or asked.print_config:
            return []  # nothing is going to be served
        config.set("bind", asked.bind or [default_bind()])
        return [address for address in config.address if isinstance(address, tuple)]
    except (SystemExit, ValueError, RuntimeError):
        return []


def refuse_used_ports(those: Iterable[tuple[Any, ...]]) -> None:
    """End with a sentence if another program listens where the shop is to listen: gunicorn would find out after the
    database has been prepared, and then try for five seconds more."""
    if any(os.environ.get(name) for name in GIVEN_SOCKETS):
        return
    for host, port, *_ in those:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OverflowError:
                return  # no port has this number, which the settings say better below
            except OSError as fault:
                sys.exit(f"storefront can't start: {why_not(host, port, fault)}")


def why_not(host: str, port: int, fault: OSError) -> str:
    if fault.errno == errno.EADDRINUSE:
        return f"port {port} is in use by another program. Stop that program, or set PORT to a free port."
    if isinstance(fault, socket.gaierror) or fault.errno == errno.EADDRNOTAVAIL:
        where = f"it can't listen at {host[:80]}:{port}: this machine has no such address"
        return f"{where}. Set HOST to one that it has, such as 127.0.0.1, or to 0.0.0.0 for all of them."
    return f"it can't listen at {host}:{port}: {os.strerror(fault.errno or 0)}."


if "storefront" not in sys.modules:  # not when the running server reads this file again
    refuse_used_ports(addresses())  # before the imports below, which take most of a second

try:
    # Named before the first import of prometheus_client, which looks for it then; made in on_starting.
    os.environ.setdefault(
        "PROMETHEUS_MULTIPROC_DIR", f"{tempfile.gettempdir()}/storefront-metrics.{secrets.token_hex(8)}"
    )
except OSError:
    sys.exit("storefront can't start: no temporary folder can be written to; set TMPDIR to one that can.")

from flask import Flask
from prometheus_client import multiprocess

from storefront.catalog.json_file import CatalogError
from storefront.config import ConfigError, Settings
from storefront.events.pages import event_tailer
from storefront.observability import metrics_folder
from storefront.observability.logging import LOGGING_CONFIG, disable_unused_log_fields
from storefront.observability.redaction import keep_secret, redact
from storefront.server import compatibility
from storefront.server.bootstrap import prepare
from storefront.server.commands import explain_error
from storefront.server.file_limit import MAX_CONNECTIONS
from storefront.server.gunicorn import ReadingWorker as worker_class  # noqa: F401, N813 - gunicorn's setting
from storefront.upsell import jobs
from storefront.upsell.llm.client import warm_up

try:
    settings = Settings.from_environ()
except ConfigError as fault:
    sys.exit(f"storefront can't start: {fault}")
keep_secret(settings)
logging.captureWarnings(True)  # they are lines of the log, too

wsgi_app = "storefront:create_app()"
bind = default_bind()
workers = settings.web_concurrency
threads = 8
worker_connections = MAX_CONNECTIONS
http_parser = "python"  # the one that the tests compare the reading of requests with
preload_app = True  # the workers share the memory of what is imported once
timeout = 30
graceful_timeout = 25
keepalive = 15
max_requests = 0
control_socket_disable = True
logconfig_dict = LOGGING_CONFIG


class logger_class(Logger):  # type: ignore[misc]  # noqa: N801 - the name of gunicorn's setting
    """The app writes the access log, with what only it knows; gunicorn would still prepare a line for each request."""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        pass


def on_starting(server: Any) -> None:
    """The database is made ready in a process of its own, because what that takes, serving doesn't need."""
    try:
        compatibility.check(server)
    except compatibility.Incompatible as fault:
        sys.exit(f"storefront can't start: {fault}")
    if pid := os.fork():
        _, status = os.waitpid(pid, 0)
        if status:
            sys.exit(os.waitstatus_to_exitcode(status))
        refuse_used_ports(address for address in server.cfg.address if isinstance(address, tuple))  # meanwhile
    else:
        prepare_and_exit(server.app.wsgi())
    try:
        metrics_folder.make()
    except OSError as fault:
        sys.exit(f"storefront can't start: its folder of metrics can't be made: {fault.strerror}: {fault.filename}.")
    if settings.upsell_enabled and settings.model_configured:
        get_ready_if_possible()
    gc.collect()
    gc.freeze()  # what is here now stays, so the collector needn't touch (and copy) it in each worker


def get_ready_if_possible() -> None:
    """What keeps the model from being asked, as a wrong SSL_CERT_FILE does, must not keep the shop from selling."""
    try:
        warm_up()
    except Exception:
        logging.getLogger("storefront.upsell").exception("the language model can't be asked")


def prepare_and_exit(app: Flask) -> None:
    code = 1
    try:
        prepare(app)
        code = 0
    except CatalogError as fault:
        sys.stderr.write(f"storefront can't start: CATALOG {str(settings.catalog)!r} {fault}\n")
    except Exception as fault:
        if sentence := explain_error(fault, settings):
            sys.stderr.write(f"storefront can't start: {redact(sentence)}\n")
        else:
            logging.getLogger("storefront.server.bootstrap").exception("the database could not be prepared")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def post_fork(server: Any, worker: Any) -> None:
    worker.missed_signals = server.SIG_QUEUE
    disable_unused_log_fields()
    sys.setswitchinterval(0.001)  # seconds: who lists products needn't wait for who computes suggestions
    gc.set_threshold(20_000, 20, 50)  # a request makes thousands of objects and hardly a cycle: look less often


def post_worker_init(worker: Any) -> None:
    jobs.start(worker.wsgi)


def worker_int(worker: Any) -> None:
    """Ctrl-C: requests that wait for the language model get their answer without it."""
    jobs.stop(worker.wsgi)


def worker_exit(server: Any, worker: Any) -> None:
    if worker.wsgi is not None:
        event_tailer(worker.wsgi).stop()
        jobs.stop(worker.wsgi)


def child_exit(server: Any, worker: Any) -> None:
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    if server.reexec_pid:
        metrics_folder.hand_over()
    else:
        metrics_folder.remove()
