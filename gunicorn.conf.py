"""How gunicorn serves the shop. One master prepares the database, then forks the workers."""

import os
import sys
import tempfile

# Before the first import of prometheus_client, which looks for it then.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="storefront-metrics-"))

from storefront.config import BadSetting, Settings
from storefront.operators.logs import CONFIG

try:
    settings = Settings.from_environ()
except BadSetting as fault:
    sys.exit(f"storefront can't start: {fault}")

wsgi_app = "storefront:create_app()"
bind = f"0.0.0.0:{settings.port}"
workers = settings.web_concurrency
worker_class = "gthread"
threads = 8
preload_app = True  # the workers share the memory of what is imported once
timeout = 30
graceful_timeout = 25
keepalive = 15
max_requests = 0
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK) else None
logconfig_dict = CONFIG


def on_starting(server):
    from storefront.boot import prepare
    from storefront.catalog.schema import BadCatalog

    try:
        prepare(server.app.wsgi())
    except BadCatalog as fault:
        sys.exit(f"storefront can't start: CATALOG {str(settings.catalog)!r}: {fault}")


def child_exit(server, worker):
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
