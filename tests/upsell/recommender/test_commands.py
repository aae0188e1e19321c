"""What operators do about the engine from the command line."""

import pytest
from flask import Flask

from storefront.db.tenancy import execute
from storefront.db.tenant_context import tenant_context
from storefront.orders.fulfilment import cancel_order
from storefront.upsell.recommender.queries import SELECT_AFFINITIES
from tests.conftest import Person
from tests.upsell.conftest import teach


def flask_upsell(app: Flask, *words: str) -> str:
    result = app.test_cli_runner().invoke(args=["upsell", *words])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("command", ["on", "off", "report", "rebuild", "evaluate", "prepare"])
def test_an_unknown_shop_is_named(app: Flask, command: str) -> None:
    result = app.test_cli_runner().invoke(args=["upsell", command, "--tenant", "west"])
    assert result.exit_code == 1
    assert "'west'" in result.output


def test_a_rebuild_comes_to_the_same_and_says_how_much_it_learned(app: Flask, shopper: Person) -> None:
    shopper.checkout(shopper.cart(beans=1, pot=1))
    shopper.checkout(shopper.cart(beans=1, honey=1))
    with app.app_context(), tenant_context("north"):
        cancel_order(shopper.checkout(shopper.cart(beans=1, cup=1)).json["id"])
    teach(app)

    def learned() -> list[tuple[object, ...]]:
        with app.app_context(), tenant_context("north"):
            return sorted(
                tuple(map(str, row)) for row in execute(SELECT_AFFINITIES, {"ids": ["beans", "pot", "honey", "cup"]})
            )

    before = learned()
    assert flask_upsell(app, "rebuild", "--tenant", "north") == "north: 2 orders learned, from 4 events.\n"
    assert learned() == before
    assert "south: 0 orders learned" in flask_upsell(app, "rebuild")


def test_the_report_is_one_of_them(app: Flask) -> None:
    assert "North (north), the last 90 days" in flask_upsell(app, "report", "--tenant", "north")
