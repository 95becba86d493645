"""The port that the server is to have."""

from __future__ import annotations

import socket

import pytest

from openopen8.core.errors import Problem
from openopen8.server.listener import address_of, bind


def test_a_port_in_use_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Problem) as caught:
            bind("127.0.0.1", port)
    assert f"Port {port} on 127.0.0.1 is in use" in caught.value.message
    assert f"--port {port + 1}" in caught.value.message


def test_an_address_of_another_machine_is_said_plainly() -> None:
    with pytest.raises(Problem) as caught:
        bind("192.0.2.1", 0)
    assert "is not an address of this machine" in caught.value.message


def test_the_address_to_open_is_one_that_a_browser_can_open() -> None:
    for host, shown in (("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")):
        with bind(host, 0) as listener:
            assert address_of(listener, host) == f"http://{shown}:{listener.getsockname()[1]}"
