"""Text has enough contrast with any theme hue and chroma."""

from collections.abc import Callable

import pytest

from storefront.tenants.theme import MAX_CHROMA
from tests.browser.page_session import Shop, Visit

TEXT, EDGE = 4.5, 3.0
"""The contrast ratios of WCAG 2.2 for text, and for the edges of fields."""
BACKGROUNDS = {
    "paper": ["ink", "soft", "accent", "warn", "good", "bad"],
    "card": ["ink", "soft", "accent", "warn", "good", "bad"],
    "tile": ["ink", "soft", "accent", "warn", "good"],
    "glow": ["ink", "soft", "accent"],
    "other": ["ink", "accent"],
    "plain": ["ink", "accent"],
    "accent": ["on-accent"],
    "pressed": ["on-accent"],
    "ink": ["paper"],
    "bad": ["paper"],
}
PAIRS = [(color, background, TEXT) for background, colors in BACKGROUNDS.items() for color in colors] + [
    ("edge", "paper", EDGE),
    ("edge", "card", EDGE),
]
WORST = """({ pairs, chromas, hues }) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true })
    const root = document.documentElement, probe = document.body.appendChild(document.createElement("p"))
    const computed = getComputedStyle(probe)
    const part = byte => byte / 255 <= .03928 ? byte / 255 / 12.92 : ((byte / 255 + .055) / 1.055) ** 2.4
    const luminance = name => {
        probe.style.color = `var(--${name})`
        canvas.fillStyle = computed.color
        canvas.fillRect(0, 0, 1, 1)
        const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data
        return .2126 * part(red) + .7152 * part(green) + .0722 * part(blue)
    }
    const names = [...new Set(pairs.flatMap(([color, background]) => [color, background]))]
    const worst = {}
    for (const hue of hues) for (const chroma of chromas) {
        root.style.setProperty("--hue", hue)
        root.style.setProperty("--second", (hue + 150) % 360)
        root.style.setProperty("--chroma", chroma)
        const light = Object.fromEntries(names.map(name => [name, luminance(name)]))
        for (const [color, background] of pairs) {
            const [low, high] = [light[color], light[background]].sort((a, b) => a - b)
            const ratio = (high + .05) / (low + .05), key = `${color} ${background}`
            if (!(worst[key]?.[0] < ratio)) worst[key] = [ratio, hue, chroma]
        }
    }
    return worst
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_with_every_hue(visit: Callable[..., Visit], aurora: Shop, scheme: str) -> None:
    shopper = visit(aurora, color_scheme=scheme)
    shopper.go("/cart")
    chromas = [0, 0.03, 0.07, 0.11, 0.16, MAX_CHROMA]
    arguments = {"pairs": PAIRS, "chromas": chromas, "hues": list(range(0, 360, 5))}
    worst = shopper.page.evaluate(WORST, arguments)
    assert len(worst) == len(PAIRS)
    assert max(ratio for ratio, _, _ in worst.values()) < 21.1
    too_low = {
        f"{color} on {background}": worst[f"{color} {background}"]
        for color, background, minimum in PAIRS
        if worst[f"{color} {background}"][0] < minimum
    }
    assert not too_low, "pairs with too little contrast: ratio, hue, chroma"
