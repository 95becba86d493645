"""The record that a page ends in; see docs/extending.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import reflex as rx


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the dashboard.

    ``title`` is a key of the catalogue, ``icon`` a lucide name. ``group`` is the sidebar's (``""``: not listed).
    ``role`` says who sees the link and gets the frame; what the page's handlers allow is said by the base class
    of its state (Me, UserPage, AdminPage). ``go`` is the letter of its ``g`` shortcut. ``body`` makes the content,
    ``on_load`` runs at every visit. ``wide`` lifts the limit of 1200 px.
    ``undo`` is the handler behind the Undo of the page's notices (``self._say(…, undo=True)``).
    """

    route: str
    title: str
    icon: str
    role: Literal["public", "user", "admin"]
    group: Literal["", "use", "admin"]
    body: Callable[[], rx.Component]
    on_load: tuple[Any, ...] = ()
    wide: bool = False
    go: str = ""
    undo: Any = None
