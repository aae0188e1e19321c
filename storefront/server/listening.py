"""Where gunicorn is going to listen, and whether it can: found out before the database is prepared, because gunicorn
itself tries a port that is in use for five seconds more, after that."""

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
"""Variables by which an older gunicorn or systemd hands on sockets that listen already."""
Address = tuple[Any, ...]
"""Host and port, as `socket.bind` takes them."""


def default_bind() -> str:
    """HOST and PORT as gunicorn takes them; both are checked by `Settings`."""
    host = os.environ.get("HOST", "").strip().strip("[]") or "127.0.0.1"
    return f"{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT', '').strip() or 8000}"


@cache
def refuse_used_ports_at_start() -> None:
    """End with a sentence if another program listens where the shop is to listen. Only the first call looks: when the
    running server reads its settings again, it listens there itself."""
    refuse_used_ports(addresses())


def addresses() -> list[Address]:
    """Where gunicorn is going to listen. Empty when it will complain of its command line itself."""
    arguments = [*shlex.split(os.environ.get("GUNICORN_CMD_ARGS", "")), *sys.argv[1:]]
    config = Config()
    try:
        asked = config.parser().parse_args(arguments)
        if asked.check_config or asked.print_config:
            return []  # nothing is going to be served
        config.set("bind", asked.bind or [default_bind()])
        return network_addresses(config)
    except (SystemExit, ValueError, RuntimeError):
        return []


def network_addresses(config: Config) -> list[Address]:
    """Those of gunicorn's addresses that are no Unix sockets."""
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
                return  # no port has this number, which the settings say better
            except OSError as fault:
                sys.exit(f"storefront can't start: {why_not(host, port, fault)}")


def why_not(host: str, port: int, fault: OSError) -> str:
    if fault.errno == errno.EADDRINUSE:
        return f"port {port} is in use by another program. Stop that program, or set PORT to a free port."
    if isinstance(fault, socket.gaierror) or fault.errno == errno.EADDRNOTAVAIL:
        where = f"it can't listen at {host[:80]}:{port}: this machine has no such address"
        return f"{where}. Set HOST to one that it has, such as 127.0.0.1, or to 0.0.0.0 for all of them."
    return f"it can't listen at {host}:{port}: {os.strerror(fault.errno or 0)}."
