"""How gunicorn serves the shop. One master prepares the database, then forks the workers."""

import gc
import logging
import os
import shutil
import sys
import tempfile

# Before the first import of prometheus_client, which looks for it then.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="storefront-metrics-"))

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker
from prometheus_client import multiprocess
from sqlalchemy.exc import OperationalError

from storefront.boot import prepare
from storefront.catalog.schema import BadCatalog
from storefront.config import BadSetting, Settings
from storefront.events.pages import tail_of
from storefront.operators.logs import CONFIG, leave_out_what_no_line_says
from storefront.upsell import watch
from storefront.upsell.assistant.client import import_sdk

try:
    settings = Settings.from_environ()
except BadSetting as fault:
    sys.exit(f"storefront can't start: {fault}")

wsgi_app = "storefront:create_app()"
bind = f"0.0.0.0:{settings.port}"
workers = settings.web_concurrency
threads = 8
preload_app = True  # the workers share the memory of what is imported once
timeout = 30
graceful_timeout = 25
keepalive = 15
max_requests = 0
control_socket_disable = True
logconfig_dict = CONFIG


class worker_class(ThreadWorker):  # noqa: N801 - the name of gunicorn's setting
    """Threads for requests. A live stream's connection leaves for the thread of all streams, and counts no more."""

    def finish_request(self, conn, fs):
        if conn.sock.fileno() == -1:
            self.nr_conns -= 1
        else:
            super().finish_request(conn, fs)

    def handle_quit(self, sig, frame):
        """End at once, but leave the pool to the interpreter's exit: gunicorn would take the pool's lock here, in the
        thread that may be holding it to hand a request over, and so wait for itself until it is killed."""
        super(ThreadWorker, self).handle_quit(sig, frame)


class logger_class(Logger):  # noqa: N801 - the name of gunicorn's setting
    """The app writes the access log, with what only it knows; gunicorn would still prepare a line for each request."""

    def access(self, resp, req, environ, request_time):
        pass


def on_starting(server):
    """The database is made ready in a process of its own, because what that takes, serving doesn't need."""
    if pid := os.fork():
        _, status = os.waitpid(pid, 0)
        if status:
            sys.exit(os.waitstatus_to_exitcode(status))
    else:
        prepare_and_exit(server.app.wsgi())
    if settings.model_configured:
        import_sdk()
    gc.collect()
    gc.freeze()  # what is here now stays, so the collector needn't touch (and copy) it in each worker


def prepare_and_exit(app):
    code = 1
    try:
        prepare(app)
        code = 0
    except BadCatalog as fault:
        sys.stderr.write(f"storefront can't start: CATALOG {str(settings.catalog)!r}: {fault}\n")
    except OperationalError as fault:
        reason = str(fault.orig).strip()
        sys.stderr.write(f"storefront can't start: the database of DATABASE_URL can't be used: {reason}\n")
    except Exception:
        logging.getLogger("storefront.boot").exception("the database could not be prepared")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def post_fork(server, worker):
    leave_out_what_no_line_says()
    sys.setswitchinterval(0.001)  # seconds: who lists products needn't wait for who computes suggestions
    gc.set_threshold(20_000, 20, 50)  # a request makes thousands of objects and hardly a cycle: look less often


def post_worker_init(worker):
    watch.start(worker.wsgi)


def worker_exit(server, worker):
    if worker.wsgi is not None:
        tail_of(worker.wsgi).stop()
        watch.stop(worker.wsgi)


def child_exit(server, worker):
    multiprocess.mark_process_dead(worker.pid)


def on_exit(server):
    folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
    if "storefront-metrics-" in folder and not server.reexec_pid:  # not the operator's, nor its successor's
        shutil.rmtree(folder, ignore_errors=True)
