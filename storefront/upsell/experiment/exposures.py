"""Recording exposures."""

from collections.abc import Mapping, Sequence
from typing import Any

from storefront.db.tenancy import insert_if_absent
from storefront.upsell.experiment.models import UpsellExposure


def insert_exposures(rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down, inside `write()`, that carts' shoppers came to the panel; for each cart the first time counts."""
    insert_if_absent(UpsellExposure, rows)
