"""The tenant of the current request."""

from flask import g

from storefront.tenants.settings import TenantSettings


def current_tenant() -> TenantSettings:
    """The shop that this request belongs to; inside a shop's blueprints there always is one."""
    tenant: TenantSettings = g.tenant
    return tenant


def label(name: str) -> str:
    """What a category or a tag of this shop is called in the shopper's language."""
    return current_tenant().label(name)
