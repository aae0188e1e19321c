"""A browser and its system in words, from the User-Agent header that it sent."""

from storefront.i18n.gettext import _

BROWSERS = (
    *(("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Vivaldi", "Vivaldi")),
    *(("Firefox/", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari")),
)
"""What a header has of a browser, and the browser's name. Those that name others, too, come first."""
SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS")),
    *(("Macintosh", "macOS"), ("Linux", "Linux")),
)


def browser_words(header: str) -> str:
    """Return a name such as "Firefox on Windows"; of another program the first word of its header."""
    browser = next((name for part, name in BROWSERS if part in header), "")
    system = next((name for part, name in SYSTEMS if part in header), "")
    if browser and system:
        # Translators: a browser on a system, such as "Firefox on Windows".
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or header.partition(" ")[0].partition("/")[0] or _("Unknown browser")
