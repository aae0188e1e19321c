"""What sitemaps and feeds want to be written like: plain values in, text out."""

import re
from hashlib import sha256
from xml.sax.saxutils import escape

from storefront.i18n.unicode_text import cut

MAX_SITEMAP_URLS = 50_000
"""In one sitemap (https://www.sitemaps.org/protocol.html)."""
MAX_FEED_ID_LENGTH = 50
"""Characters of an id in a product feed (https://support.google.com/merchants/answer/6324405)."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape_xml(text: str) -> str:
    """The text as XML's content, without the signs that XML can't say."""
    return escape(_NOT_XML.sub("", text), {'"': "&quot;"})


def feed_id(product_id: str) -> str:
    """The product's id, or one of its own that is short enough."""
    if len(product_id) <= MAX_FEED_ID_LENGTH:
        return product_id
    return f"{product_id[: MAX_FEED_ID_LENGTH - 13]}-{sha256(product_id.encode()).hexdigest()[:12]}"


def sitemap_parts(products: int, shelves: int) -> list[str]:
    """The names of the parts of a sitemap with so many products and shelves; none when it needs no parts."""
    if products + shelves <= MAX_SITEMAP_URLS:
        return []
    return ["shelves", *(str(number) for number in range(1, -(-products // MAX_SITEMAP_URLS) + 1))]


def one_line(text: str, most: int = 200) -> str:
    """The text without line breaks, and without its end when it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else cut(line, most).rsplit(" ", 1)[0] + " …"
