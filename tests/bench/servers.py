"""The servers that a benchmark compares, started on loopback and ended by their own pids."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; client_max_body_size 64m; client_body_buffer_size 1m;
  upstream up {{ server 127.0.0.1:{mock}; keepalive 512; keepalive_requests 10000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=2048; keepalive_requests 10000000;
    location / {{ proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens and which process tree its CPU time is counted over."""

    name: str
    port: int
    pid: int
    token: str = "none"

    def cpu_seconds(self) -> float:
        """User and system time of the whole tree."""
        return sum(_cpu(pid) for pid in _tree(self.pid))

    def memory_mb(self) -> float:
        """Resident memory of the whole tree."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in _tree(self.pid))
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def running(name: str, command: list[str], port: int, env: dict[str, str] | None = None) -> Iterator[Server]:
    """Start ``command``, wait until it listens, end it afterwards."""
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(port, process)
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def mock() -> Iterator[Server]:
    port = free_port()
    with running("mock", [sys.executable, "-m", "tests.bench.mock", str(port)], port) as server:
        yield server


@contextmanager
def nginx(folder: Path, mock_port: int) -> Iterator[Server]:
    """One worker, plain proxy, keep-alive on both sides, no access log."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        raise SystemExit("The benchmark compares with nginx: install it (Debian: apt-get install nginx-light).")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, mock=mock_port, port=port))
    with running("nginx", [program, "-c", str(config)], port) as server:
        yield server


@contextmanager
def openopen8(folder: Path, mock_port: int, workers: int = 1) -> Iterator[Server]:
    """`openopen8 serve` as shipped, with a channel to the mock, prices and one token."""
    env = {"DATA_DIR": str(folder), "DATABASE_URL": "", "PORT": "0", "HOST": "127.0.0.1"}

    def command(*words: str, given: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "openopen8", *words],
            cwd=ROOT,
            env={**os.environ, **env},
            input=given,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    url = f"http://127.0.0.1:{mock_port}/v1"
    command(
        "user",
        "create",
        "bench",
        "--role",
        "root",
        "--balance",
        "9000000000000",
        "--password-stdin",
        given="bench-pass",
    )
    command(
        "channel", "create", "mock", "--type", "openai-compatible", "--base-url", url, "--models", "bench,paced",
        "--key-stdin", given="mock-key",
    )  # fmt: skip
    for model in ("bench", "paced"):
        command("price", "set", model, "--input", "5", "--output", "15")
    token = command("token", "create", "bench", "--user", "bench").split()[-1]
    port = free_port()
    words = [sys.executable, "-m", "openopen8", "serve", "--no-build", "--port", str(port), "--workers", str(workers)]
    with running("openopen8", words, port, env) as server:
        _ready(port)
        yield Server(server.name, port, server.pid, token)


def _ready(port: int) -> None:
    """The supervisor listens at once; its workers take a moment."""
    for _ in range(600):
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not become ready")


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended with {process.returncode}")
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"{process.args!r} does not listen")


def _tree(pid: int) -> list[int]:
    found, rest = [], [pid]
    while rest:
        current = rest.pop()
        found.append(current)
        try:
            children = Path(f"/proc/{current}/task/{current}/children").read_text()
        except OSError:
            continue
        rest += [int(child) for child in children.split()]
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
