"""A form that the browser itself posts (Reflex's own swallows a submit without handler)."""

from __future__ import annotations

import reflex as rx
from reflex.components.el.element import Element


class NativeForm(Element):
    """``<form action=… method="post">``; the answer is a full page load."""

    tag = "form"
    action: rx.Var[str]
    method: rx.Var[str]
