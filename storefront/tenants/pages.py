"""Resolves the tenant of each request, and lists the shops at the root."""

from flask import Blueprint, Response, g, request
from markupsafe import Markup

from storefront.errors import NotFound, TenantNotFound
from storefront.i18n.gettext import _
from storefront.ids import pasted_id
from storefront.tenants.registry import registry
from storefront.tenants.settings import TenantSettings
from storefront.web.environ import TENANT_KEY
from storefront.web.htmx import render_page

pages = Blueprint("tenants", __name__)
BLUEPRINTS_WITHOUT_TENANT = ("observability", "root_files", "static", "i18n", "setup")
"""Blueprints that also serve requests outside of any shop."""


@pages.app_url_value_preprocessor
def clean_pasted_ids(_endpoint: str | None, values: dict[str, object] | None) -> None:
    """Remove invisible characters from ids in URLs, which come along when a link is copied by hand."""
    for name, value in (values or {}).items():
        if name.endswith("_id") and isinstance(value, str) and values:
            values[name] = pasted_id(value)


@pages.before_app_request
def resolve_tenant() -> Response | None:
    """Set the tenant of the request (`g.tenant`). Without a tenant, respond to `/` with the list of shops.

    Raises `TenantNotFound`, or `NotFound` for a page that requires a tenant."""
    tenant_id = request.environ.get(TENANT_KEY)
    g.tenant = None
    if tenant_id is not None:
        tenant = registry().find(tenant_id)
        if tenant is None:
            raise TenantNotFound(_("We couldn't find a shop at this address."))
        g.tenant, g.tenant_id, g.inline_style = tenant, tenant.id, str(tenant.theme_css)
        return None
    if request.path == "/" and request.method in ("GET", "HEAD"):
        return shop_index()
    if request.blueprint not in BLUEPRINTS_WITHOUT_TENANT:
        raise NotFound(_("We couldn't find this page. Each shop has its own address."))
    return None


def shop_index() -> Response:
    shops = list(registry().all().values())
    g.inline_style = "".join(f".shop-{shop.id}{{{shop.css_variables}}}" for shop in shops)
    css = Markup(g.inline_style)  # noqa: S704 - consists of DNS labels, numbers and known font names only
    return render_page("tenants/index.html", shops=[shop_summary(shop) for shop in shops], shops_css=css)


def shop_summary(shop: TenantSettings) -> dict[str, object]:
    hero = shop.hero or {}
    return {
        "name": shop.name,
        "href": f"{request.script_root}/t/{shop.id}/",
        "images": (hero.get("images") or [shop.logo])[:3],
        "text": hero.get("text", ""),
        "face": shop.display_font,
        "css_class": f"shop-{shop.id}",
    }
