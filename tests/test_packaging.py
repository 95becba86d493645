"""What is promised about the package in more than one place says the same everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from openopen8.core.config import Settings

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def lines(name: str) -> list[str]:
    text = (ROOT / name).read_text().splitlines()
    return [line.strip() for line in text if line.strip() and not line.startswith("#")]


def test_requirements_txt_is_what_the_package_requires() -> None:
    assert lines("requirements.txt") == PROJECT["dependencies"]


def test_every_requirement_has_an_upper_bound() -> None:
    for requirement in lines("requirements.txt") + lines("requirements-dev.txt"):
        assert re.search(r"<|==", requirement), requirement


def test_env_example_names_every_setting_and_its_default() -> None:
    shown = dict(line.split("=", 1) for line in lines(".env.example"))
    assert set(shown) == {name.upper() for name in Settings.model_fields}
    empty = {"database_url", "secret_key", "trusted_proxies", "redis_url", "drain_timeout"}
    for name, field in Settings.model_fields.items():
        given = shown[name.upper()]
        expected = "" if name in empty else str(field.default)
        assert given.lower() == expected.lower(), name


def test_the_changelog_has_this_version() -> None:
    from openopen8 import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
