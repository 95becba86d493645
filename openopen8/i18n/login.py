"""Texts of the login page."""

TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Log in", "登录"),
}
