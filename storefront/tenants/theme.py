"""A shop's theme: two hues and a chroma, from which the stylesheet derives all colours, and a display font."""

from math import atan2, cbrt, degrees, hypot
from typing import Any

DISPLAY_FONTS = {  # each with a fallback of the same metrics, so that loading the font causes no layout shift
    "fraunces": 'Fraunces,"Fraunces stand-in",Georgia,serif',
    "bricolage": 'Bricolage,"Bricolage stand-in",system-ui,sans-serif',
    "figtree": 'Figtree,"Figtree stand-in",system-ui,sans-serif',
}
DEFAULT_FONT = "figtree"
DEFAULT_HUE_AND_CHROMA = (260.0, 0.09)
MAX_CHROMA = 0.2
SECOND_HUE_OFFSET_DEGREES = 40.0
"""Offset of the second hue if the theme has none."""


def css_variables(theme: dict[str, Any]) -> str:
    """Return the CSS custom properties of a theme. Only numbers and known font names, so the result is safe as CSS."""
    hue, other, chroma = hues_and_chroma(theme)
    return f"--hue:{hue:.5g};--second:{other:.5g};--chroma:{chroma:.4g};--display:{DISPLAY_FONTS[display_font(theme)]}"


def hues_and_chroma(theme: dict[str, Any]) -> tuple[float, float, float]:
    """Return both hues of a theme, in degrees, and its chroma."""
    accent = theme.get("accent")
    hue, chroma = hue_and_chroma(accent) if accent else DEFAULT_HUE_AND_CHROMA
    if theme.get("hue") is not None:
        hue = float(theme["hue"])
    if theme.get("chroma") is not None:
        chroma = float(theme["chroma"])
    second = theme.get("second")
    other = hue_and_chroma(second)[0] if second else (hue + SECOND_HUE_OFFSET_DEGREES) % 360
    return hue, other, min(chroma, MAX_CHROMA)


def display_font(theme: dict[str, Any]) -> str:
    named = theme.get("face")
    return named if named in DISPLAY_FONTS else DEFAULT_FONT


def hue_and_chroma(accent: str) -> tuple[float, float]:
    """Return hue in degrees and chroma of a colour "#rrggbb" in OKLCH.

    Matrices: Björn Ottosson, "A perceptual color space for image processing" (2020).
    """
    r, g, b = (linear(int(accent[i : i + 2], 16) / 255) for i in (1, 3, 5))
    long = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    green_red = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    blue_yellow = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return degrees(atan2(blue_yellow, green_red)) % 360, hypot(green_red, blue_yellow)


def linear(channel: float) -> float:
    """Convert an sRGB channel (0 to 1) to linear light."""
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
