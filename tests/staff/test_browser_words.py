"""Sessions on the page of one's own account, by browser and system."""

import pytest
from flask import Flask

from storefront.staff.browser_words import browser_words
from storefront.staff.permissions import Role
from tests.staff.factories import PASSWORD, newcomer

WEBKIT, MAC = "AppleWebKit/605.1.15 (KHTML, like Gecko)", "Macintosh; Intel Mac OS X 10_15_7"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (FIREFOX, "Firefox on Windows"),
        (CHROME, "Chrome on Linux"),
        (CHROME.replace("X11; Linux x86_64", "X11; CrOS x86_64 14541.0.0"), "Chrome on ChromeOS"),
        (CHROME.replace("X11; Linux x86_64", "Linux; Android 10; K"), "Chrome on Android"),
        (f"{CHROME} Edg/140.0.0.0".replace("X11; Linux x86_64", MAC), "Edge on macOS"),
        (f"{CHROME} OPR/120.0.0.0", "Opera on Linux"),
        (f"Mozilla/5.0 ({MAC}) {WEBKIT} Version/18.5 Safari/605.1.15", "Safari on macOS"),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {WEBKIT} CriOS/140.0 Safari/604.1",
            "Chrome on iPhone",
        ),
        ("curl/8.5.0", "curl"),
        ("Python-urllib/3.11 extra", "Python-urllib"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_named_in_words(app: Flask, header: str, said: str) -> None:
    with app.app_context():
        assert browser_words(header) == said


def test_the_account_shows_words_and_has_the_whole_header_as_title(app: Flask) -> None:
    person = newcomer(app, "north", Role.OWNER)
    sent = {"email": person.email, "password": PASSWORD}
    person.client.post("/t/north/admin/sign-in", data=sent, headers={"User-Agent": FIREFOX})
    page = person.get("/admin/account").text
    assert f'title="{FIREFOX}">Firefox on Windows</p>' in page
