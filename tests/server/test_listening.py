"""The addresses at which the server listens, and the messages if it can't."""

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
    """An address at which another socket listens."""
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
def test_host_and_port_become_a_bind_address(
    environment: pytest.MonkeyPatch, host: str | None, port: str | None, bind: str
) -> None:
    for name, value in (("HOST", host), ("PORT", port)):
        if value is not None:
            environment.setenv(name, value)
    assert default_bind() == bind


def test_command_line_takes_precedence_over_host_and_port(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PORT", "1")
    assert addresses() == [("127.0.0.1", 1)]
    environment.setenv("GUNICORN_CMD_ARGS", "--bind=127.0.0.1:2 --bind=unix:/tmp/s")
    assert addresses() == [("127.0.0.1", 2)]
    environment.setattr(sys, "argv", ["gunicorn", "--print-config"])
    assert addresses() == []


def test_used_port_ends_the_process_with_one_sentence(used: tuple[str, int]) -> None:
    with pytest.raises(SystemExit, match=rf"^storefront can't start: port {used[1]} is in use"):
        refuse_used_ports([used])


def test_inherited_sockets_are_not_checked(environment: pytest.MonkeyPatch, used: tuple[str, int]) -> None:
    environment.setenv(GIVEN_SOCKETS[0], "3")
    refuse_used_ports([used])


def test_port_is_checked_only_at_the_first_start(environment: pytest.MonkeyPatch, used: tuple[str, int]) -> None:
    refuse_used_ports_at_start.cache_clear()
    refuse_used_ports_at_start()
    environment.setenv("PORT", str(used[1]))
    refuse_used_ports_at_start()
    refuse_used_ports_at_start.cache_clear()
    with pytest.raises(SystemExit):
        refuse_used_ports_at_start()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.EADDRNOTAVAIL, ""), "Set HOST to one that it has"),
        (socket.gaierror(), "Set HOST to one that it has"),
        (OSError(errno.EACCES, ""), os.strerror(errno.EACCES)),
    ],
)
def test_message_names_the_reason(error: OSError, message: str) -> None:
    assert message in why_not("203.0.113.1", 80, error)
