"""The addresses at which gunicorn will listen, checked before the database is prepared. gunicorn itself would find out
later, and retry a used port for five seconds."""

import errno
import os
import shlex
import socket
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any

from gunicorn.config import Config

GIVEN_SOCKETS = ("GUNICORN_FD", "LISTEN_FDS")
"""Variables with which an older gunicorn or systemd passes on listening sockets."""
Address = tuple[Any, ...]
"""Host and port, as `socket.bind` takes them."""


def default_bind() -> str:
    """Return HOST and PORT in gunicorn's format; `Settings` checks both."""
    host = os.environ.get("HOST", "").strip().strip("[]") or "127.0.0.1"
    return f"{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT', '').strip() or 8000}"


@cache
def refuse_used_ports_at_start() -> None:
    """Exit with a message if another program listens at an address of the server. Only the first call checks: when the
    running server reloads its settings, it listens there itself."""
    refuse_used_ports(addresses())


def addresses() -> list[Address]:
    """Return the addresses at which gunicorn will listen; empty if it will report an invalid command line."""
    arguments = [*shlex.split(os.environ.get("GUNICORN_CMD_ARGS", "")), *sys.argv[1:]]
    config = Config()
    try:
        asked = config.parser().parse_args(arguments)
        if asked.check_config or asked.print_config:
            return []  # gunicorn won't serve
        config.set("bind", asked.bind or [default_bind()])
        return network_addresses(config)
    except (SystemExit, ValueError, RuntimeError):
        return []


def network_addresses(config: Config) -> list[Address]:
    """Return gunicorn's addresses without Unix sockets."""
    return [address for address in config.address if isinstance(address, tuple)]


def refuse_used_ports(wanted: Iterable[Address]) -> None:
    if any(os.environ.get(name) for name in GIVEN_SOCKETS):
        return
    for host, port, *_ in wanted:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OverflowError:
                return  # an invalid port number, for which the settings have a better message
            except OSError as fault:
                sys.exit(f"storefront can't start: {why_not(host, port, fault)}")


def why_not(host: str, port: int, fault: OSError) -> str:
    if fault.errno == errno.EADDRINUSE:
        return f"port {port} is in use by another program. Stop that program, or set PORT to a free port."
    if isinstance(fault, socket.gaierror) or fault.errno == errno.EADDRNOTAVAIL:
        where = f"it can't listen at {host[:80]}:{port}: this machine has no such address"
        return f"{where}. Set HOST to one that it has, such as 127.0.0.1, or to 0.0.0.0 for all of them."
    return f"it can't listen at {host}:{port}: {os.strerror(fault.errno or 0)}."
