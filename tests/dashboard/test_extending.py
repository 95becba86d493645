"""The example of docs/extending.md works as it stands there."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import openopen8.i18n
import openopen8.pages
import openopen8.state
from openopen8.components.layout import frame
from openopen8.pages import PAGES
from openopen8.state.me import Me
from tests.dashboard.conftest import House

GUIDE = Path(__file__).parents[2] / "docs" / "extending.md"
PART = re.compile(r"^## \w+: `openopen8/(\w+)/(\w+)\.py`$.*?^```python\n(.*?)^```$", re.M | re.S)


@pytest.fixture(scope="module")
def guided(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModuleType]:
    """The guide's files as modules of their packages, by package."""
    folder = tmp_path_factory.mktemp("guide")
    found = {}
    for package, name, code in PART.findall(GUIDE.read_text()):
        home = folder / package
        home.mkdir()
        (home / f"{name}.py").write_text(code)
        sys.modules[f"openopen8.{package}"].__path__.append(str(home))
        found[package] = importlib.import_module(f"openopen8.{package}.{name}")
        if package == "i18n":
            openopen8.i18n.add(found[package])
    return found


def test_the_guide_has_a_file_for_texts_state_and_page(guided: dict[str, ModuleType]) -> None:
    assert set(guided) == {"i18n", "state", "pages"}


def test_the_page_is_drawn_in_its_frame_with_a_link(guided: dict[str, ModuleType]) -> None:
    page = guided["pages"].PAGE
    drawn = str(frame(page, (*PAGES, page)).render())
    assert "/greeting" in drawn and "you have " in drawn


async def test_its_handlers_work_for_users_and_for_nobody_else(guided: dict[str, Any], house: House) -> None:
    greeting = guided["state"].Greeting
    house.world.token(house.ann.actor)
    stranger, ann = house.tab(), house.tab(house.ann)
    await stranger.run(greeting.load)
    assert stranger.sent_away() and stranger.shown(greeting, "count") is None
    await ann.run(greeting.again)
    assert ann.shown(greeting, "count") == 1
    assert ann.shown(Me, "notice").text == "Counted at 1."
