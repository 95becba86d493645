"""Texts of the tokens page."""

TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Tokens", "令牌"),
}
