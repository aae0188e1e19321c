"""The `flask upsell` commands of the recommender."""

import pytest
from flask import Flask

from storefront.db.tenancy import execute
from storefront.db.tenant_context import tenant_context
from storefront.orders.fulfilment import cancel_order
from storefront.upsell.recommender.queries import SELECT_AFFINITIES
from tests.conftest import Person
from tests.upsell.conftest import train


def flask_upsell(app: Flask, *arguments: str) -> str:
    result = app.test_cli_runner().invoke(args=["upsell", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("command", ["on", "off", "report", "rebuild", "evaluate", "prepare"])
def test_an_unknown_tenant_is_named_in_the_error(app: Flask, command: str) -> None:
    result = app.test_cli_runner().invoke(args=["upsell", command, "--tenant", "west"])
    assert result.exit_code == 1
    assert "'west'" in result.output


def test_rebuild_yields_identical_rows_and_prints_the_order_count(app: Flask, shopper: Person) -> None:
    shopper.checkout(shopper.cart(beans=1, pot=1))
    shopper.checkout(shopper.cart(beans=1, honey=1))
    with app.app_context(), tenant_context("north"):
        cancel_order(shopper.checkout(shopper.cart(beans=1, cup=1)).json["id"])
    train(app)

    def affinities() -> list[tuple[object, ...]]:
        with app.app_context(), tenant_context("north"):
            return sorted(
                tuple(map(str, row)) for row in execute(SELECT_AFFINITIES, {"ids": ["beans", "pot", "honey", "cup"]})
            )

    before = affinities()
    assert flask_upsell(app, "rebuild", "--tenant", "north") == "north: 2 orders learned, from 4 events.\n"
    assert affinities() == before
    assert "south: 0 orders learned" in flask_upsell(app, "rebuild")


def test_report_prints_the_tenant_and_the_period(app: Flask) -> None:
    assert "North (north), the last 90 days" in flask_upsell(app, "report", "--tenant", "north")
