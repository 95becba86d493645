"""Texts of the token page."""

TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Token", "令牌"),
}
