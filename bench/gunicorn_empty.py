"""gunicorn settings of the empty view: the same number of workers and threads as the shop."""

import os

wsgi_app = "bench.empty:app"
bind = f"127.0.0.1:{os.environ['PORT']}"
workers = min(os.cpu_count() or 1, 2)
worker_class = "gthread"
threads = 8
keepalive = 15
control_socket_disable = True
loglevel = "warning"
