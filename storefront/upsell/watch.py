"""What suggestions make of what happens in the shop: a cart changes, orders come and go, time passes."""

import sys
from collections.abc import Sequence
from functools import partial
from threading import Thread
from typing import Any

import click
from flask import Flask, current_app

from storefront.cart.actions import cart_changed
from storefront.catalog.importer import catalog_loaded
from storefront.catalog.search import ProductQuery, count_products
from storefront.db.tenancy import execute
from storefront.db.tenant_context import current_tenant_id, tenant_context
from storefront.db.timeouts import BULK, TRAINING, timeouts_in_force
from storefront.i18n.locale import shopper_languages
from storefront.orders.actions import orders_changed
from storefront.retention import actions as retention
from storefront.tenants.registry import registry
from storefront.upsell import turns
from storefront.upsell.actions import PAUSE, think_ahead
from storefront.upsell.assistant.actions import assistant
from storefront.upsell.engine.learning import learn
from storefront.upsell.engine.likeness import compare_texts
from storefront.upsell.engine.models import STATE
from storefront.upsell.errands import Errands, errands_of
from storefront.upsell.journal import Journal, write_all
from storefront.upsell.turns import turn_to_think

LEARN_AFTER = 1.0
"""Seconds after an order in which the ones that follow it are learned together with it."""
LOOK_AGAIN_AFTER = 0.3
"""Seconds after which a cart is looked at again whose last question is still open."""
SWEEP_EVERY = 60.0
"""Seconds between two looks for orders that no process has learned, as after a crash."""
STOP_SECONDS = 1.5
"""How long the end of a process waits for jobs and showings, beside calls of the model."""


def init_app(app: Flask) -> None:
    app.extensions["storefront_errands"] = Errands()
    app.extensions["storefront_journal"] = Journal()
    turns.init_app(app)


def start(app: Flask) -> None:
    """Begin to run errands in this process, which serves requests."""
    errands_of(app).start()
    every(app, SWEEP_EVERY, "sweep", sweep)
    every(app, retention.LOOK_EVERY_SECONDS, "retention looks", retention.begin_round)


def stop(app: Flask) -> None:
    """End the errands, hang up, and write down what is under way. Takes three seconds at most, also when the model and
    the database hang."""
    errands_of(app).stop(STOP_SECONDS / 3)
    writing = Thread(target=write_all, args=[app], name="upsell-write", daemon=True)
    writing.start()
    app.extensions["storefront_assistant"].close()
    writing.join(STOP_SECONDS / 3)


def this_app() -> Flask:
    found: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return found


@cart_changed.connect
def ask_about(_sender: Any, cart_id: str) -> None:
    """Have the model asked about this cart a pause after its last change."""
    app = this_app()
    settings = app.extensions["storefront_settings"]
    if settings.upsell_enabled and settings.model_configured and not assistant().model.breaker.open:
        job = partial(think, app, current_tenant_id(), cart_id, shopper_languages())
        errands_of(app).after(PAUSE, cart_id, job)


@orders_changed.connect
def learn_soon(_sender: Any) -> None:
    app, tenant_id = this_app(), current_tenant_id()
    errands_of(app).after(LEARN_AFTER, ("learn", tenant_id), partial(learn_of, app, tenant_id), postpone=False)


@catalog_loaded.connect
def compare(_sender: Any, tenant_ids: Sequence[str]) -> None:
    """Texts are compared when they come in, so that nobody at checkout waits for it."""
    compare_all(tenant_ids)


def compare_all(tenant_ids: Sequence[str]) -> None:
    """Compare the texts of these shops, with a progress bar when somebody is looking at a terminal."""
    shown = sys.stderr.isatty()
    for tenant_id in tenant_ids:
        with tenant_context(tenant_id), timeouts_in_force(BULK):
            many = count_products(ProductQuery())
            label = f"Comparing the texts of {tenant_id}"
            with click.progressbar(length=many, label=label, file=sys.stderr, hidden=not shown) as bar:
                compare_texts(bar.update)


def compare_where_due() -> None:
    """The same for the shops whose texts were never compared, as after an update of the program."""
    for tenant_id in registry().all():
        with tenant_context(tenant_id):
            state = execute(STATE).one_or_none()
        if state is None or not state.texts:
            compare_all([tenant_id])


def think(app: Flask, tenant_id: str, cart_id: str, languages: tuple[str, ...]) -> None:
    if not app.extensions["storefront_assistant"].is_willing:
        return  # not even looked at: it is the same for every cart
    with app.app_context(), tenant_context(tenant_id), turn_to_think():
        tenant = registry().find(tenant_id)
        if tenant and think_ahead(tenant, cart_id, languages):
            errands_of(app).after(LOOK_AGAIN_AFTER, cart_id, partial(think, app, tenant_id, cart_id, languages))


def learn_of(app: Flask, tenant_id: str) -> None:
    """Learn a batch of a tenant's orders; the rest of a long row a little later, so that requests get their turn."""
    with app.app_context(), tenant_context(tenant_id), turn_to_think(), timeouts_in_force(TRAINING):
        more = learn()
    if more:
        errands_of(app).after(0.05, ("learn", tenant_id), partial(learn_of, app, tenant_id))


def sweep(app: Flask) -> None:
    with app.app_context():
        tenants = list(registry().all())
    for tenant_id in tenants:
        errands_of(app).after(0, ("learn", tenant_id), partial(learn_of, app, tenant_id))


def every(app: Flask, seconds: float, name: str, job: Any) -> None:
    """Do the job for the first time in so many seconds, and then again and again."""

    def again() -> None:
        errands_of(app).after(seconds, name, again)
        job(app)

    errands_of(app).after(seconds, name, again)
