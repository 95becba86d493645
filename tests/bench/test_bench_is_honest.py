"""Nothing is off in the benchmark: its own servers, load and rows, and each request in the books afterwards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from openopen8.core.config import Settings
from openopen8.core.models import Account, CreditEntry, Hold, Option, User
from openopen8.core.rules import options
from openopen8.core.tools import Tools, open_tools
from tests.bench import cases, servers
from tests.bench.answers import CHUNKS, INPUT, OUTPUT
from tests.bench.cases import Case, all_cases
from tests.bench.load import Figures
from tests.bench.measure import Target
from tests.bench.servers import Gateway
from tests.bench.tenants import INPUT as INPUT_RATIO
from tests.bench.tenants import OUTPUT as OUTPUT_RATIO
from tests.bench.tenants import SECRET, USUAL, model_for
from tests.conftest import EVERYTHING, settings_for
from tests.world import World

REQUESTS = 40
"""Of each row."""
CASES = tuple(case for case in all_cases() if case.usual or EVERYTHING)


@dataclass(frozen=True, slots=True)
class Bench:
    """The benchmark after its run: what the load counted, and the books of the server that has ended."""

    figures: dict[str, Figures]
    settings: dict[str, str]
    """Of the gateway's own settings, those that its worker found in its environment."""
    audit: Any
    world: World


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    root = tmp_path_factory.mktemp("bench")
    with servers.mock() as mock, servers.openopen8(root, mock.port) as ours:
        target = Target(ours, mock)
        figures = {case.name: target.run(case, 30, count=REQUESTS) for case in CASES}
        settings = _settings(ours)
    tools = _tools(root, ours)
    audit = json.loads(servers.command(ours, "audit", "--json").stdout)
    yield Bench(figures, settings, audit, World(tools))
    tools.close()


def _settings(gateway: Gateway) -> dict[str, str]:
    last = servers.tree(gateway.pid)[-1]
    pairs = Path(f"/proc/{last}/environ").read_text().split("\0")
    environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return {name: value for name, value in environment.items() if name.lower() in Settings.model_fields}


def _tools(root: Path, gateway: Gateway) -> Tools:
    return open_tools(settings_for(root / "data", gateway.database, secret_key=SECRET))


def _asked(case: Case) -> list[int]:
    """Ids of the tokens that the load used for a row, in turn from the first."""
    return [1 + number % (case.tokens or USUAL.tokens) for number in range(REQUESTS)]


def test_each_request_was_answered_whole(bench: Bench) -> None:
    assert {name: (found.total, found.faults) for name, found in bench.figures.items()} == {
        case.name: (REQUESTS, {}) for case in CASES
    }


def test_each_request_is_in_the_log_once_under_its_token(bench: Bench) -> None:
    log = bench.world.log()
    assert len(log) == REQUESTS * len(CASES) == len({entry.request_id for entry in log})
    assert Counter(entry.token_id for entry in log) == Counter(id for case in CASES for id in _asked(case))
    assert {(entry.status, entry.error, entry.address) for entry in log} == {(200, "", "127.0.0.1")}


def test_each_request_is_charged_what_it_cost(bench: Bench) -> None:
    for entry in bench.world.log():
        output = CHUNKS if entry.stream else OUTPUT
        assert (entry.input_tokens, entry.output_tokens) == (INPUT, output)
        assert entry.credits == INPUT * INPUT_RATIO + output * OUTPUT_RATIO
        assert entry.receipt


def test_each_row_asks_for_what_it_says(bench: Bench) -> None:
    def told(case: Case) -> tuple[str, str, bool]:
        path = cases.PATHS[case.format][case.stream].partition("?")[0]
        return path, model_for(case.model, case.upstream), case.stream

    asked = Counter((entry.endpoint, entry.model, entry.stream) for entry in bench.world.log())
    assert asked == Counter(told(case) for case in CASES for _ in range(REQUESTS))


def test_the_charges_are_in_the_balances(bench: Bench) -> None:
    charged = sum(entry.credits for entry in bench.world.log())
    given = sum(entry.amount for entry in bench.world.all(CreditEntry))
    assert charged == given - sum(account.balance for account in bench.world.all(Account)) > 0
    assert all(finding["ok"] for finding in bench.audit), bench.audit


def test_no_hold_is_left(bench: Bench) -> None:
    assert bench.world.all(Hold) == []


def test_nothing_is_switched_off(bench: Bench) -> None:
    """Settings of the server are the defaults, options nobody has touched, users log their addresses."""
    places = {"DASHBOARD", "DATA_DIR", "DATABASE_URL", "HOST", "PORT", "WORKERS"}
    assert bench.settings.keys() <= places
    asked = [bench.settings[name] for name in ("HOST", "WORKERS", "DASHBOARD")]
    assert asked == ["127.0.0.1", "1", "True"]
    assert not {option.name for option in bench.world.all(Option)} & {*options.NAMES}
    assert all(user.log_address for user in bench.world.all(User))


def test_every_format_of_the_relay_has_its_rows() -> None:
    assert cases.unknown_formats() == []
