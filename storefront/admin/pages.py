"""The back office's pages, put together: importing their modules adds their views to the blueprint."""

from storefront.admin import home_pages, order_pages
from storefront.admin.blueprints import pages

__all__ = ["home_pages", "order_pages", "pages"]
