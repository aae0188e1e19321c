"""The door of the house: lets a request into its shop, or shows which shops there are."""

from flask import Blueprint, Response, g, request
from markupsafe import Markup

from storefront.errors import NotFound, TenantNotFound
from storefront.htmx import show
from storefront.ids import pasted_id
from storefront.languages.words import _
from storefront.tenants.middleware import TENANT_KEY
from storefront.tenants.models import Tenant
from storefront.tenants.registry import registry

pages = Blueprint("tenants", __name__)
WITHOUT_TENANT = ("operators", "static", "languages")
"""The blueprints that answer at the root, where no shop is."""


@pages.app_url_value_preprocessor
def mend_ids(_endpoint: str | None, values: dict[str, object] | None) -> None:
    """A link that was copied by hand leads where it should, although something unseen came along with its id."""
    for name, value in (values or {}).items():
        if name.endswith("_id") and isinstance(value, str) and values:
            values[name] = pasted_id(value)


@pages.before_app_request
def enter() -> Response | None:
    """Find the tenant for the rest of the request; raises `TenantNotFound`, or `NotFound` for a shop's page without a
    shop. The root itself lists the shops."""
    tenant_id = request.environ.get(TENANT_KEY)
    g.tenant = None
    if tenant_id is not None:
        tenant = registry().find(tenant_id)
        if tenant is None:
            raise TenantNotFound(_("There is no shop at this address."))
        g.tenant, g.tenant_id, g.inline_style = tenant, tenant.id, str(tenant.theme_css)
        return None
    if request.path == "/" and request.method in ("GET", "HEAD"):
        return list_of_shops()
    if request.blueprint not in WITHOUT_TENANT:
        raise NotFound(_("There is nothing at this address. Every shop has an address of its own."))
    return None


def list_of_shops() -> Response:
    shops = list(registry().all().values())
    g.inline_style = "".join(f".shop-{shop.id}{{{shop.look}}}" for shop in shops)
    css = Markup(g.inline_style)  # noqa: S704 - ids that are DNS labels, numbers and known faces only
    return show("tenants/shops.html", shops=[view(shop) for shop in shops], shops_css=css)


def view(shop: Tenant) -> dict[str, object]:
    hero = shop.hero or {}
    return {
        "name": shop.name,
        "href": f"{request.script_root}/t/{shop.id}/",
        "images": (hero.get("images") or [shop.emblem])[:3],
        "text": hero.get("text", ""),
        "face": shop.face,
        "css_class": f"shop-{shop.id}",
    }


def current_tenant() -> Tenant:
    """The shop that this request belongs to; inside a shop's blueprints there always is one."""
    tenant: Tenant = g.tenant
    return tenant


def label(name: str) -> str:
    """What a category or a tag of this shop is called in the shopper's language."""
    return current_tenant().label(name)
