"""Both languages are complete, and no page says anything that the catalogue does not know."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import openopen8
from openopen8.i18n import CATALOGUE, text

ROOT = Path(openopen8.__file__).parent
DRAWN = sorted([*(ROOT / "pages").glob("*.py"), *(ROOT / "components").glob("*.py")])
SPEAKING = sorted([*DRAWN, *(ROOT / "state").glob("*.py")])
CHINESE = re.compile(r"[\u4e00-\u9fff]")

SAME_IN_BOTH = {"common.product", "tokens.used.of"}
SHOWN = frozenset({"placeholder", "title", "alt", "label", "aria_label", "about"})
"""Properties that people read or hear."""
SIGNS = re.compile(r"[\W\d_]*")
PROPER = {"OpenOpen8", "curl"}


@pytest.mark.parametrize("key", sorted(CATALOGUE))
def test_every_text_stands_in_both_languages_with_the_same_places(key: str) -> None:
    english, chinese = CATALOGUE[key]
    assert english.strip() and chinese.strip()
    assert _places(english) == _places(chinese)
    assert not CHINESE.search(english) or key.startswith("common.language")
    if re.search(r"[a-z]{3}", _without_places(english)) and not english.isascii() | (english == chinese):
        assert english != chinese


@pytest.mark.parametrize("path", SPEAKING, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_key_that_is_asked_for_exists(path: Path) -> None:
    for key in _keys(ast.parse(path.read_text())):
        assert key in CATALOGUE, key


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_component_bypasses_the_catalogue(path: Path) -> None:
    found = [(line, words) for line, words in _spoken(ast.parse(path.read_text())) if _is_language(words)]
    assert not found, f"write these as t(…): {found}"


def test_an_unknown_language_reads_english_and_places_are_filled() -> None:
    assert text("tokens.deleted", "xx", name="a") == "a was deleted."
    assert "a" in text("tokens.deleted", "zh", name="a")


def _keys(tree: ast.AST) -> Iterator[str]:
    """The literal keys of t("…"), text("…", …) and self._say(kind, "…")."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        place = {"t": 0, "text": 0, "_say": 1}.get(name)
        if place is not None and len(node.args) > place:
            argument = node.args[place]
            is_text = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            if is_text and (name != "text" or "." in argument.value):
                yield argument.value


def _spoken(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Literal texts that end on the screen: children of elements, and properties that people read."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not _draws(node.func):
            continue
        for argument in node.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield node.lineno, argument.value
            if isinstance(argument, ast.JoinedStr):
                yield node.lineno, "".join(x.value for x in argument.values if isinstance(x, ast.Constant))
        for keyword in node.keywords:
            value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if keyword.arg in SHOWN and isinstance(value, str):
                yield node.lineno, value


def _draws(function: ast.expr) -> bool:
    """True for rx.el.p(…), rx.button(…) and their like, whose positional texts are drawn."""
    if not isinstance(function, ast.Attribute) or function.attr in ("icon", "Var", "match", "cond", "create", "color"):
        return False
    if function.attr in ("redirect", "toggle_color_mode", "set_focus", "scroll_to", "Cookie", "LocalStorage", "theme"):
        return False
    base = function.value
    while isinstance(base, ast.Attribute):
        base = base.value
    return isinstance(base, ast.Name) and base.id == "rx"


def _is_language(words: str) -> bool:
    bare = words.strip()
    return (
        bool(bare)
        and bare not in PROPER
        and not SIGNS.fullmatch(bare)
        and not bare.startswith(("/", "req_", "sk-", "https://"))
    )


def _places(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def _without_places(template: str) -> str:
    return re.sub(r"{[^}]*}", "", template)
