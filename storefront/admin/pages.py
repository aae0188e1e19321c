"""The back office's pages, put together: importing their modules adds their views to the blueprint."""

from storefront.admin import (
    audit_pages,
    document_pages,
    home_pages,
    impression_pages,
    mail_pages,
    merchandising_pages,
    option_pages,
    order_pages,
    product_list_pages,
    product_pages,
    refund_pages,
    stock_pages,
    upsell_pages,
)
from storefront.admin.blueprints import pages

__all__ = [
    "audit_pages",
    "document_pages",
    "home_pages",
    "impression_pages",
    "mail_pages",
    "merchandising_pages",
    "option_pages",
    "order_pages",
    "pages",
    "product_list_pages",
    "product_pages",
    "refund_pages",
    "stock_pages",
    "upsell_pages",
]
