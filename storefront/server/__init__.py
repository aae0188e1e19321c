"""How gunicorn serves the shop: reading requests, running them in threads, sending responses."""
