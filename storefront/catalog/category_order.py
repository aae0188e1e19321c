"""The order of categories, as staff sets it."""

from storefront.catalog.queries import get_ordered_categories
from storefront.db.base import db
from storefront.db.transactions import write
from storefront.errors import NotFound
from storefront.events.actions import Change, record_events
from storefront.events.models import EventType
from storefront.i18n.gettext import _
from storefront.state import current_state
from storefront.tenants.models import NOT_ITS_KEY, Tenant
from storefront.tenants.registry import registry
from storefront.tenants.settings import TenantSettings


def move_category(tenant: TenantSettings, name: str, to: int) -> None:
    """Move a category to this place, counted from 0. Raises `NotFound`."""
    shown = [category for category, _ in get_ordered_categories()]
    if name not in shown:
        raise NotFound(_("We couldn't find this category."))
    new = [category for category in shown if category != name]
    new.insert(max(0, to), name)
    if new == shown:
        return
    with write():
        row = db.session.get_one(Tenant, tenant.id, with_for_update=NOT_ITS_KEY)
        row.category_order = new
        changes = {"position": shown.index(name)}, {"position": new.index(name)}
        record_events([Change(EventType.CATEGORY_MOVED, name, {}, *changes)])
    registry().invalidate()
    current_state().category_counts.pop(tenant.id, None)
