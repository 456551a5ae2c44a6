"""What the stand-in can be told to play on its clients."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["status", "throttle", "hang", "drop", "twice", "page", "null"]


@dataclass(kw_only=True)
class Fault:
    """Trouble for the requests whose path a pattern finds.

    ``status`` answers with it; ``throttle`` is a 429 that says when to come again; ``hang`` keeps the client
    waiting; ``drop`` cuts the connection before an answer; ``twice`` takes the request two times, as a proxy that
    repeats it does; ``page`` answers well with a page of a proxy, ``null`` well with nothing.
    """

    kind: Kind
    path: str = ""
    status: int = 500
    seconds: float = 60.0
    after: int = 0  # requests that still go well
    times: int | None = None  # how often; for ever, when not given
    seen: int = 0
    played: int = 0
    _is_over: threading.Event = field(default_factory=threading.Event)

    def meets(self, path: str) -> bool:
        """Count a request and say whether it gets the trouble."""
        if re.search(self.path, path) is None or self._is_over.is_set():
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.played >= self.times):
            return False
        self.played += 1
        return True

    def wait(self) -> None:
        """Keep a client waiting until the time or the fault is over."""
        self._is_over.wait(self.seconds)

    def end(self) -> None:
        """Come back to life."""
        self._is_over.set()
