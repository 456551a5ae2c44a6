"""The question whether Comet answers has an end, however it answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from comet_server.calls import KEY

from mltrain.tracking.comet.preflight import choose_mode


@contextmanager
def _dripping(seconds: float) -> Iterator[str]:
    """Serve one client an answer of which ten bytes come in a second."""

    def drip() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                for sign in b"HTTP/1.1 200 OK\r\nX: " + b"x" * int(10 * seconds):
                    connection.sendall(bytes([sign]))
                    time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    thread.join()


def test_a_server_that_answers_drop_by_drop_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_API_KEY", KEY)
    with _dripping(seconds=4.0) as root:
        monkeypatch.setenv("COMET_URL_OVERRIDE", f"{root}/clientlib/")
        began_s = time.monotonic()
        mode = choose_mode(timeout_s=0.5)
        seconds = time.monotonic() - began_s

    assert mode == "offline: server unreachable"
    assert seconds < 2.5
