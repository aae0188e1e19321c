"""Storefront: shops for many tenants. `create_app()` is the wiring, readable from top to bottom."""

from threading import BoundedSemaphore

from flask import Flask, g, get_flashed_messages
from werkzeug.middleware.proxy_fix import ProxyFix

from storefront import commands, migration_commands
from storefront.admin import pages as admin_pages
from storefront.cart import api as cart_api
from storefront.cart import pages as cart_pages
from storefront.catalog import api as catalog_api
from storefront.catalog import commands as catalog_commands
from storefront.catalog import pages as catalog_pages
from storefront.catalog import picture_pages, spelling
from storefront.catalog import staff_api as catalog_staff_api
from storefront.catalog.models import LOW_STOCK_THRESHOLD
from storefront.checkout import api as checkout_api
from storefront.checkout import pages as checkout_pages
from storefront.config import ROOT, ConfigError, Settings
from storefront.db import transactions
from storefront.db.engine import Engines
from storefront.documents import pages as documents_pages
from storefront.events import commands as events_commands
from storefront.events import pages as events_pages
from storefront.events.tailer import EventTailer
from storefront.i18n import content, formatting, locale
from storefront.i18n import pages as i18n_pages
from storefront.i18n.negotiation import LANGUAGES
from storefront.i18n.unicode_text import first_character
from storefront.legal import pages as legal_pages
from storefront.mail.worker import MailWorker
from storefront.observability import health as observability_pages
from storefront.observability import logging
from storefront.observability.error_boundary import ErrorBoundary
from storefront.observability.readiness import WriteProbe
from storefront.observability.redaction import keep_secret
from storefront.orders import api as orders_api
from storefront.orders import pages as orders_pages
from storefront.orders import staff_api as orders_staff_api
from storefront.orders.queries import load_order
from storefront.payments import commands as payment_commands
from storefront.payments import order_details as payment_details
from storefront.payments import pages as payment_pages
from storefront.payments import staff_api as payment_staff_api
from storefront.payments import subscribers as payment_subscribers
from storefront.payments import webhook_pages
from storefront.payments.gate import ProviderGate
from storefront.refunds import staff_api as refunds_staff_api
from storefront.refunds import subscribers as refund_subscribers
from storefront.retention import commands as retention_commands
from storefront.scheduler import JobScheduler
from storefront.seeding import commands as seeding_commands
from storefront.seo import pages as seo_pages
from storefront.shipping.address_lines import address_lines
from storefront.staff import access, audit_api
from storefront.staff import commands as staff_commands
from storefront.staff import pages as staff_pages
from storefront.state import EXTENSION, AppState
from storefront.tenant_admin import commands as tenant_commands
from storefront.tenants import context
from storefront.tenants import pages as tenants_pages
from storefront.tenants.middleware import TenantMiddleware
from storefront.tenants.registry import Registry
from storefront.timings import Timings
from storefront.upsell import api as upsell_api
from storefront.upsell import commands as upsell_commands
from storefront.upsell import pages as upsell_pages
from storefront.upsell import subscribers
from storefront.upsell.concurrency import MAX_COMPUTATIONS
from storefront.upsell.experiment import api as experiment_api
from storefront.upsell.impressions import ImpressionBuffer, was_suggested
from storefront.upsell.llm import api as llm_api
from storefront.upsell.llm.service import LlmReranker
from storefront.upsell.recommender.stats_cache import StatsCache
from storefront.web import compression, error_handlers, language_headers, openapi, security, static_files
from storefront.web.body_limit import LimitedRequest
from storefront.web.fragment_cache import FragmentCache
from storefront.withdrawals import pages as withdrawal_pages

__all__ = ["ConfigError", "Settings", "create_app"]


def create_app(settings: Settings | None = None, timings: Timings | None = None) -> Flask:
    """Create the app for a database that `bootstrap.prepare` has prepared. Raises `ConfigError`."""
    settings, timings = settings or settings_of_environment(), timings or Timings()
    keep_secret(settings)
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=None)
    app.request_class = LimitedRequest
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False  # it would redirect to the Host that was sent
    app.ensure_sync = lambda func: func  # type: ignore[method-assign]  # nothing here is async; asking each time costs
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    engines = transactions.init_app(app, settings, timings)
    app.extensions[EXTENSION] = new_state(app, settings, timings, engines)

    logging.init_app(app)
    compression.init_app(app)
    app.register_blueprint(tenants_pages.pages)  # first, because it resolves the tenant
    locale.init_app(app)
    language_headers.init_app(app)
    security.init_app(app, settings)
    error_handlers.init_app(app)
    static_files.init_app(app)
    cart_pages.init_app(app)
    spelling.init_app(app)
    subscribers.init_app()
    payment_subscribers.init_app()
    refund_subscribers.init_app()
    payment_details.init_app(app)
    withdrawal_pages.init_app(app)

    register_blueprints(app)
    access.init_app(app)
    register_template_globals(app)
    seo_pages.init_app(app)
    legal_pages.init_app(app)
    documents_pages.init_app(app)
    wrap_wsgi_app(app, settings)
    return app


def new_state(app: Flask, settings: Settings, timings: Timings, engines: Engines) -> AppState:
    return AppState(
        settings=settings,
        timings=timings,
        engines=engines,
        registry=Registry(settings, timings.tenant_snapshot),
        static_files=static_files.load(),
        fragments=FragmentCache(),
        category_counts={},
        option_facets={},
        vocabularies=spelling.VocabularyCache(),
        event_tailer=EventTailer(app, timings),
        write_probe=WriteProbe(),
        scheduler=JobScheduler(),
        payment_scheduler=JobScheduler("payment-scheduler"),
        payment_gate=ProviderGate(),
        mail_worker=MailWorker(app, settings, JobScheduler("mail-scheduler")),
        impressions=ImpressionBuffer(),
        llm_reranker=LlmReranker(app, settings),
        recommender_stats=StatsCache(),
        recommender_slots=BoundedSemaphore(MAX_COMPUTATIONS),
        suggestion_reports={},
        was_suggested=was_suggested,
        load_order=load_order,
        bank_account_for=payment_details.bank_account_for,
    )


def settings_of_environment() -> Settings:
    """Raises `ConfigError`; under `flask`, exits with its message."""
    try:
        return Settings.from_environ()
    except ConfigError as fault:
        commands.end_flask_command(fault)
        raise


def register_blueprints(app: Flask) -> None:
    """Register the blueprints of pages and JSON API, and the operator's commands."""
    for pages in (
        catalog_pages,
        cart_pages,
        checkout_pages,
        orders_pages,
        payment_pages,
        webhook_pages,
        legal_pages,
        documents_pages,
        withdrawal_pages,
        upsell_pages,
        seo_pages,
        events_pages,
        observability_pages,
        i18n_pages,
        admin_pages,
        picture_pages,
    ):
        app.register_blueprint(pages.pages)
    for api in (
        catalog_api,
        catalog_staff_api,
        cart_api,
        checkout_api,
        orders_api,
        orders_staff_api,
        payment_staff_api,
        refunds_staff_api,
        upsell_api,
        llm_api,
        experiment_api,
        audit_api,
    ):
        app.register_blueprint(api.api)
    app.register_blueprint(seo_pages.root_files)
    app.register_blueprint(staff_pages.pages)
    app.register_blueprint(staff_pages.setup)
    app.register_blueprint(openapi.openapi_blueprint)
    openapi.init_app(app)
    app.cli.add_command(catalog_commands.commands)
    app.cli.add_command(upsell_commands.commands)
    app.cli.add_command(retention_commands.prune_command)
    app.cli.add_command(migration_commands.db_command)
    app.cli.add_command(seeding_commands.seed_command)
    app.cli.add_command(staff_commands.commands)
    app.cli.add_command(events_commands.commands)
    app.cli.add_command(tenant_commands.commands)
    app.cli.add_command(tenant_commands.order_commands)
    app.cli.add_command(payment_commands.commands)


def register_template_globals(app: Flask) -> None:
    """Register the functions and values that all templates may use."""
    app.context_processor(lambda: {"tenant": g.get("tenant")})
    app.jinja_env.globals.update(
        label=context.label,
        is_in_eu=context.is_in_eu,
        lang_attribute=content.lang_attribute,
        flashed_messages=flashed_messages,
        format_money=formatting.format_money,
        format_integer=formatting.format_integer,
        format_percent=formatting.format_percent,
        format_datetime=formatting.format_datetime,
        format_day=formatting.format_day,
        format_short_datetime=formatting.format_short_datetime,
        address_lines=address_lines,
        first_character=first_character,
        languages=LANGUAGES,
        low_stock=LOW_STOCK_THRESHOLD,
        shopper_language=locale.shopper_language,
        shopper_locale=locale.shopper_locale,
    )


def wrap_wsgi_app(app: Flask, settings: Settings) -> None:
    """Wrap the app in the middleware that handles a request before Flask."""
    app.wsgi_app = TenantMiddleware(app.wsgi_app, settings.base_domain)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        # Each proxy appends to X-Forwarded-For; only the last one's scheme and host count.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.wsgi_app = ErrorBoundary(app.wsgi_app)  # type: ignore[method-assign]


def flashed_messages() -> list[tuple[str, str]]:
    """Return the messages that an earlier request flashed for the next page."""
    return get_flashed_messages(with_categories=True) if g.get("tenant") else []  # type: ignore[return-value]
