"""In which shop somebody begins who has just become the owner of all."""

from collections.abc import Sequence

from storefront.outside_json import read_json
from storefront.state import current_state


def first_shop(shop_ids: Sequence[str]) -> str:
    """Return the shop that is first in CATALOG; the first of these if they don't come from there."""
    return next((id for id in shops_in_catalog() if id in shop_ids), shop_ids[0])


def shops_in_catalog() -> list[str]:
    """Return the ids of the shops in the order of the file; none if it can't be read any more."""
    try:
        content = read_json(current_state().settings.catalog.read_bytes())
        return [str(shop["id"]) for shop in content["tenants"]]
    except (OSError, ValueError, LookupError, TypeError):
        return []
