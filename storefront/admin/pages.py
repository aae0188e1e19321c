"""The back office's pages, put together: importing their modules adds their views to the blueprint."""

from storefront.admin import (
    audit_pages,
    home_pages,
    impression_pages,
    mail_pages,
    merchandising_pages,
    option_pages,
    order_pages,
    product_list_pages,
    product_pages,
    settings_pages,
    settings_payment_pages,
    settings_promotion_pages,
    settings_shipping_pages,
    settings_shop_pages,
    settings_tax_pages,
    stock_pages,
    upsell_pages,
)
from storefront.admin.blueprints import pages

__all__ = [
    "audit_pages",
    "home_pages",
    "impression_pages",
    "mail_pages",
    "merchandising_pages",
    "option_pages",
    "order_pages",
    "pages",
    "product_list_pages",
    "product_pages",
    "settings_pages",
    "settings_payment_pages",
    "settings_promotion_pages",
    "settings_shipping_pages",
    "settings_shop_pages",
    "settings_tax_pages",
    "stock_pages",
    "upsell_pages",
]
