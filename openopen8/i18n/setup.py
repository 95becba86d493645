"""Texts of the setup page."""

TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Create your account", "创建账户"),
}
