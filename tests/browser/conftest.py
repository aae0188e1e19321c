"""Fixtures of the browser tests: the real server, a real Chromium, and visits that record errors."""

import json
import os
import re
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
from tests.browser.page_session import TIMEOUT_MILLISECONDS, Shop, Visit
from tests.servers import serving, wait

CHROMIUM_ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-background-networking "
    "--disable-component-update --disable-sync --no-first-run"
)
URL_FORMS = ("prefix", "subdomain")
SETUP_LINK = re.compile(r"/setup/[\w-]+")


@pytest.fixture(scope="package")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Return the port of a server started like `make run`, with the demo catalogue and an empty database."""
    with serve(tmp_path_factory.mktemp("browser")) as port:
        yield port


@contextmanager
def serve(folder: Path, **environment: str) -> Iterator[int]:
    """Run the server with the demo catalogue and additional environment variables; yields its port."""
    settings = {"CATALOG": str(ROOT / "catalog.json"), "RATELIMIT_ENABLED": "false", **environment}
    with serving(folder, **settings) as server:
        wait(server.is_up)
        yield server.port
        assert server.stop() == 0


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Start Chromium for this package only, because Playwright keeps an event loop running."""
    expect.set_options(timeout=TIMEOUT_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(playwright), args=CHROMIUM_ARGUMENTS.split())
        yield browser
        browser.close()


def find_chromium(playwright: Playwright) -> str:
    bundled = playwright.chromium.executable_path
    found = shutil.which("chromium") or shutil.which("google-chrome") or (bundled if Path(bundled).exists() else None)
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


@pytest.fixture
def shop(request: pytest.FixtureRequest, port: int) -> Shop:
    """Aurora Coffee by URL prefix, or in the form of `URL_FORMS` that a test asks for. Whole purchases are tested in
    both, and every page by subdomain in test_announcements.py."""
    return Shop("aurora", port, subdomain=getattr(request, "param", "prefix") == "subdomain")


@pytest.fixture
def aurora(port: int) -> Shop:
    """Aurora Coffee by URL prefix, for tests in which the form of the URL makes no difference."""
    return Shop("aurora", port)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Start a visit to a shop with these browser options. Fails at the end if a visit recorded an unexpected error."""
    visits: list[Visit] = []

    def begin(shop: Shop, width: int = 1280, javascript: bool = True, script: str = "", **options: Any) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": 844},
            java_script_enabled=javascript,
            reduced_motion=options.pop("reduced_motion", "reduce"),
            **options,
        )
        context.set_default_timeout(TIMEOUT_MILLISECONDS)
        visits.append(Visit(shop, context))
        if script:
            context.add_init_script(path=script)
        return visits[-1]

    yield begin
    assert not [fault for visit in visits for fault in visit.close()]


@pytest.fixture(scope="package")
def office_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("office")


@pytest.fixture(scope="package")
def office(office_folder: Path) -> Iterator[Shop]:
    """Aurora with a server and a database of its own, for the tests of the back office."""
    with serve(office_folder) as port:
        yield Shop("aurora", port)


@pytest.fixture(scope="package")
def owner_state(browser: Browser, office: Shop, office_folder: Path) -> Any:
    """The cookies of the shop's owner, who has opened the link that the server's log shows."""
    [link, *_] = SETUP_LINK.findall("".join(log.read_text() for log in office_folder.glob("log-*")))
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://localhost:{office.port}{link}")
    for label, text in {"Name": "Ada", "Email": "ada@aurora.example", "Password": "a long enough password"}.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url(office.at("/admin/"), timeout=TIMEOUT_MILLISECONDS)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def staff(visit: Callable[..., Visit], office: Shop, owner_state: Any) -> Callable[..., Visit]:
    """Begin a visit that is signed in as the owner."""
    return lambda **options: visit(office, storage_state=owner_state, **options)


@pytest.fixture
def call_api(port: int) -> Callable[..., Any]:
    """Call Aurora's JSON API as another client."""

    def call_api(method: str, path: str, payload: dict[str, Any] | None = None) -> Any:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            text = None if payload is None else json.dumps(payload)
            connection.request(method, f"/t/aurora/api/v1{path}", text, {"Content-Type": "application/json"})
            response = connection.getresponse()
            body = json.loads(response.read())
        finally:
            connection.close()
        assert response.status < 300, body
        return body

    return call_api
