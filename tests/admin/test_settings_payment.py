"""The settings of payment: ways to pay, bank account and the shop's own Stripe keys."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from storefront.clock import now
from storefront.db.tenant_context import tenant_context
from storefront.payments.provider import KeyRefused, ProviderUnavailable
from storefront.payments.settings import ShopPaymentSettings, load_settings
from storefront.staff.permissions import Role
from storefront.tenants.registry import registry
from tests.admin.settings_forms import events_of, opened, texts
from tests.staff.factories import Staff, signed_in

PAGE = "/admin/settings/payment"
SECRET, WEBHOOK = "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "whsec_0123456789abcdef"


@pytest.fixture
def owner(app: Flask) -> Staff:
    return signed_in(app, "north", Role.OWNER)


def stored(app: Flask) -> ShopPaymentSettings:
    with app.app_context(), tenant_context("north"):
        return load_settings()


def methods(app: Flask) -> tuple[str, ...]:
    with app.app_context():
        found = registry().find("north")
    assert found is not None
    return found.payment


def store_keys(owner: Staff, secret: str = SECRET, webhook: str = WEBHOOK) -> int:
    sent = opened(owner, PAGE, "keys") | {"stripe_secret_key": secret, "stripe_webhook_secret": webhook}
    return owner.post(f"{PAGE}/stripe", sent).status_code


def test_ways_to_pay_are_chosen_and_keep_their_order(app: Flask, owner: Staff) -> None:
    assert owner.post(PAGE, opened(owner, PAGE, "methods") | {"bank_transfer": "true"}).status_code == 303
    assert methods(app) == ("bank_transfer",)
    page = owner.get(PAGE).text
    assert "Customers don't see where to transfer to until you enter your bank account." in page
    owner.post(PAGE, opened(owner, PAGE, "methods") | {"on_delivery": "true"})
    assert methods(app) == ("bank_transfer", "on_delivery")
    event = events_of(app)[-1]
    assert (event.before, event.after) == (
        {"payment": ["bank_transfer"]},
        {"payment": ["bank_transfer", "on_delivery"]},
    )


def test_a_way_to_pay_that_somebody_else_switched_is_compared(app: Flask, owner: Staff) -> None:
    mine = opened(owner, PAGE, "methods") | {"on_delivery": "true"}
    owner.post(PAGE, mine)
    off = opened(owner, PAGE, "methods")
    del off["on_delivery"]
    other = {name: value for name, value in mine.items() if name != "on_delivery"} | {"bank_transfer": "true"}
    assert owner.post(PAGE, other).status_code == 303, "another field"
    assert methods(app) == ("on_delivery", "bank_transfer")
    assert owner.post(PAGE, off).status_code == 303
    assert methods(app) == ("bank_transfer",)


def test_the_bank_account_is_stored(app: Flask, owner: Staff) -> None:
    sent = {"bank_account": "North Ltd\r\nIE29 AIBK", "transfer_days": "7"}
    assert owner.post(f"{PAGE}/bank", opened(owner, PAGE, "bank") | sent).status_code == 303
    assert (stored(app).bank_account, stored(app).transfer_days) == ("North Ltd\nIE29 AIBK", 7)
    assert events_of(app)[-1].after == {"bank_account": "North Ltd\nIE29 AIBK", "transfer_days": 7}
    for days in ("0", "91", "soon", "²"):
        answer = owner.post(f"{PAGE}/bank", opened(owner, PAGE, "bank") | {"transfer_days": days})
        assert answer.status_code == 422
        assert texts(answer.text, "transfer_days_error") == ["Enter a number of days from 1 to 90."]
    assert stored(app).transfer_days == 7


def test_a_key_is_never_shown_again(app: Flask, owner: Staff) -> None:
    assert store_keys(owner) == 303
    keys = stored(app).stripe
    assert keys is not None
    assert (keys.secret_key, keys.webhook_secret) == (SECRET, WEBHOOK)
    page = owner.get(PAGE).text
    assert SECRET not in page
    assert WEBHOOK not in page
    assert "…p7dc" in page
    assert "<dd>Test</dd>" in page
    event = events_of(app)[-1]
    assert event.after == {"stripe_secret_key": "…p7dc", "stripe_webhook_secret": "…cdef"}
    assert SECRET not in owner.get("/admin/audit").text


def test_an_empty_field_keeps_its_key(app: Flask, owner: Staff) -> None:
    store_keys(owner)
    assert store_keys(owner, "sk_live_another", "") == 303
    keys = stored(app).stripe
    assert keys is not None
    assert (keys.secret_key, keys.webhook_secret) == ("sk_live_another", WEBHOOK)
    assert "<dd>Live</dd>" in owner.get(PAGE).text


def test_a_text_that_is_no_key_is_refused_and_not_repeated(app: Flask, owner: Staff) -> None:
    sent = {"stripe_secret_key": "pk_test_public", "stripe_webhook_secret": "secret"}
    answer = owner.post(f"{PAGE}/stripe", opened(owner, PAGE, "keys") | sent)
    assert answer.status_code == 422
    assert texts(answer.text, "stripe_secret_key_error") == ["A secret key begins with sk_ or rk_."]
    assert texts(answer.text, "stripe_webhook_secret_error") == ["A webhook's signing secret begins with whsec_."]
    assert "pk_test_public" not in answer.text
    assert stored(app).stripe is None
    assert store_keys(owner, "", WEBHOOK) == 422, "a webhook's secret without a key"


@pytest.mark.parametrize("odd", ["\u2026", "\u200b", "é", " ", "\x01", "\n", "x" * 255])
def test_a_key_that_can_not_be_sent_is_refused(app: Flask, owner: Staff, odd: str) -> None:
    sent = {"stripe_secret_key": f" sk_test_1{odd}2 ", "stripe_webhook_secret": f"whsec_1{odd}2"}
    answer = owner.post(f"{PAGE}/stripe", opened(owner, PAGE, "keys") | sent)
    assert answer.status_code == 422
    for field in sent:
        assert "doesn't look like a complete Stripe key" in texts(answer.text, f"{field}_error")[0]
    assert stored(app).stripe is None


def test_keys_that_somebody_else_stored_meanwhile_are_not_overwritten(app: Flask, owner: Staff) -> None:
    mine = opened(owner, PAGE, "keys") | {"stripe_secret_key": "sk_test_mine"}
    store_keys(owner)
    answer = owner.post(f"{PAGE}/stripe", mine)
    assert answer.status_code == 409
    assert "Somebody else changed these settings" in answer.text
    keys = stored(app).stripe
    assert keys is not None
    assert keys.secret_key == SECRET


def test_keys_are_removed(app: Flask, owner: Staff) -> None:
    store_keys(owner)
    assert owner.post(f"{PAGE}/stripe/remove").status_code == 303
    assert stored(app).stripe is None
    assert "There is no key yet." in owner.get(PAGE).text


@pytest.mark.parametrize(
    ("key", "fault", "sentence"),
    [
        (SECRET, None, "Stripe accepts the key. It is a test key: no money moves."),
        ("rk_live_x", None, "Stripe accepts the key. It is a live key: customers pay with real money."),
        (
            SECRET,
            KeyRefused("refused"),
            "Stripe doesn't accept this key. Please copy it again from Stripe's dashboard.",
        ),
        (SECRET, ProviderUnavailable("down"), "We couldn't reach Stripe. Please try again in a moment."),
    ],
)
def test_checking_the_key_says_in_a_sentence_whether_it_works(
    owner: Staff, monkeypatch: pytest.MonkeyPatch, key: str, fault: Exception | None, sentence: str
) -> None:
    def check() -> None:
        if fault:
            raise fault

    monkeypatch.setattr("storefront.admin.settings_payment_pages.check_stripe_key", check)
    store_keys(owner, key)
    assert owner.post(f"{PAGE}/stripe/check").status_code == 303
    assert sentence in owner.get(PAGE).text.replace("&#39;", "'")


def test_without_a_key_there_is_none_to_check(owner: Staff) -> None:
    owner.post(f"{PAGE}/stripe/check")
    assert "There is no Stripe key to check." in owner.get(PAGE).text


def test_payment_settings_need_the_password_again(owner: Staff) -> None:
    with time_machine.travel(now() + timedelta(minutes=31), tick=False):
        assert "/admin/confirm" in owner.get(PAGE).headers["Location"]
        for path in ("", "/bank", "/stripe", "/stripe/remove", "/stripe/check"):
            assert "/admin/confirm" in owner.post(PAGE + path).headers["Location"], path
        assert owner.get("/admin/settings/shop").status_code == 200


def test_a_bank_account_that_somebody_else_changed_is_compared(app: Flask, owner: Staff) -> None:
    mine = opened(owner, PAGE, "bank") | {"bank_account": "Mine"}
    owner.post(f"{PAGE}/bank", opened(owner, PAGE, "bank") | {"bank_account": "Theirs"})
    answer = owner.post(f"{PAGE}/bank", mine)
    assert answer.status_code == 409
    assert "Meanwhile somebody else changed this to “Theirs”." in answer.text
    assert stored(app).bank_account == "Theirs"
    owner.post(f"{PAGE}/bank", opened(owner, PAGE, "bank", answer.text))
    assert stored(app).bank_account == "Mine"
