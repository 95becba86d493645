"""The manual's page about channels says what the catalogue says."""

from __future__ import annotations

from tests.channels_table import PAGE, page


def test_the_page_about_channels_is_as_the_catalogue() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.channels_table"
