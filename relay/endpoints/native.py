"""Requests in a video vendor's own words, for channels of that vendor: passed but for the model's name."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from openopen8.core.errors import invalid
from relay.endpoints.endpoint import Endpoint, passing, unread, value
from relay.endpoints.film import Film, filmed
from relay.splice import top_level
from relay.tasks import VENDORS
from relay.tasks.vendor import Vendor


def native(name: str, action: str = "") -> Endpoint:
    """The endpoint of one vendor; ``action`` is what its path says."""
    vendor = VENDORS[name]
    format = passing(f"{name}_task", _glance(vendor, action), unread, render_error=vendor.render_error)
    return Endpoint(name, action, format, task=name)


def _glance(vendor: Vendor, action: str) -> Callable[[bytes, str | None, bool | None], Film]:
    def look(body: bytes, path_model: str | None, path_stream: bool | None) -> Film:
        fields = top_level(body)
        seconds = vendor.seconds({name: value(fields, name) for name in fields})
        return filmed(fields, _model(fields, vendor), seconds, None, action)

    return look


def _model(fields: dict[str, msgspec.Raw], vendor: Vendor) -> str:
    found = value(fields, vendor.model_field) or vendor.default_model
    if not isinstance(found, str) or not found:
        raise invalid(f"{vendor.model_field} is missing: name the model.", vendor.model_field)
    return found
