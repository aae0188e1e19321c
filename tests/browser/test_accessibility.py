"""axe-core finds nothing on any page, light or dark, on a phone or a desk."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.places import PLACES
from tests.browser.visit import Shop, Visit

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FINDINGS = """async rules => {
    const { violations, passes } = await axe.run({ runOnly: rules })
    const told = ({ id, nodes }) => nodes.map(n => `${id}: ${n.target.join(" ")}: ${n.any[0]?.message ?? n.failureSummary}`)
    return { violations: violations.flatMap(told), passes: passes.length }
}"""


def findings(visit: Visit) -> list[str]:
    found = visit.page.evaluate(FINDINGS, RULES)
    assert found["passes"] > 10, "axe did not look"
    return list(found["violations"])


@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing(visit: Callable[..., Visit], aurora: Shop, place: str) -> None:
    shopper = visit(aurora, width=390, script=str(AXE))
    PLACES[place](shopper)
    found = {}
    for width in (390, 1280):
        shopper.page.set_viewport_size({"width": width, "height": 844})
        for scheme in ("light", "dark"):
            shopper.page.emulate_media(color_scheme=scheme)
            if faults := findings(shopper):
                found[width, scheme] = faults
    assert not found


def test_axe_would_find_something(visit: Callable[..., Visit], aurora: Shop) -> None:
    shopper = visit(aurora, script=str(AXE))
    shopper.go("/cart")
    assert not findings(shopper)
    shopper.page.evaluate("document.querySelector('label[for=search]').remove(), search.removeAttribute('placeholder')")
    assert any(fault.startswith("label: #search") for fault in findings(shopper))
