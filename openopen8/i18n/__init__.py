"""Every text that people read in the dashboard, in English and Chinese.

One module per page, each with ``TEXTS = {"key": ("English", "中文")}``; the full key is ``module.key``.
Components write ``t("tokens.title")`` (components/text.py), states ``text("tokens.saved", self.lang, name=…)``.
``{name}`` marks what is filled in. A new page adds its module to MODULES.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from openopen8.i18n import channels, common, home, login, logs, prices, problems, profile, setup, token, tokens

MODULES: Final[tuple[ModuleType, ...]] = (
    common,
    problems,
    setup,
    login,
    home,
    tokens,
    token,
    logs,
    channels,
    prices,
    profile,
)
LANGUAGES: Final = ("en", "zh")


def gather(modules: tuple[ModuleType, ...]) -> dict[str, tuple[str, str]]:
    """Full key → (English, Chinese) of all ``modules``."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{key}": pair for module in modules for key, pair in module.TEXTS.items()
    }


CATALOGUE: Final = gather(MODULES)


def add(module: ModuleType) -> None:
    """Take the texts of a third party's page in; its keys carry the module's own name."""
    CATALOGUE.update(gather((module,)))


def text(key: str, lang: str, **values: object) -> str:
    """The text behind ``key`` in ``lang`` (English for any other language); an unknown key is a KeyError."""
    english, chinese = CATALOGUE[key]
    return (chinese if lang == "zh" else english).format(**values)
