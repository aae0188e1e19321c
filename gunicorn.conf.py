"""How gunicorn serves the shop. One master prepares the database, then forks the workers."""

import gc
import logging
import os
import secrets
import selectors
import signal
import socket
import sys
import tempfile
import time
from collections import deque
from functools import partial

try:
    # Named before the first import of prometheus_client, which looks for it then; made in on_starting.
    os.environ.setdefault(
        "PROMETHEUS_MULTIPROC_DIR", f"{tempfile.gettempdir()}/storefront-metrics.{secrets.token_hex(8)}"
    )
except OSError:
    sys.exit("storefront can't start: no temporary folder can be written to; set TMPDIR to one that can.")

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker
from prometheus_client import multiprocess

from storefront.boot import prepare
from storefront.catalog.json_file import BadCatalog
from storefront.commands import explain
from storefront.config import BadSetting, Settings
from storefront.events.pages import tail_of
from storefront.operators import metrics_folder
from storefront.operators.logs import CONFIG, leave_out_what_no_line_says
from storefront.operators.redaction import keep_secret, redact
from storefront.upsell import watch
from storefront.upsell.assistant.client import get_ready

try:
    settings = Settings.from_environ()
except BadSetting as fault:
    sys.exit(f"storefront can't start: {fault}")
keep_secret(settings)
logging.captureWarnings(True)  # they are lines of the log, too

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


LINGER = 2.0
"""Seconds that the client of a connection has to close it, too, so that its last answer isn't cut."""
MOST_IGNORED = 64 * 1024
"""Bytes that it may still send meanwhile."""


class worker_class(ThreadWorker):  # noqa: N801 - the name of gunicorn's setting
    """Threads for requests. A live stream's connection leaves for the thread of all streams, and counts no more. One
    that ends waits in the poller for the client to end it, too: gunicorn would wait in the thread that accepts, and a
    client that doesn't would hold up everybody else."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.lingering = deque()

    def finish_request(self, conn, fs):
        if conn.sock.fileno() == -1:
            self.nr_conns -= 1
        elif not fs.cancelled() and not fs.exception() and not fs.result():
            self.linger(conn)
        else:
            super().finish_request(conn, fs)

    def linger(self, conn):
        conn.timeout = time.monotonic() + LINGER
        conn.ignored = 0
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            self.close_lingering(conn)
            return
        self.lingering.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.ignore, conn))
        self.ignore(conn, conn.sock)

    def ignore(self, conn, client):
        try:
            sent = len(client.recv(4096))
        except BlockingIOError:
            return
        except OSError:
            sent = 0
        conn.ignored += sent
        if not sent or conn.ignored > MOST_IGNORED:
            self.poller.unregister(client)
            self.lingering.remove(conn)
            self.close_lingering(conn)

    def close_lingering(self, conn):
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self):
        super().murder_pending()
        while self.lingering and self.lingering[0].timeout <= time.monotonic():
            conn = self.lingering.popleft()
            self.poller.unregister(conn.sock)
            self.close_lingering(conn)

    def handle_quit(self, sig, frame):
        """End at once, but leave the pool to the interpreter's exit: gunicorn would take the pool's lock here, in the
        thread that may be holding it to hand a request over, and so wait for itself until it is killed."""
        ignore_more_signals()
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
    try:
        metrics_folder.make()
    except OSError as fault:
        sys.exit(f"storefront can't start: its folder of metrics can't be made: {fault.strerror}: {fault.filename}.")
    if settings.upsell_enabled and settings.model_configured:
        get_ready_if_possible()
    gc.collect()
    gc.freeze()  # what is here now stays, so the collector needn't touch (and copy) it in each worker


def get_ready_if_possible():
    """What keeps the model from being asked, as a wrong SSL_CERT_FILE does, must not keep the shop from selling."""
    try:
        get_ready()
    except Exception:
        logging.getLogger("storefront.upsell").exception("the language model can't be asked")


def prepare_and_exit(app):
    code = 1
    try:
        prepare(app)
        code = 0
    except BadCatalog as fault:
        sys.stderr.write(f"storefront can't start: CATALOG {str(settings.catalog)!r} {fault}\n")
    except Exception as fault:
        if sentence := explain(fault, settings):
            sys.stderr.write(f"storefront can't start: {redact(sentence)}\n")
        else:
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


def ignore_more_signals():
    """Ctrl-C reaches a worker twice: from the terminal, and then from the master. The second one would end it in the
    middle of `worker_exit`, so that what is under way is neither written down nor hung up."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def worker_exit(server, worker):
    ignore_more_signals()
    if worker.wsgi is not None:
        tail_of(worker.wsgi).stop()
        watch.stop(worker.wsgi)


def child_exit(server, worker):
    multiprocess.mark_process_dead(worker.pid)


def on_exit(server):
    if server.reexec_pid:
        metrics_folder.hand_over()
    else:
        metrics_folder.remove()
