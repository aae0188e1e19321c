"""The providers by themselves: amounts, refunds, keys, and the operator's commands."""

from collections.abc import Callable

import pytest

from storefront.db.tenant_context import tenant_context
from storefront.orders.payment_queries import PaymentView, find_payment
from storefront.payments.provider import PaymentProvider, ProviderRejected, RefundStatus
from storefront.payments.providers import provider_of
from storefront.payments.settings import load_settings
from storefront.payments.stripe_amounts import from_stripe, to_stripe
from tests.payments.conftest import Buyer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("amount", "currency", "stripe"),
    [(1250, "EUR", 1250), (500, "JPY", 500), (500, "ISK", 50_000), (500, "UGX", 50_000), (12_340, "KWD", 12_340)],
)
def test_amounts_are_converted_as_stripe_counts(database_url: str, amount: int, currency: str, stripe: int) -> None:
    assert to_stripe(amount, currency) == stripe
    assert from_stripe(stripe, currency) == amount


def test_amount_that_stripe_would_round_is_refused(database_url: str) -> None:
    with pytest.raises(ValueError, match="KWD"):
        to_stripe(12_345, "KWD")


def paid(ada: Buyer) -> str:
    order_id = ada.order()["id"]
    ada.pay(order_id)
    ada.come_back(order_id)
    return order_id


def test_refund_is_paid_once_for_each_key_and_never_more_than_was_paid(ada: Buyer) -> None:
    order_id = paid(ada)
    with ada.app.app_context(), tenant_context("till"):
        payment, provider = find_payment(order_id), provider_of("stripe")
        refunds = [provider.refund(payment, 1000, key) for key in ("a", "a", "b")]
        assert [one.status for one in refunds] == [RefundStatus.SUCCEEDED] * 3
        assert refunds[0].id == refunds[1].id != refunds[2].id
        with pytest.raises(ProviderRejected, match="amount_too_large"):
            provider.refund(payment, 501, "c")
        provider.refund(payment, 500, "d")
        with pytest.raises(ProviderRejected, match="charge_already_refunded"):
            provider.refund(payment, 1, "e")
    assert ada.server.account.money == 0


@pytest.mark.parametrize("method", ["bank_transfer", "on_delivery"])
def test_staff_pay_refunds_of_other_methods_themselves(ada: Buyer, method: str) -> None:
    order_id = ada.order(method)["id"]
    with ada.app.app_context(), tenant_context("till"):
        payment: PaymentView = find_payment(order_id)
        provider: PaymentProvider = provider_of(method)
        assert provider.start(payment, None) is None
        assert provider.refund(payment, 100, "a").id is None


def test_commands_store_check_and_remove_keys(ada: Buyer) -> None:
    run = ada.app.test_cli_runner().invoke

    def payments(*args: str, **more: str):
        return run(args=["payments", *args], **more)

    assert payments("check", "--tenant", "till").output == "Stripe takes the key.\n"
    wrong = payments("stripe", "--tenant", "till", input="pk_live_1\n\n")
    assert wrong.exit_code == 1
    assert "begins with sk_" in wrong.output
    stored = payments("stripe", "--tenant", "till", input="sk_test_other\nwhsec_other\n")
    assert stored.exit_code == 0
    assert "sk_test_other" not in stored.output
    assert payments("check", "--tenant", "till").output == "Error: the key is refused.\n"
    assert payments("stripe", "--tenant", "till", "--remove").exit_code == 0
    assert payments("check", "--tenant", "till").exit_code == 0
    assert payments("bank", "--tenant", "till", "--account", "Till Ltd\\nIE29", "--days", "7").exit_code == 0
    with ada.app.app_context(), tenant_context("till"):
        settings = load_settings()
        assert (settings.bank_account, settings.transfer_days) == ("Till Ltd\nIE29", 7)
    assert payments("bank", "--tenant", "till", "--account", "x", "--days", "0").exit_code == 1
    assert payments("check", "--tenant", "nosuch").exit_code == 1


def test_keys_that_cannot_be_read_any_more_are_not_replaced_by_others(
    ada: Buyer, make_app: Callable[..., object]
) -> None:
    ada.app.test_cli_runner().invoke(args=["payments", "stripe", "--tenant", "till"], input="sk_test_own\n\n")
    other = make_app(SECRET_KEY="another secret key of the required length", **ada.server.environment)
    with other.app_context(), tenant_context("till"):  # type: ignore[attr-defined]
        assert load_settings().stripe is None
