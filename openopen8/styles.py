"""Design tokens: the theme that Radix derives its colours from. Rules that need a selector are in assets/*.css."""

from __future__ import annotations

from typing import Final

import reflex as rx

THEME: Final = rx.theme(accent_color="indigo", gray_color="slate", radius="medium", scaling="95%")
STYLESHEETS: Final = ("/openopen8.css", "/panels.css")
