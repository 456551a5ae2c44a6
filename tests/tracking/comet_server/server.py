"""The stand-in's HTTP side: endpoints by path, faults on request, and a log of what was asked."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from comet_server.answers import Call, RefusalError
from comet_server.state import State


class CometServer:
    """One server for all tests: the client keeps an address for as long as the process lives."""

    def __init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:
                server._answer(self, b"")

            def do_POST(self) -> None:
                server._answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            do_PUT = do_POST  # noqa: N815 - the standard library's name

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.root = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.reset()

    def reset(self) -> None:
        self.state = State()
        self.requests: list[str] = []
        self.unknown: list[str] = []
        self.faults: dict[str, int] = {}  # end of a path -> status to answer with
        self.version_conflicts = 0

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        split = urlsplit(request.path)
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        call = Call(self, split.path, dict(parse_qsl(split.query, keep_blank_values=True)), request.headers, body)
        status, content = 200, b""
        with self._lock:
            self.requests.append(f"{request.command} {split.path}")
            try:
                result = call.result()
            except RefusalError as refusal:
                status, result = refusal.status, refusal.body
        content = result if isinstance(result, bytes) else json.dumps(result).encode()
        kind = "application/octet-stream" if isinstance(result, bytes) else "application/json"
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
