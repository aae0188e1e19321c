"""The state of an app, shared by its requests and threads. `create_app` builds it.

Every package may read the state, so this module imports none of them: their types are for the type checker only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from flask import Flask, current_app

if TYPE_CHECKING:
    from storefront.admin.suggestion_report import StoredReport
    from storefront.catalog.categories import CategoryCounts
    from storefront.catalog.option_filters import OptionFacets
    from storefront.catalog.spelling import VocabularyCache
    from storefront.config import Settings
    from storefront.db.engine import Engines
    from storefront.events.tailer import EventTailer
    from storefront.mail.worker import MailWorker
    from storefront.observability.readiness import WriteProbe
    from storefront.orders.queries import OrderView
    from storefront.payments.gate import ProviderGate
    from storefront.scheduler import JobScheduler
    from storefront.tenants.registry import Registry
    from storefront.timings import Timings
    from storefront.upsell.impressions import ImpressionBuffer
    from storefront.upsell.llm.service import LlmReranker
    from storefront.upsell.recommender.stats_cache import StatsCache
    from storefront.web.fragment_cache import FragmentCache
    from storefront.web.static_files import StaticFiles

EXTENSION = "storefront"


@dataclass
class AppState:
    """Each member is safe to share between threads."""

    settings: "Settings"
    timings: "Timings"
    engines: "Engines"
    registry: "Registry"
    static_files: "StaticFiles"
    fragments: "FragmentCache"
    category_counts: "dict[str, tuple[float, CategoryCounts]]"
    """By tenant id, each with the `time.monotonic()` of the count."""
    option_facets: "dict[str, tuple[float, OptionFacets]]"
    """Likewise."""
    vocabularies: "VocabularyCache"
    event_tailer: "EventTailer"
    write_probe: "WriteProbe"
    scheduler: "JobScheduler"
    payment_scheduler: "JobScheduler"
    """A thread of its own: a payment provider that hangs must not keep other jobs waiting."""
    payment_gate: "ProviderGate"
    mail_worker: "MailWorker"
    impressions: "ImpressionBuffer"
    llm_reranker: "LlmReranker"
    recommender_stats: "StatsCache"
    recommender_slots: BoundedSemaphore
    suggestion_reports: "dict[str, StoredReport]"
    """The latest computed report of what suggestions earn, by tenant id."""
    was_suggested: Callable[[str | None, str, str], bool]
    """Whether an impression suggested a product to a cart, each given by its id: (impression, cart, product). `cart`
    calls it without importing `upsell`."""
    load_order: "Callable[[str], OrderView]"
    """Returns an order by its id, or raises `NotFound`: `mail` calls it without importing `orders`."""
    bank_account_for: "Callable[[OrderView], str]"
    """Returns the account to which an order's buyer is to transfer the money: `mail` calls it without importing
    `payments`."""


def state_of(app: Flask) -> AppState:
    found: AppState = app.extensions[EXTENSION]
    return found


def this_app() -> Flask:
    """Return the app whose context is active, for a job or a response that outlives the context."""
    found: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return found


def current_state() -> AppState:
    """The state of the app whose context is active."""
    return state_of(current_app)
