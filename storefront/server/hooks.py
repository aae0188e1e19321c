"""What happens when gunicorn starts, forks and ends its processes. One master prepares the database, then forks the
workers."""

import gc
import logging
import os
import sys
from importlib import import_module
from typing import Any, NoReturn

import gunicorn
from flask import Flask
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker
from prometheus_client import multiprocess

from storefront.catalog.json_file import CatalogError
from storefront.config import ConfigError, Settings
from storefront.error_messages import explain_error
from storefront.observability import metrics_folder
from storefront.observability.logging import disable_unused_log_fields
from storefront.observability.redaction import keep_secret, redact
from storefront.payments import jobs as payment_jobs
from storefront.refunds import jobs as refund_jobs
from storefront.retention import actions as retention
from storefront.server.bootstrap import prepare
from storefront.server.listening import network_addresses, refuse_used_ports
from storefront.state import state_of
from storefront.upsell import jobs
from storefront.upsell.llm.client import warm_up
from storefront.web import static_files
from storefront.web.asset_bundles import AssetError


class ErrorLogger(Logger):  # type: ignore[misc]
    """The app writes the access log; without this class, gunicorn would still format a line for each request."""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        pass


def read_settings() -> Settings:
    """Read the settings from the environment. Exits with a message if one is invalid."""
    try:
        settings = Settings.from_environ()
        static_files.load()
    except (ConfigError, AssetError) as fault:
        sys.exit(f"storefront can't start: {fault}")
    keep_secret(settings)
    logging.captureWarnings(True)  # warnings are log lines, too
    return settings


def load_worker_class() -> type[Worker]:
    """Return the shop's worker class. If gunicorn lacks names that it imports, return a class that `check_gunicorn`
    refuses, because an operator may still choose one of gunicorn's own on the command line."""
    try:
        module = import_module("storefront.server.gunicorn")
    except ImportError:
        return Worker  # type: ignore[no-any-return]
    return module.ReadingWorker  # type: ignore[no-any-return]


def check_gunicorn(server: Any) -> None:
    """Exit with a message if the shop's worker class is incompatible with the installed gunicorn."""
    if server.cfg.worker_class is not load_worker_class():
        return
    try:
        import_module("storefront.server.gunicorn")
        compatibility = import_module("storefront.server.compatibility")
    except ImportError as fault:
        sys.exit(
            f"storefront can't start: gunicorn {gunicorn.__version__} differs from what storefront/server is written "
            f"for ({fault}); install the version that requirements.txt names."
        )
    try:
        compatibility.check(server)
    except compatibility.Incompatible as fault:
        sys.exit(f"storefront can't start: {fault}")


def on_starting(server: Any) -> None:
    """Prepare the database in a separate process, because serving doesn't need the modules and memory of that."""
    check_gunicorn(server)
    app: Flask = server.app.wsgi()
    if pid := os.fork():
        _, status = os.waitpid(pid, 0)
        if status:
            sys.exit(os.waitstatus_to_exitcode(status))
        refuse_used_ports(network_addresses(server.cfg))  # another program may have taken a port meanwhile
    else:
        prepare_and_exit(app)
    try:
        metrics_folder.make()
    except OSError as fault:
        sys.exit(f"storefront can't start: its folder of metrics can't be made: {fault.strerror}: {fault.filename}.")
    settings = state_of(app).settings
    if settings.upsell_enabled and settings.model_configured:
        warm_up_if_possible()
    if settings.stripe_secret_key:
        import_module("storefront.payments.stripe_provider")  # 22 MB, which the workers share
    gc.collect()
    gc.freeze()  # the collector ignores these objects, so that workers share their memory


def warm_up_if_possible() -> None:
    """Set up the model client. An error, such as a wrong SSL_CERT_FILE, is logged and doesn't prevent the start."""
    try:
        warm_up()
    except Exception:
        logging.getLogger("storefront.upsell").exception("could not set up the language model client")


def prepare_and_exit(app: Flask) -> NoReturn:
    code = 1
    settings = state_of(app).settings
    try:
        prepare(app)
        code = 0
    except CatalogError as fault:
        sys.stderr.write(f"storefront can't start: CATALOG {str(settings.catalog)!r} {fault}\n")
    except Exception as fault:
        if sentence := explain_error(fault, settings):
            sys.stderr.write(f"storefront can't start: {redact(sentence)}\n")
        else:
            logging.getLogger("storefront.server.bootstrap").exception("could not prepare the database")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def post_fork(server: Any, worker: Any) -> None:
    worker.missed_signals = server.SIG_QUEUE
    disable_unused_log_fields()
    sys.setswitchinterval(0.001)  # seconds: a product list needn't wait for the computation of suggestions
    gc.set_threshold(20_000, 20, 50)  # a request creates thousands of objects and hardly a cycle: collect less often


def post_worker_init(worker: Any) -> None:
    jobs.start(worker.wsgi)
    payment_jobs.start(worker.wsgi)
    refund_jobs.start(worker.wsgi)
    retention.start(worker.wsgi)
    state_of(worker.wsgi).mail_worker.start()


def worker_int(worker: Any) -> None:
    """Ctrl-C: requests that wait for the language model get their answer without it."""
    jobs.stop(worker.wsgi)
    payment_jobs.stop(worker.wsgi)


def worker_exit(_server: Any, worker: Any) -> None:
    if worker.wsgi is not None:
        state_of(worker.wsgi).event_tailer.stop()
        state_of(worker.wsgi).mail_worker.stop()
        jobs.stop(worker.wsgi)
        payment_jobs.stop(worker.wsgi)


def child_exit(_server: Any, worker: Any) -> None:
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    if server.reexec_pid:
        metrics_folder.hand_over()
    else:
        metrics_folder.remove()
