"""Other gateways on the same mock, each in a virtual environment of its own: LiteLLM's proxy."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.bench import servers
from tests.bench.cases import Case, all_cases
from tests.bench.load import Figures, run_load
from tests.bench.measure import Series, Target
from tests.bench.report import Part
from tests.bench.servers import ROOT, Server
from tests.bench.tenants import MODELS

PLACE = ROOT / ".bench" / "litellm"
KEY = "sk-bench-master-key"
ROWS = ("unary-32", "unary-256", "stream-fast")
HEAD = (
    "| row | OpenOpen8 ÷ LiteLLM req/s | LiteLLM req/s | ours req/s | LiteLLM µs | ours µs | × LiteLLM CPU "
    "| LiteLLM p50 / p99 ms | ours p50 / p99 ms | failed |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


def install() -> str:
    """LiteLLM's proxy from PyPI; its version."""
    python = PLACE / "bin" / "python"
    if not (PLACE / "bin" / "litellm").exists():
        print("Installing LiteLLM's proxy into .bench/litellm (some minutes the first time)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(PLACE)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "litellm[proxy]"], check=True)
    told = "from importlib.metadata import version; print(version('litellm'))"
    return subprocess.run([str(python), "-c", told], capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def litellm(folder: Path, mock_port: int) -> Iterator[Server]:
    """One worker, its master key checked, no database, nothing else switched on or off."""
    folder.mkdir(parents=True, exist_ok=True)
    base = {"api_base": f"http://127.0.0.1:{mock_port}/v1", "api_key": "mock-key"}
    models = [{"model_name": name, "litellm_params": {"model": f"openai/{name}", **base}} for name in MODELS]
    config = folder / "config.yaml"  # JSON is YAML
    config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": KEY}}))
    port = servers.free_port()
    program = [str(PLACE / "bin" / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    env = {"LITELLM_TELEMETRY": "False", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    with servers.running("litellm", [*program, "--num_workers", "1"], port, env) as server:
        _must_refuse(server, all_cases()[0])
        yield server


def run(root: Path, seconds: float, count: int) -> Part:
    """LiteLLM beside ours, row by row."""
    version = install()
    cases = [case for case in all_cases() if case.name in ROWS]
    lines, raw, key = [f"LiteLLM {version}.", "", *HEAD], [], {}
    with (
        servers.mock() as mock,
        litellm(root / "litellm", mock.port) as theirs,
        servers.openopen8(root / "openopen8", mock.port) as ours,
    ):
        print("\n".join(lines), flush=True)
        for case in cases:
            found: tuple[list[Figures], list[Figures]] = ([], [])
            for _ in range(count):
                found[0].append(_ask(theirs, case, max(seconds, 3)))
                found[1].append(Target(ours, mock).run(case, seconds))
            pair = Series(tuple(found[0])), Series(tuple(found[1]))
            lines.append(_line(case, *pair))
            key[case.name] = f"{pair[1].rate / max(pair[0].rate, 1e-9):.0f}"
            raw.append({"name": case.name, "litellm": pair[0].raw(), "ours": pair[1].raw(), "version": version})
            print(lines[-1], flush=True)
        memory = f"Memory afterwards: LiteLLM {theirs.memory_mb():.0f} MB, ours {ours.memory_mb():.0f} MB."
    print(memory)
    return Part("peers", (*lines, "", memory), raw, key=key)


def _ask(server: Server, case: Case, seconds: float) -> Figures:
    load = case.load(server.port, (KEY,), seconds)
    return run_load(replace(load, warm_up=1.0), {"server": server.cpu_seconds})


def _must_refuse(server: Server, case: Case) -> None:
    """Keys are checked: another one than its own gets no answer."""
    figures = run_load(case.load(server.port, (KEY + "-another",), 60, count=1))
    if figures.total:
        raise SystemExit(f"{server.name} answers without a key")


def _line(case: Case, theirs: Series, ours: Series) -> str:
    def times(series: Series) -> str:
        return f"{series.middle(lambda f: f.p50):.1f} / {series.middle(lambda f: f.p99):.1f}"

    return (
        f"| {case.name} | **{ours.rate / max(theirs.rate, 1e-9):.0f}** | {theirs.rate:,.0f} | {ours.rate:,.0f} "
        f"| {theirs.cpu:,.0f} | {ours.cpu:,.0f} | {ours.cpu / max(theirs.cpu, 1e-9):.3f} "
        f"| {times(theirs)} | {times(ours)} | {theirs.failures + ours.failures} |"
    )
