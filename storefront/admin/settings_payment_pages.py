"""The settings of payment: the ways to pay, the bank account, and the shop's own Stripe keys."""

from typing import Any, NamedTuple

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.settings_forms import (
    Values,
    fingerprint,
    form_state,
    merged,
    opened_with,
    save_form,
    stored_row,
    text_of,
)
from storefront.catalog.shop_settings import SettingsConflict, change_settings
from storefront.db.tenancy import execute
from storefront.errors import FieldError, Invalid, Refusal
from storefront.i18n.gettext import _
from storefront.orders.payment_choice import DEFAULT_TRANSFER_DAYS
from storefront.orders.payment_models import PaymentMethod
from storefront.payments.provider import KeyRefused, ProviderUnavailable
from storefront.payments.providers import check_stripe_key, return_root
from storefront.payments.settings import (
    MAX_TRANSFER_DAYS,
    SELECT_SETTINGS,
    key_ending,
    keys_of_environment,
    load_settings,
    replace_stripe_keys,
    save_bank_account,
    save_stripe_keys,
)
from storefront.payments.words import METHOD_NAMES
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.tenants.models import Tenant
from storefront.web.htmx import no_store, render_page

PAGE = "admin.payment_settings"
BANK, KEYS = ("bank_account", "transfer_days"), ("stripe_secret_key", "stripe_webhook_secret")
TEST_PREFIXES = ("sk_test_", "rk_test_")
WEBHOOK_EVENTS = (
    *("checkout.session.completed", "checkout.session.expired"),
    *("checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed"),
)


class ShownKeys(NamedTuple):
    """The keys that the shop uses: their last characters, whether they are its own, and whether they can be read."""

    secret: str
    webhook: str
    are_own: bool
    is_usable: bool
    is_test: bool


def method_values(row: Tenant) -> dict[str, str]:
    return {method.value: "true" if method in (row.payment or ()) else "" for method in PaymentMethod}


def payment_row() -> Any:
    """Return the row of the shop's settings of payment, if there is one."""
    return execute(SELECT_SETTINGS).one_or_none()


def bank_values(row: Any) -> dict[str, str]:
    days = (row.transfer_days if row else None) or DEFAULT_TRANSFER_DAYS
    return {"bank_account": (row.bank_account if row else None) or "", "transfer_days": str(days)}


def key_values(row: Any) -> dict[str, str]:
    """Return the encrypted keys, which nobody sees: another one means that somebody changed the key."""
    return {name: (getattr(row, name) if row else None) or "" for name in KEYS}


def shown_keys() -> ShownKeys | None:
    """Return the keys that the shop uses; None if it has none."""
    stored, used, server = key_values(payment_row()), load_settings().stripe, keys_of_environment()
    is_test = used is not None and used.secret_key.startswith(TEST_PREFIXES)
    if stored["stripe_secret_key"]:
        endings = [key_ending(stored[name]) or "" for name in KEYS]
        return ShownKeys(endings[0], endings[1], True, used is not None, is_test)
    return ShownKeys("", "", False, True, is_test) if server else None


def show_payment(refusal: Refusal | None = None, section: str = "") -> Response:
    """Show the page. `refusal` is shown in the section whose form was sent."""
    row, own = stored_row(), payment_row()
    stored: dict[str, Values] = {
        "methods": method_values(row),
        "bank": bank_values(own),
        "stripe": dict.fromkeys(KEYS, ""),
    }
    states = {
        name: form_state(values, typed_values(tuple(values)), refusal if section == name else None)
        for name, values in stored.items()
    }
    return no_store(
        render_page(
            "admin/settings_payment.html",
            http_status=refusal.status if refusal else 200,
            states=states,
            names={method.value: _(METHOD_NAMES[method]) for method in PaymentMethod}
            | {"stripe": _("Pay online, with Stripe")},
            keys=shown_keys(),
            was_keys=fingerprint("".join(key_values(own).values())),
            webhook_url=return_root() + "/payments/stripe",
            webhook_events=WEBHOOK_EVENTS,
        )
    )


def typed_values(names: tuple[str, ...]) -> dict[str, str]:
    return {name: text_of(name) for name in names}


@pages.get("/settings/payment")
@requires(Permission.SETTINGS_WRITE, confirmed=True)
def payment_settings() -> Response:
    return show_payment()


@pages.post("/settings/payment")
@requires(Permission.SETTINGS_WRITE, confirmed=True)
def save_payment_methods() -> Response:
    typed, was = typed_values(tuple(PaymentMethod)), opened_with()

    def change(row: Tenant) -> dict[str, Any]:
        chosen = [name for name, value in merged(method_values(row), typed, was).items() if value == "true"]
        kept = [name for name in row.payment or () if name in chosen]
        return {"payment": kept + [name for name in chosen if name not in kept]}

    return save_form(
        lambda: change_settings(current_tenant().id, "payment", change),
        lambda refusal: show_payment(refusal, "methods"),
        url_for(PAGE, _anchor="methods"),
    )


def check_seen(stored: Values, seen: Values) -> None:
    """Raises `SettingsConflict` if the locked row isn't what a change was made from."""
    if stored != seen:
        raise SettingsConflict({})


@pages.post("/settings/payment/bank")
@requires(Permission.SETTINGS_WRITE, confirmed=True)
def save_bank() -> Response:
    def save() -> None:
        seen = bank_values(payment_row())
        values = merged(seen, typed_values(BANK), opened_with())
        days = values["transfer_days"]
        if not (days.isascii() and days.isdigit() and len(days) <= len(str(MAX_TRANSFER_DAYS))):
            message = _("Enter a number of days from 1 to %(most)s.", most=MAX_TRANSFER_DAYS)
            raise Invalid(FieldError("transfer_days", message))
        save_bank_account(values["bank_account"], int(days), lambda row: check_seen(bank_values(row), seen))

    return save_form(save, lambda refusal: show_payment(refusal, "bank"), url_for(PAGE, _anchor="bank"))


@pages.post("/settings/payment/stripe")
@requires(Permission.SETTINGS_WRITE, confirmed=True)
def save_keys() -> Response:
    """Store the keys that were typed. A field that is left empty keeps its key."""

    def save() -> None:
        stored = key_values(payment_row())
        secret, webhook = (text_of(name) for name in KEYS)
        if webhook and not secret and not stored["stripe_secret_key"]:
            raise Invalid(FieldError("stripe_secret_key", _("Enter the secret key of the same account, too.")))
        merged({"keys": "".join(stored.values())}, {"keys": secret + webhook}, opened_with())
        replace_stripe_keys(secret, webhook, lambda row: check_seen(key_values(row), stored))

    return save_form(save, lambda refusal: show_payment(refusal, "stripe"), url_for(PAGE, _anchor="stripe"))


@pages.post("/settings/payment/stripe/remove")
@requires(Permission.SETTINGS_WRITE, confirmed=True)
def remove_keys() -> Response:
    save_stripe_keys("", "")
    flash(_("The keys have been removed."), "success")
    return redirect(url_for(PAGE, _anchor="stripe"), 303)


@pages.post("/settings/payment/stripe/check")
@requires(Permission.SETTINGS_WRITE, confirmed=True)
def check_key() -> Response:
    """Ask Stripe whether it takes the key, and say so."""
    keys = shown_keys()
    try:
        check_stripe_key()
    except KeyRefused:
        flash(_("Stripe doesn't accept this key. Please copy it again from Stripe's dashboard."), "error")
    except ProviderUnavailable:
        if keys is None or not keys.is_usable:
            flash(_("There is no Stripe key to check."), "error")
        else:
            flash(_("We couldn't reach Stripe. Please try again in a moment."), "error")
    else:
        is_test = keys is not None and keys.is_test
        test = _("Stripe accepts the key. It is a test key: no money moves.")
        flash(
            test if is_test else _("Stripe accepts the key. It is a live key: customers pay with real money."),
            "success",
        )
    return redirect(url_for(PAGE, _anchor="stripe"), 303)
