"""What people read about the conversions is what they do."""

from __future__ import annotations

from formats_page import PAGE, page


def test_the_page_about_formats_is_what_the_converters_do() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make formats`"
