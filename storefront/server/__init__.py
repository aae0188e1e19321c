"""The gunicorn worker: reads requests, runs the app in threads, sends responses; preparation at the start."""
