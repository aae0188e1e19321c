"""Where the server is going to listen, and what is said when it can't."""

import errno
import os
import socket
import sys
from collections.abc import Iterator

import pytest

from storefront.server.listening import (
    GIVEN_SOCKETS,
    addresses,
    default_bind,
    refuse_used_ports,
    refuse_used_ports_at_start,
    why_not,
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HOST", "PORT", "GUNICORN_CMD_ARGS", *GIVEN_SOCKETS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["gunicorn"])
    return monkeypatch


@pytest.fixture
def used() -> Iterator[tuple[str, int]]:
    """An address at which another program listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()


@pytest.mark.parametrize(
    ("host", "port", "bind"),
    [
        (None, None, "127.0.0.1:8000"),
        ("0.0.0.0", "80", "0.0.0.0:80"),
        ("::1", "80", "[::1]:80"),
        ("[::1]", " 80 ", "[::1]:80"),
        (" ", "", "127.0.0.1:8000"),
    ],
)
def test_host_and_port_are_put_as_gunicorn_takes_them(
    environment: pytest.MonkeyPatch, host: str | None, port: str | None, bind: str
) -> None:
    for name, value in (("HOST", host), ("PORT", port)):
        if value is not None:
            environment.setenv(name, value)
    assert default_bind() == bind


def test_the_command_line_goes_before_the_variables(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PORT", "1")
    assert addresses() == [("127.0.0.1", 1)]
    environment.setenv("GUNICORN_CMD_ARGS", "--bind=127.0.0.1:2 --bind=unix:/tmp/s")
    assert addresses() == [("127.0.0.1", 2)]
    environment.setattr(sys, "argv", ["gunicorn", "--print-config"])
    assert addresses() == []


def test_a_used_port_ends_the_process_with_a_sentence(used: tuple[str, int]) -> None:
    with pytest.raises(SystemExit, match=rf"^storefront can't start: port {used[1]} is in use"):
        refuse_used_ports([used])


def test_sockets_that_were_handed_on_are_not_looked_at(environment: pytest.MonkeyPatch, used: tuple[str, int]) -> None:
    environment.setenv(GIVEN_SOCKETS[0], "3")
    refuse_used_ports([used])


def test_only_the_start_looks_because_a_running_server_listens_itself(
    environment: pytest.MonkeyPatch, used: tuple[str, int]
) -> None:
    refuse_used_ports_at_start.cache_clear()
    refuse_used_ports_at_start()
    environment.setenv("PORT", str(used[1]))
    refuse_used_ports_at_start()
    refuse_used_ports_at_start.cache_clear()
    with pytest.raises(SystemExit):
        refuse_used_ports_at_start()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OSError(errno.EADDRNOTAVAIL, ""), "Set HOST to one that it has"),
        (socket.gaierror(), "Set HOST to one that it has"),
        (OSError(errno.EACCES, ""), os.strerror(errno.EACCES)),
    ],
)
def test_what_is_wrong_with_an_address_is_said(fault: OSError, said: str) -> None:
    assert said in why_not("203.0.113.1", 80, fault)
