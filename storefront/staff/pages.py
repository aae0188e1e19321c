"""Staff's pages, put together: importing their modules adds their views to the blueprints."""

from storefront.staff import account_pages, forgotten_pages, key_pages, link_pages, people_pages, sign_in_pages
from storefront.staff.blueprints import pages, setup

__all__ = [
    "account_pages",
    "forgotten_pages",
    "key_pages",
    "link_pages",
    "pages",
    "people_pages",
    "setup",
    "sign_in_pages",
]
