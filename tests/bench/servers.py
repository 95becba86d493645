"""The servers that a benchmark compares, started on loopback and ended by their own pids."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench import tenants
from tests.bench.tenants import Tenants
from tests.server import processes

ROOT = Path(__file__).resolve().parents[2]
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 16384; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; client_max_body_size 64m; client_body_buffer_size 1m;
  upstream up {{ server 127.0.0.1:{mock}; keepalive 512; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096; keepalive_requests 1000000000;
    location / {{
      proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_buffer_size 16k; proxy_busy_buffers_size 16k;
    }}
  }}
}}
"""
PATIENCE = 90.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens and which process tree its CPU time and memory are counted over."""

    name: str
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """User and system time of the whole tree."""
        return sum(_cpu(pid) for pid in tree(self.pid))

    def memory_mb(self) -> float:
        """Resident memory of the whole tree."""
        return sum(_resident(pid) for pid in tree(self.pid)) / 1e6

    def descriptors(self) -> int:
        """Open files and sockets of the whole tree."""
        return sum(_descriptors(pid) for pid in tree(self.pid))


@dataclass(frozen=True, slots=True)
class Gateway(Server):
    """OpenOpen8 itself, the tokens that may be asked with, and where its data is."""

    tokens: tuple[str, ...]
    folder: Path
    database: str

    def workers(self) -> list[int]:
        """The relay's processes: what remains is the supervisor and the dashboard."""
        return [pid for pid in tree(self.pid) if b"openopen8.server\0relay" in _words(pid)]

    def worker_seconds(self) -> float:
        """CPU time of the relay alone."""
        return sum(_cpu(pid) for pid in self.workers())

    def worker_mb(self) -> float:
        """Resident memory of the relay alone."""
        return sum(_resident(pid) for pid in self.workers()) / 1e6


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
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def mock(module: str = "tests.bench.mock", *arguments: str) -> Iterator[Server]:
    """The upstream of all that is measured."""
    port = free_port()
    with running("mock", [sys.executable, "-m", module, str(port), *arguments], port) as server:
        yield server


def nginx_program() -> str:
    """Where nginx is; ends the benchmark when there is none."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        raise SystemExit("The benchmark compares with nginx: install it (Debian: apt-get install nginx-light).")
    return program


@contextmanager
def nginx(folder: Path, mock_port: int) -> Iterator[Server]:
    """One worker, plain proxy, keep-alive on both sides, no access log."""
    program = nginx_program()
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, mock=mock_port, port=port))
    with running("nginx", [program, "-c", str(config)], port) as server:
        yield server


@contextmanager
def openopen8(
    folder: Path,
    mock_port: int,
    who: Tenants = tenants.USUAL,
    workers: int = 1,
    database: str = "",
    prepare: Callable[[], None] | None = None,
    **more: str,
) -> Iterator[Gateway]:
    """`openopen8 serve` as shipped, with default settings, on a database that ``who`` live in.

    ``prepare`` fills it before they move in.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if prepare is not None:
        prepare()
    database, tokens = tenants.move_in(folder / "data", database, f"http://127.0.0.1:{mock_port}", who)
    more = {"DATABASE_URL": database, **more}
    with processes.serving(folder, "--no-build", "--workers", str(workers), **more) as server:
        port = int(server.address.rpartition(":")[2])
        yield Gateway("openopen8", port, server.process.pid, tokens, folder, database)
        server.end(signal.SIGTERM)


def command(gateway: Gateway, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """`openopen8 …` on the gateway's database."""
    env = processes.environment(gateway.folder, DATABASE_URL=gateway.database)
    line = [sys.executable, "-m", "openopen8", *words]
    return subprocess.run(line, cwd=gateway.folder, env=env, input=given, capture_output=True, text=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def tree(pid: int) -> list[int]:
    """``pid`` and all that descend from it."""
    found, rest = [], [pid]
    while rest:
        current = rest.pop()
        found.append(current)
        with suppress(OSError):
            for task in os.listdir(f"/proc/{current}/task"):
                rest += map(int, Path(f"/proc/{current}/task/{task}/children").read_text().split())
    return found


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    latest = time.monotonic() + PATIENCE
    while time.monotonic() < latest:
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended with {process.returncode}")
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"{process.args!r} does not listen")


def _words(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _cpu(pid: int) -> float:
    """By the clock of the process, threads that have ended included: /proc/PID/stat counts in steps of 10 ms."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)
    except OSError:
        return 0.0


def _resident(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _descriptors(pid: int) -> int:
    with suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0
