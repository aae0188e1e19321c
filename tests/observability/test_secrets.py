"""No secret appears in logs, stored rows, responses and command output, even if a provider repeats it."""

import io
import json
import logging
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote

import click
import pytest
from flask import Flask
from sqlalchemy import select

from storefront.commands import CommandGroup
from storefront.config import ROOT
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.observability.redaction import REDACTED, print_traceback, redact
from storefront.upsell.llm.models import LlmCall
from tests.conftest import Person
from tests.observability.test_redaction import KEY, SECRETS
from tests.ports import free_port
from tests.staff.factories import api_key, bearer
from tests.upsell import model_server as server
from tests.upsell.model_server import Exchange, ModelServer

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases


def key_of(exchange: Exchange) -> str:
    return exchange.request.headers["authorization"].removeprefix("Bearer ")


def repeats_key_in_an_error(exchange: Exchange) -> None:
    key = key_of(exchange)
    message = f"Incorrect API key {key}, sent as {b64encode(f'Basic:{key}'.encode()).decode()}, {key[:9]}***{key[-4:]}"
    error = {"message": message, "param": f"/v1?key={quote(key)}", "code": "invalid_api_key"}
    exchange.send(401, json.dumps({"error": error}).encode())


def repeats_key_in_an_error_page(exchange: Exchange) -> None:
    exchange.send(502, f"<pre>Authorization: Bearer {key_of(exchange)}</pre>".encode() * 9, "text/html")


def repeats_key_in_its_answer(exchange: Exchange) -> None:
    key, known = key_of(exchange), exchange.request.known_ids
    suggestions = [{"product_id": known[0], "explanation": f"It goes well with {key}."}]
    suggestions += [{"product_id": known[1], "explanation": "ESCAPED"}]
    escaped = "".join(f"\\u{ord(char):04x}" for char in key)
    server.answers_with(json.dumps({"suggestions": suggestions}).replace("ESCAPED", escaped))(exchange)


def repeats_key_in_a_refusal(exchange: Exchange) -> None:
    server.answers_with(None, refusal=f"I won't do that for {key_of(exchange)}.")(exchange)


def repeats_key_in_invalid_json(exchange: Exchange) -> None:
    server.answers_with("x" * 3990 + key_of(exchange))(exchange)


@pytest.mark.parametrize(
    "behave",
    [
        repeats_key_in_an_error,
        repeats_key_in_an_error_page,
        repeats_key_in_its_answer,
        repeats_key_in_a_refusal,
        repeats_key_in_invalid_json,
    ],
)
def test_key_repeated_by_the_model_server_is_redacted_everywhere(
    make_app: Callable[..., Flask], model: ModelServer, stream: io.StringIO, behave: server.Behaviour
) -> None:
    model.behave = behave
    app = make_app(**SECRETS, OPENAI_BASE_URL=model.address, UPSELL_TIMEOUT="20")
    person = Person(app.test_client(), "north")
    answer = person.api("GET", f"/carts/{person.cart(beans=1)}/upsell")
    assert answer.json["suggestions"]
    with app.app_context(), tenant_context("north"):
        (call,) = db.session.scalars(select(LlmCall))
        row = json.dumps([call.response, call.prompt, call.outcome, call.suggestions], ensure_ascii=False)
    listed = person.api("GET", "/upsell/calls", headers=bearer(api_key(app, "north", "upsell:read")))
    assert listed.json["items"][0]["id"] == call.id
    assert "upsell call" in stream.getvalue()
    assert len(model.requests) == 1
    for output in (answer.text, row, listed.text, stream.getvalue()):
        for part in (KEY, KEY[:10], KEY[-6:], b64encode(KEY.encode()).decode()[4:30]):
            assert part not in output
    assert REDACTED in row


@ON_SQLITE
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_log_lines_contain_no_secret(make_app: Callable[..., Flask], stream: io.StringIO, secret: str) -> None:
    app = make_app(**SECRETS)
    log = logging.getLogger("somebody.else")

    def fail(**_: object) -> str:
        try:
            raise ValueError(f"wrong: {secret}")
        except ValueError as fault:
            raise RuntimeError({"headers": {"X-Key": secret}}) from fault

    app.view_functions["catalog.product"] = fail
    answer = Person(app.test_client(), "north").get("/products/beans")
    assert answer.status_code == 500
    assert secret not in answer.text
    log.error("by %s", secret)
    log.error("by a field", extra={"field": secret, "nested": {"list": [secret, object()]}, "bytes": secret.encode()})
    log.error("by %(name)r", {"name": secret})
    lines = stream.getvalue().splitlines()
    assert len(lines) >= 5
    assert all(json.loads(line) for line in lines)
    assert secret not in stream.getvalue()
    assert stream.getvalue().count(REDACTED) >= 7


@ON_SQLITE
def test_command_error_is_printed_without_secrets(
    make_app: Callable[..., Flask], capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app(**SECRETS)
    group = CommandGroup("broken")

    @group.command("fails")
    def fails() -> None:
        raise click.ClickException(f"The server said: {KEY}")

    app.cli.add_command(group)
    result = app.test_cli_runner().invoke(args=["broken", "fails"])
    assert (result.exit_code, result.output) == (1, f"Error: The server said: {REDACTED}\n")
    usage = app.test_cli_runner().invoke(args=["broken", "nothing"])
    assert usage.exit_code == 2
    assert "Usage:" in usage.output
    try:
        raise RuntimeError(KEY)
    except RuntimeError as fault:
        print_traceback(RuntimeError, fault, fault.__traceback__)
    output = capsys.readouterr().err
    assert f"RuntimeError: {REDACTED}" in output
    assert KEY not in output


PROCESS_SCRIPT = """
import logging, os, threading
from storefront import create_app
create_app()
key = os.environ["OPENAI_API_KEY"]
logging.getLogger("any").warning("warned of %s", key)
def fail():
    raise RuntimeError(key)
thread = threading.Thread(target=fail, name="worker")
thread.start()
thread.join()
fail()
"""


def test_output_of_a_process_without_logging_contains_no_secret(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("printing")
    environment = {**SECRETS, "DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROCESS_SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert f"warned of {REDACTED}" in done.stderr
    assert "thread worker failed" in done.stderr
    assert done.stderr.count(f"RuntimeError: {REDACTED}") == 2
    assert KEY not in done.stdout + done.stderr


INVALID_SETTINGS = {
    "a key in the wrong variable": {"OPENAI_BASE_URL": KEY},
    "a password in an invalid URL": {"OPENAI_BASE_URL": f"htps://me:{KEY}@model.example"},
    "a database password": {"DATABASE_URL": f"postgresql://shop:{KEY}@127.0.0.1:9/shop"},
    "a database password with an invalid port": {"DATABASE_URL": f"postgresql://shop:{KEY}@127.0.0.1:port/shop"},
    "an unsupported database": {"DATABASE_URL": f"mysql://shop:{KEY}@127.0.0.1/shop"},
}


@pytest.mark.parametrize("wrong", INVALID_SETTINGS.values(), ids=INVALID_SETTINGS)
def test_start_error_is_printed_without_secrets(
    wrong: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {"SECRET_KEY": SECRETS["SECRET_KEY"], "PORT": str(free_port()), **wrong}
    environment = {**settings, "DATA_DIR": str(tmp_path_factory.mktemp("wrong"))}
    command = [sys.executable, "-m", "gunicorn"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode
    assert "storefront can't start" in done.stderr
    assert KEY not in done.stdout + done.stderr
    assert KEY[:10] not in done.stdout + done.stderr


@ON_SQLITE
def test_redaction_works_in_other_threads_while_an_app_is_created(make_app: Callable[..., Flask]) -> None:
    unredacted, stopped = list[str](), threading.Event()

    def redact_repeatedly() -> None:
        while not stopped.is_set():
            if KEY in redact(f"key {KEY}"):
                unredacted.append("found")

    make_app(**SECRETS)
    thread = threading.Thread(target=redact_repeatedly)
    thread.start()
    for number in range(3):
        make_app(METRICS_TOKEN=f"another-token-{number}-0123456789")
    stopped.set()
    thread.join()
    assert unredacted == []
