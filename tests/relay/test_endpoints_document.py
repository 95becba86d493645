"""docs/endpoints.md says what is true."""

from __future__ import annotations

import re
from pathlib import Path

from openopen8.core.rules.routing import ENDPOINTS
from relay import routes

TEXT = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text()


def test_every_endpoint_beside_chat_is_named_with_its_ability() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| `POST ")]
    for route in (*routes._FIXED, *(routes.find("POST", f"/v1beta/models/m:{verb}") for verb in routes._CALLS)):
        if route.operation == "call":
            (row,) = [row for row in rows if f"`{route.path}`" in row.replace("POST ", "") or _verb(route.path) in row]
            assert f"| `{route.ability}` |" in row


def _verb(path: str) -> str:
    return f":{path.rpartition(':')[2]}`" if ":" in path else "no verb"


def test_what_is_said_of_a_channel_type_is_what_it_can_do() -> None:
    table = TEXT[TEXT.index("| type | abilities |") :].partition("\n\n")[0]
    for line in table.splitlines()[2:]:
        types, abilities = (re.findall(r"`([a-z_-]+)`", cell) for cell in line.strip("|").split(" | "))
        for name in types:
            assert ENDPOINTS[name] == set(abilities), name
