"""The stand-in's HTTP side: it answers, plays the faults that it is told to, and keeps all that was sent."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import comet_server.reading
import comet_server.registry
import comet_server.writing  # noqa: F401 - they enter their endpoints
from comet_server.calls import Call, RefusalError
from comet_server.faults import Fault
from comet_server.registry import STATUSES
from comet_server.state import State


@dataclass(frozen=True)
class Heard:
    """A request as it came, its body unpacked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class CometServer:
    """One server for all tests: the client keeps an address for as long as the process lives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self.faults: list[Fault] = []
        self._http: ThreadingHTTPServer | None = None
        self._port = 0
        self.come_up()
        self.root = f"http://127.0.0.1:{self._port}"
        self.reset()

    def reset(self) -> None:
        """Forget everything and be well again."""
        for fault in self.faults:
            fault.end()
        self.state = State()
        self.heard: list[Heard] = []
        self.unknown: list[str] = []
        self.violations: list[str] = []
        self.faults = []
        self.version_conflicts = 0
        self.refuses_key = False
        self.statuses = STATUSES
        self.guards_status = False
        if self._http is None:
            self.come_up()

    @property
    def requests(self) -> list[str]:
        """Method and path of all requests so far."""
        return [f"{h.method} {h.path}" for h in self.heard]

    @property
    def is_down(self) -> bool:
        """Whether connections are refused."""
        return self._http is None

    def play(self, fault: Fault) -> Fault:
        """Add a fault; the first that meets a request is played."""
        self.faults.append(fault)
        return fault

    def go_down(self) -> None:
        """Refuse connections, and cut those that are open."""
        http, self._http = self._http, None
        if http is not None:
            http.shutdown()
            http.server_close()
            self._thread.join()
        for connection in list(self._connections):
            _cut(connection)

    def come_up(self) -> None:
        """Listen, on the same port as before."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def setup(self) -> None:
                super().setup()
                server._connections.add(self.connection)

            def finish(self) -> None:
                server._connections.discard(self.connection)
                super().finish()

            def do_GET(self) -> None:
                server._answer(self, b"")

            def do_POST(self) -> None:
                expected = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(expected)
                # A client killed between its headers and its body has asked for nothing.
                if len(body) < expected:
                    self.close_connection = True
                    return
                server._answer(self, body)

            do_PUT = do_POST  # noqa: N815 - the standard library's name

            def log_message(self, *args: Any) -> None:
                pass

        self._http = _Quiet(("127.0.0.1", self._port), Handler)
        self._port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End for good."""
        self.reset()
        self.go_down()

    def _answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        split = urlsplit(request.path)
        packed = request.headers.get("Content-Encoding")
        if packed:
            body = gzip.decompress(body) if packed == "gzip" else zlib.decompress(body)
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        call = Call(self, request.command, split.path, query, request.headers, body)
        with self._lock:
            self.heard.append(Heard(request.command, split.path, query, dict(request.headers), body))
            fault = next((f for f in list(self.faults) if f.meets(split.path)), None)
        if fault is not None and fault.kind == "hang":
            fault.wait()
        if self._http is None or (fault is not None and fault.kind == "drop"):
            _cut(request.connection)
            request.close_connection = True
            return
        with self._lock:
            status, headers, result = self._result(call, fault)
        content = result if isinstance(result, bytes) else json.dumps(result).encode()
        kind = "application/octet-stream" if isinstance(result, bytes) else "application/json"
        headers.setdefault("Content-Type", kind)
        headers["Content-Length"] = str(len(content))
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    def _result(self, call: Call, fault: Fault | None) -> tuple[int, dict[str, str], Any]:
        if fault is not None and fault.kind == "status":
            return fault.status, {}, {"msg": "out of order", "code": fault.status}
        if fault is not None and fault.kind == "throttle":
            return 429, {"Retry-After-Custom": f"{fault.seconds:g}"}, {"msg": "too many requests"}
        if fault is not None and fault.kind == "page":
            return 200, {"Content-Type": "text/html"}, b"<html><body>Please log in to the proxy.</body></html>"
        if fault is not None and fault.kind == "null":
            return 200, {}, None
        try:
            if fault is not None and fault.kind == "twice":
                call.result()
            return 200, {}, call.result()
        except RefusalError as refusal:
            return refusal.status, refusal.headers, refusal.body


class _Quiet(ThreadingHTTPServer):
    """A server whose clients may leave without a good-bye."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
