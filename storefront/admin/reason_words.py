"""Why a product was suggested, in sentences: from what the recommender stored with the impression."""

from collections.abc import Iterator, Mapping
from typing import Any

from storefront.i18n.formatting import format_integer
from storefront.i18n.gettext import _, ngettext
from storefront.upsell.recommender.reasons import PIN
from storefront.upsell.recommender.scoring import Signal


def reason_sentences(reason: Mapping[str, Any], names: Mapping[str, str], explanation: str) -> list[str]:
    """Return the sentences about a reason. `names` has names of products by id. The shop's words are left out if they
    were shown as the explanation."""
    with_name = names.get(reason.get("with", ""), reason.get("with", ""))
    sentences = [*choice(reason), *signal(reason, with_name)]
    return [text for text in sentences if text != quoted(explanation)]


def quoted(text: str) -> str:
    return f"“{text}”"


def choice(reason: Mapping[str, Any]) -> Iterator[str]:
    """Yield who chose the product, and its place in the ranking."""
    place, score = format_integer(reason.get("place", 0)), str(reason.get("score", ""))
    if reason.get("by_model"):
        yield _("The language model chose it.")
    if "place" in reason and "score" in reason:
        yield _(
            "In the shop's own ranking it was in place %(place)s, with a score of %(score)s.", place=place, score=score
        )


def signal(reason: Mapping[str, Any], with_name: str) -> Iterator[str]:
    """Yield what spoke for the product most."""
    kind, orders = reason.get("signal"), reason.get("orders", 0)
    if kind == PIN:
        yield _("You suggest it first with %(product)s.", product=with_name)
    elif kind == Signal.ORDERS:
        yield ngettext(
            "What counts most: %(num)s order has it together with %(product)s.",
            "What counts most: %(num)s orders have it together with %(product)s.",
            orders,
            product=with_name,
        )
    elif kind == Signal.COMPLEMENT and reason.get("by_shop"):
        yield _("You say that it goes well with %(product)s.", product=with_name)
        if why := reason.get("why"):
            yield quoted(why)
    elif kind == Signal.COMPLEMENT:
        yield _("The model has found that it goes well with %(product)s.", product=with_name)
    elif kind == Signal.SIMILAR_TEXT:
        yield _("What counts most: its texts are similar to those of %(product)s.", product=with_name)
    elif kind == Signal.CATEGORY:
        yield _("What counts most: its category goes with the categories in the cart.")
    elif kind == Signal.POPULARITY:
        yield ngettext(
            "What counts most: it is popular, with %(num)s order so far.",
            "What counts most: it is popular, with %(num)s orders so far.",
            orders,
        )
