"""Fixtures of the browser tests: the real server, a real Chromium, and visits that record errors."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from storefront.config import ROOT
from tests.browser.page_session import PATIENCE, Shop, Visit
from tests.servers import serving, wait

SWITCHES = (
    "--no-sandbox --disable-gpu --disable-background-networking "
    "--disable-component-update --disable-sync --no-first-run"
)
FORMS = ("prefix", "subdomain")


@pytest.fixture(scope="package")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the shop as `make run` starts it, with its own catalogue and a database of its own."""
    with serve(tmp_path_factory.mktemp("browser")) as port:
        yield port


@contextmanager
def serve(folder: Path, **environment: str) -> Iterator[int]:
    """Run the shop with its own catalogue, and these variables of the environment besides the usual ones; yields its
    port."""
    given = {"CATALOG": str(ROOT / "catalog.json"), "RATELIMIT_ENABLED": "false", **environment}
    with serving(folder, **given) as server:
        wait(server.is_up)
        yield server.port
        assert server.stop() == 0


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium; not for the whole session, as Playwright keeps an event loop running meanwhile."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(playwright), args=SWITCHES.split())
        yield browser
        browser.close()


def find_chromium(playwright: Playwright) -> str:
    own = playwright.chromium.executable_path
    found = shutil.which("chromium") or shutil.which("google-chrome") or (own if Path(own).exists() else None)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in ("apt-get update -q", "apt-get install -q -y --no-install-recommends chromium"):
            subprocess.run(command.split(), check=False, capture_output=True)
        found = shutil.which("chromium")
    if found is None:
        pytest.fail(
            "The browser tests need Chromium: install the package `chromium`, "
            "or run `.venv/bin/playwright install chromium`."
        )
    return found


@pytest.fixture(params=FORMS)
def shop(request: pytest.FixtureRequest, port: int) -> Shop:
    """Aurora Coffee, in both forms of its address."""
    return Shop("aurora", port, subdomain=request.param == "subdomain")


@pytest.fixture
def aurora(port: int) -> Shop:
    """Aurora Coffee, where the form of the address makes no difference."""
    return Shop("aurora", port)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Begin a visit to a shop, with these options of the browser; at the end nothing may have gone wrong in it."""
    visits: list[Visit] = []

    def begin(shop: Shop, width: int = 1280, javascript: bool = True, script: str = "", **options: Any) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": 844},
            java_script_enabled=javascript,
            reduced_motion=options.pop("reduced_motion", "reduce"),
            **options,
        )
        context.set_default_timeout(PATIENCE)
        visits.append(Visit(shop, context))
        if script:
            context.add_init_script(path=script)
        return visits[-1]

    yield begin
    assert not [fault for begun in visits for fault in begun.close()]


@pytest.fixture
def ask(port: int) -> Callable[..., Any]:
    """Somebody else, who shops in Aurora through the JSON API."""

    def ask(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, f"/t/aurora/api/v1{path}", text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status < 300, said
        return said

    return ask
