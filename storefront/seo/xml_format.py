"""Formatting for sitemaps and feeds: XML escaping, feed ids, sitemap parts. Plain values in, text out."""

import re
from hashlib import sha256
from xml.sax.saxutils import escape

from storefront.i18n.unicode_text import cut

MAX_SITEMAP_URLS = 50_000
"""Maximum URLs per sitemap file (https://www.sitemaps.org/protocol.html)."""
MAX_FEED_ID_LENGTH = 50
"""Characters of an id in a product feed (https://support.google.com/merchants/answer/6324405)."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape_xml(text: str) -> str:
    """Escape text for XML, and remove characters that XML doesn't allow."""
    return escape(_NOT_XML.sub("", text), {'"': "&quot;"})


def feed_id(product_id: str) -> str:
    """Return the product's id, or a unique shortened one if it is too long for feeds."""
    if len(product_id) <= MAX_FEED_ID_LENGTH:
        return product_id
    return f"{product_id[: MAX_FEED_ID_LENGTH - 13]}-{sha256(product_id.encode()).hexdigest()[:12]}"


def sitemap_parts(product_count: int, category_count: int) -> list[str]:
    """Return the names of the sitemap's parts; empty if one file is enough."""
    if product_count + category_count <= MAX_SITEMAP_URLS:
        return []
    return ["shelves", *(str(number) for number in range(1, -(-product_count // MAX_SITEMAP_URLS) + 1))]


def one_line(text: str, max_length: int = 200) -> str:
    """Return the text without line breaks, shortened to about `max_length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= max_length else cut(line, max_length).rsplit(" ", 1)[0] + " …"
