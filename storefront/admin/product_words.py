"""What the back office calls the statuses of products and variants, and reasons for a change of stock."""

from storefront.catalog.models import ProductStatus, VariantStatus
from storefront.i18n.gettext import N_

STATUS_NAMES: dict[str, str] = {
    ProductStatus.ACTIVE.value: N_("On sale"),
    ProductStatus.DRAFT.value: N_("Draft"),
    ProductStatus.ARCHIVED.value: N_("Archived"),
}
STATUS_SHAPES = {"active": "done", "draft": "new", "archived": "off"}
VARIANT_STATUS_NAMES: dict[str, str] = {
    VariantStatus.ACTIVE.value: N_("On sale"),
    VariantStatus.ARCHIVED.value: N_("Archived"),
}
STOCK_REASONS = (N_("Delivery"), N_("Counted"), N_("Damaged"), N_("Returned"), N_("Own use"))
"""Suggested for the reason of a change of stock; any other may be typed."""
