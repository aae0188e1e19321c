"""The shop's colours as "#rrggbb", because mail programs and PDF know no others. The same values as in
static/css/tokens.css.

Matrices: Björn Ottosson, "A perceptual color space for image processing" (2020)."""

from functools import lru_cache
from math import cos, radians, sin
from typing import Any, NamedTuple

from storefront.tenants.theme import hues_and_chroma


class Colours(NamedTuple):
    paper: str
    card: str
    ink: str
    soft: str
    line: str
    accent: str
    on_accent: str


def light_colours(theme: dict[str, Any]) -> Colours:
    hue, _other, chroma = hues_and_chroma(theme)
    return Colours(
        paper=hex_of(0.986, 0.006, hue),
        card="#ffffff",
        ink=hex_of(0.24, 0.02, hue),
        soft=hex_of(0.46, 0.022, hue),
        line=hex_of(0.9, 0.012, hue),
        accent=hex_of(0.43, chroma, hue),
        on_accent="#ffffff",
    )


def dark_colours(theme: dict[str, Any]) -> Colours:
    hue, _other, chroma = hues_and_chroma(theme)
    return Colours(
        paper=hex_of(0.18, 0.012, hue),
        card=hex_of(0.225, 0.014, hue),
        ink=hex_of(0.95, 0.008, hue),
        soft=hex_of(0.77, 0.018, hue),
        line=hex_of(0.34, 0.016, hue),
        accent=hex_of(0.82, chroma * 0.9, hue),
        on_accent=hex_of(0.2, 0.03, hue),
    )


@lru_cache(maxsize=1024)
def hex_of(lightness: float, chroma: float, hue: float) -> str:
    """Return a colour of OKLCH (lightness 0 to 1, hue in degrees) in sRGB. What sRGB doesn't have loses chroma."""
    while (found := srgb(lightness, chroma, hue)) is None:
        chroma *= 0.95
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in found)


def srgb(lightness: float, chroma: float, hue: float) -> tuple[float, float, float] | None:
    """Return the channels from 0 to 1; None for a colour that sRGB doesn't have."""
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    if any(not -0.0005 <= channel <= 1.0005 for channel in (red, green, blue)):
        return None
    return gamma(red), gamma(green), gamma(blue)


def gamma(channel: float) -> float:
    channel = min(max(channel, 0.0), 1.0)
    return 12.92 * channel if channel <= 0.0031308 else float(1.055 * channel ** (1 / 2.4) - 0.055)
