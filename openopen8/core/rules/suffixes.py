"""Suffixes of model names that say how much to think: which model is meant? An exact name goes first."""

from __future__ import annotations

import re

from openopen8.core.rules.snapshot import Snapshot

_ENDS = ("-high", "-medium", "-low", "-thinking", "-nothinking")

_SUFFIX = re.compile(r"(?P<model>.+?)-(?P<suffix>high|medium|low|nothinking|thinking(?:-\d{1,7})?)")


def meant(name: str, snapshot: Snapshot) -> str:
    """The model that ``name`` means: without its suffix where the name itself is nobody's, and the rest a model's.

    A name with a price is a model's also while no channel serves it: what the admin priced apart must not be
    sold at another model's price.
    """
    if not (name.endswith(_ENDS) or "-thinking-" in name):
        return name  # nearly all
    if _known(name, snapshot):
        return name
    model, _ = split(name)
    return model if model != name and _known(model, snapshot) else name


def split(name: str) -> tuple[str, str]:
    """Model and suffix; the name and nothing where it has none."""
    match = _SUFFIX.fullmatch(name)
    return (name, "") if match is None else (match["model"], match["suffix"])


def _known(name: str, snapshot: Snapshot) -> bool:
    return name in snapshot.prices or any(name in provider.models for provider in snapshot.providers)
