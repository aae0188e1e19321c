"""gunicorn's settings. What its processes do when they start and end is in storefront/server/hooks.py."""

import os
import secrets
import sys
import tempfile

try:
    # Named before the first import of prometheus_client, which looks for it then; made in on_starting.
    os.environ.setdefault(
        "PROMETHEUS_MULTIPROC_DIR", f"{tempfile.gettempdir()}/storefront-metrics.{secrets.token_hex(8)}"
    )
except OSError:
    sys.exit("storefront can't start: no temporary folder can be written to; set TMPDIR to one that can.")

from storefront.file_limit import MAX_CONNECTIONS
from storefront.observability.logging import LOGGING_CONFIG
from storefront.server.hooks import ErrorLogger as logger_class
from storefront.server.hooks import (
    child_exit,
    load_worker_class,
    on_exit,
    on_starting,
    post_fork,
    post_worker_init,
    read_settings,
    worker_exit,
    worker_int,
)
from storefront.server.listening import default_bind, refuse_used_ports_at_start

refuse_used_ports_at_start()  # before the settings, which may make DATA_DIR
settings = read_settings()

wsgi_app = "storefront:create_app()"
bind = default_bind()
worker_class = load_worker_class()
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
