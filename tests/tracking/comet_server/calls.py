"""One request: what it holds, whether it is what the service would take, and who answers it."""

from __future__ import annotations

import email
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from comet_server.state import Experiment

KEY = "KeyOfTheTests0123456789ab"
Answer = Callable[["Call"], Any]
_TYPES = {"text": str, "number": (int, float), "list": list, "truth": bool, "object": dict}
_EXPERIMENT_KEY = re.compile(r"[A-Za-z0-9]{32,50}")


class RefusalError(Exception):
    """An answer that is not 200."""

    def __init__(self, status: int, code: int = 0, message: str = "refused") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"msg": message, "sdk_error_code": code, "code": status}
        self.headers: dict[str, str] = {}


@dataclass(frozen=True)
class Endpoint:
    """A method and a path, ``*`` for a part that varies; the fields that its body and its query must have."""

    method: str
    path: re.Pattern[str]
    answer: Answer
    body: dict[str, str]
    query: tuple[str, ...]


ENDPOINTS: list[Endpoint] = []


def answers(method: str, *paths: str, query: tuple[str, ...] = (), **body: str) -> Callable[[Answer], Answer]:
    """Enter a function as the answer of paths."""

    def enter(answer: Answer) -> Answer:
        for path in paths:
            pattern = re.compile(re.escape(path).replace(r"\*", "([^/]+)"))
            ENDPOINTS.append(Endpoint(method=method, path=pattern, answer=answer, body=body, query=query))
        return answer

    return enter


class Call:
    """One request and the way to its answer."""

    def __init__(self, server: Any, method: str, path: str, query: dict[str, str], headers: Any, body: bytes) -> None:
        self.server = server
        self.state = server.state
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.varying: tuple[str, ...] = ()

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body or b"{}")

    def result(self) -> Any:
        """Check the request as the service does, then answer it."""
        name = re.sub(r"^/(clientlib/rest/v2|api/rest/v2|clientlib)/+", "", self.path)
        for endpoint in ENDPOINTS:
            found = endpoint.path.fullmatch(name)
            if found and endpoint.method == self.method:
                self.varying = found.groups()
                if name != "isAlive/ver":
                    self._check_key()
                self._check(endpoint)
                return endpoint.answer(self)
        self.server.unknown.append(f"{self.method} {name}")
        raise RefusalError(404)

    def _check_key(self) -> None:
        given = self.headers.get("Authorization") or (self.json.get("apiKey") if self.body[:1] == b"{" else None)
        if given != KEY or self.server.refuses_key:
            raise RefusalError(400 if "logger" in self.path else 401, 90212, "Invalid API key")

    def _check(self, endpoint: Endpoint) -> None:
        """Note and refuse what lacks a field, has it of another kind, or speaks of no possible experiment."""
        wrong = [f"no {name} in the query" for name in endpoint.query if not self.query.get(name)]
        if endpoint.body:
            given = self.json
            for name, kind in endpoint.body.items():
                if not isinstance(given.get(name), _TYPES[kind]):
                    wrong.append(f"{name} is not a {kind}: {given.get(name)!r}")
            key = given.get("experimentKey")
            if key is not None and not _EXPERIMENT_KEY.fullmatch(str(key)):
                wrong.append(f"experimentKey {key!r}")
        if wrong:
            self.violation("; ".join(wrong))

    def violation(self, what: str) -> None:
        """Note what the service would not have taken."""
        self.server.violations.append(f"{self.method} {self.path}: {what}")
        raise RefusalError(400, message=what)

    def experiment(self, key: str | None = None) -> Experiment:
        """Return the experiment that the request is about."""
        if key is None:
            key = self.query.get("experimentKey") or self.query.get("experimentId")
        key = key or (self.json.get("experimentKey") if self.body[:1] == b"{" else None)
        if key not in self.state.experiments:
            raise RefusalError(404, 90210, "no such experiment")
        return self.state.experiments[key]

    def parts(self) -> dict[str, bytes]:
        """Return the parts of a form by name."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + self.body)
        if not message.is_multipart():
            self.violation("the body is no form")
        found = {}
        for part in message.get_payload():
            name = part.get_param("name", header="content-disposition")
            found[str(name)] = part.get_payload(decode=True)
        return found
