"""Short expressions that run in the reader's browser. They are compiled, never evaluated from text: the content
security policy forbids eval, so ``rx.call_script`` and its like are not used anywhere.
"""

from __future__ import annotations

import inspect
from typing import Any

import reflex as rx
from reflex_base.event import EventSpec, call_function, server_side
from reflex_base.utils.format import format_queue_events


def run(expression: str) -> EventSpec:
    """An event for a component's trigger that runs ``expression`` (JavaScript) in the browser.

    Write Vars into it as ``f"… {var} …"``: with ``!s`` or ``%`` the page would not know the state that they are of.
    """
    return call_function(rx.Var(f"(() => {{ {expression} }})"))


def ask(expression: str, then: Any) -> EventSpec:
    """Like :func:`run`; what the expression (a value or a promise) results in goes to the handler ``then``."""
    return server_side(
        "_call_function",
        inspect.signature(call_function),
        function=rx.Var(f"(() => ({expression}))"),
        callback=format_queue_events(then, args_spec=lambda result: [result]),
    )
