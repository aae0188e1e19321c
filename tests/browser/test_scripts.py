"""The shop's scripts define no globals, and a browser can load each source file as a module."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route

from storefront.web.static_files import STATIC_FOLDER
from tests.browser.page_session import Shop, Visit

SOURCES = STATIC_FOLDER / "js"
MODULES = sorted(path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.js"))
"""Those of the shop and, in the folder `admin`, those of the back office."""
SCRIPT = re.compile(r"/static/js/shop\.[0-9a-f]{12}\.js$")
SOURCE = re.compile(r"/static/js/[\w/]+\.js$")


def global_names(shopper: Visit) -> set[str]:
    """Return all names in the global scope of the product list."""
    shopper.go("/")
    shopper.page.wait_for_load_state("networkidle")
    session = shopper.context.new_cdp_session(shopper.page)
    session.send("Runtime.enable")
    declared = session.send("Runtime.globalLexicalScopeNames")["names"]
    return {*declared, *shopper.page.evaluate("Object.getOwnPropertyNames(window)")}


def test_scripts_define_no_global_names(visit: Callable[..., Visit], aurora: Shop) -> None:
    with_script = global_names(visit(aurora))
    shopper = visit(aurora)
    shopper.page.route(SCRIPT, lambda route: route.fulfill(body="", content_type="text/javascript"))
    without = global_names(shopper)
    assert "htmx" in without
    assert with_script - without == set()
    script = "const ours = 1; function alsoOurs() {}"
    shopper.page.unroute(SCRIPT)
    shopper.page.route(SCRIPT, lambda route: route.fulfill(body=script, content_type="text/javascript"))
    assert global_names(shopper) - without == {"ours", "alsoOurs"}, "globals would be found"


@pytest.mark.parametrize("name", MODULES)
def test_each_source_file_is_a_module(visit: Callable[..., Visit], aurora: Shop, name: str) -> None:
    shopper = visit(aurora)

    def source(route: Route) -> None:
        path = SOURCES / route.request.url.rpartition("/static/js/")[2]
        route.fulfill(body=path.read_text(), content_type="text/javascript")

    shopper.page.route(SOURCE, source)
    shopper.go("/")
    exported = shopper.page.evaluate(f"import('{aurora.at('/static/js/' + name)}').then(Object.keys)")
    declared = re.findall(r"^export (?:function|class|const) (\w+)", (SOURCES / name).read_text(), re.MULTILINE)
    assert sorted(exported) == sorted(declared)
